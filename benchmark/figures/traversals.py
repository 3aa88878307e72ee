"""The paper's Fig. 6: traversals of the latent space, one unit at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from benchmark.evaluation.image_subsets import random_subset
from benchmark.figures.study_source import CannotDraw, StudySource, TrialKind
from benchmark.figures.trained_models import N_IMAGES, Trained, image_pages, models_of, some_test_images
from benchmark.plotting.panels import centres, panel_grid

OFFSETS = (-3, -2, -1, 0, 1, 2, 3)  # in standard deviations
N_UNITS = 8
_N_CODES = 5_000  # enough to estimate a standard deviation


@dataclass(frozen=True)
class Traversal:
    """The traversals of one method.

    Attributes:
        units: The traversed units, by descending variance, (U,).
        images: The decoded images in [0, 1], (U, len(OFFSETS), C, S, S).
    """

    units: np.ndarray
    images: np.ndarray


@dataclass(frozen=True)
class Traversals:
    """The traversals of one page.

    Attributes:
        methods: Method label -> its traversals.
    """

    title: str
    methods: Mapping[str, Traversal]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Traversals | CannotDraw]]:
    """Collect a page for each data set and latent dim of Tables 3 and 5."""
    return image_pages(source, "traversals", _data)


def moved(code: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the units to traverse, and move each by OFFSETS of its standard deviations.

    Args:
        code: The code to start from, (d,).
        codes: Codes that define the standard deviations, (n, d).

    Returns:
        The units of largest variance (U,), at most N_UNITS, in descending order; and `code` with one unit moved,
        (U, len(OFFSETS), d).
    """
    spread = codes.std(0)
    units = np.argsort(-spread, kind="stable")[:N_UNITS]
    path = np.tile(code, (len(units), len(OFFSETS), 1))
    for row, unit in enumerate(units):
        path[row, :, unit] += np.array(OFFSETS, code.dtype) * spread[unit]
    return units, path


def _data(source: StudySource, found: list[TrialKind]) -> Traversals:
    shown = models_of(source, found[0].dataset, found)
    start = some_test_images(shown.dataset, N_IMAGES)[:1]
    images = shown.dataset.x_test[random_subset(shown.dataset.n_test, _N_CODES)]

    def traversal(model: Trained) -> Traversal:
        units, path = moved(model.encode(start)[0], model.encode(images))
        return Traversal(units, model.decode(path))

    caption = (
        "Each row varies one unit (numbered on the left, by decreasing variance) by up to 3 standard deviations σ of "
        f"the codes of {len(images):,} test images; the other units stay at the code of one image, the same for all "
        "methods, whose reconstruction is in column 0.",
        *shown.caption,
    )
    title = f"Latent traversals: {source.study.manifest.marked_label(found[0].dataset)}, d = {found[0].latent_dim}"
    return Traversals(title, {model.label: traversal(model) for model in shown.models}, caption)


def draw(data: Traversals) -> Figure:
    """Draw one panel per method with one row per unit."""
    panels = {label: method.images for label, method in data.methods.items()}
    figure, axes = panel_grid(panels, data.caption, data.title)
    for label, method in data.methods.items():
        side = method.images.shape[-1]
        axes[label].set_yticks(centres(len(method.units), side), [str(unit) for unit in method.units])
        axes[label].set_xticks(centres(len(OFFSETS), side), [_offset_label(offset) for offset in OFFSETS])
    return figure


def _offset_label(offset: int) -> str:
    return f"{offset:+d}σ".replace("-", "−") if offset else "0"
