"""How fast training is here: pythae's own trainer, our loop, and everything we have for many seeds, side by side.

All sides train one kind of trial on the same noise images in batches of the same size, turn by turn, and a ratio is
the median over turns: what else the machine does meets all. Seconds are per step and seed.
"""

import dataclasses
import logging
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
from pythae.data.datasets import BaseDataset
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler
from torch import Tensor

from benchmark.execution.evaluate_trial import trial_model
from benchmark.execution.memory import memory_taken
from benchmark.execution.numerics import set_numerics
from benchmark.streams import generator
from benchmark.studies.trials import Trial
from benchmark.throughput.step_lower_bound import device_rate, operations_per_image, timed
from benchmark.training.loop import Training, run_epoch, to_unit_range
from benchmark.training.pack import pack_trainings
from benchmark.training.precision import kernels_of

PACKS = (1, 2, 5, 10)
_LEAST_ROUNDS = 3
_TURN_SECONDS = 0.5  # of our loop
_MOST_STEPS = 50


@dataclass(frozen=True)
class Side:
    """One way to train, measured: medians over turns.

    `seeds`: trained at once. `step_seconds`: per step and seed. `times_pythae`: how many trainings it ends while
    pythae's trainer ends one. `floor_share`: the part of a step that the arithmetic alone would take; None for another
    precision than the floor's float32.
    `memory_mb`: what it takes at most, weights and optimiser included, in MiB; None where it is not known.
    `steps`: how they were executed.
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
    """The sides of one kind of trial, and the floor: operations per image and per second. `rounds`: turns of each."""

    trial: str
    steps_per_trial: int
    operations_per_image: float
    rate: float
    rounds: int
    sides: list[Side]


def trainings_per_hour(side: Side, throughput: Throughput) -> float:
    """How many trainings of the trial, at its own length, the side ends in an hour."""
    return 3600 / (side.step_seconds * throughput.steps_per_trial)


@dataclass(frozen=True)
class _Runner:
    """A side made ready: `turn` makes `steps` steps of each of its seeds."""

    name: str
    seeds: int
    turn: Callable[[], object]
    how: Callable[[], str]
    memory_mb: float | None
    in_float32: bool = True


def measure(trial: Trial, device: str, threads: int, processes: int, seconds: float) -> Throughput:
    """Measure the trial's kind for about `seconds`, at least three turns of every side after one to warm up.

    `threads`: of the sides in this process. `processes`: how many train at once, a thread each, on a CPU's side
    "processes", which a GPU does not have.
    """
    set_numerics(device, threads)
    settings = trial.training
    shape = trial.data.image_shape
    operations = operations_per_image(trial_model(trial, seed=0), shape, settings.batch_size)
    rate = device_rate(device)
    floor = operations * settings.batch_size / rate
    images = noise_images(trial, steps_of_a_turn(trial, device)).to(device)
    steps = len(images) // settings.batch_size
    with _runners(trial, images, device, processes) as runners:
        turns = paired_turns([runner.turn for runner in runners], device, seconds)
        warm = [[took / (steps * one.seeds) for took, one in zip(turn, runners, strict=True)] for turn in turns]
        sides = [
            Side(
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
    """The seconds of each of `works`, turn by turn: for about `seconds`, three turns or more after one to warm up."""
    turns: list[list[float]] = []
    started = time.perf_counter()
    while len(turns) <= _LEAST_ROUNDS or time.perf_counter() - started < seconds:
        # To and fro, so that none is always the first after a pause or the last of a hot machine.
        forth = len(turns) % 2 == 0
        took = [timed(work, device) for work in (works if forth else works[::-1])]
        turns.append(took if forth else took[::-1])
    return turns[1:]


def noise_images(trial: Trial, steps: int) -> Tensor:
    """Uniform noise of the trial's shape for one epoch of `steps` steps: uint8 (N, C, S, S)."""
    stream = generator("cpu", "evaluation", use="speed")
    shape = (steps * trial.training.batch_size, *trial.data.image_shape)
    return torch.randint(0, 256, shape, generator=stream, dtype=torch.uint8)


def steps_of_a_turn(trial: Trial, device: str) -> int:
    """As many as our loop makes in half a second."""
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
    """pythae's trainer first, then our loop, then what we have for many seeds."""
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
        # What would change results, and is therefore asked for or not done at all.
        for precision in ("tf32", "bfloat16") if on_gpu else ("bfloat16",):
            add(f"loop, {precision}", "eager", precision=precision)
        add("loop, channels last", "eager", channels_last=True)
        yield runners


def _mebibytes(count: int | None) -> float | None:
    return None if count is None else round(count / 2**20, 1)


@contextmanager
def _helpers(trial: Trial, images: Tensor, processes: int) -> Iterator[Callable[[], None]]:
    """Processes that make the loop's steps at the same time when the function yielded is called."""
    spawn = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    workers = []
    for seed in range(processes):
        ours, theirs = spawn.Pipe()
        one = dataclasses.replace(trial, seed=seed)
        workers.append(spawn.Process(target=_help, args=(theirs, one, images.numpy()), daemon=True))
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


def _help(connection: Connection, trial: Trial, images) -> None:
    set_numerics("cpu", threads=1)
    model = trial_model(trial, trial.seed)
    trainings = pack_trainings([model], torch.from_numpy(images), trial.training, [trial.seed], "eager")
    with suppress(EOFError):  # the parent has gone
        while connection.recv():
            run_epoch(trainings)
            connection.send(True)


def _pythae_trainer(model, images: Tensor, trial: Trial, device: str, folder: str) -> BaseTrainer:
    """pythae's trainer, ready for `train_step`, without its progress bars (they would only slow it)."""
    config = BaseTrainerConfig(
        output_dir=folder,
        per_device_train_batch_size=trial.training.batch_size,
        learning_rate=trial.training.learning_rate,
        optimizer_cls="AdamW",
        no_cuda=not device.startswith("cuda"),
    )
    logging.getLogger(BaseTrainer.__module__).setLevel(logging.ERROR)  # it tells of every folder it makes
    trainer = BaseTrainer(model, BaseDataset(to_unit_range(images), torch.zeros(len(images))), training_config=config)
    trainer.prepare_training()
    trainer.callback_handler = CallbackHandler([], model)
    return trainer
