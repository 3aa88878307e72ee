"""The precision of a training's arithmetic, `TrainingSettings.precision`: full float32 unless asked for otherwise."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch


@contextmanager
def kernels_of(precision: str) -> Iterator[None]:
    """Within the block the GPU's products and convolutions may use TF32 if `precision` says so, and only then.

    TF32 keeps 10 bits of the inputs. A CPU knows no TF32 and computes in float32.
    """
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = precision == "tf32"
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def forward_in(precision: str, device: torch.device) -> AbstractContextManager:
    """The context for a forward pass; the backward pass follows by itself."""
    # Without the cache of cast weights, which a captured graph would outlive.
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
