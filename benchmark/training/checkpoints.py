"""Checkpoints: safetensors files named by the trial's key, written atomically, never a pickle.

Beside the weights a checkpoint carries what training contributes to the trial's record (curves, time, code), so that a
trial whose evaluation was interrupted goes on from there, and the trial's identity, so that it can be opened alone.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmark.errors import UserError
from benchmark.fields import parse_json
from benchmark.files import write_remedy, written_whole
from benchmark.text import one_line

_TRAINING, _IDENTITY = "training", "identity"


def save_checkpoint(
    model: nn.Module, training: dict[str, Any], path: Path, identity: Mapping[str, Any] | None = None
) -> None:
    """Write a model's parameters and buffers with what its record and its reader need.

    Args:
        model: On any device.
        training: Plain data, what training contributes to the trial's record.
        path: The checkpoint, whole or absent at every moment.
        identity: The trial's, where it has one.

    Raises:
        UserError: The folder or its disk takes no more.
    """
    metadata = {_TRAINING: json.dumps(training, allow_nan=False), _IDENTITY: json.dumps(identity, allow_nan=False)}
    _write({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}, metadata, path)


class UnreadableCheckpoint(UserError):
    """A file that is no checkpoint, or cannot be read."""


def copy_checkpoint(path: Path, to: Path, identity: Mapping[str, Any]) -> None:
    """Copy a checkpoint for another trial of the same training.

    Args:
        path: The checkpoint.
        to: The copy, whole or absent at every moment.
        identity: The other trial's.

    Raises:
        UnreadableCheckpoint: `path` is no checkpoint.
        UserError: The copy cannot be written.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {}) | {_IDENTITY: json.dumps(identity, allow_nan=False)}
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UnreadableCheckpoint(f"{path}: no checkpoint ({_reason(error)})") from error
    _write(state, metadata, to)


def read_identity(path: Path) -> dict[str, Any]:
    """Read the identity (`Trial.identity`) of the trial that a checkpoint is of.

    Raises:
        UserError: The file is no checkpoint, or one from before checkpoints had an identity.
    """
    try:
        with safe_open(path, framework="pt") as file:
            identity = parse_json((file.metadata() or {}).get(_IDENTITY, "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise UnreadableCheckpoint(f"{path}: no checkpoint ({_reason(error)})") from error
    if not isinstance(identity, dict):
        raise UserError(f"{path}: does not say which method and settings it is of; train the trial anew")
    return identity


def load_checkpoint(model: nn.Module, path: Path) -> dict[str, Any]:
    """Read a checkpoint into a model of the same shape.

    Args:
        model: Its parameters and buffers are replaced.
        path: The checkpoint.

    Returns:
        The `training` that was saved with it.

    Raises:
        UserError: The file is no checkpoint, or does not fit the model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            training = parse_json((file.metadata() or {}).get(_TRAINING, "null"))
        if not isinstance(training, dict):
            raise ValueError("it does not say how it was trained")
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        remedy = "make it readable" if isinstance(error, PermissionError) else "move it away and run again"
        raise UserError(f"{path}: no checkpoint of this model ({_reason(error)}); {remedy}") from error
    return training


def _write(state: dict[str, Tensor], metadata: dict[str, str], path: Path) -> None:
    try:
        with written_whole(path) as part:
            save_file(state, part, metadata)
            part.chmod(path.parent.stat().st_mode & 0o666)  # safetensors lets nobody but the writer read its files
    except (SafetensorError, OSError) as error:
        # safetensors has the number of the system's error in its text alone.
        code = error.errno if isinstance(error, OSError) else _system_error(str(error))
        raise UserError(
            f"{path.parent}: a checkpoint could not be written ({_reason(error)}); {write_remedy(code)}"
        ) from error


def _system_error(text: str) -> int | None:
    found = re.search(r"\(os error (\d+)\)", text)
    return int(found[1]) if found else None


def _reason(error: Exception) -> str:
    return one_line(str(error))[:200]
