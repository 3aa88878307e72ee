"""Shared by every test: one thread, a fixed global stream, Ctrl-C heeded, and small images that are not noise."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

torch.set_num_threads(1)
# A shell starts what it puts into the background with Ctrl-C ignored, which the processes under test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--method-file", type=Path, action="append", default=[], help="methods to be held to the contract")


def pytest_configure(config: pytest.Config) -> None:
    if files := config.getoption("--method-file"):
        from benchmark.methods.method_file import add_methods

        add_methods(files)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before() -> None:
    """A test computes with one thread, and draws the same numbers where it draws without a generator."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def draw_images() -> Callable[..., Tensor]:
    """`draw_images(n, shape, seed=0)`: float images (n, *shape) in [0, 1], one bright square each on a dim ramp."""

    def draw(n: int, shape: tuple[int, int, int] = (1, 32, 32), seed: int = 0) -> Tensor:
        channels, side, _ = shape
        stream = torch.Generator().manual_seed(seed)
        corners = torch.randint(2, side // 2, (n, 2), generator=stream)
        sizes = torch.randint(side // 8, side // 2 - 1, (n,), generator=stream)
        rows = torch.arange(side)
        images = (rows / (4 * side)).expand(n, channels, side, side).clone()
        for image, (top, left), size in zip(images, corners.tolist(), sizes.tolist(), strict=True):
            brightness = 0.4 + 0.6 * torch.rand(channels, 1, 1, generator=stream)
            image[:, top : top + size, left : left + size] = brightness
        return images

    return draw
