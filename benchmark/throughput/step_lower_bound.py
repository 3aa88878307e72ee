"""A lower bound of a training step's duration: its number of operations at the rate of a large convolution."""

import copy
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmark.streams import generator
from models.base import ImageAutoencoder, draw_noise

_CONVOLUTION = (32, 256, 32)  # images, channels in and out, side
_RATE_RUNS = 5


def operations_per_image(model: ImageAutoencoder, image_shape: tuple[int, int, int], batch_size: int) -> float:
    """Count the floating-point operations of a training step, forward and backward, per image of the batch.

    They are the multiplications and additions of matrix products and convolutions, counted by torch.

    Args:
        model: A model on the CPU; it is not changed.
        image_shape: (C, S, S).
        batch_size: Number of images in the batch.
    """
    model = copy.deepcopy(model)
    images = torch.zeros(batch_size, *image_shape)
    noise = draw_noise(model.noise_shapes(batch_size), images.device, generator("cpu", "evaluation", use="speed"))
    with FlopCounterMode(display=False) as counter:
        model({"data": images, "noise": noise}).loss.backward()
    return float(counter.get_total_flops()) / batch_size


def device_rate(device: str) -> float:
    """Measure the operations per second of a large 3 x 3 convolution in float32, the best of several runs."""
    n, channels, side = _CONVOLUTION
    images = torch.randn(n, channels, side, side, device=device)
    kernel = torch.randn(channels, channels, 3, 3, device=device)
    operations = 2 * n * channels * channels * 9 * side * side

    def convolve() -> None:
        torch.nn.functional.conv2d(images, kernel, padding=1)

    return operations / min(timed(convolve, device) for _ in range(_RATE_RUNS + 1))


def timed(work: Callable[[], object], device: str) -> float:
    """Return the seconds that `work` takes, including the device's work."""
    finish(device)
    started = time.perf_counter()
    work()
    finish(device)
    return time.perf_counter() - started


def finish(device: str) -> None:
    """Wait until a device has completed all submitted work."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
