"""The time from the start of a training process to the end of its first step."""

import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext

from benchmark.execution.fork_server import PARENTS_SIGNALS, ignore_signals, worker_context
from benchmark.execution.numerics import set_numerics
from benchmark.studies.trials import Trial
from benchmark.throughput.measurement import noise_images, untrained
from benchmark.training.loop import run_epoch

_STARTS = 3


def start_seconds(trial: Trial, device: str) -> dict[str, float]:
    """Measure, for one kind of trial, the seconds from a process's start to the end of its first step.

    Args:
        trial: A trial of the kind.
        device: Torch name of the device to train on.

    Returns:
        Way to start -> median over turns: "worker" is a worker of a study (forked from a running server, if workers are
        forked), "interpreter" a new Python interpreter.
    """
    ways: dict[str, ForkServerContext | SpawnContext] = {
        "worker": worker_context(),
        "interpreter": multiprocessing.get_context("spawn"),
    }
    _first_step(ways["worker"], trial, device)  # to wait until the server has imported everything
    turns = [{name: _first_step(context, trial, device) for name, context in ways.items()} for _ in range(_STARTS)]
    return {name: statistics.median(turn[name] for turn in turns) for name in ways}


def _first_step(context: ForkServerContext | SpawnContext, trial: Trial, device: str) -> float:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_train_one_step, args=(theirs, trial, device), daemon=True)
    started = time.perf_counter()
    process.start()
    theirs.close()
    try:
        ours.recv()
        return time.perf_counter() - started
    finally:
        process.kill()
        process.join()


def _train_one_step(connection: Connection, trial: Trial, device: str) -> None:
    ignore_signals(PARENTS_SIGNALS)  # the parent ends its workers
    set_numerics(device, threads=1)
    run_epoch(untrained(trial, noise_images(trial, 1).to(device), [trial.seed], "eager"))
    connection.send(True)
