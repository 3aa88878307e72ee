#!/usr/bin/env bash
# deepsig 1.2.8: both of its Bonferroni corrections are wrong.
#   - ASO corrects the confidence level c for m comparisons to c + (1 - c) / m, where Bonferroni, by the README "dividing"
#     alpha = 1 - c by m, has 1 - (1 - c) / m. So the correction is right for m = 2 only and vanishes as m grows: with 100
#     comparisons the level is 0.9505 in place of 0.9995. For two models multi_aso takes level 1, and its bounds are 1
#     or, if all scores of one are better, nan, so that it never finds a difference.
#   - bonferroni_correction, "based on Bonferroni's method", multiplies the u-th smallest of m p-values by m - u + 1, not by
#     m, so equal p-values get different ones. (In the paper it cites, Dror et al. 2017, these are p-values of u out of m;
#     Holm's method, as the maintainer calls it in issue 2 of Kaleidophon/deep-significance, would take their running
#     maximum.) To restore the order it applies the permutation that sorts once more instead of its inverse. With three or
#     more p-values, they can then belong to the wrong hypotheses.
#
# Seen (Python 3.11, 2026-12-01), where the level of ASO is found from its bounds at levels 0.95 and 0.99, which are linear
# in the normal quantile of the level:
#   2 comparisons: level 0.9750, Bonferroni 0.9750
#   3 comparisons: level 0.9667, Bonferroni 0.9833
#   10 comparisons: level 0.9550, Bonferroni 0.9950
#   100 comparisons: level 0.9505, Bonferroni 0.9995
#   two models, bound of aso: 0.08, of multi_aso: 1.00
#   p-values 0.500 0.001 0.030 corrected: 0.060 0.500 0.003, Bonferroni 1.000 0.003 0.090
#   p-values 0.040 0.040 0.040 corrected: 0.120 0.080 0.040, Bonferroni 0.120 0.120 0.120
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    deepsig==1.2.8 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 joblib==1.6.0 tqdm==4.70.1 dill==0.4.1 psutil==7.2.2
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from deepsig import aso, bonferroni_correction, multi_aso
from scipy.stats import norm

stream = np.random.default_rng(0)
scores = {"first": stream.normal(1, 1, 20), "second": stream.normal(0, 1, 20)}
settings = {"seed": 1, "num_bootstrap_iterations": 100, "show_progress": False}


def bound(level, comparisons=1):
    return aso(*scores.values(), confidence_level=level, num_comparisons=comparisons, **settings)


def text(values):
    return " ".join(f"{value:.3f}" for value in values)


low, high = bound(0.95), bound(0.99)
slope = (high - low) / (norm.ppf(0.99) - norm.ppf(0.95))
for number in (2, 3, 10, 100):
    level = norm.cdf(norm.ppf(0.95) + (bound(0.95, number) - low) / slope)
    print(f"{number} comparisons: level {level:.4f}, Bonferroni {1 - 0.05 / number:.4f}")
print(f"two models, bound of aso: {low:.2f}, of multi_aso: {multi_aso(scores, **settings)[0, 1]:.2f}")
for values in (np.array([0.5, 0.001, 0.03]), np.full(3, 0.04)):
    corrected, exact = bonferroni_correction(values), np.minimum(len(values) * values, 1)
    print(f"p-values {text(values)} corrected: {text(corrected)}, Bonferroni {text(exact)}")
PY
diff "$folder/seen" - <<'SEEN'
2 comparisons: level 0.9750, Bonferroni 0.9750
3 comparisons: level 0.9667, Bonferroni 0.9833
10 comparisons: level 0.9550, Bonferroni 0.9950
100 comparisons: level 0.9505, Bonferroni 0.9995
two models, bound of aso: 0.08, of multi_aso: 1.00
p-values 0.500 0.001 0.030 corrected: 0.060 0.500 0.003, Bonferroni 1.000 0.003 0.090
p-values 0.040 0.040 0.040 corrected: 0.120 0.080 0.040, Bonferroni 0.120 0.120 0.120
SEEN
