#!/usr/bin/env bash
# latentverse 0.3.5: the total correlation of codes is reported as 0, the value of independent units, whenever the product of
# their variances is below 1e-10. The quantity does not depend on the units' scales, but the product does, and on their
# number: with 64 units it is below if their standard deviation is less than 0.83, with ten if four of them have collapsed to
# variance 0.001. There is no warning, and the value is the best possible one.
#
# Seen (Python 3.11, 2026-11-30), with 5,000 draws of 64 Gaussian units, all pairs of which have correlation 0.5:
#   exact: 20
#   standard deviation 1: 20
#   standard deviation 0.9: 20
#   standard deviation 0.8: 0
#   standard deviation 0.1: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because latentverse requires torch and numba, which its evaluations can do without.
pip --no-deps latentverse==0.3.5
pip numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 matplotlib==3.11.2 seaborn==0.13.2 joblib==1.6.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from latentverse.evaluations.disentanglement import compute_total_correlation_fast

covariance = np.full((64, 64), 0.5) + 0.5 * np.eye(64)
print(f"exact: {-0.5 * np.linalg.slogdet(covariance)[1]:.0f}")
units = np.random.default_rng(0).multivariate_normal(np.zeros(64), covariance, 5_000)
for scale in (1, 0.9, 0.8, 0.1):
    print(f"standard deviation {scale}: {compute_total_correlation_fast(scale * units):.0f}")
PY
diff "$folder/seen" - <<'SEEN'
exact: 20
standard deviation 1: 20
standard deviation 0.9: 20
standard deviation 0.8: 0
standard deviation 0.1: 0
SEEN
