"""The Slurm jobs that a results folder knows: which packs they have, what they have done, what their logs say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.execution.job_logs import cause, log_lines
from benchmark.fields import Check, fields, is_file_name, object_of, parse_json, whole
from benchmark.results.store import Store

_LOG_LINES = 20


@dataclass(frozen=True)
class Job:
    """A pack in Slurm's hands. `before`: of each wanted trial when its record was last written, in ns, before the job
    was submitted (0: there was none); one that has been written since is done."""

    pack: str
    id: str  # such as 12_0
    attempt: int
    before: Mapping[str, int]
    log: str  # relative to the results folder


_JOB_FIELDS: Mapping[str, Check] = {
    "pack": is_file_name,
    "id": is_file_name,
    "attempt": whole(1),
    "before": object_of(whole(most=2**63), is_file_name),
    "log": lambda value: isinstance(value, str) and value.isprintable() and ".." not in value and value[:1] != "/",
}
_IS_JOB = fields(_JOB_FIELDS)


def stored_jobs(store: Store) -> list[Job]:
    """The jobs that have packs of a results folder, ended or not.

    One whose records have all come, watched or not, has nothing left to write and is none.
    """
    return [job for job in noted_jobs(store) if not all(has_new_record(store, key, job.before) for key in job.before)]


def noted_jobs(store: Store) -> Iterator[Job]:
    """Those that a file knows; one that cannot be read, or that no run has written, knows none."""
    for path in sorted((store.folder / "jobs").glob("*.json")):
        try:
            content = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if _IS_JOB(content) and content["pack"] == path.stem:
            yield Job(**{name: content[name] for name in _JOB_FIELDS})


def log_end(store: Store, job: Job) -> list[str]:
    """The last lines of a job's log; empty where it has none."""
    return log_lines(store.folder / job.log)[-_LOG_LINES:]


def log_cause(store: Store, job: Job) -> str:
    """The line of a job's log that names why it ended; empty where it has none."""
    return cause(log_lines(store.folder / job.log))


def written_at(store: Store, key: str) -> int:
    """When a record was last written, in ns; 0 where there is none."""
    try:
        return store.record_path(key).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def has_new_record(store: Store, key: str, before: Mapping[str, int]) -> bool:
    return written_at(store, key) not in (0, before.get(key, 0))


def job_path(store: Store, name: str) -> Path:
    return store.folder / "jobs" / f"{name}.json"
