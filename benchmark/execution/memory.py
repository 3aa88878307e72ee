"""Measurement of memory, and how many seeds of one kind of trial fit into a GPU's memory together."""

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

# Allocators leave gaps, and each captured graph keeps its own memory pool.
_MARGIN = 1.5
_USABLE = 0.9
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_Result = TypeVar("_Result")


def seeds_that_fit(trial: Trial, images: Tensor) -> int | None:
    """Return how many seeds of the trial's kind can be trained at once.

    Memory is measured on two steps of one seed and compared with the device's total memory, not its free memory, so
    that packs are divided in the same way every time.

    Args:
        trial: A trial of this kind.
        images: uint8 (N, C, S, S), on the device, where they stay beside the seeds.

    Returns:
        At least 1; None on a CPU or if the memory is unknown.
    """
    device = images.device
    if device.type != "cuda":
        return None
    two_steps = dataclasses.replace(trial.training, epochs=2)
    batch = images[: trial.training.batch_size]

    def work() -> object:
        return train(trial_model(trial, seed=0, device=str(device)), batch, two_steps, seed=0)

    work()  # what libraries set up only once must not count towards a seed
    _, one = memory_taken(work, str(device))
    total = torch.cuda.get_device_properties(device).total_memory
    return None if one is None else fitting(one, int(_USABLE * total) - images.nbytes)


def fitting(one: int, budget: int) -> int:
    """Return how many equal amounts of memory, each with a margin, fit into a budget.

    Args:
        one: Size of one amount [bytes].
        budget: Available memory [bytes].

    Returns:
        At least 1, because less cannot be tried.
    """
    return max(1, int(budget / (_MARGIN * one)))


def memory_taken(work: Callable[[], _Result], device: str) -> tuple[_Result, int | None]:
    """Call `work` and measure its memory.

    On a GPU the measure is the memory that its allocator reserves, because a captured graph's pool stays reserved
    whatever it holds. Otherwise it is this process's resident memory, which is known only on Linux.

    Args:
        work: The work.
        device: Torch name of the device on which the work is done.

    Returns:
        The result of `work`, and by how many bytes the peak exceeded the memory in use before; None if unknown.
    """
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_reserved(device)
        return work(), torch.cuda.max_memory_reserved(device) - before
    if not _CLEAR.exists():
        return work(), None
    with suppress(AttributeError):  # not every C library has malloc_trim
        ctypes.CDLL(None).malloc_trim(0)  # otherwise the work would reuse memory that earlier work freed
    _CLEAR.write_text("5", encoding="ascii")  # resets the high-water mark, see proc(5)
    before = _of_this_process("VmRSS")
    return work(), _of_this_process("VmHWM") - before


def _of_this_process(field: str) -> int:
    """Return a field of this process's status, in bytes."""
    [kibibytes] = re.findall(rf"{field}:\s+(\d+) kB", _STATUS.read_text(encoding="utf-8", errors="replace"))
    return int(kibibytes) * 2**10
