"""The Slurm jobs noted in a results folder: their packs, their progress and their logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.execution.job_logs import cause, log_lines
from benchmark.fields import Check, fields, is_file_name, object_of, parse_json, whole
from benchmark.results.store import Store

_LOG_LINES = 20


@dataclass(frozen=True)
class Job:
    """A Slurm job that has a pack.

    Attributes:
        pack: Name of the pack.
        id: Slurm's job id, such as "12_0".
        attempt: Number of the attempt, from 1.
        before: Key of each wanted trial -> time [ns] at which its record was last written before the job was submitted,
            0 if there was none. A trial whose record has been written since is done.
        log: Path of the log, relative to the results folder.
    """

    pack: str
    id: str
    attempt: int
    before: Mapping[str, int]
    log: str


_JOB_FIELDS: Mapping[str, Check] = {
    "pack": is_file_name,
    "id": is_file_name,
    "attempt": whole(1),
    "before": object_of(whole(most=2**63), is_file_name),
    "log": lambda value: isinstance(value, str) and value.isprintable() and ".." not in value and value[:1] != "/",
}
_IS_JOB = fields(_JOB_FIELDS)


def stored_jobs(store: Store) -> list[Job]:
    """Return the jobs that have packs of a results folder, whether ended or not.

    A job whose records have all been written is omitted, because it has nothing left to write.
    """
    return [job for job in noted_jobs(store) if not all(has_new_record(store, key, job.before) for key in job.before)]


def noted_jobs(store: Store) -> Iterator[Job]:
    """Yield the jobs noted in files, omitting files that cannot be read or were not written by a run."""
    for path in sorted((store.folder / "jobs").glob("*.json")):
        try:
            content = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if _IS_JOB(content) and content["pack"] == path.stem:
            yield Job(**{name: content[name] for name in _JOB_FIELDS})


def log_end(store: Store, job: Job) -> list[str]:
    """Return the last lines of a job's log; empty if it has none."""
    return log_lines(store.folder / job.log)[-_LOG_LINES:]


def log_cause(store: Store, job: Job) -> str:
    """Return the line of a job's log that names why it ended; empty if it has none."""
    return cause(log_lines(store.folder / job.log))


def written_at(store: Store, key: str) -> int:
    """Return the time [ns] at which a record was last written; 0 if there is no record."""
    try:
        return store.record_path(key).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def has_new_record(store: Store, key: str, before: Mapping[str, int]) -> bool:
    """Return whether a trial's record has been written since its job was submitted.

    Args:
        store: The results folder.
        key: The trial's key.
        before: `Job.before`.
    """
    return written_at(store, key) not in (0, before.get(key, 0))


def job_path(store: Store, name: str) -> Path:
    """Return the path of the file that notes the job of a pack."""
    return store.folder / "jobs" / f"{name}.json"
