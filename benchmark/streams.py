"""Random streams by role: every random number of the suite comes from a stream that is named by its purpose.

Roles in use: `init.trunk`, `init.decoder`, `init.heads`, `data_order`, `noise` (axis: seed), `evaluation`,
`procedural` and `subset`. The method is not an axis, so seed s has the same data order and the same trunk under every
method.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def stream_seed(role: str, **axes: int | str) -> int:
    """Hash a role and its axes to a seed in [0, 2^63).

    torch's CPU generator keeps the lower 32 bits of it.

    Args:
        role: What the stream is for.
        axes: What else it depends on, such as the trial's seed; the order of the names does not matter.
    """
    name = "|".join([role, *(f"{axis}={axes[axis]}" for axis in sorted(axes))])
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def generator(device: "str | torch.device", role: str, **axes: int | str) -> "torch.Generator":
    """Make a torch generator on `device` at the start of the stream that `stream_seed` names."""
    import torch  # here, for what draws with numpy alone is not to wait for it

    return torch.Generator(device).manual_seed(stream_seed(role, **axes))


def shuffled(n: int, role: str, **axes: int | str) -> NDArray[np.int64]:
    """Return the permutation of 0..n-1 that the stream of `stream_seed` gives, int64 (n,)."""
    # Raw words of a bit generator are promised never to change with numpy's version; Generator's draws are not.
    words = np.random.PCG64(stream_seed(role, **axes)).random_raw(n)
    return np.argsort(words, kind="stable")


@contextmanager
def seeded(role: str, **axes: int | str) -> Iterator[None]:
    """Seed torch's global CPU generator with the stream of `stream_seed` within the block; restore it afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(role, **axes))
        yield
