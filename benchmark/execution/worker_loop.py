"""What a worker process does, and the messages between it and its parent (`benchmark.execution.worker_processes`)."""

import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from multiprocessing.connection import Connection, wait

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import UserError
from benchmark.evaluation.protocols import TrialOutputs
from benchmark.execution.evaluate_trial import TrialContext, failed_record, scored
from benchmark.execution.fork_server import PARENTS_SIGNALS, ignore_signals
from benchmark.execution.numerics import begin_afresh
from benchmark.execution.pack_run import run_pack
from benchmark.execution.packs import Pack
from benchmark.methods.method_file import add_methods
from benchmark.results.records import Record
from benchmark.studies.grid import DataOptions
from benchmark.studies.trials import Trial


@dataclass(frozen=True)
class Scoring:
    """A trained trial whose latents are still to be scored."""

    trial: Trial
    record: Record
    outputs: TrialOutputs

    @property
    def wanted_trials(self) -> list[Trial]:
        """The trial alone, as a list, as for a pack."""
        return [self.trial]

    def __str__(self) -> str:
        return str(self.trial)


Task = Pack | Scoring
_Result = tuple[Trial, Record, TrialOutputs | None]


@dataclass(frozen=True)
class TrialResult:
    """A result of a task: a trial's record, with `outputs` if latents are still to be scored."""

    trial: Trial
    record: Record
    outputs: TrialOutputs | None = None


@dataclass(frozen=True)
class EpochDone:
    """The worker has completed this number of epochs of its pack."""

    number: int


@dataclass(frozen=True)
class Stored:
    """Checkpoints replace the pack's training."""


@dataclass(frozen=True)
class Ready:
    """The worker has started or finished its task, and can take another."""


@dataclass(frozen=True)
class Stop:
    """The worker met an error that every further trial would also meet, such as a full disk."""

    message: str


def serve(connection: Connection, context: TrialContext, data: DataOptions, trains: bool, threads: int) -> None:
    """Run a worker process, which takes tasks until the parent ends it.

    Args:
        connection: The worker's end of the pipe to its parent.
        context: Where and how trials run.
        data: How their images are found.
        trains: Whether it trains, and so computes on the context's device; otherwise it only scores.
        threads: Threads of a computation on a CPU.
    """
    ignore_signals(PARENTS_SIGNALS)  # the parent handles them and then ends this process
    add_methods(context.method_files)
    # The parent has downloaded and prepared all data; a worker only opens the prepared copies.
    load = cache(data.load)

    @lru_cache(maxsize=1)
    def images_of(name: str) -> Tensor:
        return shared_tensor(load(name).x_train).to(context.device)

    def results(task: Task) -> Iterator[_Result]:
        # Undo settings of a method file or an earlier trial.
        begin_afresh(context.device if trains else "cpu", threads, context.deterministic)
        if isinstance(task, Scoring):
            yield task.trial, scored(task.trial, task.record, task.outputs, context), None
            return
        name = task.trials[0].data.name
        yield from run_pack(
            task,
            load(name),
            images_of(name),
            context,
            lambda epoch: connection.send(EpochDone(epoch)),
            lambda: connection.send(Stored()),
        )

    threading.Thread(target=end_with_parent, daemon=True).start()
    with suppress(BrokenPipeError):  # the parent was killed and receives no more reports
        connection.send(Ready())
        while task := _receive(connection):
            _do(task, results, context.device, connection)
            connection.send(Ready())


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


def _receive(connection: Connection) -> Task | None:
    try:
        task: Task = connection.recv()
    except (EOFError, ConnectionResetError):  # the parent has ended
        return None
    return task


def _do(task: Task, results: Callable[[Task], Iterator[_Result]], device: str, connection: Connection) -> None:
    delivered: set[str] = set()
    try:
        for trial, record, outputs in results(task):
            connection.send(TrialResult(trial, record, outputs))
            delivered.add(trial.key)
    except BrokenPipeError:
        raise
    except (OSError, UserError) as error:  # a full disk or missing data set: the next trial would meet it too
        connection.send(Stop(f"{task}: {error}"))
    except Exception as error:  # any other error fails the task's trials and is the reason in their records
        for trial in task.wanted_trials:
            if trial.key not in delivered:
                connection.send(TrialResult(trial, failed_record(trial, device, error)))
        if isinstance(error, torch.AcceleratorError):
            raise SystemExit(1) from error  # this process can no longer use the device; another replaces it
