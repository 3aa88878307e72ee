"""Choice of the executor of a run, and of the way in which the steps of packs are executed."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from benchmark.commands.chosen_device import chosen_devices
from benchmark.commands.options import ExecutionOptions, SlurmJobs
from benchmark.errors import UserError
from benchmark.execution.executors import Executor, local_executor, slurm_executor
from benchmark.execution.numerics import bfloat16_instructions
from benchmark.execution.process_plan import process_plan
from benchmark.execution.slurm import SlurmOptions
from benchmark.training.pack import default_way


def chosen_executor(options: ExecutionOptions, device: str | None) -> tuple[str, Executor]:
    """Choose the executor of a run.

    Args:
        options: The options of the run.
        device: As for `chosen_device`.

    Returns:
        The device, and the executor that trains on it.

    Raises:
        UserError: An option belongs to the other executor, or the device is not usable.
    """
    asked = {
        field.name: value
        for field in dataclasses.fields(SlurmJobs)
        if (value := getattr(options, field.name)) is not None
    }
    if options.executor == "slurm":
        local = {name: getattr(options, name) for name in ("devices", "jobs", "minutes")}
        return _on_slurm(asked, {"device": device} | local, options.patience)
    if asked:
        raise UserError(f"--{next(iter(asked)).replace('_', '-')}: requires --executor slurm")
    first, devices = chosen_devices(device, options.devices)
    seconds = 60.0 * options.minutes if options.minutes else math.inf
    return first, local_executor(process_plan(first, options.jobs, devices), seconds, 60.0 * options.patience)


def _on_slurm(asked: Mapping[str, Any], local: Mapping[str, Any], patience: int) -> tuple[str, Executor]:
    """Make Slurm's device and executor from fields of SlurmJobs (`asked`); refuse local options (`local`), by name."""
    if given := [name for name, value in local.items() if value]:
        raise UserError(f"--{given[0]}: requires --executor local; for jobs see --gpus-per-node, --time and others")
    slurm = SlurmOptions(**{"minutes" if name == "time" else name: value for name, value in asked.items()})
    return slurm.device, slurm_executor(slurm, 60.0 * patience)


def precision_warning(precision: str, device: str) -> str | None:
    """Return a warning if a precision makes training slower on a device, otherwise None.

    Args:
        precision: Precision of training.
        device: Torch device name.
    """
    if precision == "bfloat16" and device.startswith("cpu") and bfloat16_instructions() == "none":
        return "bfloat16: this processor has no instructions for it; float32 is faster here, often many times"
    return None


def chosen_way(way: str | None, precision: str, device: str) -> str:
    """Choose the way in which packs are trained.

    Args:
        way: One of `benchmark.training.pack.WAYS`; None for the device's default.
        precision: Precision of training.
        device: Torch device name.

    Raises:
        UserError: The device does not support the way or the precision.
    """
    on_gpu = device.startswith("cuda")
    if precision == "tf32" and not on_gpu:
        raise UserError("--precision tf32: only GPUs support it; give float32 or bfloat16")
    if way == "graphs" and not on_gpu:
        raise UserError(f"--way {way}: CUDA graphs need a GPU; give eager")
    return way or default_way(device)
