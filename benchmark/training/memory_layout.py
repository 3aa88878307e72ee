"""Placement of a model for training and evaluation: on its device, with convolutions in the fastest memory layout."""

from typing import TypeVar

import torch
from torch import nn

_Model = TypeVar("_Model", bound=nn.Module)


def laid_out(model: _Model, device: str) -> _Model:
    """Move a model to a device, in place.

    On a CPU the images and kernels of convolutions are stored with channels last, the layout in which oneDNN computes;
    it would rearrange data with channels first in every call. Results are equal up to rounding.

    Args:
        model: Any model.
        device: Torch device name.

    Returns:
        The model.
    """
    model = model.to(device)
    return model.to(memory_format=torch.channels_last) if torch.device(device).type == "cpu" else model
