"""Checkpoints: safetensors files named by the trial's key, written atomically. Never a pickle."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from benchmark.errors import UserError
from benchmark.files import written_whole


def save_checkpoint(model: nn.Module, path: Path) -> None:
    """Write the model's parameters and buffers; `path` is whole or absent at every moment.

    Raises UserError where the folder or its disk takes no more.
    """
    try:
        with written_whole(path) as part:
            save_file({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}, part)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path.parent}: a checkpoint could not be written ({reason}); make room and run again"
        ) from error


def load_checkpoint(model: nn.Module, path: Path) -> None:
    """Read a checkpoint into a model of the same shape. Raises UserError when it does not fit or is no checkpoint."""
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: no checkpoint of this model ({reason}); delete it and run again") from error
