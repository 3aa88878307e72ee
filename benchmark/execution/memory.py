"""Memory: how much a piece of work takes, and how many seeds of one kind of trial fit into a GPU's together."""

import ctypes
import dataclasses
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from benchmark.execution.evaluate_trial import trial_model
from benchmark.studies.trials import Trial
from benchmark.training.loop import train

# Allocators leave gaps, and each captured graph keeps a pool of its own.
_MARGIN = 1.5
_USABLE = 0.9
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_Result = TypeVar("_Result")


def seeds_that_fit(trial: Trial, images: Tensor) -> int | None:
    """Return the most seeds of the trial's kind to train at once.

    Measured on two steps of one seed, and against the device's whole memory, not what happens to be free, so that the
    same packs come out every time.

    Args:
        trial: One of the kind.
        images: uint8 (N, C, S, S) on the device, which stay there beside the seeds.

    Returns:
        At least 1; None (no limit known) on a CPU.
    """
    device = images.device
    if device.type != "cuda":
        return None
    two_steps = dataclasses.replace(trial.training, epochs=2)
    batch = images[: trial.training.batch_size]

    def work() -> object:
        return train(trial_model(trial, seed=0, device=str(device)), batch, two_steps, seed=0)

    work()  # what libraries set up once does not count towards a seed
    _, one = memory_taken(work, str(device))
    total = torch.cuda.get_device_properties(device).total_memory
    return None if one is None else fitting(one, int(_USABLE * total) - images.nbytes)


def fitting(one: int, budget: int) -> int:
    """Return how many times some memory, with a margin, fits into a budget.

    Args:
        one: Bytes of one.
        budget: Bytes of all.

    Returns:
        At least 1, for less cannot be tried.
    """
    return max(1, int(budget / (_MARGIN * one)))


def memory_taken(work: Callable[[], _Result], device: str) -> tuple[_Result, int | None]:
    """Do some work and measure the memory that it takes.

    On a GPU this is what its allocator reserves (a captured graph's pool is reserved for good, whatever lives in it),
    elsewhere what this process holds, which is known on Linux alone.

    Args:
        work: The work.
        device: torch's name of where it is done.

    Returns:
        What `work` returns, and by how many bytes its peak exceeded what was in use before; None where unknown.
    """
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_reserved(device)
        return work(), torch.cuda.max_memory_reserved(device) - before
    if not _CLEAR.exists():
        return work(), None
    with suppress(AttributeError):  # not every C library has it
        ctypes.CDLL(None).malloc_trim(0)  # else the work would be served from what earlier work has left free
    _CLEAR.write_text("5", encoding="ascii")  # proc(5): the high-water mark begins anew
    before = _of_this_process("VmRSS")
    return work(), _of_this_process("VmHWM") - before


def _of_this_process(field: str) -> int:
    """A field of this process's status, in bytes."""
    [kibibytes] = re.findall(rf"{field}:\s+(\d+) kB", _STATUS.read_text(encoding="utf-8", errors="replace"))
    return int(kibibytes) * 2**10
