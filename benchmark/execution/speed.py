"""How fast training is here: beside pythae's own trainer, and beside what the arithmetic alone would take.

All sides train one model on the same images in batches of the same size, turn by turn in one process, and a ratio is
the median over turns: what else the machine does meets all. The floor is a step's floating point operations over the
rate of a large convolution on the same device. A packed step (benchmark.training.pack) counts per seed.
"""

import copy
import dataclasses
import logging
import statistics
import tempfile
import time
from dataclasses import dataclass

import torch
from pythae.data.datasets import BaseDataset
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmark.execution.trial import trial_model
from benchmark.streams import generator
from benchmark.training.loop import to_unit_range, train
from benchmark.training.pack import train_pack
from benchmark.trials import Trial
from models.base import ImageAutoencoder, draw_noise

STEPS = 10
ROUNDS = 7
PACK = 10
_CONVOLUTION = (32, 256, 32)  # images, channels in and out, side
_RATE_RUNS = 5


@dataclass(frozen=True)
class Speed:
    """One kind of trial: seconds per step and seed (medians), how many times as long the other sides take as our loop
    (medians of paired turns), and which share of our step the arithmetic would take at the device's rate."""

    method: str
    image_shape: tuple[int, int, int]
    latent_dim: int
    width: float
    batch_size: int
    operations_per_image: float
    step_seconds: float
    pythae_step_seconds: float
    packed_step_seconds: float
    pythae_ratio: float
    packed_ratio: float
    pack_size: int
    floor_share: float


def measure(
    trial: Trial, device: str, rate: float, pack_size: int = PACK, steps: int = STEPS, rounds: int = ROUNDS
) -> Speed:
    """Time the trial's kind on drawn noise images, `rounds` paired turns of `steps` steps after one to warm up.

    `rate`: operations per second, as `device_rate` measures them.
    """
    batch_size = trial.training.batch_size
    stream = generator("cpu", "evaluation", use="speed")
    images = torch.randint(0, 256, (steps * batch_size, *trial.data.image_shape), generator=stream, dtype=torch.uint8)
    one_epoch = dataclasses.replace(trial.training, epochs=1)
    ours, on_device = trial_model(trial, seed=0).to(device), images.to(device)
    pack = [trial_model(trial, seed).to(device) for seed in range(pack_size)]
    with tempfile.TemporaryDirectory() as folder:
        trainer = _pythae_trainer(trial_model(trial, seed=0), images, trial, device, folder)

        def our_turn() -> None:
            train(ours, on_device, one_epoch, seed=0)

        def their_turn() -> None:
            trainer.train_step(1)

        def packed_turn() -> None:
            train_pack(pack, on_device, one_epoch, range(pack_size))

        sides = (our_turn, their_turn, packed_turn)
        turns = [[_timed(turn, device) / steps for turn in sides] for _ in range(rounds + 1)][1:]
    turns = [(mine, theirs, packed / pack_size) for mine, theirs, packed in turns]
    step_seconds, pythae_seconds, packed_seconds = (statistics.median(times) for times in zip(*turns, strict=True))
    operations = operations_per_image(trial_model(trial, seed=0), trial.data.image_shape, batch_size)
    return Speed(
        trial.method,
        trial.data.image_shape,
        trial.latent_dim,
        trial.training.width,
        batch_size,
        operations,
        step_seconds,
        pythae_seconds,
        packed_seconds,
        statistics.median(theirs / mine for mine, theirs, _ in turns),
        statistics.median(packed / mine for mine, _, packed in turns),
        pack_size,
        operations * batch_size / rate / step_seconds,
    )


def operations_per_image(model: ImageAutoencoder, image_shape: tuple[int, int, int], batch_size: int) -> float:
    """Floating point operations of a training step, forward and backward, per image of the batch.

    Counted are matrix products and convolutions, a multiplication and an addition apart, as torch's counter does.
    """
    model = copy.deepcopy(model)
    images = torch.zeros(batch_size, *image_shape)
    noise = draw_noise(model.noise_shapes(batch_size), images.device, generator("cpu", "evaluation", use="speed"))
    with FlopCounterMode(display=False) as counter:
        model({"data": images, "noise": noise}).loss.backward()
    return counter.get_total_flops() / batch_size


def device_rate(device: str) -> float:
    """Operations per second of a large 3 x 3 convolution in float32: the best of some runs."""
    n, channels, side = _CONVOLUTION
    images = torch.randn(n, channels, side, side, device=device)
    kernel = torch.randn(channels, channels, 3, 3, device=device)
    operations = 2 * n * channels * channels * 9 * side * side

    def convolve() -> None:
        torch.nn.functional.conv2d(images, kernel, padding=1)

    return operations / min(_timed(convolve, device) for _ in range(_RATE_RUNS + 1))


def _timed(work, device: str) -> float:
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _pythae_trainer(model: ImageAutoencoder, images: Tensor, trial: Trial, device: str, folder: str) -> BaseTrainer:
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
