"""Packs as Slurm jobs: submitted as arrays, watched through the queue and the results folder, rejoined and retried.

The results folder, which all nodes see, holds all state, so the watching process may end at any time:

    <out>/jobs/<pack>.json    the job that has a pack: its id, attempt and log
    <out>/jobs/<pack>.lock    held by the job that runs a pack, so that a pack never has two
    <out>/jobs/logs/          submitit's files: the pickled tasks and every job's log
"""

import dataclasses
import fcntl
import hashlib
import math
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from benchmark.errors import UserError
from benchmark.execution import slurm_queue
from benchmark.execution.evaluate_trial import TrialContext, empty_record, write_result
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import process_plan
from benchmark.execution.resume import is_done
from benchmark.execution.slurm_environment import lines_before_jobs, python_of_jobs, submission_environment
from benchmark.execution.slurm_jobs import (
    Job,
    has_new_record,
    job_path,
    log_cause,
    log_end,
    noted_jobs,
    stored_jobs,
    written_at,
)
from benchmark.execution.slurm_queue import QueueUnknown, is_running
from benchmark.execution.worker_processes import Event, run_packs
from benchmark.installation import PIP
from benchmark.results.records import OK
from benchmark.results.store import Store, write_json
from benchmark.studies.grid import DataOptions
from benchmark.text import short_message

ATTEMPTS = 3
SECONDS_BETWEEN_LOOKS = 5.0
# A job counts as ended after this time outside the queue, because file systems of clusters may show records this late.
SECONDS_ABSENT = 90.0
MOST_IN_AN_ARRAY = 1000  # Slurm's default limit is 1,001
# From min(0.8 T, T - 10) minutes of a limit T on, submitit takes a signal for a timeout, before that for a preemption,
# and the fourth timeout ends a job. With a limit of up to 10 minutes, every preemption would count as a timeout.
LEAST_MINUTES = 11
OLDEST_SUBMITIT = Version("1.5.4")  # earlier ones import pkg_resources, which setuptools 82 no longer has


@dataclass(frozen=True)
class SlurmOptions:
    """The resources requested from Slurm for each pack.

    Attributes:
        partition: Partition of the cluster; this and the next three are options of sbatch.
        account: Account to charge.
        qos: Quality of service.
        constraint: Required features of the nodes.
        mem: Memory per node with Slurm's unit, such as "16G".
        gpus_per_node: Number of GPUs; 0 trains on the CPU.
        cpus_per_task: Number of CPUs. One trains, and with a GPU the others score (None: 8 with a GPU, else 1).
        max_jobs: Largest number of jobs of an array that run at once.
        minutes: Time limit of a job. submitit requeues a job that reaches it; stored checkpoints are kept, but an
            interrupted training starts again.

    Raises:
        UserError: `minutes` is less than LEAST_MINUTES.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    mem: str | None = None
    gpus_per_node: int = 0
    cpus_per_task: int | None = None
    max_jobs: int = 64
    minutes: int = 60

    def __post_init__(self) -> None:
        if self.minutes < LEAST_MINUTES:
            raise UserError(
                f"--time {self.minutes}: give at least {LEAST_MINUTES}; submitit treats a preemption in the last "
                f"{LEAST_MINUTES - 1} minutes before a job's time limit as a time-out, and the fourth time-out ends "
                "the job"
            )

    @property
    def device(self) -> str:
        """The kind of device that the nodes compute on, "cuda" or "cpu", which may differ from this machine's."""
        return "cuda" if self.gpus_per_node else "cpu"

    def parameters(self, store: Store) -> dict[str, Any]:
        """Return the options in the form that submitit's Slurm executor takes, for the jobs of a results folder."""
        cpus = self.cpus_per_task or (8 if self.gpus_per_node else 1)
        asked = {
            "job_name": job_name(store),
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "mem": self.mem,
            "gpus_per_node": self.gpus_per_node or None,
            "cpus_per_task": cpus,
            "array_parallelism": self.max_jobs,
            "time": self.minutes,
            "stderr_to_stdout": True,
            "setup": lines_before_jobs(),
            # Without these options srun does not get the job's CPUs (since Slurm 22.05) or, if SBATCH_EXPORT is set,
            # the variables of the lines above.
            "srun_args": ["--export=ALL", f"--cpus-per-task={cpus}"],
        }
        return {name: value for name, value in asked.items() if value is not None}


class PackTask:
    """The work of a job: train and score the pack's unfinished trials with the worker processes of a local run.

    Args:
        context: Where and how trials run.
        data: How their images are found.
        patience: As for `run_packs`.
    """

    def __init__(self, context: TrialContext, data: DataOptions, patience: float):
        self.context, self.data, self.patience = context, data, patience

    def __call__(self, pack: Pack, before: Mapping[str, int]) -> None:
        """Train and score the pack within the job.

        Args:
            pack: The pack, with the trials wanted at submission.
            before: `Job.before`.
        """
        store = Store(self.context.out)
        with _alone_with(store, pack_name(pack)):
            missing = frozenset(key for key in pack.wanted if not has_new_record(store, key, before))
            if not missing:
                return
            pack = dataclasses.replace(pack, wanted=missing)
            plan = process_plan(self.context.device)
            for event in run_packs([pack], self.context, self.data, plan, patience=self.patience):
                if event.kind == "finished" and event.value != OK:
                    print(f"{event.what}: {event.value}", flush=True)

    def checkpoint(self, pack: Pack, before: Mapping[str, int]) -> Any:
        """Return the task to be requeued unchanged.

        submitit calls this method when the job is preempted or reaches its time limit.
        """
        from submitit.helpers import DelayedSubmission  # optional dependency

        return DelayedSubmission(self, pack, before)


def run_on_slurm(
    packs: list[Pack],
    context: TrialContext,
    data: DataOptions,
    options: SlurmOptions,
    patience: float = math.inf,
) -> Iterator[Event]:
    """Train, score and record every wanted trial of the packs by Slurm jobs.

    A pack whose job is already in the queue is not submitted again. A pack whose job ended without all records is
    submitted again, up to ATTEMPTS times in total; then its trials are recorded as failed, with the end of the job's
    log. Ending the iteration leaves the jobs in the queue.

    Args:
        packs: The packs with wanted trials.
        context: Where and how trials run.
        data: How their images are found.
        options: The resources of each job.
        patience: As for `run_packs`.

    Yields:
        Events, as `run_packs` does.

    Raises:
        UserError: Slurm is not available or rejects the jobs, `refuse_unsubmittable` raises it, or the queue has jobs
            of another division into packs or unknown jobs of this folder.
    """
    store = Store(context.out)
    refuse_unsubmittable(store)
    jobs = {job.pack: job for job in stored_jobs(store)}
    queued = _queue_or_raise()
    waiting = {pack_name(pack): pack for pack in packs}
    _refuse_other_packs(waiting, jobs, queued)
    _refuse_unknown_jobs(store)
    task = PackTask(context, data, patience)
    fresh = [name for name in waiting if name not in jobs or jobs[name].id not in queued]
    befores: dict[str, Mapping[str, int]] = {
        name: {key: written_at(store, key) for key in sorted(pack.wanted)} for name, pack in waiting.items()
    }
    befores |= {name: jobs[name].before for name in waiting if name not in fresh}
    jobs |= _submit(store, task, {name: waiting[name] for name in fresh}, befores, dict.fromkeys(fresh, 1), options)
    seen: set[str] = set()  # keys of trials whose record has been written
    running: set[str] = set()
    absent: dict[str, float] = {}  # monotonic time since which the pack's job has not been in the queue
    while waiting:
        live = _queue_if_known()
        _look_anew(store)
        again: dict[str, int] = {}
        for name, pack in list(waiting.items()):
            job = jobs[name]
            if live is not None and is_running(live.get(job.id, "")) and name not in running:
                running.add(name)
                yield Event("started", pack)
            yield from _new_records(store, pack, job, seen, context.left_out)
            if pack.wanted <= seen:
                yield from _end(store, name, pack, running)
                del waiting[name]
                continue
            if live is None or job.id in live:
                absent.pop(name, None)
                continue
            if time.monotonic() - absent.setdefault(name, time.monotonic()) < SECONDS_ABSENT:
                continue
            del absent[name]
            if job.attempt < ATTEMPTS:
                again[name] = job.attempt + 1
            else:
                yield from _give_up(store, pack, job, context.device, seen)
                yield from _end(store, name, pack, running)
                del waiting[name]
        jobs |= _submit(store, task, {name: waiting[name] for name in again}, befores, again, options)
        if waiting:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def refuse_live_jobs(store: Store) -> None:
    """Refuse a results folder into which Slurm jobs may be writing, so that no record has two writers.

    Raises:
        UserError: There are such jobs, or Slurm cannot be queried.
    """
    jobs = stored_jobs(store)
    if not jobs:
        return
    try:
        live = slurm_queue.queue()
    except QueueUnknown as reason:
        raise UserError(
            f"{store.folder}: has Slurm jobs, and Slurm cannot be asked here whether they still run ({reason}); "
            "continue with --executor slurm on a machine where it can, or move the folder's jobs/ away if none still "
            "runs"
        ) from None
    if at_work := [job.id for job in jobs if job.id in live]:
        raise UserError(
            f"{store.folder}: {len(at_work)} Slurm jobs are running its trials ({', '.join(at_work[:3])} ...); "
            "continue with --executor slurm, or cancel them with scancel"
        )


def refuse_unsubmittable(store: Store) -> None:
    """Refuse a results folder from which jobs cannot be submitted.

    Raises:
        UserError: Slurm cannot handle the folder's path, or submitit is missing or too old.
    """
    path = str(store.folder.resolve())
    # Slurm expands % in a log's path and disables expansion at a backslash; a line break would end an option.
    if unfit := [character for character in path if character in "%\\" or not character.isprintable()]:
        raise UserError(f"--out {path}: Slurm cannot write logs to a path with {unfit[0]!r}; give another folder")
    try:
        import submitit  # optional dependency
    except ImportError:
        raise UserError(f"--executor slurm: submitit is not installed; {PIP} install submitit") from None
    if Version(submitit.__version__) < OLDEST_SUBMITIT:
        raise UserError(
            f"--executor slurm: submitit {submitit.__version__} is too old; {PIP} install 'submitit>={OLDEST_SUBMITIT}'"
        )


def job_name(store: Store) -> str:
    """Return the name of the jobs of a results folder, unique to it."""
    return f"hgmvae-{hashlib.sha256(str(store.folder.resolve()).encode()).hexdigest()[:8]}"


def pack_name(pack: Pack) -> str:
    """Return a name that depends only on the pack's trials, whether wanted or not."""
    return hashlib.sha256("".join(trial.key for trial in pack.trials).encode()).hexdigest()[:16]


def _queue_or_raise(name: str | None = None) -> dict[str, str]:
    try:
        return slurm_queue.queue(name)
    except QueueUnknown as reason:
        raise UserError(f"--executor slurm: {reason}") from None


def _queue_if_known() -> dict[str, str] | None:
    with suppress(QueueUnknown):
        return slurm_queue.queue()
    return None


def _refuse_other_packs(waiting: Mapping[str, Pack], jobs: Mapping[str, Job], live: Mapping[str, str]) -> None:
    wanted = {key for pack in waiting.values() for key in pack.wanted}
    others = [job.id for name, job in jobs.items() if name not in waiting and job.id in live and wanted & {*job.before}]
    if others:
        raise UserError(
            f"--pack: {len(others)} Slurm jobs have the same trials in other packs ({', '.join(others[:3])} ...); "
            "give the same --pack and --seeds as before, or cancel them with scancel"
        )


def _refuse_unknown_jobs(store: Store) -> None:
    """Raise UserError for queued jobs that no file notes, as left by a run that was killed while it submitted."""
    known = {job.id for job in noted_jobs(store)}
    if unknown := sorted(set(_queue_or_raise(job_name(store))) - known):
        raise UserError(
            f"{store.folder}: {len(unknown)} Slurm jobs of this folder are in the queue but not in jobs/ "
            f"({unknown[0]} ...); cancel them with scancel --name={job_name(store)}, then run again"
        )


def _submit(
    store: Store,
    task: PackTask,
    packs: Mapping[str, Pack],
    befores: Mapping[str, Mapping[str, int]],
    attempts: Mapping[str, int],
    options: SlurmOptions,
) -> dict[str, Job]:
    """Submit the packs as arrays, store their jobs and return these; without packs, return none."""
    if not packs:
        return {}
    import submitit  # optional dependency

    folder = store.folder.resolve() / "jobs" / "logs"
    parameters = options.parameters(store)
    jobs: dict[str, Job] = {}
    names = list(packs)
    for start in range(0, len(names), MOST_IN_AN_ARRAY):
        array = names[start : start + MOST_IN_AN_ARRAY]
        try:
            with submission_environment(parameters):
                executor = submitit.SlurmExecutor(folder, python=python_of_jobs())
                executor.update_parameters(**parameters)
                submitted = executor.map_array(task, [packs[name] for name in array], [befores[name] for name in array])
        except RuntimeError as error:  # includes submitit's own errors
            errors = [line for line in str(error).splitlines() if "error" in line.lower()]  # a site may print more
            reason = short_message(" ".join(errors) or error)
            raise UserError(f"--executor slurm: Slurm refused the jobs ({reason})") from None
        except (OSError, UnicodeEncodeError) as error:
            raise UserError(
                f"--executor slurm: no jobs can be submitted from {folder} ({short_message(error)})"
            ) from None
        for name, handle in zip(array, submitted, strict=True):
            log = handle.paths.stdout.resolve().relative_to(store.folder.resolve())
            jobs[name] = Job(name, handle.job_id, attempts[name], befores[name], str(log))
            write_json(job_path(store, name), dataclasses.asdict(jobs[name]))
    return jobs


def _new_records(store: Store, pack: Pack, job: Job, seen: set[str], left_out: Collection[str]) -> Iterator[Event]:
    for trial in pack.wanted_trials:
        if (
            trial.key not in seen
            and has_new_record(store, trial.key, job.before)
            and (record := store.read_record(trial.key))
        ):
            seen.add(trial.key)
            lacks = record.ok and not is_done(record, set(), left_out)
            result = f"requested metrics are missing; see {job.log}" if lacks else record.status
            yield Event("finished", trial, result)


def _give_up(store: Store, pack: Pack, job: Job, device: str, seen: set[str]) -> Iterator[Event]:
    end, why = log_end(store, job), log_cause(store, job)
    said = f"the log of {job.id} says: {why}" if why else f"{job.id} has left no log"
    reason = f"its Slurm job ended without a result, {ATTEMPTS} times; {said}"
    for trial in pack.wanted_trials:
        if trial.key not in seen:
            record = empty_record(trial, device, "failed", reason[:500])
            yield Event("finished", trial, write_result(store, record.updated(details={"log": end})))


def _end(store: Store, name: str, pack: Pack, running: set[str]) -> Iterator[Event]:
    for path in (job_path(store, name), _lock_path(store, name)):
        path.unlink(missing_ok=True)
    if name in running:
        yield Event("trained", pack)


def _look_anew(store: Store) -> None:
    """List the folder of records, because network file systems otherwise cache that a file did not exist."""
    with suppress(FileNotFoundError):
        os.listdir(store.folder / "records")


def _lock_path(store: Store, name: str) -> Path:
    return store.folder / "jobs" / f"{name}.lock"


@contextmanager
def _alone_with(store: Store, name: str) -> Iterator[None]:
    """Hold the pack's lock within the block, after waiting until no other process holds it.

    The lock of a dead node may persist for a minute or more. On a file system without locks there is no wait.
    """
    path = _lock_path(store, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another job that has {path}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            pass
        yield
