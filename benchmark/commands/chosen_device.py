"""Choice of the devices that a command uses."""

import torch

from benchmark.errors import UserError
from benchmark.text import first_line


def chosen_device(asked: str | None) -> str:
    """Choose the requested device, or else a GPU if there is one, or else the CPU.

    Args:
        asked: Torch device name such as "cpu", "cuda" or "cuda:1"; None if none is requested.

    Raises:
        UserError: The requested device is not usable.
    """
    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.empty(1, device=asked).device.type
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {asked}: not usable here; give cpu, cuda or cuda:N ({first_line(error)})") from None
    if kind not in ("cpu", "cuda"):  # Apple's mps has no float64, which the Fisher term needs
        raise UserError(f"--device {asked}: only cpu and cuda are supported")
    return asked


def chosen_devices(device: str | None, devices: str | None) -> tuple[str, tuple[str, ...]]:
    """Choose the device of a run, and all GPUs if several are requested.

    Args:
        device: Torch device name; None if none is requested.
        devices: Numbers of GPUs such as "0,1,2"; None or empty for one device.

    Returns:
        The first device, and the names of all GPUs in `devices`, or ().

    Raises:
        UserError: A device is not usable, `devices` is not a list of distinct numbers, or both arguments are given.
    """
    if not devices:
        return chosen_device(device), ()
    if device:
        raise UserError("--devices: give either --device or --devices")
    numbers = devices.split(",")
    if not all(number.isdecimal() for number in numbers) or len(set(numbers)) < len(numbers):
        raise UserError(f"--devices {devices}: write the GPUs' numbers, each once, such as 0,1,2,3")
    found = tuple(chosen_device(f"cuda:{number}") for number in numbers)
    return found[0], found
