"""Procedural stand-ins: small generated data sets for tests and the smoke study, without files or network.

They share only shapes, numbers of classes and splits by chair with the originals; numbers measured on them say nothing
about the originals. Each depends only on its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmark.data import scenes, strokes
from benchmark.data.dataset import Dataset, content_digest, content_hashes
from benchmark.data.npz import CHAIR_VIEWS, pad
from benchmark.data.pixels import to_bytes
from benchmark.data.specs import DATASETS, SIDES
from benchmark.streams import stream_seed

N_TRAIN, N_TEST = 1000, 300
CHAIRS_TRAIN, CHAIRS_TEST = 16, 5
_BLOCK = 50  # images drawn at once, so that the arrays fit into the processor's cache

# (generator, classes (n,)) -> float (n, C, S, S) in [0, 1], apart from noise
Painter = Callable[[np.random.Generator, NDArray[np.int64]], np.ndarray]


@dataclass(frozen=True)
class _Drawn:
    images: NDArray[np.uint8]  # (N, C, S, S)
    labels: NDArray[np.int64] | None
    n_train: int
    split: str = "drawn apart"
    factors: NDArray[np.int16] | None = None
    factor_names: tuple[str, ...] = ()


@cache
def draw(name: str) -> Dataset:
    """Draw the stand-in for a registered data set (a key of DATASETS), with read-only arrays in memory."""
    drawn = _DRAWERS[name](np.random.Generator(np.random.PCG64(stream_seed("procedural", dataset=name))))
    for array in (drawn.images, drawn.labels, drawn.factors):
        if array is not None:
            array.setflags(write=False)
    hashes = content_hashes(drawn.images, drawn.labels, drawn.factors)
    return Dataset(
        name=name,
        images=drawn.images,
        labels=drawn.labels,
        n_train=drawn.n_train,
        kind="procedural",
        subset=False,
        source="procedural",
        digest=content_digest(drawn.images.shape, drawn.n_train, hashes),
        split=drawn.split,
        factors=drawn.factors,
        factor_names=drawn.factor_names,
    )


def _classes(paint: Painter, n_classes: int) -> Callable[[np.random.Generator], _Drawn]:
    """Make a drawer of equally many images per class (without labels if there is one class)."""

    def drawer(rng: np.random.Generator) -> _Drawn:
        n = N_TRAIN + N_TEST
        labels = np.concatenate([rng.permutation(np.arange(part) % n_classes) for part in (N_TRAIN, N_TEST)])
        blocks = [to_bytes(paint(rng, labels[start : start + _BLOCK])) for start in range(0, n, _BLOCK)]
        images = np.concatenate(blocks)
        images = pad(images, SIDES[images.shape[-1]])
        return _Drawn(images, labels.astype(np.int64) if n_classes > 1 else None, N_TRAIN)

    return drawer


def _chairs(rng: np.random.Generator) -> _Drawn:
    """Draw chairs made of boxes, each from the original's 31 azimuths at two elevations."""
    n_chairs = CHAIRS_TRAIN + CHAIRS_TEST
    azimuths = np.round(np.arange(1, CHAIR_VIEWS // 2 + 1) * 360 / (CHAIR_VIEWS // 2)).astype(int)
    views = np.array([(elevation, azimuth) for elevation in (20, 30) for azimuth in azimuths])
    images = [to_bytes(scenes.chair_views(rng, views)) for _ in range(n_chairs)]
    model = np.repeat(np.arange(n_chairs), CHAIR_VIEWS)
    return _Drawn(
        images=np.concatenate(images),
        labels=None,
        n_train=CHAIRS_TRAIN * CHAIR_VIEWS,
        split="the last chairs, by model, held out as test",
        factors=np.column_stack([model, np.tile(views, (n_chairs, 1))]).astype(np.int16),
        factor_names=("model", "elevation", "azimuth"),
    )


_DRAWERS = {
    "mnist": _classes(strokes.glyphs, 10),
    "fashion_mnist": _classes(strokes.garments, 10),
    "cifar10": _classes(scenes.coloured_shapes, 10),
    "celeba": _classes(scenes.faces, 1),
    "chairs": _chairs,
}
assert _DRAWERS.keys() == DATASETS.keys()
