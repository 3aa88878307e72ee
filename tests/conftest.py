"""Shared by every test: which run, in how many processes; one thread, a fixed stream, Ctrl-C heeded, small images."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# One thread in each process of the tests and in those that they start: there is a process for every core.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# No test finds the pretrained networks that a user has in the torch hub's cache; xdist's processes share this folder.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["TORCH_HOME"] = tempfile.mkdtemp(prefix="hgmvae-tests-")
    atexit.register(shutil.rmtree, os.environ["TORCH_HOME"], ignore_errors=True)

import pytest
import torch
from torch import Tensor

from benchmark.execution.process_plan import usable_cores
from benchmark.methods.control_methods import ALL_METHODS

torch.set_num_threads(1)
# A shell starts what it puts into the background with Ctrl-C ignored, which the processes under test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too; `-m slow` runs them alone")
    parser.addoption("--method-file", type=Path, action="append", default=[], help="methods to be held to the contract")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process for every core and one for those that wait; none but this one for a single file."""
    single = len(config.args) == 1 and Path(config.args[0].partition("::")[0]).is_file()
    return 0 if single or usable_cores() == 1 else usable_cores() + 1


def pytest_configure(config: pytest.Config) -> None:
    if not (config.option.all or config.option.markexpr or any("::" in named for named in config.args)):
        config.option.markexpr = "not slow"
    if files := config.getoption("--method-file"):
        from benchmark.methods.method_file import add_methods

        add_methods(files)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before() -> None:
    """A test computes with one thread, and draws the same numbers where it draws without a generator."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _methods_of_the_suite() -> Iterator[None]:
    """Methods that a test registers are not there for the next."""
    before = dict(ALL_METHODS)
    yield
    ALL_METHODS.clear()
    ALL_METHODS.update(before)


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
