"""`status`: show the progress of a study, and the Slurm jobs that run its remaining trials."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.declared_options import argument
from benchmark.commands.option_types import path
from benchmark.commands.wording import shown
from benchmark.execution.slurm_jobs import log_cause, stored_jobs
from benchmark.execution.slurm_queue import QueueUnknown, is_running, queue
from benchmark.metrics import METRICS
from benchmark.results.frame import NO_DATA, NOT_RUN
from benchmark.results.records import RECORD_STATUSES
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.tables.pipe_table import wide_table
from benchmark.tables.terminal import print_markdown
from benchmark.text import one_line

QUEUED, RUNNING = "queued", "running"
STATES = (*RECORD_STATUSES, RUNNING, QUEUED, NOT_RUN, NO_DATA)


@dataclass(frozen=True, kw_only=True)
class StatusOptions:
    """The options of `status`."""

    out: Path = argument(type=path, help="results folder")


def status(options: StatusOptions, console: Console) -> int:
    """Show trials by table and state, failures with their reasons, and Slurm jobs with their logs.

    Returns:
        The exit status, 0.

    Raises:
        UserError: The folder has no study, or is not readable.
    """
    store = Store(options.out, console.print, look_only=True)
    study = store.read_study()
    jobs = stored_jobs(store)
    live: dict[str, str] = {}
    asked = True
    try:
        live = queue() if jobs else {}
    except QueueUnknown as unknown:
        asked = False
        console.print(f"{len(jobs)} Slurm jobs are listed here; Slurm cannot report their state ({unknown})")
    at_work = {
        key: RUNNING if is_running(live[job.id]) else QUEUED for job in jobs if job.id in live for key in job.before
    }
    sides = [study, *([study.paired] if study.paired else [])]
    rows = [
        [
            f"Table {table}" if one is study else f"Table {table}, {one.manifest.precision}",
            sum(count.values()),
            *(count[state] for state in STATES),
        ]
        for one in sides
        for table, count in _counts(one, at_work).items()
    ]
    print_markdown(console, wide_table(["", "trials", *STATES], rows))
    if left_out := study.metrics_left_out():
        labels = ", ".join(METRICS[name].label for name in left_out)
        console.print(f"not computed: {labels}; `run --metrics {','.join(left_out)}` adds what its checkpoints allow")
    for key, record in (item for one in sides for item in one.records.items()):
        if not record.ok and key not in at_work:
            console.print(f"{record.identity}: {record.status}: {record.failure}")
    for name, reason in study.manifest.unavailable.items():
        console.print(f"{name}: {NO_DATA}: {one_line(reason)}")
    for job in jobs:
        state = live.get(job.id, "not in the queue" if asked else "unknown").lower()
        log = shown(store.folder / job.log)
        console.print(f"Slurm job {job.id}: {state}, attempt {job.attempt}, {len(job.before)} trials, log {log}")
        if asked and job.id not in live and (why := log_cause(store, job)):
            console.print(f"  says: {why}")
    return 0


def _counts(study: StudyResults, at_work: Mapping[str, str]) -> dict[int, Counter[str]]:
    """Count each table's trials by their state (STATES); a trial in several tables counts in each."""
    found: dict[int, Counter[str]] = {}
    for cell in study.manifest.cells:
        count = found.setdefault(cell.table, Counter())
        without = NO_DATA if cell.dataset in study.manifest.unavailable else NOT_RUN
        for seed in study.manifest.seeds_asked(cell):
            key = cell.keys.get(seed, "")
            record = study.records.get(key)
            if key in at_work and (record is None or not record.done):
                count[at_work[key]] += 1
            else:
                count[without if record is None else record.status] += 1
    return dict(sorted(found.items()))
