#!/usr/bin/env bash
# image-similarity-measures 0.3.6: three measures are not those of the papers that its README cites:
#   - SRE, 10 log10 of the squared mean over the mean squared error (Lanaras et al. 2018), has the norm of the error in place
#     of its square. So twice the noise costs 3 dB in place of 6, and the value depends on the units of the pixels, by 24 dB
#     between [0, 1] and [0, 255], and on the size of the image. Differences between methods are halved;
#   - FSIM (Zhang et al. 2011) computes gradients as unsigned 16-bit integers. Where brightness falls they are 0, and their
#     squares overflow from 16 grey levels onwards, so many strong edges have no gradient. They are also 16 times those of
#     the paper's mask, for which the constant 160 is meant;
#   - UIQ, which is 1 only for equal images (Wang and Bovik 2002), counts windows in which both are black as 0, so an image
#     with a black background is not equal to itself.
#
# Seen (Python 3.11, 2026-12-01):
#   SRE with noise of 5: 53 dB, pixels in [0, 1] 29 dB, formula 28 dB
#   SRE with noise of 10: 50 dB, pixels in [0, 1] 26 dB, formula 22 dB
#   SRE with noise of 20: 47 dB, pixels in [0, 1] 23 dB, formula 16 dB
#   gradient at an edge of 15 grey levels: 240, falling 0, formula 15
#   gradient at an edge of 16 grey levels: 0, falling 0, formula 16
#   gradient at an edge of 64 grey levels: 0, falling 0, formula 64
#   gradient at an edge of 100 grey levels: 64, falling 0, formula 100
#   FSIM of squares and squares with noise of 5: 0.59, formula 0.92
#   FSIM of squares and squares of a quarter of the contrast: 0.93, formula 0.71
#   UIQ of a digit and itself: 0.56, exact 1.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because it requires the build of opencv-python that needs a desktop's libraries.
pip --no-deps image-similarity-measures==0.3.6 phasepack==1.5
pip opencv-python-headless==4.11.0.86 scikit-image==0.20.0 scipy==1.17.1 numpy==1.26.4 packaging==26.3
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import warnings

import cv2
import numpy as np
from scipy.ndimage import convolve

warnings.simplefilter("ignore")  # of a missing faster transform, and of the division 0 / 0
from image_similarity_measures.quality_metrics import _gradient_magnitude, fsim, sre, uiq
from phasepack import phasecong


def exact_sre(one, other):
    one, other = one.astype(float), other.astype(float)
    return 10 * np.log10(one.mean() ** 2 / np.mean((one - other) ** 2))


def gradient(image):
    scharr = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
    return np.hypot(*(convolve(image.astype(float), mask, mode="nearest") for mask in (scharr, scharr.T)))


def exact_fsim(one, other):
    """Return FSIM with the package's phase congruency and the paper's gradient."""
    p, q = (sum(phasecong(i, nscale=4, minWaveLength=6, mult=2, sigmaOnf=0.5978)[4]) for i in (one, other))
    g, h = gradient(one), gradient(other)
    similarity = (2 * p * q + 0.85) / (p**2 + q**2 + 0.85) * (2 * g * h + 160) / (g**2 + h**2 + 160)
    return np.average(similarity, weights=np.maximum(p, q))


def pixels(values):
    return np.clip(values, 0, 255).astype(np.uint8)


stream = np.random.default_rng(0)
row, column = np.mgrid[:64, :64]
image = pixels(128 + 60 * np.sin(column / 5) * np.cos(row / 7))[:, :, None]
for deviation in (5, 10, 20):
    noisy = pixels(image + deviation * stream.normal(size=image.shape))
    print(
        f"SRE with noise of {deviation}: {sre(image, noisy):.0f} dB, pixels in [0, 1] "
        f"{sre(image / 255, noisy / 255):.0f} dB, formula {exact_sre(image, noisy):.0f} dB"
    )
for height in (15, 16, 64, 100):
    edge = np.where(column < 32, 0, height).astype(np.uint8)
    rising, falling = (
        _gradient_magnitude(np.ascontiguousarray(side), cv2.CV_16U).max() for side in (edge, edge[:, ::-1])
    )
    exact = gradient(edge).max()
    print(f"gradient at an edge of {height} grey levels: {rising:.0f}, falling {falling:.0f}, formula {exact:.0f}")
squares = np.kron(stream.integers(0, 256, (8, 8)), np.ones((8, 8))).astype(np.uint8)
others = {
    "with noise of 5": pixels(squares + 5 * stream.normal(size=squares.shape)),
    "of a quarter of the contrast": squares // 4,
}
for name, other in others.items():
    value = fsim(squares[:, :, None], other[:, :, None])
    print(f"FSIM of squares and squares {name}: {value:.2f}, formula {exact_fsim(squares, other):.2f}")
digit = np.zeros((28, 28, 1), dtype=np.uint8)
digit[8:20, 10:16] = 200
print(f"UIQ of a digit and itself: {uiq(digit, digit):.2f}, exact 1.00")
PY
diff "$folder/seen" - <<'SEEN'
SRE with noise of 5: 53 dB, pixels in [0, 1] 29 dB, formula 28 dB
SRE with noise of 10: 50 dB, pixels in [0, 1] 26 dB, formula 22 dB
SRE with noise of 20: 47 dB, pixels in [0, 1] 23 dB, formula 16 dB
gradient at an edge of 15 grey levels: 240, falling 0, formula 15
gradient at an edge of 16 grey levels: 0, falling 0, formula 16
gradient at an edge of 64 grey levels: 0, falling 0, formula 64
gradient at an edge of 100 grey levels: 64, falling 0, formula 100
FSIM of squares and squares with noise of 5: 0.59, formula 0.92
FSIM of squares and squares of a quarter of the contrast: 0.93, formula 0.71
UIQ of a digit and itself: 0.56, exact 1.00
SEEN
