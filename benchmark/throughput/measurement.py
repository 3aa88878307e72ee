"""The speed of training: pythae's own trainer, our loop, and every way of training many seeds, compared.

All of them ("sides") train one kind of trial on the same noise images in batches of the same size. They take turns, and
a ratio is the median over turns, so that other load on the machine affects all alike. Seconds are per step and seed.
"""

import dataclasses
import logging
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
import torch
from numpy.typing import NDArray
from pythae.data.datasets import BaseDataset
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler
from torch import Tensor

from benchmark.execution.evaluate_trial import trial_model
from benchmark.execution.fork_server import ignore_signals, worker_context
from benchmark.execution.memory import memory_taken
from benchmark.execution.numerics import set_numerics
from benchmark.streams import generator
from benchmark.studies.trials import Trial
from benchmark.throughput.step_lower_bound import device_rate, operations_per_image, timed
from benchmark.training.loop import Training, run_epoch, to_unit_range
from benchmark.training.pack import pack_trainings
from benchmark.training.precision import kernels_of
from models.base import ImageAutoencoder

PACKS = (1, 2, 5, 10)
_LEAST_ROUNDS = 3
_TURN_SECONDS = 0.5  # of our loop
_MOST_STEPS = 50


@dataclass(frozen=True)
class TimedTrainer:
    """The measurement of one way to train; times are medians over turns.

    Attributes:
        name: Of the way to train.
        seeds: How many are trained at once.
        step_seconds: Per step and seed.
        times_pythae: How many trainings it completes while pythae's trainer completes one.
        floor_share: The fraction of a step that its arithmetic alone would take; None for another precision than the
            floor's float32.
        memory_mb: Peak memory with weights and optimiser, in MiB; None where it is not known.
        steps: How they were executed.
    """

    name: str
    seeds: int
    step_seconds: float
    times_pythae: float
    floor_share: float | None
    memory_mb: float | None
    steps: str


@dataclass(frozen=True)
class Throughput:
    """The sides of one kind of trial, and the lower bound of a step.

    Attributes:
        trial: The kind of trial in words.
        steps_per_trial: Training steps of such a trial at its own length.
        operations_per_image: Floating point operations of a training step per image.
        rate: Floating point operations per second of this device.
        rounds: How many turns each side had.
        sides: pythae's trainer first.
    """

    trial: str
    steps_per_trial: int
    operations_per_image: float
    rate: float
    rounds: int
    sides: list[TimedTrainer]


def trainings_per_hour(side: TimedTrainer, throughput: Throughput) -> float:
    """Return how many trainings of the trial, at its own length, a side completes in an hour."""
    return 3600 / (side.step_seconds * throughput.steps_per_trial)


@dataclass(frozen=True)
class _Runner:
    """A side that is ready to be measured."""

    name: str
    seeds: int
    turn: Callable[[], object]  # trains each seed for one epoch of the noise images
    how: Callable[[], str]  # the steps were executed
    memory_mb: float | None
    in_float32: bool = True


def measure(trial: Trial, device: str, threads: int, processes: int, seconds: float) -> Throughput:
    """Measure every way of training one kind of trial: at least three turns of each after one for warming up.

    Args:
        trial: An example of the kind.
        device: Where to train.
        threads: Of the sides that train in this process.
        processes: How many train at once, a thread each, in the side "processes", which only a CPU has.
        seconds: About how long to measure.
    """
    set_numerics(device, threads)
    settings = trial.training
    shape = trial.data.image_shape
    operations = operations_per_image(trial_model(trial, seed=0), shape, settings.batch_size)
    rate = device_rate(device)
    floor = operations * settings.batch_size / rate
    images = noise_images(trial, steps_per_turn(trial, device)).to(device)
    steps = len(images) // settings.batch_size
    with _runners(trial, images, device, processes) as runners:
        turns = paired_turns([runner.turn for runner in runners], device, seconds)
        warm = [[took / (steps * one.seeds) for took, one in zip(turn, runners, strict=True)] for turn in turns]
        sides = [
            TimedTrainer(
                runner.name,
                runner.seeds,
                seconds := statistics.median(turn[i] for turn in warm),
                statistics.median(turn[0] / turn[i] for turn in warm),
                floor / seconds if runner.in_float32 else None,
                runner.memory_mb,
                runner.how(),
            )
            for i, runner in enumerate(runners)
        ]
    steps_per_trial = settings.epochs * (trial.data.n_train // settings.batch_size)
    what = f"{trial.data.name} {trial.method} d={trial.latent_dim}, width {settings.width:g}, batches of "
    return Throughput(f"{what}{settings.batch_size}", steps_per_trial, operations, rate, len(warm), sides)


def paired_turns(works: Sequence[Callable[[], object]], device: str, seconds: float) -> list[list[float]]:
    """Measure functions turn by turn, three turns or more after one for warming up.

    Args:
        works: The functions.
        device: Where they compute.
        seconds: About how long to measure.

    Returns:
        For each turn the seconds of each function.
    """
    turns: list[list[float]] = []
    started = time.perf_counter()
    while len(turns) <= _LEAST_ROUNDS or time.perf_counter() - started < seconds:
        # In alternating order, so that none is always the first after a pause or the last of a hot machine.
        forth = len(turns) % 2 == 0
        took = [timed(work, device) for work in (works if forth else works[::-1])]
        turns.append(took if forth else took[::-1])
    return turns[1:]


def noise_images(trial: Trial, steps: int) -> Tensor:
    """Draw uniform noise of the trial's shape for one epoch of `steps` steps: uint8 (N, C, S, S)."""
    stream = generator("cpu", "evaluation", use="speed")
    shape = (steps * trial.training.batch_size, *trial.data.image_shape)
    return torch.randint(0, 256, shape, generator=stream, dtype=torch.uint8)


def steps_per_turn(trial: Trial, device: str) -> int:
    """Return how many steps our loop takes in about half a second."""
    few = 3
    trainings = _pack(trial, noise_images(trial, few).to(device), 1, "eager")
    run_epoch(trainings)
    seconds = timed(lambda: run_epoch(trainings), device) / few
    return max(few, min(_MOST_STEPS, round(_TURN_SECONDS / seconds)))


def _pack(trial: Trial, images: Tensor, seeds: int, way: str, channels_last: bool = False) -> list[Training]:
    memory_format = torch.channels_last if channels_last else torch.preserve_format
    models = [trial_model(trial, seed).to(images.device, memory_format=memory_format) for seed in range(seeds)]
    return pack_trainings(models, images, trial.training, range(seeds), way)


@contextmanager
def _runners(trial: Trial, images: Tensor, device: str, processes: int) -> Iterator[list[_Runner]]:
    """The sides: pythae's trainer first, then our loop, then the ways of training many seeds."""
    runners: list[_Runner] = []

    def add(name: str, way: str, seeds: int = 1, precision: str | None = None, channels_last: bool = False) -> None:
        settings = dataclasses.replace(trial.training, precision=precision or trial.training.precision)
        one = dataclasses.replace(trial, training=settings)

        def turn(trainings: list[Training]) -> list[Training]:
            with kernels_of(settings.precision):
                run_epoch(trainings)
            return trainings

        trainings, memory = memory_taken(lambda: turn(_pack(one, images, seeds, way, channels_last)), device)
        runners.append(
            _Runner(
                name,
                seeds,
                lambda: turn(trainings),
                lambda: trainings[0].how,
                _mebibytes(memory),
                settings.precision == "float32",
            )
        )

    def pythaes_first_turn() -> BaseTrainer:
        trainer = _pythae_trainer(trial_model(trial, seed=0), images.cpu(), trial, device, folder)
        trainer.train_step(1)
        return trainer

    on_gpu = device.startswith("cuda")
    with tempfile.TemporaryDirectory() as folder, _helpers(trial, images, 0 if on_gpu else processes) as turn:
        trainer, memory = memory_taken(pythaes_first_turn, device)
        runners.append(_Runner("pythae", 1, lambda: trainer.train_step(1), lambda: "its own loop", _mebibytes(memory)))
        add("loop", "eager")
        if not on_gpu:
            runners.append(_Runner("processes", processes, turn, lambda: "eager, a thread each", None))
        for seeds in PACKS if on_gpu else ():  # on a CPU packs gain nothing
            add("graphs", "graphs", seeds)
        # Ways that would change results, and are therefore used on request or not at all.
        for precision in ("tf32", "bfloat16") if on_gpu else ("bfloat16",):
            add(f"loop, {precision}", "eager", precision=precision)
        add("loop, channels last", "eager", channels_last=True)
        yield runners


def _mebibytes(count: int | None) -> float | None:
    return None if count is None else round(count / 2**20, 1)


@contextmanager
def _helpers(trial: Trial, images: Tensor, processes: int) -> Iterator[Callable[[], None]]:
    """Processes that train at the same time when the function yielded is called."""
    context = worker_context()
    ends: list[Connection] = []
    workers = []
    for seed in range(processes):
        ours, theirs = context.Pipe()
        one = dataclasses.replace(trial, seed=seed)
        workers.append(context.Process(target=_help, args=(theirs, one, images.numpy()), daemon=True))
        workers[-1].start()
        theirs.close()
        ends.append(ours)

    def turn() -> None:
        for end in ends:
            end.send(True)
        for end in ends:
            end.recv()

    try:
        yield turn
    finally:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()


def _help(connection: Connection, trial: Trial, images: NDArray[np.uint8]) -> None:
    ignore_signals({signal.SIGINT})  # the parent ends its workers
    set_numerics("cpu", threads=1)
    model = trial_model(trial, trial.seed)
    trainings = pack_trainings([model], torch.from_numpy(images), trial.training, [trial.seed], "eager")
    with suppress(EOFError):  # the parent has gone
        while connection.recv():
            run_epoch(trainings)
            connection.send(True)


def _pythae_trainer(model: ImageAutoencoder, images: Tensor, trial: Trial, device: str, folder: str) -> BaseTrainer:
    """The trainer of pythae, ready for `train_step`, without its progress bars (they would only slow it)."""
    config = BaseTrainerConfig(
        output_dir=folder,
        per_device_train_batch_size=trial.training.batch_size,
        learning_rate=trial.training.learning_rate,
        optimizer_cls="AdamW",
        no_cuda=not device.startswith("cuda"),
    )
    logging.getLogger(BaseTrainer.__module__).setLevel(logging.ERROR)  # it logs every folder that it makes
    trainer = BaseTrainer(model, BaseDataset(to_unit_range(images), torch.zeros(len(images))), training_config=config)
    trainer.prepare_training()
    trainer.callback_handler = CallbackHandler([], model)
    return trainer
