"""Comparison of the speed of pythae's own trainer, our loop, and every way of training many seeds.

All ways ("sides") train one kind of trial on the same noise images with the same batch size, in separate processes.
They are measured in turns, and ratios are medians over turns, so that other load on the machine affects all of them
equally. Times are in seconds per step and seed.
"""

import dataclasses
import logging
import os
import pickle
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pythae.data.datasets import BaseDataset
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler
from torch import Tensor

from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import trial_model
from benchmark.execution.fork_server import ignore_signals, worker_context
from benchmark.execution.memory import memory_taken
from benchmark.execution.numerics import set_numerics
from benchmark.execution.provenance import code_state
from benchmark.streams import generator
from benchmark.studies.trials import Trial
from benchmark.throughput import train_on_lines
from benchmark.throughput.step_lower_bound import device_rate, finish, operations_per_image, timed
from benchmark.training.loop import Training, run_epoch, to_unit_range
from benchmark.training.pack import pack_trainings
from benchmark.training.precision import kernels_of

PACKS = (1, 2, 5, 10)
PYTHAE = "pythae"
_LEAST_ROUNDS = 3
_TURN_SECONDS = 0.5  # duration of a turn of our loop
_MOST_STEPS = 50


@dataclass(frozen=True)
class Side:
    """A way to train.

    Attributes:
        name: Name of the side.
        way: How steps are executed, one of `benchmark.training.pack.WAYS`; PYTHAE for its trainer.
        precision: One of `training_settings.PRECISIONS`.
        processes: Number of processes that train at the same time.
        threads: Number of threads per process.
        pack: Number of seeds that each process trains at once.
        commit: Commit of the other checkout whose code trains; "" for this code.
    """

    name: str
    way: str
    precision: str
    processes: int = 1
    threads: int = 1
    pack: int = 1
    commit: str = ""

    @property
    def seeds(self) -> int:
        """Number of seeds trained at the same time."""
        return self.processes * self.pack


@dataclass(frozen=True)
class TimedTrainer:
    """The measurement of a side; times are medians over turns.

    Attributes:
        side: The measured side.
        step_seconds: Seconds per step and seed.
        times_pythae: Number of trainings completed while pythae's trainer completes one.
        floor_share: Fraction of a step that its arithmetic alone would take; None if the precision is not float32, for
            which the floor is measured.
        memory_mb: Peak memory of one process, including weights and optimiser [MiB]; None if unknown.
        steps: How the steps were executed.
    """

    side: Side
    step_seconds: float
    times_pythae: float
    floor_share: float | None
    memory_mb: float | None
    steps: str


@dataclass(frozen=True)
class Throughput:
    """The sides of one kind of trial, and the lower bound of a step.

    Attributes:
        trial: Description of the kind of trial.
        steps_per_trial: Number of training steps of a full trial.
        operations_per_image: Floating-point operations of a training step per image.
        rate: Floating-point operations per second of this device.
        rounds: Number of turns of each side.
        sides: The sides, pythae's trainer first.
    """

    trial: str
    steps_per_trial: int
    operations_per_image: float
    rate: float
    rounds: int
    sides: list[TimedTrainer]


def trainings_per_hour(timed_side: TimedTrainer, throughput: Throughput) -> float:
    """Return how many full trainings of the trial a side completes in an hour."""
    return 3600 / (timed_side.step_seconds * throughput.steps_per_trial)


def sides_on(device: str, precision: str, threads: int, processes: int, other_commit: str = "") -> list[Side]:
    """List the sides to compare on a device: pythae's trainer, our loop, then ways of training many seeds.

    Args:
        device: Torch device name.
        precision: The study's precision, with which the device's other precisions are compared.
        threads: Threads of pythae's trainer and of our loop when each trains alone: all available.
        processes: Number of processes that train at once on a CPU, with one thread each.
        other_commit: Commit of another checkout to measure on a CPU as well; "" if there is none.
    """
    on_gpu = device.startswith("cuda")
    others = [one for one in (("tf32", "bfloat16") if on_gpu else ("bfloat16",)) if one != precision]
    # pythae trains in float32; its mixed precision is for GPUs only.
    sides = [Side(PYTHAE, PYTHAE, "float32", threads=threads), Side("loop", "eager", precision, threads=threads)]
    if on_gpu:  # on a CPU packs gain nothing
        sides += [Side("graphs", "graphs", precision, pack=seeds) for seeds in PACKS]
    else:
        processes_alone = Side("processes", "eager", precision, processes=processes)
        sides.append(processes_alone)
        if other_commit:
            name = "processes, other checkout"
            sides.append(dataclasses.replace(processes_alone, name=name, commit=other_commit))
    for other in others:
        sides.append(Side(f"loop, {other}", "eager", other, threads=threads))
        if not on_gpu:
            sides.append(Side(f"processes, {other}", "eager", other, processes=processes))
    return sides


def measure(
    trial: Trial, device: str, threads: int, processes: int, seconds: float, beside: Path | None = None
) -> Throughput:
    """Measure every way of training one kind of trial, in at least three turns after a warm-up turn.

    Args:
        trial: A trial of the kind.
        device: Torch name of the device to train on.
        threads: Threads of the sides that train alone.
        processes: Number of processes with one thread each in the sides "processes", which exist only for a CPU.
        seconds: Approximate duration of the measurement.
        beside: Another checkout, whose processes alternate with this one's on a CPU.

    Raises:
        UserError: The code of `beside` cannot train the trial.
    """
    set_numerics(device, threads)
    settings = trial.training
    operations = operations_per_image(trial_model(trial, seed=0), trial.data.image_shape, settings.batch_size)
    rate = device_rate(device)
    floor = operations * settings.batch_size / rate
    images = noise_images(trial, steps_per_turn(trial, device))
    steps = len(images) // settings.batch_size
    other_commit = str(code_state(beside)["git_commit"]) if beside else ""
    sides = sides_on(device, settings.precision, threads, processes, other_commit)
    with ExitStack() as running:
        trainers = [
            running.enter_context(
                _trainers_of(beside, side, trial, images)
                if side.commit and beside
                else _trainers(side, trial, images, device)
            )
            for side in sides
        ]
        turns = paired_turns([trainer.turn for trainer in trainers], "cpu", seconds)  # trainers wait for the device
    warm = [[took / (steps * side.seeds) for took, side in zip(turn, sides, strict=True)] for turn in turns]
    medians = [statistics.median(turn[i] for turn in warm) for i in range(len(sides))]
    found = [
        TimedTrainer(
            side,
            medians[i],
            statistics.median(turn[0] / turn[i] for turn in warm),
            floor / medians[i] if side.precision == "float32" else None,
            trainer.memory_mb,
            trainer.steps,
        )
        for i, (side, trainer) in enumerate(zip(sides, trainers, strict=True))
    ]
    steps_per_trial = trial.epochs * (trial.data.n_train // settings.batch_size)
    what = f"{trial.data.name} {trial.method} d={trial.latent_dim}, width {settings.width:g}, batches of "
    return Throughput(f"{what}{settings.batch_size}", steps_per_trial, operations, rate, len(warm), found)


def paired_turns(works: Sequence[Callable[[], object]], device: str, seconds: float) -> list[list[float]]:
    """Measure functions turn by turn, in at least three turns after a warm-up turn.

    Args:
        works: The functions.
        device: Torch name of the device on which they compute.
        seconds: Approximate duration of the measurement.

    Returns:
        For each turn, the seconds of each function.
    """
    turns: list[list[float]] = []
    started = time.perf_counter()
    while len(turns) <= _LEAST_ROUNDS or time.perf_counter() - started < seconds:
        # In alternating order, so that no function is always first after a pause or last on a hot machine.
        forth = len(turns) % 2 == 0
        took = [timed(work, device) for work in (works if forth else works[::-1])]
        turns.append(took if forth else took[::-1])
    return turns[1:]


def quartiles_of_ratio(turns: Sequence[Sequence[float]], work: int, unit: int) -> tuple[float, float, float]:
    """Return the quartiles over turns of the ratio of one function's seconds to another's.

    Args:
        turns: For each turn, the seconds of each function, from `paired_turns`.
        work: Index of the function in the numerator.
        unit: Index of the function in the denominator.
    """
    low, middle, high = statistics.quantiles((turn[work] / turn[unit] for turn in turns), n=4, method="inclusive")
    return low, middle, high


def noise_images(trial: Trial, steps: int) -> Tensor:
    """Draw uniform noise of the trial's image shape for one epoch of `steps` steps: uint8 (N, C, S, S)."""
    stream = generator("cpu", "evaluation", use="speed")
    shape = (steps * trial.training.batch_size, *trial.data.image_shape)
    return torch.randint(0, 256, shape, generator=stream, dtype=torch.uint8)


def steps_per_turn(trial: Trial, device: str) -> int:
    """Return how many steps our loop makes in about half a second, within [3, _MOST_STEPS]."""
    few = 3
    trainings = untrained(trial, noise_images(trial, few).to(device), [0], "eager")
    run_epoch(trainings)
    seconds = timed(lambda: run_epoch(trainings), device) / few
    return max(few, min(_MOST_STEPS, round(_TURN_SECONDS / seconds)))


def untrained(trial: Trial, images: Tensor, seeds: Sequence[int], way: str) -> list[Training]:
    """Prepare trainings of one kind of trial on given images, on the device of the images.

    Args:
        trial: A trial of the kind.
        images: uint8 (N, C, S, S).
        seeds: Seeds of the trainings.
        way: How steps are executed, one of `benchmark.training.pack.WAYS`.
    """
    models = [trial_model(trial, seed, str(images.device)) for seed in seeds]
    return pack_trainings(models, images, trial.training, seeds, way)


@dataclass(frozen=True)
class _Trainers:
    """The processes of a side, ready to be measured."""

    turn: Callable[[], None]  # trains each seed for one epoch of the noise images
    memory_mb: float | None
    steps: str


@contextmanager
def _trainers(side: Side, trial: Trial, images: Tensor, device: str) -> Iterator[_Trainers]:
    """Start a side's processes, each of which has trained one epoch on the images before it is ready."""
    context = worker_context()
    ends: list[Connection] = []
    workers = []
    for number in range(side.processes):
        ours, theirs = context.Pipe()
        seeds = range(number * side.pack, (number + 1) * side.pack)
        arguments = (theirs, side, trial, seeds, images.numpy(), device)
        workers.append(context.Process(target=_train_on_request, args=arguments, daemon=True))
        workers[-1].start()
        theirs.close()
        ends.append(ours)

    def turn() -> None:
        for end in ends:
            end.send(True)
        for end in ends:
            end.recv()

    try:
        first = [end.recv() for end in ends]
        yield _Trainers(turn, *first[0])
    finally:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()


@contextmanager
def _trainers_of(checkout: Path, side: Side, trial: Trial, images: Tensor) -> Iterator[_Trainers]:
    """Like `_trainers`, with the code of another checkout in this environment."""
    command = [sys.executable, "-P", str(Path(train_on_lines.__file__).resolve())]
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) for _ in range(side.processes)]

    def answered() -> None:
        for worker in workers:
            assert worker.stdout is not None
            if worker.stdout.readline() != b"done\n":
                raise UserError(f"--beside {checkout}: its code cannot train this trial; its own message is above")

    def turn() -> None:
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(b"\n")
            worker.stdin.flush()
        answered()

    try:
        with suppress(BrokenPipeError):  # `answered` reports it
            for number, worker in enumerate(workers):
                assert worker.stdin is not None
                pickle.dump((trial, [number], images.numpy(), side.threads), worker.stdin)
                worker.stdin.flush()
        answered()
        yield _Trainers(turn, None, "eager")
    finally:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()


def _train_on_request(
    connection: Connection, side: Side, trial: Trial, seeds: Sequence[int], images: NDArray[np.uint8], device: str
) -> None:
    ignore_signals({signal.SIGINT})  # the parent ends its workers
    prepared = _pythaes_epoch if side.way == PYTHAE else _our_epoch
    with tempfile.TemporaryDirectory() as folder:

        def first_epoch() -> tuple[Callable[[], str], str]:
            epoch = prepared(side, trial, seeds, torch.from_numpy(images), device, folder)
            return epoch, epoch()

        (epoch, steps), used_bytes = memory_taken(first_epoch, device)
        connection.send((None if used_bytes is None else round(used_bytes / 2**20, 1), steps))
        with suppress(EOFError):  # the parent has ended
            while connection.recv():
                epoch()
                finish(device)
                connection.send(True)


def _our_epoch(
    side: Side, trial: Trial, seeds: Sequence[int], images: Tensor, device: str, folder: str
) -> Callable[[], str]:
    """Prepare our loop; the function trains an epoch and returns how the steps were executed."""
    set_numerics(device, side.threads)
    settings = dataclasses.replace(trial.training, precision=side.precision)
    trainings = untrained(dataclasses.replace(trial, training=settings), images.to(device), seeds, side.way)

    def epoch() -> str:
        with kernels_of(side.precision):
            run_epoch(trainings)
        return trainings[0].how

    return epoch


def _pythaes_epoch(
    side: Side, trial: Trial, seeds: Sequence[int], images: Tensor, device: str, folder: str
) -> Callable[[], str]:
    """Prepare pythae's trainer as its users have it, setting only the number of threads in torch.

    It has its fastest settings (a fused optimiser, no loading processes) and no progress bars, which would slow it.
    """
    torch.set_num_threads(side.threads)
    config = BaseTrainerConfig(
        output_dir=folder,
        per_device_train_batch_size=trial.training.batch_size,
        learning_rate=trial.training.learning_rate,
        optimizer_cls="AdamW",
        optimizer_params={"fused": True},
        no_cuda=not device.startswith("cuda"),
    )
    logging.getLogger(BaseTrainer.__module__).setLevel(logging.ERROR)  # it logs every folder that it creates
    model = trial_model(trial, seeds[0]).to(memory_format=torch.contiguous_format)
    trainer = BaseTrainer(model, BaseDataset(to_unit_range(images), torch.zeros(len(images))), training_config=config)
    trainer.prepare_training()
    trainer.callback_handler = CallbackHandler([], model)

    def epoch() -> str:
        trainer.train_step(1)
        return "its own loop"

    return epoch
