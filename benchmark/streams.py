"""Random streams by role: every random number of the suite comes from a stream named by its purpose.

Roles in use: `init.trunk`, `init.decoder`, `init.heads`, `data_order`, `noise` (axis: seed), `evaluation`,
`model_check`, `procedural` and `subset`. The method is not an axis, so seed s has the same data order and the same
trunk under every method.
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

    torch's CPU generator uses only the lower 32 bits.

    Args:
        role: Purpose of the stream.
        axes: Everything else that the stream depends on, such as the trial's seed; the order of names is irrelevant.
    """
    name = "|".join([role, *(f"{axis}={axes[axis]}" for axis in sorted(axes))])
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def generator(device: "str | torch.device", role: str, **axes: int | str) -> "torch.Generator":
    """Make a torch generator on `device` for the stream that `stream_seed` names."""
    import torch  # not at the top, so that code that needs only numpy does not wait for it

    return torch.Generator(device).manual_seed(stream_seed(role, **axes))


def shuffled(n: int, role: str, **axes: int | str) -> NDArray[np.int64]:
    """Return a permutation of 0..n-1 drawn from the stream that `stream_seed` names, int64 (n,)."""
    # numpy guarantees that a bit generator's raw words stay the same in every version, but not Generator's draws.
    words = np.random.PCG64(stream_seed(role, **axes)).random_raw(n)
    return np.argsort(words, kind="stable")


@contextmanager
def seeded(role: str, **axes: int | str) -> Iterator[None]:
    """Seed torch's global CPU generator from the stream of `stream_seed` within the block; restore it afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(role, **axes))
        yield
