#!/usr/bin/env bash
# entropy-estimators 0.0.2: three estimates from nearest neighbours are not those of the papers that it cites:
#   - get_pid's redundancy, from get_imin, adds the digamma of the neighbours in the target in place of subtracting it, which
#     Kraskov's estimate of the information does (and the package's own get_mi). It is near 6 nats for 1,000 samples of
#     anything, even if the sources know nothing, so unique informations and the synergy are wrong by as much;
#   - get_h with norm="euclidean" is d log 2 too large for d units. The volume of a ball is that of radius 1, the distances
#     are doubled. With the default norm, "max", both are of the cube with side 1;
#   - get_mi counts the neighbours closer than the k-th, by its comment strictly closer ones as in Kraskov, Stoegbauer and
#     Grassberger (2004, Eq. 8), but includes the k-th itself. At the default k = 1 it is 0.1 to 0.25 nats too low, and the
#     more so the more the variables depend on each other.
#
# Seen (Python 3.11, 2026-12-01), in nats:
#   two copies: redundancy 6.3, exact 0.8; unique -5.5 and -5.5, exact 0.0
#   nothing: redundancy 6.0, exact 0.0; unique -6.0 and -6.0, exact 0.0
#   entropy of 1 units: 1.4, Euclidean 2.1, exact 1.4
#   entropy of 2 units: 2.8, Euclidean 4.2, exact 2.8
#   entropy of 10 units: 14.3, Euclidean 21.2, exact 14.2
#   information at correlation 0.0: -0.09, formula -0.03, exact 0.00
#   information at correlation 0.9: 0.75, formula 0.84, exact 0.83
#   information at correlation 0.999: 2.87, formula 3.13, exact 3.11
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    entropy-estimators==0.0.2 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from entropy_estimators import continuous
from scipy.special import digamma

stream = np.random.default_rng(0)


def estimate(x, y):
    """Return Kraskov's first estimate with one neighbour, from the numbers of strictly closer points."""
    in_x, in_y = abs(x[:, None] - x), abs(y[:, None] - y)
    for distances in (in_x, in_y):
        np.fill_diagonal(distances, np.inf)
    nearest = np.maximum(in_x, in_y).min(axis=1)[:, None]
    closer = [(distances < nearest).sum(axis=1) for distances in (in_x, in_y)]
    return digamma(1) + digamma(len(x)) - sum(digamma(number + 1).mean() for number in closer)


def linked(x, correlation):
    return correlation * x + np.sqrt(1 - correlation**2) * stream.normal(size=len(x))


x = stream.normal(size=1000)
copy = x + 1e-6 * stream.normal(size=1000)
known = 0.5 * np.log(1 / (1 - 0.9**2))
for name, other, target, exact in (("two copies", copy, linked(x, 0.9), known), ("nothing", linked(x, 0), linked(x, 0), 0)):
    _, first, second, redundancy = continuous.get_pid(x, other, target)
    print(f"{name}: redundancy {redundancy:.1f}, exact {exact:.1f}; unique {first:.1f} and {second:.1f}, exact 0.0")
for units in (1, 2, 10):
    codes = stream.normal(size=(2000, units))
    cube, ball = (continuous.get_h(codes, k=3, norm=norm) for norm in ("max", "euclidean"))
    print(f"entropy of {units} units: {cube:.1f}, Euclidean {ball:.1f}, exact {units / 2 * np.log(2 * np.pi * np.e):.1f}")
for correlation in (0.0, 0.9, 0.999):
    pairs = [(x, linked(x, correlation)) for x in stream.normal(size=(10, 1000))]
    value, formula = (np.mean([measure(x, y) for x, y in pairs]) for measure in (continuous.get_mi, estimate))
    exact = 0.5 * np.log(1 / (1 - correlation**2))
    print(f"information at correlation {correlation}: {value:.2f}, formula {formula:.2f}, exact {exact:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
two copies: redundancy 6.3, exact 0.8; unique -5.5 and -5.5, exact 0.0
nothing: redundancy 6.0, exact 0.0; unique -6.0 and -6.0, exact 0.0
entropy of 1 units: 1.4, Euclidean 2.1, exact 1.4
entropy of 2 units: 2.8, Euclidean 4.2, exact 2.8
entropy of 10 units: 14.3, Euclidean 21.2, exact 14.2
information at correlation 0.0: -0.09, formula -0.03, exact 0.00
information at correlation 0.9: 0.75, formula 0.84, exact 0.83
information at correlation 0.999: 2.87, formula 3.13, exact 3.11
SEEN
