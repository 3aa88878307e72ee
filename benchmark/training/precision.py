"""The precision of a training's arithmetic, `TrainingSettings.precision`: full float32 unless asked for otherwise."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def kernels_of(precision: str) -> Iterator[None]:
    """Within the block the GPU's products and convolutions may use TF32 if `precision` says so, and only then.

    TF32 keeps 10 bits of the inputs. A CPU has no TF32 and computes in float32.

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
    """Within the block `model`'s networks compute in `precision`; the backward pass follows that of the forward pass.

    Under bfloat16 products and convolutions of the networks are in it. The networks' outputs are float32, and so is all
    that the model computes from them, its loss and every term.

    Args:
        precision: One of `training_settings.PRECISIONS`.
        model: Its outermost modules with parameters are the networks.
        device: Where it computes.
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
    """The outermost modules within `model` that have parameters and can be called."""
    for child in model.children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from _networks(child)
        elif any(True for _ in child.parameters()):
            yield child


def _in_bfloat16(forward: Callable[..., Any], device_type: str) -> Callable[..., Any]:
    """A network's `forward` in bfloat16, from inputs as they are to outputs in float32."""

    def lowered(*inputs: Any, **named: Any) -> Any:
        # Without the cache of cast weights: a captured graph would still read it after it is freed.
        with torch.autocast(device_type, torch.bfloat16, cache_enabled=False):
            outputs = forward(*inputs, **named)
        return _widened(outputs)

    return lowered


def _widened(outputs: Any) -> Any:
    """Convert bfloat16 to float32 in a tensor, or in tensors by name or position."""
    match outputs:
        case Tensor(dtype=torch.bfloat16):
            return outputs.float()
        case Mapping():
            kind: Any = type(outputs)  # the same, of whatever class
            return kind({name: _widened(output) for name, output in outputs.items()})
        case tuple() | list():
            return type(outputs)(_widened(output) for output in outputs)
    return outputs
