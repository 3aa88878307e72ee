"""The origin of a result: code, versions, hardware and date."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmark.execution.numerics import numerics
from benchmark.files import REPOSITORY
from benchmark.installation import INSTALLED, VERSION

PACKAGES = ("torch", "torchvision", "pythae", "numpy", "scikit-learn", "torchmetrics", "torch-fidelity", "lpips")

# Variables that git sets for a hook; with them, a git command would describe the hook's repository.
_OTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")


@cache
def code_state(folder: Path = REPOSITORY) -> dict[str, Any]:
    """Return the version of the running code.

    A copy of the code without its own .git may be inside another repository, whose commit says nothing about the code.

    Args:
        folder: The top folder of the code.

    Returns:
        `git_commit` and `git_dirty` of the checkout at `folder`, both None if it is not a checkout; for an installed
        package, which has no commit, also its `version`.
    """
    if INSTALLED:
        return {"git_commit": None, "git_dirty": None, "version": VERSION}
    try:
        if Path(_git(folder, "rev-parse", "--show-toplevel")).samefile(folder):
            commit, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain")
            return {"git_commit": commit, "git_dirty": bool(changes)}
    except (OSError, subprocess.CalledProcessError):
        pass
    return {"git_commit": None, "git_dirty": None}


def provenance(device: str) -> dict[str, Any]:
    """Return code, package versions, device, numerics and the current time (UTC) as plain data for a record.

    Args:
        device: Torch device name, such as "cuda:1".
    """
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    return code_state() | {"versions": versions} | hardware(device) | {"date": now()}


def hardware(device: str) -> dict[str, Any]:
    """Return `device`, `platform` and `numerics`, which determine the speed and the last digits of a computation.

    Args:
        device: Torch device name, such as "cuda:1".
    """
    where = f"{platform.system()} {platform.machine()}"
    return {"device": device_name(device), "platform": where, "numerics": numerics()}


def now() -> str:
    """Return the current date and time in UTC, to the second, in ISO format."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def device_name(device: str) -> str:
    """Describe a device for a reader: "cpu (x86_64)", "cuda (NVIDIA H200)"; "cuda (elsewhere)" without such a device.

    Args:
        device: Torch device name, such as "cuda:1".
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        return f"{device} (elsewhere)"
    if device.startswith("cuda"):
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({platform.machine()})"


def _git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    return os.fsdecode(done.stdout).rstrip("\n")
