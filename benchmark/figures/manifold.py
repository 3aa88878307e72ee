"""The paper's Fig. 5b: bilinear interpolation between the codes of four images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from benchmark.data.pixels import to_unit
from benchmark.figures.study_source import CannotDraw, StudySource, TrialKind
from benchmark.figures.trained_models import image_pages, models_of, some_test_images
from benchmark.plotting.panels import panel_grid

STEPS = 7
ORIGINALS = "the four originals"


@dataclass(frozen=True)
class Manifold:
    """The images of one page.

    Attributes:
        corners: The four originals in [0, 1], (2, 2, C, S, S).
        grids: Method label -> decoded codes in [0, 1], (STEPS, STEPS, C, S, S).
    """

    title: str
    corners: np.ndarray
    grids: Mapping[str, np.ndarray]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Manifold | CannotDraw]]:
    """Collect a page for each data set and latent dim of Tables 3 and 5."""
    return image_pages(source, "manifold", _data)


def bilinear(corners: np.ndarray, steps: int) -> np.ndarray:
    """Interpolate bilinearly between four codes.

    Args:
        corners: The codes, (2, 2, d).
        steps: Number of codes per side, at least 2.

    Returns:
        The codes, (steps, steps, d), with the given four in the corners.
    """
    there = np.linspace(0, 1, steps, dtype=corners.dtype)
    weights = np.stack([1 - there, there])  # (2, steps)
    return np.asarray(np.einsum("ij,kl,ikd->jld", weights, weights, corners))


def _data(source: StudySource, found: list[TrialKind]) -> Manifold:
    shown = models_of(source, found[0].dataset, found)
    images = some_test_images(shown.dataset, 4)
    if len(images) < 4:
        raise CannotDraw(f"{shown.dataset.name}: four test images are needed, but there are {len(images)}")
    grids = {
        model.label: model.decode(bilinear(model.encode(images).reshape(2, 2, -1), STEPS)) for model in shown.models
    }
    corners = to_unit(images).reshape(2, 2, *images.shape[1:])
    caption = (
        "Corners: reconstructions of four test images, the same for all methods. Between them: decoded bilinear "
        "interpolations of their codes.",
        *shown.caption,
    )
    title = (
        f"Between four test images: {source.study.manifest.marked_label(found[0].dataset)}, d = {found[0].latent_dim}"
    )
    return Manifold(title, corners, grids, caption)


def draw(data: Manifold) -> Figure:
    """Draw a panel with the originals, followed by one per method."""
    figure, _ = panel_grid({ORIGINALS: data.corners, **data.grids}, data.caption, data.title)
    return figure
