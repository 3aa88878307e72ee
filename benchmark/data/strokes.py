"""Grey 28 x 28 drawings: ten glyphs made of strokes, and ten garments made of trapezoids."""

import numpy as np
from numpy.typing import NDArray

SIDE = 28

# Each glyph is a list of straight strokes (x0, y0, x1, y1) in a box from -1 to 1, y downwards.
_GLYPHS = (
    ((-0.5, -0.8, 0.5, -0.8), (0.5, -0.8, 0.5, 0.8), (0.5, 0.8, -0.5, 0.8), (-0.5, 0.8, -0.5, -0.8)),
    ((0.0, -0.9, 0.0, 0.9), (-0.3, -0.6, 0.0, -0.9)),
    ((-0.6, -0.7, 0.5, -0.7), (0.5, -0.7, -0.6, 0.8), (-0.6, 0.8, 0.6, 0.8)),
    ((-0.5, -0.8, 0.5, -0.8), (0.5, -0.8, -0.1, 0.0), (-0.1, 0.0, 0.5, 0.8), (0.5, 0.8, -0.5, 0.8)),
    ((-0.2, -0.9, -0.6, 0.2), (-0.6, 0.2, 0.6, 0.2), (0.3, -0.4, 0.3, 0.9)),
    ((0.5, -0.8, -0.5, -0.8), (-0.5, -0.8, -0.5, 0.0), (-0.5, 0.0, 0.5, 0.1), (0.5, 0.1, 0.4, 0.8)),
    ((0.2, -0.9, -0.5, 0.2), (-0.5, 0.2, 0.0, 0.9), (0.0, 0.9, 0.5, 0.4), (0.5, 0.4, -0.4, 0.2)),
    ((-0.6, -0.8, 0.6, -0.8), (0.6, -0.8, -0.2, 0.9)),
    ((-0.6, -0.8, 0.6, 0.8), (0.6, -0.8, -0.6, 0.8), (-0.6, -0.8, 0.6, -0.8), (-0.6, 0.8, 0.6, 0.8)),
    ((-0.5, -0.3, 0.1, -0.9), (0.1, -0.9, 0.5, -0.3), (0.5, -0.3, -0.5, -0.3), (0.5, -0.3, 0.3, 0.9)),
)

# Each garment is a list of trapezoids (top, bottom, left and right at the top, left and right at the bottom).
_GARMENTS = (
    ((-0.7, 0.8, -0.45, 0.45, -0.45, 0.45), (-0.7, -0.2, -0.5, 0.5, -0.95, 0.95)),  # T-shirt
    ((-0.9, -0.5, -0.4, 0.4, -0.4, 0.4), (-0.5, 0.9, -0.4, -0.02, -0.45, -0.15), (-0.5, 0.9, 0.02, 0.4, 0.15, 0.45)),
    ((-0.7, 0.7, -0.45, 0.45, -0.5, 0.5), (-0.7, 0.6, -0.5, -0.4, -0.95, -0.7), (-0.7, 0.6, 0.4, 0.5, 0.7, 0.95)),
    ((-0.9, -0.2, -0.3, 0.3, -0.2, 0.2), (-0.2, 0.9, -0.2, 0.2, -0.6, 0.6)),  # dress
    ((-0.8, 0.9, -0.45, -0.04, -0.55, -0.04), (-0.8, 0.9, 0.04, 0.45, 0.04, 0.55), (-0.8, 0.5, -0.6, 0.6, -0.8, 0.8)),
    ((0.4, 0.6, -0.9, 0.9, -0.9, 0.9), (-0.2, 0.4, 0.1, 0.3, 0.5, 0.7), (-0.3, 0.4, -0.7, -0.5, -0.7, -0.5)),  # sandal
    ((-0.8, 0.8, -0.35, 0.35, -0.35, 0.35), (-0.8, 0.3, -0.4, 0.4, -0.75, 0.75)),  # shirt
    ((0.0, 0.5, -0.8, -0.1, -0.9, 0.9), (0.5, 0.65, -0.9, 0.9, -0.9, 0.9)),  # sneaker
    ((-0.2, 0.7, -0.75, 0.75, -0.85, 0.85), (-0.7, -0.2, -0.5, -0.35, -0.6, -0.45), (-0.7, -0.2, 0.35, 0.5, 0.45, 0.6)),
    ((-0.8, 0.7, -0.7, 0.0, -0.7, 0.1), (0.2, 0.7, -0.7, 0.3, -0.7, 0.9)),  # ankle boot
)


def glyphs(rng: np.random.Generator, classes: NDArray[np.int64]) -> NDArray[np.floating]:
    """Draw a randomly distorted glyph for each class.

    Args:
        rng: Generator for all random properties.
        classes: Integers 0..9, (n,).

    Returns:
        float32 (n, 1, 28, 28) in [0, 1].
    """
    images = np.zeros((len(classes), SIDE, SIDE), np.float32)
    x, y = _warped_grid(rng, len(classes), turn=0.3, slant=0.4, shift=0.22)
    thickness = uniform(rng, len(classes), 0.07, 0.16)
    for c, strokes in enumerate(_GLYPHS):
        rows = classes == c
        for stroke in strokes:
            ends = np.array(stroke) + rng.normal(0, 0.11, (rows.sum(), 4))
            distance = _distance(x[rows], y[rows], ends.astype(np.float32)[:, :, None, None])
            ink = 1 - np.clip((distance - thickness[rows]) / 0.08, 0, 1)
            images[rows] = np.maximum(images[rows], ink)
    return images[:, None]


def garments(rng: np.random.Generator, classes: NDArray[np.int64]) -> NDArray[np.floating]:
    """Draw a randomly distorted garment, with random shade and weave, for each class.

    Args:
        rng: Generator for all random properties.
        classes: Integers 0..9, (n,).

    Returns:
        float32 (n, 1, 28, 28) in about [0, 1].
    """
    n = len(classes)
    cover = np.zeros((n, SIDE, SIDE), np.float32)
    x, y = _warped_grid(rng, n, turn=0.2, slant=0.2, shift=0.2)
    for c, pieces in enumerate(_GARMENTS):
        rows = classes == c
        for top, bottom, *edges in pieces:
            left0, right0, left1, right1 = (
                edge + rng.normal(0, 0.1, (rows.sum(), 1, 1)).astype(np.float32) for edge in edges
            )
            down = (y[rows] - top) / (bottom - top)
            inside = np.minimum(x[rows] - (left0 + (left1 - left0) * down), right0 + (right1 - right0) * down - x[rows])
            inside = np.minimum(inside, np.minimum(y[rows] - top, bottom - y[rows]))
            cover[rows] = np.maximum(cover[rows], np.clip(inside / 0.07 + 0.5, 0, 1))
    shade, depth = uniform(rng, n, 0.3, 0.95), uniform(rng, n, 0.0, 0.3)
    pitch, angle = uniform(rng, n, 5, 20), uniform(rng, n, 0, np.pi)
    weave = np.sin(pitch * (x * np.cos(angle) + y * np.sin(angle)))
    noise = rng.normal(0, 0.04, cover.shape).astype(np.float32)
    drawn: NDArray[np.floating] = (cover * (shade + depth * weave + noise))[:, None]
    return drawn


def _warped_grid(
    rng: np.random.Generator, n: int, turn: float, slant: float, shift: float
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return pixel centres in each drawing's own frame, (n, 28, 28) twice; the frame fills most of the image."""
    axis: NDArray[np.floating] = ((np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE * 2 - 1) * 1.25
    scale, turned = uniform(rng, n, 0.85, 1.15), uniform(rng, n, -turn, turn)
    dx, dy = uniform(rng, n, -shift, shift), uniform(rng, n, -shift, shift)
    x, y = (axis[None, None, :] - dx) * scale, (axis[None, :, None] - dy) * scale
    x, y = x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned)
    return x + uniform(rng, n, -slant, slant) * y, y


def _distance(x: NDArray[np.floating], y: NDArray[np.floating], ends: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the distances of points (n, h, w) from segments (n, 4, 1, 1)."""
    x0, y0, x1, y1 = (ends[:, i] for i in range(4))
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
    distance: NDArray[np.floating] = np.hypot(x - x0 - along * dx, y - y0 - along * dy)
    return distance


def uniform(rng: np.random.Generator, n: int, low: float, high: float) -> NDArray[np.float32]:
    """Draw a random number for each of n images.

    Returns:
        (n, 1, 1) float32 in [low, high).
    """
    return rng.uniform(low, high, (n, 1, 1)).astype(np.float32)
