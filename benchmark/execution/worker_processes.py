"""Worker processes: some train packs, some score latents, and the parent writes every record.

On a GPU one process trains while the others, one per core, score what it has trained. On CPUs every process does both,
scoring first. A trainer waits while too many trials are unscored, so latents never pile up. If a worker dies, the
unfinished trials of its task get failed records, and a new worker replaces it.
"""

import atexit
import dataclasses
import math
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import TrialContext, empty_record, write_result
from benchmark.execution.fork_server import worker_context
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import ProcessPlan
from benchmark.execution.worker_loop import EpochDone, Ready, Scoring, Stop, Stored, Task, serve
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions
from benchmark.studies.trials import Trial

_MOST_FALSE_STARTS = 3
_SECONDS_TO_START = 300.0  # minimum: loading the libraries from a shared file system may take minutes at first
_SECONDS_BETWEEN_LOOKS = 60.0  # between checks for workers that no longer send anything


@dataclass(frozen=True)
class Event:
    """A step of progress.

    Attributes:
        kind: "started", "epoch" or "trained" for a pack's training, each once per pack except "epoch"; "finished" for a
            trial.
        what: The pack or trial.
        value: For "epoch" the number of completed epochs; for "finished" the record's status, or the outcome of adding
            scores to it.
    """

    kind: str
    what: Pack | Trial
    value: int | str = 0


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    trains: bool
    scores: bool
    device: str
    heard: float  # monotonic time of its last message
    silenced: str = ""  # why the parent has ended it; "" if it has not
    ready: bool = False
    has_been_ready: bool = False
    task: Task | None = None
    trains_task: bool = False  # whether the task is a pack whose training has not ended
    delivered: set[str] = field(default_factory=set)  # keys of the task's trials whose results have been received


@dataclass
class _Run:
    """One call of `run_packs`: what is still to be done, and the processes that do it."""

    context: TrialContext
    store: Store
    data: DataOptions
    plan: ProcessPlan
    deadline: float  # monotonic time from which no pack is started
    patience: float
    to_train: deque[Pack]
    to_score: deque[Scoring] = field(default_factory=deque)
    workers: list[_Worker] = field(default_factory=list)
    false_starts: int = 0  # consecutive processes that died before they were ready

    def start(self, trains: bool, scores: bool, device: str) -> None:
        processes = worker_context()
        ours, theirs = processes.Pipe()
        threads = self.plan.threads if trains else 1
        own = dataclasses.replace(self.context, device=device)
        process = processes.Process(target=serve, args=(theirs, own, self.data, trains, threads), daemon=True)
        process.start()
        theirs.close()
        self.workers.append(_Worker(process, ours, trains, scores, device, time.monotonic()))

    def end_all(self) -> None:
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()

    @property
    def trainable(self) -> bool:
        return bool(self.to_train) and time.monotonic() < self.deadline

    @property
    def ended(self) -> bool:
        return not (self.to_score or self.trainable or any(worker.task for worker in self.workers))

    def next_task(self, worker: _Worker) -> Task | None:
        if worker.scores and self.to_score:
            return self.to_score.popleft()
        if worker.trains and len(self.to_score) < self.plan.unscored_limit and self.trainable:
            return self.to_train.popleft()
        return None

    def hand_out(self) -> Iterator[Event]:
        """Send each idle worker a task, if there is one for it."""
        for worker in self.workers:
            if not worker.ready or not (task := self.next_task(worker)):
                continue
            worker.ready = False
            try:
                worker.connection.send(task)
            except OSError:  # it died between tasks; `take` will notice, and another worker can get this task
                if isinstance(task, Pack):
                    self.to_train.appendleft(task)
                else:
                    self.to_score.appendleft(task)
                continue
            worker.task, worker.delivered, worker.heard = task, set(), time.monotonic()
            worker.trains_task = isinstance(task, Pack)
            if isinstance(task, Pack):
                yield Event("started", task)

    def take(self, worker: _Worker) -> Iterator[Event]:
        """Receive a worker's message, or replace the worker if it has died."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):  # it died, perhaps in the middle of a message
            yield from self.replace(worker)
            return
        worker.heard = time.monotonic()
        if isinstance(message, Stop):
            raise UserError(message.message)
        if isinstance(message, EpochDone) and isinstance(worker.task, Pack):
            yield Event("epoch", worker.task, message.number)
        elif isinstance(message, Stored):
            yield from _end_training(worker)
        elif isinstance(message, Ready):
            yield from _end_training(worker)
            worker.task, worker.ready, worker.has_been_ready, self.false_starts = None, True, True, 0
        else:
            worker.delivered.add(message.trial.key)
            if message.outputs is None:
                yield self.finish(message.trial, message.record)
            else:
                self.to_score.append(Scoring(message.trial, message.record, message.outputs))

    def finish(self, trial: Trial, record: Record) -> Event:
        return Event("finished", trial, write_result(self.store, record))

    def replace(self, worker: _Worker) -> Iterator[Event]:
        """Start another worker in place of a dead one, and fail the trials of its task that it has not delivered."""
        code = _bury(worker)
        self.workers.remove(worker)
        if worker.task is None and not worker.has_been_ready:
            self.false_starts += 1
            if self.false_starts > _MOST_FALSE_STARTS:
                raise UserError(
                    f"{self.false_starts} worker processes died while starting (exit code {code}); see above"
                )
        self.start(worker.trains, worker.scores, worker.device)
        yield from _end_training(worker)
        for trial in worker.task.wanted_trials if worker.task else []:
            if trial.key not in worker.delivered:
                killed = " (out of memory?)" if code == -signal.SIGKILL else ""
                reason = worker.silenced or f"its process died with exit code {code}{killed}"
                yield self.finish(trial, empty_record(trial, self.context.device, "failed", reason))

    def end_the_silent(self) -> None:
        """Kill workers that have been silent too long; `take` then handles their tasks as those of any dead worker."""
        for worker in self.workers:
            at_work = worker.task or not worker.has_been_ready
            limit = self.patience if worker.has_been_ready else max(self.patience, _SECONDS_TO_START)
            if at_work and not worker.silenced and time.monotonic() - worker.heard > limit:
                worker.silenced = f"its process made no progress for {limit:.0f} s and was killed"
                worker.process.kill()


def _bury(worker: _Worker) -> int | None:
    """Wait for a dead worker's process, and return its exit code."""
    worker.process.join(timeout=1)
    worker.process.kill()  # it may have only closed its pipe
    worker.process.join()
    return worker.process.exitcode


def _end_training(worker: _Worker) -> Iterator[Event]:
    if isinstance(worker.task, Pack) and worker.trains_task:
        worker.trains_task = False
        yield Event("trained", worker.task)


def run_packs(
    packs: list[Pack],
    context: TrialContext,
    data: DataOptions,
    plan: ProcessPlan,
    seconds: float = math.inf,
    patience: float = math.inf,
) -> Iterator[Event]:
    """Train and score every wanted trial of the packs and write its record.

    Ending the iteration early ends the processes.

    Args:
        packs: The packs with wanted trials.
        context: Where and how trials run.
        data: How their images are found.
        plan: Number of processes, and their devices.
        seconds: Time after which no further pack is started; packs trained by then are scored.
        patience: A worker with a task that sends nothing for this many seconds (it reports every epoch and every trial)
            is ended, and its unfinished trials fail.

    Yields:
        Events as they occur.

    Raises:
        UserError: An error occurred that every further trial would also meet, or workers die as they start.
    """
    run = _Run(context, Store(context.out), data, plan, time.monotonic() + seconds, patience, deque(packs))
    # multiprocessing's own exit handler would send a signal that workers ignore, and wait forever.
    atexit.register(run.end_all)
    wanted = sum(len(pack.wanted) for pack in packs)
    try:
        for number in range(min(plan.trainers, len(packs))):
            device = plan.devices[number] if plan.devices else context.device
            run.start(trains=True, scores=not plan.scorers, device=device)
        for _ in range(min(plan.scorers, wanted)):
            run.start(trains=False, scores=True, device=context.device)
        while True:
            yield from run.hand_out()
            if run.ended:
                break
            for connection in wait(
                [worker.connection for worker in run.workers], min(patience, _SECONDS_BETWEEN_LOOKS)
            ):
                yield from run.take(next(worker for worker in run.workers if worker.connection is connection))
            run.end_the_silent()
    finally:
        run.end_all()
        atexit.unregister(run.end_all)
        run.store.remove_parts()
