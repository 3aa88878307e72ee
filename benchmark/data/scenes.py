"""Drawings of coloured shapes (32 x 32 x 3), simple faces (64 x 64 x 3) and chairs made of boxes (64 x 64, grey)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmark.data.strokes import uniform

Floats = NDArray[np.floating]

_SHADES = np.array([0.55, 0.35, 0.8], np.float32)  # for a box's faces perpendicular to x, y and z
_BACKGROUND = 1.0  # white, as in the renderings of 3D Chairs
_FAR = np.float32(1e9)


def coloured_shapes(rng: np.random.Generator, classes: NDArray[np.int64]) -> Floats:
    """Draw one shape per class, in a colour correlated with the class, on a background of waves.

    Args:
        rng: Generator for all random properties.
        classes: Integers 0..9, (n,).

    Returns:
        float64 (n, 3, 32, 32) in about [0, 1].
    """
    n = len(classes)
    x, y = _grid(32)
    image = _waves(rng, n, x, y)
    scale, turn = uniform(rng, n, 0.5, 0.75), uniform(rng, n, -0.35, 0.35)
    dx, dy = uniform(rng, n, -0.25, 0.25), uniform(rng, n, -0.25, 0.25)
    u, v = (x - dx) / scale, (y - dy) / scale
    u, v = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    inside: Floats = np.empty_like(u)
    for c, shape in enumerate(_SHAPES):
        inside[classes == c] = shape(u[classes == c], v[classes == c])
    cover = np.clip(inside / 0.12 + 0.5, 0, 1)[:, None]
    hue = (classes / 10 + rng.normal(0, 0.12, n))[:, None] + np.array([0, 1 / 3, 2 / 3])
    colour = (0.5 + 0.4 * np.cos(2 * np.pi * hue)).astype(np.float32)[:, :, None, None]
    light = 1 + 0.25 * (u + v)[:, None]
    noise = rng.normal(0, 0.03, image.shape).astype(np.float32)
    drawn: Floats = image * (1 - cover) + colour * light * cover + noise
    return drawn


def faces(rng: np.random.Generator, classes: NDArray[np.int64]) -> Floats:
    """Draw front views of simple faces with random features.

    Args:
        rng: Generator for all random properties.
        classes: (n,), of which only the length is used.

    Returns:
        float32 (n, 3, 64, 64) in [0, 1].
    """
    n = len(classes)
    x, y = _grid(64)
    turn, dx, dy = uniform(rng, n, -0.12, 0.12), uniform(rng, n, -0.08, 0.08), uniform(rng, n, -0.08, 0.08)
    x, y = x - dx, y - dy
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    image = np.broadcast_to(_colour(rng, n, (0.2, 0.2, 0.2), (0.9, 0.9, 0.9)), (n, 3, 64, 64)).copy()
    hair, tone = _colour(rng, n, (0.1, 0.05, 0.0), (0.8, 0.6, 0.4)), uniform(rng, n, 0.45, 1.0)[:, None]
    skin = tone * np.array([0.95, 0.76, 0.65], np.float32)[:, None, None]
    width, height = uniform(rng, n, 0.42, 0.56), uniform(rng, n, 0.58, 0.7)
    length = uniform(rng, n, 0.7, 1.1)
    look = uniform(rng, n, -0.08, 0.08)  # sideways shift of the features as the head turns

    _paint(image, _ellipse(u, v, 0.0, -0.1, width + 0.14, length), hair)
    _paint(image, _ellipse(u, v, 0.0, 0.08, width, height), skin * (1 - 0.25 * (u * np.sign(look))[:, None]))
    _paint(image, _ellipse(u, v, 0.0, -0.62, width, uniform(rng, n, 0.1, 0.28)), hair)
    apart, size = uniform(rng, n, 0.17, 0.24), uniform(rng, n, 0.06, 0.1)
    for side in (-1, 1):
        centre = look + side * apart
        _paint(image, _ellipse(u, v, centre, -0.05, size * 1.4, size * 0.8), np.float32(0.95))
        _paint(image, _ellipse(u, v, centre + look * 0.3, -0.05, size * 0.6, size * 0.7), np.float32(0.1))
        _paint(image, _ellipse(u, v, centre, -0.2, size * 1.6, 0.035), hair * 0.7)
    _paint(image, _ellipse(u, v, look * 1.2, 0.16, uniform(rng, n, 0.04, 0.08), 0.13), skin * 0.82)
    mouth = _colour(rng, n, (0.6, 0.1, 0.1), (0.9, 0.4, 0.4))
    _paint(image, _ellipse(u, v, look, 0.42, uniform(rng, n, 0.12, 0.26), uniform(rng, n, 0.03, 0.09)), mouth)
    return image


def chair_views(rng: np.random.Generator, views: NDArray[np.int64]) -> Floats:
    """Render one random chair made of boxes from several views.

    The projection is orthographic; each pixel's ray is intersected with the boxes (slab method), and faces are shaded
    by axis.

    Args:
        rng: Generator for the chair's shape.
        views: (elevation, azimuth) in degrees, (n, 2).

    Returns:
        float32 (n, 1, 64, 64) in [0, 1].
    """
    boxes = _chair(rng)
    elevation, azimuth = (np.deg2rad(angles).astype(np.float32)[:, None, None] for angles in views.T)
    x, y = _grid(64)
    zero = np.zeros_like(azimuth)
    right = (np.cos(azimuth), np.sin(azimuth), zero)
    forward = (
        -np.sin(azimuth) * np.cos(elevation),
        np.cos(azimuth) * np.cos(elevation),
        -np.sin(elevation),
    )
    up = (-np.sin(azimuth) * np.sin(elevation), np.cos(azimuth) * np.sin(elevation), np.cos(elevation))
    # Prevents division by zero for rays parallel to a face.
    inverse = [1 / np.where(np.abs(d) < 1e-4, np.float32(1e-4), d) for d in forward]
    origin = [(right[axis] * x - up[axis] * y) * 1.05 * inverse[axis] for axis in range(3)]
    nearest = np.full((len(views), 64, 64), _FAR)
    image = np.full((len(views), 64, 64), np.float32(_BACKGROUND))
    for centre, half in boxes:
        enters, leaves = [], []
        for axis in range(3):
            middle, reach = centre[axis] * inverse[axis] - origin[axis], half[axis] * np.abs(inverse[axis])
            enters.append(middle - reach)
            leaves.append(middle + reach)
        enter = np.maximum(np.maximum(enters[0], enters[1]), enters[2])
        hit = (enter < np.minimum(np.minimum(leaves[0], leaves[1]), leaves[2])) & (enter < nearest)
        shade = np.where(enters[0] >= enter, _SHADES[0], np.where(enters[1] >= enter, _SHADES[1], _SHADES[2]))
        image[hit], nearest[hit] = shade[hit], enter[hit]
    return image[:, None]


def _chair(rng: np.random.Generator) -> NDArray[np.float32]:
    """Make the boxes (centre, half-size) of a chair around the origin, z upwards: seat, back, four legs, maybe arms."""
    width, depth = rng.uniform(0.28, 0.5, 2)
    legs, back, thick = rng.uniform(0.35, 0.65), rng.uniform(0.3, 0.7), rng.uniform(0.03, 0.08)
    leg, seat = rng.uniform(0.025, 0.06), rng.uniform(-0.1, 0.1)
    boxes = [((0, 0, seat), (width, depth, thick)), ((0, depth - 0.04, seat + back / 2), (width, 0.04, back / 2))]
    for x in (-1, 1):
        boxes += [((x * (width - leg), y * (depth - leg), seat - legs / 2), (leg, leg, legs / 2)) for y in (-1, 1)]
        if back > 0.5:
            boxes.append(((x * (width - leg), 0, seat + 0.3), (leg, depth, 0.03)))
    return np.array(boxes, np.float32)


def _star(u: Floats, v: Floats) -> Floats:
    inside: Floats = 0.7 + 0.25 * np.cos(5 * np.arctan2(u, -v)) - np.hypot(u, v)
    return inside


# Positive inside, negative outside: approximately the distance to the edge, in units of the shape's size.
_SHAPES: tuple[Callable[[Floats, Floats], Floats], ...] = (
    lambda u, v: 0.9 - np.hypot(u, v),
    lambda u, v: 0.75 - np.maximum(np.abs(u), np.abs(v)),
    lambda u, v: np.minimum(0.7 - v, 0.45 + v * 0.5 - np.abs(u)),  # triangle
    lambda u, v: 0.25 - np.abs(np.hypot(u, v) - 0.7),  # ring
    lambda u, v: np.maximum(
        np.minimum(0.25 - np.abs(u), 0.9 - np.abs(v)), np.minimum(0.25 - np.abs(v), 0.9 - np.abs(u))
    ),
    _star,
    lambda u, v: np.minimum(0.3 - np.abs(v), 1.1 - np.abs(u)),  # bar
    lambda u, v: np.minimum(0.9 - np.hypot(u, v), np.hypot(u - 0.45, v) - 0.7),  # crescent
    lambda u, v: 0.9 - np.abs(u) - np.abs(v),  # diamond
    lambda u, v: np.maximum(0.4 - np.hypot(u - 0.5, v), 0.4 - np.hypot(u + 0.5, v)),  # two discs
)


def _waves(rng: np.random.Generator, n: int, x: Floats, y: Floats) -> Floats:
    """Draw a background of three crossing waves, (n, 3, h, w)."""
    base = _colour(rng, n, (0.2, 0.2, 0.2), (0.8, 0.8, 0.8))
    image: Floats = base + np.zeros((n, 3, y.shape[1], x.shape[2]), np.float32)
    for _ in range(3):
        pitch, angle, phase = uniform(rng, n, 2, 12), uniform(rng, n, 0, np.pi), uniform(rng, n, 0, 2 * np.pi)
        wave = np.sin(pitch * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        image = image + _colour(rng, n, (-0.12,) * 3, (0.12,) * 3) * wave[:, None]
    return image


def _paint(image: Floats, inside: Floats, colour: Floats | np.float32) -> None:
    """Paint a colour, broadcastable to (n, 3, h, w), on the image where `inside` (n, h, w) is positive."""
    cover = np.clip(inside + 0.5, 0, 1)[:, None]
    image += (colour - image) * cover


def _ellipse(u: Floats, v: Floats, x: Floats | float, y: float, a: Floats | float, b: Floats | float) -> Floats:
    """Return about the distance to the ellipse at (x, y) with half-axes a, b in pixels (64 x 64), positive inside."""
    inside: Floats = (1 - np.sqrt(((u - x) / a) ** 2 + ((v - y) / b) ** 2)) * np.minimum(a, b) * 32
    return inside


def _grid(side: int) -> tuple[Floats, Floats]:
    """Return pixel centres from -1 to 1: x (1, 1, side) and y (1, side, 1)."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
    return axis[None, None, :], axis[None, :, None]


def _colour(
    rng: np.random.Generator, n: int, low: tuple[float, float, float], high: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Draw a colour per image, (n, 3, 1, 1) float32."""
    return rng.uniform(low, high, (n, 3)).astype(np.float32)[:, :, None, None]
