"""Make a data set of your own: images of a bar in one of four directions, in bars.npz in the given folder."""

import sys
from pathlib import Path

import numpy as np

random = np.random.default_rng(0)
labels = np.arange(400) % 4
images = random.integers(0, 60, (400, 28, 28), dtype=np.uint8)  # a dark background
for image, label, place in zip(images, labels, random.integers(4, 24, 400), strict=True):
    rows, columns = np.indices(image.shape)
    off = (rows - place, columns - place, rows - columns + place - 14, rows + columns - place - 14)[label]
    image[abs(off) < 2] = 230
np.savez(Path(sys.argv[1]) / "bars.npz", x=images, y=labels)
