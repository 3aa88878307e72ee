"""Random streams by role: every draw of the suite comes from a stream named by what it is for.

Roles in use: `init.trunk`, `init.decoder`, `init.heads`, `data_order`, `noise` (axis: seed), `evaluation` and
`subset`. The method is no axis, so seed s has the same data order and the same trunk under every method.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def stream_seed(role: str, **axes: int | str) -> int:
    """A 63-bit seed that is a function of the names and values alone; seed 0 is as good as any.

    torch's CPU generator keeps the lower 32 bits of it.
    """
    name = "|".join([role, *(f"{axis}={axes[axis]}" for axis in sorted(axes))])
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def generator(device: str | torch.device, role: str, **axes: int | str) -> torch.Generator:
    """A torch generator on `device` at the start of the named stream."""
    return torch.Generator(device).manual_seed(stream_seed(role, **axes))


def shuffled(n: int, role: str, **axes: int | str) -> np.ndarray:
    """The numbers 0..n-1 in the order of the named stream, int64 (n,)."""
    # Raw words of a bit generator are promised never to change with numpy's version; Generator's draws are not.
    words = np.random.PCG64(stream_seed(role, **axes)).random_raw(n)
    return np.argsort(words, kind="stable")


@contextmanager
def seeded(role: str, **axes: int | str) -> Iterator[None]:
    """Within the block torch's global CPU generator is the named stream; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(role, **axes))
        yield
