#!/usr/bin/env bash
# frechet-coefficient 2.0.13: hellinger_distance, by its docstring the Hellinger distance between two Gaussians, which the
# package computes from features of two sets of images, is neither that distance nor its square:
#   - the exponent of the means' part, d' S^-1 d / 8, is divided by 0.125 in place of multiplied, so it is 64 times too
#     large. Means half a standard deviation apart, whose distance is 0.18, are at 0.87, those two apart at 1;
#   - the value is 1 - BC, the distance squared, with the Bhattacharyya coefficient BC; the distance is its root;
#   - 1e-7 is added to the root of a determinant. In many dimensions that prevails, although the distance does not depend on
#     scale: 16 features with standard deviation 0.3 are at distance 0.96 from themselves. The docstring warns of NaN only.
# frechet_distance of the same package is right.
#
# Seen (Python 3.11, 2026-12-01):
#   means 0.1 apart: 0.077, distance 0.035
#   means 0.5 apart: 0.865, distance 0.175
#   means 1.0 apart: 1.000, distance 0.343
#   means 2.0 apart: 1.000, distance 0.627
#   equal means, standard deviations 1 and 2: 0.106, distance 0.325
#   16 features of standard deviation 1.0, from themselves: 0.000
#   16 features of standard deviation 0.5, from themselves: 0.007
#   16 features of standard deviation 0.3, from themselves: 0.959
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip --no-deps frechet-coefficient==2.0.13
pip numpy==2.4.6 scipy==1.17.1 imageio==2.38.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import sys
import types

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

# In place of the extractor of features, which needs tensorflow or torch and downloads weights.
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
extractor = types.ModuleType("frechet_coefficient.models_tensorflow")
extractor.PretrainedModelWrapper = object
sys.modules[extractor.__name__] = extractor
from frechet_coefficient import hellinger_distance


def distance(mean, deviation, other_mean, other_deviation):
    def root(x):
        return np.sqrt(norm.pdf(x, mean, deviation) * norm.pdf(x, other_mean, other_deviation))

    return np.sqrt(1 - quad(root, -20, 20, points=[mean, other_mean])[0])


def reported(mean, deviation, other_mean, other_deviation):
    values = (np.array([mean]), np.array([[deviation**2]]), np.array([other_mean]), np.array([[other_deviation**2]]))
    return hellinger_distance(*values)


for apart in (0.1, 0.5, 1.0, 2.0):
    pair = (0.0, 1.0, apart, 1.0)
    print(f"means {apart} apart: {reported(*pair):.3f}, distance {distance(*pair):.3f}")
pair = (0.0, 1.0, 0.0, 2.0)
print(f"equal means, standard deviations 1 and 2: {reported(*pair):.3f}, distance {distance(*pair):.3f}")
for deviation in (1.0, 0.5, 0.3):
    mean, covariance = np.zeros(16), deviation**2 * np.eye(16)
    value = hellinger_distance(mean, covariance, mean, covariance)
    print(f"16 features of standard deviation {deviation}, from themselves: {value:.3f}")
PY
diff "$folder/seen" - <<'SEEN'
means 0.1 apart: 0.077, distance 0.035
means 0.5 apart: 0.865, distance 0.175
means 1.0 apart: 1.000, distance 0.343
means 2.0 apart: 1.000, distance 0.627
equal means, standard deviations 1 and 2: 0.106, distance 0.325
16 features of standard deviation 1.0, from themselves: 0.000
16 features of standard deviation 0.5, from themselves: 0.007
16 features of standard deviation 0.3, from themselves: 0.959
SEEN
