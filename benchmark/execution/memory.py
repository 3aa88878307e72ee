"""Memory: how much was in use at most, and how many seeds of a kind of trial fit into a GPU's together."""

import dataclasses
import re
from pathlib import Path

import torch
from torch import Tensor

from benchmark.execution.trial import trial_model
from benchmark.training.loop import train
from benchmark.trials import Trial

# A captured graph keeps a pool of its own, which its seed's peak does not show, and allocators leave gaps.
_MARGIN = 1.5
_USABLE = 0.9
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def seeds_that_fit(trial: Trial, images: Tensor) -> int | None:
    """Most seeds of the trial's kind to train at once beside `images`, at least 1; None (no limit known) on a CPU.

    Of the device's whole memory, not of what happens to be free, so that the same packs come out every time.
    """
    if images.device.type != "cuda":
        return None
    device = images.device
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    two_steps = dataclasses.replace(trial.training, epochs=2)
    train(trial_model(trial, seed=0).to(device), images[: trial.training.batch_size], two_steps, seed=0)
    one = torch.cuda.max_memory_allocated(device) - before
    total = torch.cuda.get_device_properties(device).total_memory
    return fitting(one, int(_USABLE * total) - before)


def fitting(one: int, budget: int) -> int:
    """How many times `one` bytes, with a margin, fit into `budget` bytes; at least 1, for less cannot be tried."""
    return max(1, int(budget / (_MARGIN * one)))


def reset_peak_memory(device: str) -> None:
    """Begin anew to watch for the highest use of memory."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR.exists():
        _CLEAR.write_text("5")  # proc(5): resets the high-water mark


def peak_memory(device: str) -> float | None:
    """The highest use since, in MiB: of the GPU's allocator, or of this process on Linux; else None."""
    if device.startswith("cuda"):
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    if not _CLEAR.exists():
        return None
    return round(int(re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())[1]) / 2**10, 1)
