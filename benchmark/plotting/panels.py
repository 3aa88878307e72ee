"""Mosaics of images, and figures with a grid of mosaics."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmark.plotting.style import WIDTH, captioned, hide_unused

COLUMNS = 2  # so that an image in a traversal is 60 pixels wide on a page of 1,000 pixels
_TITLE = 0.27  # inches for a panel's title and the gap above it


def gap_of(side: int) -> int:
    """Return the gap between images of `side` pixels, in pixels."""
    return max(1, side // 16)


def mosaic(images: NDArray[np.floating]) -> NDArray[np.floating]:
    """Arrange images in one picture with white gaps.

    Args:
        images: Images in [0, 1], (rows, columns, C, S, S).

    Returns:
        The picture, (H, W) for C = 1, else (H, W, C).
    """
    rows, columns, channels, side, _ = images.shape
    gap = gap_of(side)
    tiles = np.ones((rows, columns, channels, side + gap, side + gap), images.dtype)
    tiles[..., :side, :side] = images
    picture = tiles.transpose(0, 3, 1, 4, 2).reshape(rows * (side + gap), columns * (side + gap), channels)
    picture = picture[:-gap, :-gap]
    return picture[..., 0] if channels == 1 else picture


def centres(n: int, side: int) -> NDArray[np.floating]:
    """Return the pixel coordinates (n,) of the centres of a mosaic's rows or columns, for ticks."""
    return np.arange(n) * (side + gap_of(side)) + (side - 1) / 2


def show(axes: Axes, images: NDArray[np.floating]) -> None:
    """Draw a mosaic of images (rows, columns, C, S, S) with square pixels, without frame or ticks."""
    axes.imshow(mosaic(images), cmap="gray", vmin=0, vmax=1)
    axes.set_anchor("NW")  # otherwise tick labels have too little room if the layout shrinks the picture
    axes.set_xticks([])
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def panel_grid(
    panels: Mapping[str, NDArray[np.floating]], caption: tuple[str, ...], title: str
) -> tuple[Figure, dict[str, Axes]]:
    """Draw a grid of mosaics, each row as high as its tallest mosaic at full width.

    Args:
        panels: Label above the mosaic -> its images, (rows, columns, C, S, S).
        caption: Sentences below the grid.
        title: The title above the grid.

    Returns:
        The figure, and label -> axes, for ticks.
    """
    count = -(-len(panels) // COLUMNS)
    tallest = max(images.shape[0] / images.shape[1] for images in panels.values())
    figure, body = captioned(count * (tallest * 0.95 * WIDTH / COLUMNS + _TITLE) + 0.35, caption, title)
    places: list[Axes] = body.subplots(count, COLUMNS, squeeze=False).ravel().tolist()
    axes = dict(zip(panels, places, strict=False))
    for label, images in panels.items():
        show(axes[label], images)
        axes[label].set_title(label)
    hide_unused(places, len(panels))
    return figure, axes
