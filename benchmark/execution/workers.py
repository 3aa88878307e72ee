"""Worker processes: each takes one trial at a time, writes its record, and reports back.

A worker that dies costs the trial it had, which becomes a failed record; another worker takes its place.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from benchmark.errors import UserError
from benchmark.execution.grid import DataOptions
from benchmark.execution.numerics import set_numerics
from benchmark.execution.store import Store
from benchmark.execution.trial import TrialContext, empty_record, run_trial
from benchmark.trials import Trial


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial: "started", "epoch" (number done) or "finished" (its record's status)."""

    kind: str
    trial: Trial
    value: int | str = 0


@dataclass(frozen=True)
class Stop:
    """A worker met something that would stop every further trial too, such as a full disk."""

    message: str


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    trial: Trial | None = None


def run_trials(
    trials: list[Trial], context: TrialContext, data: DataOptions, jobs: int, threads: int
) -> Iterator[Event]:
    """Run trials in `jobs` processes of `threads` CPU threads each; yields events as they come.

    Ending the iteration early ends the processes. Raises UserError when going on makes no sense.
    """
    spawn = multiprocessing.get_context("spawn")
    store = Store(context.out)
    waiting = deque(trials)
    workers: list[_Worker] = []

    def start() -> _Worker:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(theirs, context, data, threads), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def hand_over(worker: _Worker) -> Iterator[Event]:
        worker.trial = waiting.popleft() if waiting else None
        try:
            worker.connection.send(worker.trial)
        except OSError:
            if worker.trial:  # it died between two trials: the next one has not suffered
                waiting.appendleft(worker.trial)
                workers[workers.index(worker)] = replacement = start()
                yield from hand_over(replacement)
                return
        if worker.trial:
            yield Event("started", worker.trial)
        else:
            workers.remove(worker)
            worker.process.join()

    try:
        for _ in range(min(jobs, len(trials))):
            workers.append(start())
        for worker in list(workers):
            yield from hand_over(worker)
        while workers:
            for connection in wait([worker.connection for worker in workers]):
                worker = next(worker for worker in workers if worker.connection is connection)
                try:
                    message = connection.recv()
                except (EOFError, ConnectionResetError):
                    worker.process.join()
                    reason = f"its process died with exit code {worker.process.exitcode} (out of memory?)"
                    store.write_record(empty_record(worker.trial, context.device, "failed", reason))
                    message = Event("finished", worker.trial, "failed")
                    workers[workers.index(worker)] = worker = start()
                if isinstance(message, Stop):
                    raise UserError(message.message)
                yield message
                if message.kind == "finished":
                    yield from hand_over(worker)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
        store.remove_parts()


def _serve(connection: Connection, context: TrialContext, data: DataOptions, threads: int) -> None:
    """A worker process: trials come in until None does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    set_numerics(context.device, threads)
    # The parent has fetched and prepared everything; a worker only opens the prepared copies.
    load = lru_cache(maxsize=2)(data.load)
    with suppress(BrokenPipeError):  # a parent that was killed takes no more reports
        while (trial := _receive(connection)) is not None:
            connection.send(_run(trial, load, context, connection))


def _receive(connection: Connection) -> Trial | None:
    try:
        return connection.recv()
    except EOFError:  # the parent is gone
        return None


def _run(trial: Trial, load, context: TrialContext, connection: Connection) -> Event | Stop:
    store = Store(context.out)
    try:
        record = run_trial(
            trial,
            load(trial.data.name),
            context,
            on_epoch=lambda epoch: connection.send(Event("epoch", trial, epoch)),
            previous=store.read_record(trial.key),
        )
    except (OSError, UserError) as error:  # a full disk, a vanished data set: the next trial would meet it too
        return Stop(f"{trial}: {error}")
    except Exception as error:  # the trial's own boundary: whatever it was becomes the record's reason
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        record = empty_record(trial, context.device, "failed", reason)
    try:
        store.write_record(record)
    except UserError as error:
        return Stop(str(error))
    return Event("finished", trial, record["status"])


def default_jobs(device: str) -> int:
    """Processes at once: one for an accelerator, on CPUs one a core (measured faster than threads), at most 8."""
    if not device.startswith("cpu"):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores)
