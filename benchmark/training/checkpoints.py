"""Checkpoints: safetensors files named by the trial's key, written atomically, never a pickle.

Beside the weights, a checkpoint contains the entries of training in the trial's record (curves, time, code), so that an
interrupted evaluation can be resumed, and the trial's identity, so that the file can be opened on its own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmark.errors import UserError
from benchmark.fields import parse_json
from benchmark.files import write_remedy
from benchmark.tensor_files import write_tensors
from benchmark.text import one_line

_TRAINING, _IDENTITY = "training", "identity"


def save_checkpoint(
    model: nn.Module, training: dict[str, Any], path: Path, identity: Mapping[str, Any] | None = None
) -> None:
    """Write a model's parameters and buffers with the metadata that its record and its readers need.

    Args:
        model: The model, on any device.
        training: Plain data, the entries of training in the trial's record.
        path: Path of the checkpoint, which is written completely or not at all.
        identity: The trial's identity; None if there is none.

    Raises:
        UserError: The folder is not writable or its disk is full.
    """
    metadata = {_TRAINING: json.dumps(training, allow_nan=False), _IDENTITY: json.dumps(identity, allow_nan=False)}
    _write(model.state_dict(), metadata, path)


class UnreadableCheckpoint(UserError):
    """A file is not a checkpoint or cannot be read."""


def copy_checkpoint(path: Path, to: Path, own: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Copy a checkpoint for another trial with the same training.

    Args:
        path: The checkpoint.
        to: Path of the copy, which is written completely or not at all.
        own: The identity of the trial whose checkpoint it must be, as for `load_checkpoint`.
        identity: The other trial's identity.

    Raises:
        UnreadableCheckpoint: `path` is not a checkpoint, or not of the trial `own`.
        UserError: The copy cannot be written.
    """
    try:
        metadata = _metadata(path)
        _check_of(metadata, own)
        state = _state(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UnreadableCheckpoint(f"{path}: no checkpoint ({_reason(error)})") from error
    _write(state, metadata | {_IDENTITY: json.dumps(identity, allow_nan=False)}, to)


def read_identity(path: Path) -> dict[str, Any]:
    """Read the identity (`Trial.identity`) of a checkpoint's trial.

    Raises:
        UserError: The file is not a checkpoint, or is too old to contain an identity.
    """
    try:
        identity = parse_json(_metadata(path).get(_IDENTITY, "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise UnreadableCheckpoint(f"{path}: no checkpoint ({_reason(error)})") from error
    if not isinstance(identity, dict):
        raise UserError(f"{path}: does not state its method and settings; train the trial again")
    return identity


def load_checkpoint(model: nn.Module, path: Path, identity: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Load a checkpoint into a model of the same shape.

    Args:
        model: The model; its parameters and buffers are replaced.
        path: The checkpoint.
        identity: The identity of the trial whose checkpoint is wanted, because files may be mixed up; None for any
            trial. An older checkpoint without an identity is accepted.

    Returns:
        The `training` entries that were saved with it.

    Raises:
        UserError: The file is not a checkpoint, does not fit the model, has values that are not finite, or is of
            another trial.
    """
    try:
        metadata = _metadata(path)
        training = parse_json(metadata.get(_TRAINING, "null"))
        if not isinstance(training, dict):
            raise ValueError("it does not state how it was trained")
        if identity is not None:
            _check_of(metadata, identity)
        model.load_state_dict(_state(path))
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        remedy = "make it readable" if isinstance(error, PermissionError) else "move it away and run again"
        raise UserError(f"{path}: no checkpoint of this model ({_reason(error)}); {remedy}") from error
    return training


def _metadata(path: Path) -> dict[str, str]:
    path.open("rb").close()  # safetensors reports every file that it cannot open as missing
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def _state(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint's parameters and buffers; raise ValueError if one is not finite, which no stored model's is."""
    state = load_file(path)
    for name, value in state.items():
        if not value.isfinite().all():
            raise ValueError(f"{name} has values that are not finite")
    return state


def _check_of(metadata: Mapping[str, str], identity: Mapping[str, Any]) -> None:
    """Raise ValueError if a checkpoint's metadata have the identity of another trial."""
    found = parse_json(metadata.get(_IDENTITY, "null"))
    if found is not None and found != json.loads(json.dumps(identity)):
        raise ValueError("it is of another trial")


def _write(state: dict[str, Tensor], metadata: dict[str, str], path: Path) -> None:
    try:
        write_tensors(path, state, metadata)
    except OSError as error:
        raise UserError(
            f"{path.parent}: a checkpoint could not be written ({_reason(error)}); {write_remedy(error.errno)}"
        ) from error


def _reason(error: Exception) -> str:
    return one_line(str(error))[:200]
