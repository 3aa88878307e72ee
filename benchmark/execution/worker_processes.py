"""Worker processes: some train packs, some score latents, and the parent writes every record.

On a GPU one process trains while the others, one per core, score what it has trained. On CPUs every process does both,
scoring first. A trainer waits while too many trials are unscored, so latents never pile up. If a worker dies, the
unfinished trials of its task get failed records, and a new worker replaces it.
"""

import atexit
import dataclasses
import math
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import UserError
from benchmark.evaluation.protocols import TrialOutputs
from benchmark.execution.evaluate_trial import TrialContext, empty_record, failed_record, scored, write_result
from benchmark.execution.fork_server import PARENTS_SIGNALS, ignore_signals, worker_context
from benchmark.execution.numerics import begin_afresh
from benchmark.execution.pack_run import run_pack
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import ProcessPlan
from benchmark.methods.method_file import add_methods
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


# Messages between the parent and a worker --------------------------------------------------------------------


@dataclass(frozen=True)
class _Scoring:
    """A trained trial whose latents are still to be scored."""

    trial: Trial
    record: Record
    outputs: TrialOutputs

    @property
    def wanted_trials(self) -> list[Trial]:
        return [self.trial]

    def __str__(self) -> str:
        return str(self.trial)


_Task = Pack | _Scoring
_Result = tuple[Trial, Record, TrialOutputs | None]


@dataclass(frozen=True)
class _Measured:
    """A result of a task: a trial's record, with `outputs` if latents are still to be scored."""

    trial: Trial
    record: Record
    outputs: TrialOutputs | None = None


@dataclass(frozen=True)
class _EpochDone:
    number: int


@dataclass(frozen=True)
class _Stored:
    """Checkpoints replace the pack's training."""


@dataclass(frozen=True)
class _Ready:
    """The worker has started or finished its task, and can take another."""


@dataclass(frozen=True)
class _Stop:
    """The worker met an error that every further trial would also meet, such as a full disk."""

    message: str


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
    task: _Task | None = None
    trains_task: bool = False  # whether the task is a pack whose training has not ended
    delivered: set[str] = field(default_factory=set)  # keys of the task's trials whose results have been received


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
            trial) is ended, and the trials that it had fail.

    Yields:
        Events as they occur.

    Raises:
        UserError: An error occurred that every further trial would also meet, or workers die as they start.
    """
    processes = worker_context()
    store = Store(context.out)
    to_train, to_score = deque(packs), deque[_Scoring]()
    deadline = time.monotonic() + seconds
    workers: list[_Worker] = []
    false_starts = 0  # consecutive processes that died before they were ready

    def start(trains: bool, scores: bool, device: str) -> None:
        ours, theirs = processes.Pipe()
        threads = plan.threads if trains else 1
        own = dataclasses.replace(context, device=device)
        process = processes.Process(target=_serve, args=(theirs, own, data, trains, threads), daemon=True)
        process.start()
        theirs.close()
        workers.append(_Worker(process, ours, trains, scores, device, time.monotonic()))

    def end_all() -> None:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()

    # multiprocessing's own exit handler would send a signal that workers ignore, and wait forever.
    atexit.register(end_all)

    def bury(worker: _Worker) -> int | None:
        worker.process.join(timeout=1)
        worker.process.kill()  # it may have only closed its pipe
        worker.process.join()
        workers.remove(worker)
        return worker.process.exitcode

    def trainable() -> bool:
        return bool(to_train) and time.monotonic() < deadline

    def next_task(worker: _Worker) -> _Task | None:
        if worker.scores and to_score:
            return to_score.popleft()
        if worker.trains and len(to_score) < plan.unscored_limit and trainable():
            return to_train.popleft()
        return None

    def hand_out() -> Iterator[Event]:
        for worker in workers:
            if not worker.ready or not (task := next_task(worker)):
                continue
            worker.ready = False
            try:
                worker.connection.send(task)
            except OSError:  # it died between tasks; `take` will notice, and another worker can get this task
                if isinstance(task, Pack):
                    to_train.appendleft(task)
                else:
                    to_score.appendleft(task)
                continue
            worker.task, worker.delivered, worker.heard = task, set(), time.monotonic()
            worker.trains_task = isinstance(task, Pack)
            if isinstance(task, Pack):
                yield Event("started", task)

    def end_training(worker: _Worker) -> Iterator[Event]:
        if isinstance(worker.task, Pack) and worker.trains_task:
            worker.trains_task = False
            yield Event("trained", worker.task)

    def finish(trial: Trial, record: Record) -> Event:
        return Event("finished", trial, write_result(store, record))

    def replace(worker: _Worker) -> Iterator[Event]:
        nonlocal false_starts
        code = bury(worker)
        if worker.task is None and not worker.has_been_ready:
            false_starts += 1
            if false_starts > _MOST_FALSE_STARTS:
                raise UserError(f"{false_starts} worker processes died while starting (exit code {code}); see above")
        start(worker.trains, worker.scores, worker.device)
        yield from end_training(worker)
        for trial in worker.task.wanted_trials if worker.task else []:
            if trial.key not in worker.delivered:
                killed = " (out of memory?)" if code == -signal.SIGKILL else ""
                reason = worker.silenced or f"its process died with exit code {code}{killed}"
                yield finish(trial, empty_record(trial, context.device, "failed", reason))

    def end_the_silent() -> None:
        """Kill workers that have been silent too long; `take` then handles their tasks as those of any dead worker."""
        for worker in workers:
            at_work = worker.task or not worker.has_been_ready
            limit = patience if worker.has_been_ready else max(patience, _SECONDS_TO_START)
            if at_work and not worker.silenced and time.monotonic() - worker.heard > limit:
                worker.silenced = f"its process made no progress for {limit:.0f} s and was killed"
                worker.process.kill()

    def take(worker: _Worker) -> Iterator[Event]:
        nonlocal false_starts
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):  # it died, perhaps in the middle of a message
            yield from replace(worker)
            return
        worker.heard = time.monotonic()
        if isinstance(message, _Stop):
            raise UserError(message.message)
        if isinstance(message, _EpochDone) and isinstance(worker.task, Pack):
            yield Event("epoch", worker.task, message.number)
        elif isinstance(message, _Stored):
            yield from end_training(worker)
        elif isinstance(message, _Ready):
            yield from end_training(worker)
            worker.task, worker.ready, worker.has_been_ready, false_starts = None, True, True, 0
        else:
            worker.delivered.add(message.trial.key)
            if message.outputs is None:
                yield finish(message.trial, message.record)
            else:
                to_score.append(_Scoring(message.trial, message.record, message.outputs))

    wanted = sum(len(pack.wanted) for pack in packs)
    try:
        for number in range(min(plan.trainers, len(packs))):
            device = plan.devices[number] if plan.devices else context.device
            start(trains=True, scores=not plan.scorers, device=device)
        for _ in range(min(plan.scorers, wanted)):
            start(trains=False, scores=True, device=context.device)
        while True:
            yield from hand_out()
            if not (to_score or trainable() or any(worker.task for worker in workers)):
                break
            for connection in wait([worker.connection for worker in workers], min(patience, _SECONDS_BETWEEN_LOOKS)):
                yield from take(next(worker for worker in workers if worker.connection is connection))
            end_the_silent()
    finally:
        end_all()
        atexit.unregister(end_all)
        store.remove_parts()


def _serve(connection: Connection, context: TrialContext, data: DataOptions, trains: bool, threads: int) -> None:
    """Run a worker process, which takes tasks until the parent ends it."""
    ignore_signals(PARENTS_SIGNALS)  # the parent handles them and then ends this process
    add_methods(context.method_files)
    # The parent has downloaded and prepared all data; a worker only opens the prepared copies.
    load = cache(data.load)

    @lru_cache(maxsize=1)
    def images_of(name: str) -> Tensor:
        return shared_tensor(load(name).x_train).to(context.device)

    def results(task: _Task) -> Iterator[_Result]:
        # Undo settings of a method file or an earlier trial.
        begin_afresh(context.device if trains else "cpu", threads, context.deterministic)
        if isinstance(task, _Scoring):
            yield task.trial, scored(task.trial, task.record, task.outputs, context), None
            return
        name = task.trials[0].data.name
        yield from run_pack(
            task,
            load(name),
            images_of(name),
            context,
            lambda epoch: connection.send(_EpochDone(epoch)),
            lambda: connection.send(_Stored()),
        )

    threading.Thread(target=end_with_parent, daemon=True).start()
    with suppress(BrokenPipeError):  # the parent was killed and receives no more reports
        connection.send(_Ready())
        while task := _receive(connection):
            _do(task, results, context.device, connection)
            connection.send(_Ready())


def shared_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return a read-only tensor of images without copying them.

    Prepared images are a memory map, which all processes that train on it then share in memory.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(images)


def end_with_parent() -> None:
    """End this process, however busy, as soon as its parent has ended; runs in its own thread."""
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)


def _receive(connection: Connection) -> _Task | None:
    try:
        task: _Task = connection.recv()
    except (EOFError, ConnectionResetError):  # the parent has ended
        return None
    return task


def _do(task: _Task, results: Callable[[_Task], Iterator[_Result]], device: str, connection: Connection) -> None:
    delivered: set[str] = set()
    try:
        for trial, record, outputs in results(task):
            connection.send(_Measured(trial, record, outputs))
            delivered.add(trial.key)
    except BrokenPipeError:
        raise
    except (OSError, UserError) as error:  # a full disk or missing data set: the next trial would meet it too
        connection.send(_Stop(f"{task}: {error}"))
    except Exception as error:  # any other error fails the task's trials and is the reason in their records
        for trial in task.wanted_trials:
            if trial.key not in delivered:
                connection.send(_Measured(trial, failed_record(trial, device, error)))
        if isinstance(error, torch.AcceleratorError):
            raise SystemExit(1) from error  # this process can no longer use the device; another replaces it
