#!/usr/bin/env bash
# sewar 0.4.10: uqi is not the universal quality index that its README cites (Wang and Bovik 2002), the mean over windows of
# 8 x 8 of 4 cov(x, y) mean(x) mean(y) / ((var(x) + var(y)) (mean(x)^2 + mean(y)^2)). The code has the formula for the sums
# over a window, in which N sum(x y) - sum(x) sum(y) is proportional to the covariance, but takes means, for which it is
# N mean(x y) - mean(x) mean(y). With N = 64 the first term prevails, so the index mostly compares brightness: noise scores
# 0.86 and an image's negative 0.83, in place of 0.01 and -0.93. The scores d_lambda, d_s and qnr of the same package use it.
#
# Seen (Python 3.11, 2026-12-01), the index of a grey image of 64 x 64 and
#   itself: 1.00, formula 1.00
#   its negative: 0.83, formula -0.93
#   its pixels in another order: 0.92, formula 0.00
#   noise: 0.86, formula 0.01
#   grey with faint noise: 0.95, formula 0.00
#   itself with noise: 0.99, formula 0.61
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sewar==0.4.10 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from sewar.full_ref import uqi


def formula(one, other):
    x, y = (np.lib.stride_tricks.sliding_window_view(i.astype(float), (8, 8)).reshape(-1, 64) for i in (one, other))
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    covariance = ((x - mean_x[:, None]) * (y - mean_y[:, None])).mean(axis=1)
    return np.mean(4 * covariance * mean_x * mean_y / ((x.var(axis=1) + y.var(axis=1)) * (mean_x**2 + mean_y**2)))


def pixels(values):
    return np.clip(values, 1, 254).astype(np.uint8)


stream = np.random.default_rng(0)
row, column = np.mgrid[:64, :64]
image = pixels(128 + 60 * np.sin(column / 5) * np.cos(row / 7) + 10 * stream.normal(size=(64, 64)))
others = {
    "itself": image,
    "its negative": 255 - image,
    "its pixels in another order": stream.permutation(image.ravel()).reshape(64, 64),
    "noise": pixels(128 + 60 * stream.normal(size=(64, 64))),
    "grey with faint noise": pixels(128 + stream.normal(size=(64, 64))),
    "itself with noise": pixels(image + 20 * stream.normal(size=(64, 64))),
}
for name, other in others.items():
    print(f"{name}: {uqi(image, other):.2f}, formula {formula(image, other):.2f}")
PY
diff "$folder/seen" - <<'SEEN'
itself: 1.00, formula 1.00
its negative: 0.83, formula -0.93
its pixels in another order: 0.92, formula 0.00
noise: 0.86, formula 0.01
grey with faint noise: 0.95, formula 0.00
itself with noise: 0.99, formula 0.61
SEEN
