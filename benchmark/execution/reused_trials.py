"""Reuse of trials from another results folder that were trained identically and scored by at least these protocols.

A study of all protocols, such as `admission`, includes the results that `paper` needs from the same trainings. Its
records have other names, because a trial's key includes its protocols. No score depends on a trial's other protocols.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.results.identity import identity_key
from benchmark.results.records import Json, Record
from benchmark.results.store import Store
from benchmark.studies.trials import Trial
from benchmark.training.checkpoints import UnreadableCheckpoint, copy_checkpoint

_BY_PROTOCOL = ("metrics", "unavailable", "details")


def narrowed(record: Record, trial: Trial) -> Record | None:
    """Return the record that a trial would have, derived from that of a trial with at least its protocols.

    Args:
        record: The record of this trial or another.
        trial: The trial that is wanted.

    Returns:
        The record, with the source's key as `reused_from`; None if the two trials differ in more than their protocols,
        or the source lacks a protocol or has other settings for it.
    """
    wanted, there = trial.identity["protocols"], record.identity.protocols
    alike = _training_key(record.identity.plain) == _training_key(trial.identity)
    if not alike or any(there.get(name) != settings for name, settings in wanted.items()):
        return None
    seconds = {f"{name}_seconds" for name in there.keys() - wanted.keys()}
    plain = {**record.plain, "key": trial.key, "identity": trial.identity}
    for part in _BY_PROTOCOL:
        plain[part] = {name: value for name, value in record.plain.get(part, {}).items() if name in wanted}
    there_now = {metric for scores in plain["metrics"].values() for metric in scores}
    notes = [
        {**note, "metrics": [metric for metric in note["metrics"] if metric in there_now]}
        for note in plain.pop("added", ())
    ]
    if kept := [note for note in notes if note["metrics"]]:
        plain["added"] = kept
    plain["timings"] = {name: value for name, value in record.timings.items() if name not in seconds}
    return Record.parse(plain | {"reused_from": record.key})


def finished_records(folder: Path, report: Callable[[str], None]) -> list[Record]:
    """Read the finished records of another results folder's study, including those of pairs; the folder is not changed.

    Args:
        folder: The results folder.
        report: Called with a line about records that cannot be used.

    Raises:
        UserError: The folder contains no study, or a file cannot be read.
    """
    study = Store(folder, report, look_only=True).read_study()
    records = [*study.records.values(), *(study.paired.records.values() if study.paired else ())]
    return [record for record in records if record.done]


def reuse_trials(
    trials: Iterable[Trial], store: Store, records: Iterable[Record], folder: Path, report: Callable[[str], None]
) -> int:
    """Copy records and checkpoints of unfinished trials from another results folder.

    A trial whose checkpoint cannot be read, or is another trial's, is reported and not copied.

    Args:
        trials: The wanted trials.
        store: The results folder to copy into.
        records: The records returned by `finished_records`.
        folder: The other results folder.
        report: Called with each line for the user.

    Returns:
        How many trials were copied.

    Raises:
        UserError: A file cannot be written.
    """
    by_training = {_training_key(record.identity.plain): record for record in records}
    other, count = Store(folder), 0
    for trial in trials:
        source, own = by_training.get(_training_key(trial.identity)), store.read_record(trial.key)
        if source is None or (own is not None and own.done) or (record := narrowed(source, trial)) is None:
            continue
        checkpoint = other.checkpoint_path(source.key)
        try:
            if checkpoint.is_file():
                copy_checkpoint(checkpoint, store.checkpoint_path(trial.key), source.identity.plain, trial.identity)
        except UnreadableCheckpoint as error:
            report(f"{error}; {trial} is not copied")
            continue
        store.write_record(record)
        count += 1
    return count


def _training_key(identity: Json) -> str:
    return identity_key({**identity, "protocols": {}})
