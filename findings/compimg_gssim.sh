#!/usr/bin/env bash
# compimg 0.2.2: GSSIM, which its docstring takes from Chen, Yang and Xie (2006), does not see two kinds of difference:
#   - the luminance term compares the image with itself (a line assigns it to both means), so it is always 1. An image and
#     the same one 150 grey levels brighter are equal;
#   - the gradient is the sum of the two signed Sobel derivatives, dx + dy, in place of a magnitude (here |dx| + |dy|). Edges
#     along one of the diagonals have none, so stripes in that direction are equal to a grey area.
#
# Seen (Python 3.11, 2026-12-01), 1 is the best value:
#   an image and itself: 1.00, formula 1.00
#   an image and the same 50 brighter: 1.00, formula 0.82
#   an image and the same 150 brighter: 1.00, formula 0.51
#   grey and falling stripes: 1.00, formula 0.01
#   grey and rising stripes: 0.00, formula 0.01
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check compimg==0.2.2 numpy==1.26.4 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from compimg.similarity import GSSIM
from scipy.ndimage import convolve


def formula(one, other):
    """Return GSSIM with the Gaussian window and the constants of SSIM."""
    place = np.arange(-5, 6)
    window = np.exp(-(place**2) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2

    def mean(values):
        return convolve(values, window)[5:-5, 5:-5]

    def gradient(image):
        sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
        return sum(abs(convolve(image, mask, mode="nearest")) for mask in (sobel, sobel.T))

    x, y = one.astype(float), other.astype(float)
    g, h = gradient(x), gradient(y)
    a, b = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean(x) * mean(y) + a) / (mean(x) ** 2 + mean(y) ** 2 + a)
    covariance = mean(g * h) - mean(g) * mean(h)
    variances = mean(g**2) - mean(g) ** 2 + mean(h**2) - mean(h) ** 2
    return np.mean(luminance * (2 * covariance + b) / (variances + b))


def pixels(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


row, column = np.mgrid[:64, :64]
image = pixels(60 + 40 * np.sin(column / 5) * np.cos(row / 7))
falling, rising = (pixels(128 + 60 * np.sin(place / 3)) for place in (column - row, column + row))
grey = np.full_like(image, 128)
pairs = {
    "an image and itself": (image, image),
    "an image and the same 50 brighter": (image, image + 50),
    "an image and the same 150 brighter": (image, image + 150),
    "grey and falling stripes": (grey, falling),
    "grey and rising stripes": (grey, rising),
}
for name, pair in pairs.items():
    print(f"{name}: {GSSIM().compare(*pair):.2f}, formula {formula(*pair):.2f}")
PY
diff "$folder/seen" - <<'SEEN'
an image and itself: 1.00, formula 1.00
an image and the same 50 brighter: 1.00, formula 0.82
an image and the same 150 brighter: 1.00, formula 0.51
grey and falling stripes: 1.00, formula 0.01
grey and rising stripes: 0.00, formula 0.01
SEEN
