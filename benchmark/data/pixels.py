"""Conversion of pixels between bytes and [0, 1]."""

import numpy as np
from numpy.typing import NDArray


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert bytes 0..255 to float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def to_bytes(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Convert [0, 1] to the nearest of 0..255, clamping values outside."""
    rounded: NDArray[np.floating] = np.rint(np.clip(images, 0, 1) * 255)
    return rounded.astype(np.uint8)
