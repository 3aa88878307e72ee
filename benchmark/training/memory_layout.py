"""Where a model lies for training and evaluation: on its device, convolutions in the layout that is fastest there."""

from typing import TypeVar

import torch
from torch import nn

_Model = TypeVar("_Model", bound=nn.Module)


def laid_out(model: _Model, device: str) -> _Model:
    """Move a model to a device, in place.

    On a CPU images and kernels of convolutions lie with their channels last, as oneDNN computes them: with channels
    first it rearranges both, in every call. Values are the same, results equal up to rounding.

    Args:
        model: Any.
        device: torch's name of it.

    Returns:
        The model.
    """
    model = model.to(device)
    return model.to(memory_format=torch.channels_last) if torch.device(device).type == "cpu" else model
