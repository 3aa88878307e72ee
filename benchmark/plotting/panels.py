"""Images side by side as one picture, and pictures in a grid of panels."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.plotting.style import WIDTH, captioned, hide_unused

COLUMNS = 3
_TITLE = 0.27  # inches of a panel's title and the gap above it


def gap_of(side: int) -> int:
    """Pixels between images of `side` pixels."""
    return max(1, side // 16)


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images (R, N, C, S, S) in [0, 1] as one picture with white gaps: (H, W) for C = 1, else (H, W, C)."""
    rows, columns, channels, side, _ = images.shape
    gap = gap_of(side)
    tiles = np.ones((rows, columns, channels, side + gap, side + gap), images.dtype)
    tiles[..., :side, :side] = images
    picture = tiles.transpose(0, 3, 1, 4, 2).reshape(rows * (side + gap), columns * (side + gap), channels)
    picture = picture[:-gap, :-gap]
    return picture[..., 0] if channels == 1 else picture


def centres(n: int, side: int) -> np.ndarray:
    """Pixel coordinates (n,) of the middles of a mosaic's rows or columns, for ticks."""
    return np.arange(n) * (side + gap_of(side)) + (side - 1) / 2


def show(axes: Axes, images: np.ndarray) -> None:
    """A mosaic without frame or ticks, pixels square."""
    axes.imshow(mosaic(images), cmap="gray", vmin=0, vmax=1)
    axes.set_anchor("NW")  # else the layout leaves too little for tick labels where it makes the picture smaller
    axes.set_xticks([])
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def panel_grid(
    panels: Mapping[str, np.ndarray], caption: tuple[str, ...], title: str
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a mosaic (R, N, C, S, S) for each label, and their axes, for ticks.

    A row is as high as the tallest of its mosaics is at full width.
    """
    count = -(-len(panels) // COLUMNS)
    tallest = max(images.shape[0] / images.shape[1] for images in panels.values())
    figure, body = captioned(count * (tallest * 0.95 * WIDTH / COLUMNS + _TITLE) + 0.35, caption, title)
    places = body.subplots(count, COLUMNS, squeeze=False).ravel()
    axes = dict(zip(panels, places, strict=False))
    for label, images in panels.items():
        show(axes[label], images)
        axes[label].set_title(label)
    hide_unused(places, len(panels))
    return figure, axes
