"""The precision of a training's arithmetic (`TrainingSettings.precision`), full float32 by default."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def kernels_of(precision: str) -> Iterator[None]:
    """Allow TF32 in the GPU's matrix products and convolutions within the block if and only if `precision` is "tf32".

    TF32 keeps 10 mantissa bits of the inputs. A CPU has no TF32 and computes in float32.

    Args:
        precision: One of `training_settings.PRECISIONS`.
    """
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)  # no type in common
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = precision == "tf32"
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


@contextmanager
def forward_in(precision: str, model: nn.Module, device: torch.device) -> Iterator[None]:
    """Make `model`'s networks compute in `precision` within the block; the backward pass uses the same precision.

    With bfloat16, matrix products and convolutions of the networks use it. The networks' outputs are float32, and so is
    everything that the model computes from them, including its loss and terms.

    Args:
        precision: One of `training_settings.PRECISIONS`.
        model: The model; its outermost modules with parameters are the networks.
        device: The device on which it computes.
    """
    networks = list(_networks(model)) if precision == "bfloat16" else []
    for network in networks:
        network.forward = _in_bfloat16(network.forward, device.type)
    try:
        yield
    finally:
        for network in networks:
            del network.forward  # the instance's attribute, which shadows the class's method


def _networks(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost callable modules within `model` that have parameters."""
    for child in model.children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from _networks(child)
        elif any(True for _ in child.parameters()):
            yield child


def _in_bfloat16(forward: Callable[..., Any], device_type: str) -> Callable[..., Any]:
    """Wrap a network's `forward` to compute in bfloat16 and return float32; inputs are not converted."""

    def lowered(*inputs: Any, **named: Any) -> Any:
        # Without autocast's weight cache, which a captured graph would still read after it is freed.
        with torch.autocast(device_type, torch.bfloat16, cache_enabled=False):
            outputs = forward(*inputs, **named)
        return _widened(outputs)

    return lowered


def _widened(outputs: Any) -> Any:
    """Convert bfloat16 tensors, alone or in a mapping or sequence, to float32."""
    match outputs:
        case Tensor(dtype=torch.bfloat16):
            return outputs.float()
        case Mapping():
            kind: Any = type(outputs)  # keeps the class of the mapping
            return kind({name: _widened(output) for name, output in outputs.items()})
        case tuple() | list():
            return type(outputs)(_widened(output) for output in outputs)
    return outputs
