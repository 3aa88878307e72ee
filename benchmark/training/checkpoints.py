"""Checkpoints: safetensors files named by the trial's key, written atomically, never a pickle.

Beside the weights a checkpoint carries what training contributes to the trial's record (curves, time, code), so that a
trial whose evaluation was interrupted goes on from there, and the trial's identity, so that it can be opened alone.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from benchmark.errors import UserError
from benchmark.fields import parse_json
from benchmark.files import written_whole

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
    try:
        with written_whole(path) as part:
            state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
            save_file(state, part, metadata)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path.parent}: a checkpoint could not be written ({reason}); make room and run again"
        ) from error


def copy_checkpoint(path: Path, to: Path, identity: Mapping[str, Any]) -> None:
    """Copy a checkpoint for another trial of the same training.

    Args:
        path: The checkpoint.
        to: The copy, whole or absent at every moment.
        identity: The other trial's.

    Raises:
        UserError: The file is no checkpoint, or the copy cannot be written.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {}) | {_IDENTITY: json.dumps(identity, allow_nan=False)}
        with written_whole(to) as part:
            save_file(load_file(path), part, metadata)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: could not be copied to {to.parent} ({' '.join(str(error).split())[:200]})") from error


def read_identity(path: Path) -> dict[str, Any]:
    """Read the identity (`Trial.identity`) of the trial that a checkpoint is of.

    Raises:
        UserError: The file is no checkpoint, or one from before checkpoints had an identity.
    """
    try:
        with safe_open(path, framework="pt") as file:
            identity = parse_json((file.metadata() or {}).get(_IDENTITY, "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: no checkpoint ({' '.join(str(error).split())[:200]})") from error
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
        reason = " ".join(str(error).split())[:200]
        remedy = "make it readable" if isinstance(error, PermissionError) else "move it away and run again"
        raise UserError(f"{path}: no checkpoint of this model ({reason}); {remedy}") from error
    return training
