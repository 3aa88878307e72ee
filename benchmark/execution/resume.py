"""Resumption of a study in its results folder: the trials still to be done, and the manifest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.evaluation.protocol_settings import METRIC_BACKBONES, PROTOCOL_SETTINGS
from benchmark.evaluation.scores import NOT_ASKED, SCORING_FAILED, WEIGHTS_UNAVAILABLE
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.manifest import Manifest
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.grid import Grid
from benchmark.studies.notes import option_of
from benchmark.studies.trials import Trial

_NEW_METRIC = "no metric of the protocol when it was scored"
_SAME_STUDY = ("seeds", "weight_set", "paired_training")
_SAME_BASIS = ("device", "training", "protocols")
_BY_DATASET = ("marks", "unavailable", "dataset_labels", "data")


@dataclass(frozen=True)
class Pending:
    """The work that a study still has to do in its results folder.

    Attributes:
        to_do: Trials without a finished record, and those of `to_complete`.
        to_complete: Trials whose record lacks metrics that can be computed from their checkpoint without training.
        without_checkpoint: Trials whose record lacks metrics and whose checkpoint is missing.
    """

    to_do: list[Trial]
    to_complete: list[Trial]
    without_checkpoint: list[Trial]


def pending(
    trials: list[Trial], store: Store, weights_at_hand: set[str], left_out: Collection[str] = frozenset()
) -> Pending:
    """Find the trials that are still to be done.

    Args:
        trials: All trials of the study.
        store: The results folder.
        weights_at_hand: Names of the available files of pretrained weights for metrics.
        left_out: Metrics that are not requested.
    """
    found = Pending([], [], [])
    for trial in trials:
        record = store.read_record(trial.key)
        if is_done(record, weights_at_hand, left_out):
            continue
        ended_well = record is not None and record.ok
        if ended_well and not store.checkpoint_path(trial.key).is_file():
            found.without_checkpoint.append(trial)
            continue
        found.to_do.append(trial)
        if ended_well:
            found.to_complete.append(trial)
    return found


def is_done(record: Record | None, weights_at_hand: set[str], left_out: Collection[str] = frozenset()) -> bool:
    """Return whether a trial's record leaves nothing to do.

    Args:
        record: The record; None if there is none.
        weights_at_hand: Names of the available files of pretrained weights for metrics.
        left_out: Metrics that are not requested.
    """
    if record is None or not record.done:
        return False
    reasons = lacking_metrics(record, left_out).values()
    again = (NOT_ASKED, SCORING_FAILED, _NEW_METRIC)
    return not any(reason.startswith(again) or any(w in reason for w in weights_at_hand) for reason in reasons)


def lacking_metrics(record: Record, left_out: Collection[str]) -> dict[tuple[str, str], str]:
    """Find the metrics that a record lacks but a later run may add.

    They were not requested, or are newer than the record, or weights or the user's own code failed.

    Args:
        record: The record.
        left_out: Metrics that are still not requested; they are not counted.

    Returns:
        (protocol, metric) -> the reason.
    """
    newer = {
        (protocol, metric): _NEW_METRIC
        for protocol, scores in record.metrics.items()
        if protocol in PROTOCOL_SETTINGS
        for metric in PROTOCOL_SETTINGS[protocol].metrics
        if metric not in scores and record.why_unavailable(protocol, metric) is None
    }
    reasons = {
        (protocol, metric): reason
        for protocol, of in record.unavailable.items()
        for metric, reason in of.items()
        if reason.startswith((NOT_ASKED, WEIGHTS_UNAVAILABLE, SCORING_FAILED))
    }
    return {place: reason for place, reason in (newer | reasons).items() if place[1] not in left_out}


def backbones_wanted(trials: list[Trial], store: Store, left_out: Collection[str]) -> list[str]:
    """Return the names of the pretrained networks that trials still need for their metrics.

    Args:
        trials: All trials of the study.
        store: The results folder.
        left_out: Metrics that are not requested.
    """
    wanted = {
        metric
        for trial in trials
        for metric in metrics_without_score(trial, store.read_record(trial.key))
        if metric in METRIC_BACKBONES and metric not in left_out
    }
    return [backbone for metric, backbone in METRIC_BACKBONES.items() if metric in wanted]


def metrics_without_score(trial: Trial, record: Record | None) -> list[str]:
    """List the metrics of a trial's protocols for which its record (None if there is none) could still get a score."""
    if record is None or not record.done:
        return [metric for name in trial.protocols for metric in PROTOCOL_SETTINGS[name].metrics]
    return [metric for _, metric in lacking_metrics(record, ())]


def earlier_manifest(store: Store, grid: Grid) -> Manifest | None:
    """Read the manifest that an earlier run of the same study left in the results folder; return None if none did.

    Args:
        store: The results folder.
        grid: The study with its trials.

    Raises:
        UserError: The folder contains another study, or the same one with other changes, or its manifest is unreadable;
            or it has no manifest, but a calibration, or records of which none is of this study's trials.
    """
    earlier = _manifest_of(store, grid)
    if earlier is None:
        if store.calibration_results():
            raise store.taken_by("a calibration")
        # Some may be of other methods or seeds of this study, whose manifest was moved away.
        if (there := store.record_keys()) and there.isdisjoint(trial.key for trial in grid.trials()):
            raise store.taken_by("a calibration, or to other trials than these, and has no manifest.json")
    return earlier


def _manifest_of(store: Store, grid: Grid) -> Manifest | None:
    """Read the study's earlier manifest; UserError if it is of another study or of other changes."""
    earlier = store.read_manifest()
    if earlier is None:
        return None
    if earlier.study != grid.study.name:
        raise store.taken_by(f"the study {earlier.study}")
    changes = [note for note in earlier.notes if option_of(note)]
    if sorted(changes) != sorted(grid.study.changes):
        held = " ".join(changes) or "no such changes"
        raise store.taken_by(f"the study {earlier.study} with {held}")
    return earlier


def write_manifest(store: Store, grid: Grid) -> int:
    """Write the study's manifest.

    Cells that `--only` excluded this time are kept if they are comparable: same seeds, weights, reductions, device,
    training and images, and unchanged methods. The others leave the tables, so that all numbers of a table belong to
    one study; their records stay, and the earlier command restores the earlier tables.

    Args:
        store: The results folder.
        grid: The study with its trials.

    Returns:
        How many cells of an earlier run were removed from the manifest.

    Raises:
        UserError: The folder has the manifest of another study, or of other changes, or an unreadable one.
    """
    manifest = grid.manifest()
    earlier = _manifest_of(store, grid)
    if earlier is None:
        store.write_manifest(manifest)
        return 0
    chosen = {cell.place for cell in manifest.cells}
    others = [cell for cell in earlier.cells if cell.place not in chosen]
    kept = [
        cell
        for cell in others
        if _same_study(earlier, manifest)
        and _same_images(cell.dataset, earlier, manifest)
        and _same_method(cell.method, earlier)
    ]
    of_kept = {cell.dataset for cell in kept} - set(grid.datasets)
    merged = {field: _with_kept(manifest.plain[field], earlier.plain.get(field, {}), of_kept) for field in _BY_DATASET}
    if kept:
        before, basis = earlier.basis or {}, manifest.basis or {}
        of_methods = {
            field: {**before.get(field, {}), **basis.get(field, {})}
            for field in ("methods", "method_sources")
            if field in before or field in basis
        }
        merged["basis"] = {**basis, **of_methods}
        merged["method_labels"] = {**earlier.method_labels, **manifest.method_labels}
        if trained := {**earlier.method_training, **manifest.method_training}:
            merged["method_training"] = trained
    merged["runs"] = earlier.plain["runs"]
    store.write_manifest(manifest.updated(**merged).with_cells([*kept, *manifest.cells]))
    return len(others) - len(kept)


def log_run(store: Store, earlier_runs: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> None:
    """Write a run, with what it has done so far, into the manifest.

    Args:
        store: The results folder.
        earlier_runs: The runs in the manifest before this one.
        run: Plain data: the command, hardware, date and duration.
    """
    store.write_manifest(store.study_manifest().updated(runs=[*earlier_runs, run]))


def _with_kept(now: Mapping[str, Any], earlier: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Combine the current entries with the earlier ones of kept names that have no current entry."""
    return {**now, **{name: earlier[name] for name in sorted(names) if name in earlier and name not in now}}


def _same_study(earlier: Manifest, now: Manifest) -> bool:
    before, basis = earlier.basis or {}, now.basis or {}
    return (
        sorted(earlier.notes) == sorted(now.notes)
        and all(getattr(earlier, field) == getattr(now, field) for field in _SAME_STUDY)
        and all(before.get(field) == basis.get(field) for field in _SAME_BASIS)
    )


def _same_method(name: str, earlier: Manifest) -> bool:
    """Return whether a method and its warm start are unchanged; also True if its method file is not given now."""
    if name not in ALL_METHODS:
        return True
    revisions, sources = ((earlier.basis or {}).get(field, {}) for field in ("methods", "method_sources"))
    own = ALL_METHODS[name].training.after
    methods = [ALL_METHODS[one] for one in (name, own) if one]
    return all(
        (method.revision, method.source) == (revisions.get(method.name), sources.get(method.name, ""))
        for method in methods
    )


def _same_images(dataset: str, earlier: Manifest, now: Manifest) -> bool:
    """Return whether a data set's images are unchanged; also True if they were not loaded now."""
    if dataset not in now.data:
        return True
    return dataset in earlier.data and earlier.data[dataset].digest == now.data[dataset].digest
