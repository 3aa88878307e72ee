#!/usr/bin/env bash
# deepsig 1.2.8: a test does not pair the scores that it should, another one pairs those that it should not.
#   - bootstrap_test, by README and docstring the paired bootstrap test, draws the scores of A and of B independently. A
#     paired test draws pairs (Efron and Tibshirani 1994). With one score of both methods per seed or data set the common
#     part of the scores stays in the differences drawn, and the p-value of a clear difference is near 0.5.
#   - bootstrap_power_analysis, by README and docstring with "a one-sided Welch's t-test", takes scipy's ttest_rel, the
#     paired t-test, although the two samples are drawn independently. With five scores it has 4 degrees of freedom for up to
#     8, and the power is underestimated: more runs are asked for than needed.
#
# Seen (Python 3.11, 2026-12-01), for ten data sets, on all of which A is better by 0.01 to 0.03, then five scores:
#   bootstrap_test: 0.38
#   pairs drawn together: 0.00
#   permutation_test: 0.003
#   paired t-test: 0.0001
#   power: 0.62
#   power with Welch's test: 0.71
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    deepsig==1.2.8 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 joblib==1.6.0 tqdm==4.70.1 dill==0.4.1 psutil==7.2.2
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from deepsig import bootstrap_power_analysis, bootstrap_test, permutation_test
from scipy.stats import ttest_ind, ttest_rel

b = np.linspace(0.5, 0.95, 10)
a = b + np.tile([0.01, 0.03], 5)
stream = np.random.default_rng(0)
places = stream.integers(10, size=(1_000, 10))
paired = ((a - b)[places].mean(axis=1) >= 2 * (a - b).mean()).mean()
print(f"bootstrap_test: {bootstrap_test(a, b, seed=0):.2f}")
print(f"pairs drawn together: {paired:.2f}")
print(f"permutation_test: {permutation_test(a, b, seed=0):.3f}")
print(f"paired t-test: {ttest_rel(a, b, alternative='greater').pvalue:.4f}")


def welch(first, second):
    return ttest_ind(first, second, equal_var=False, alternative="greater").pvalue


scores = np.array([0.40, 0.45, 0.50, 0.55, 0.60])
settings = {"num_bootstrap_iterations": 2_000, "show_progress": False, "seed": 0}
print(f"power: {bootstrap_power_analysis(scores, **settings):.2f}")
print(f"power with Welch's test: {bootstrap_power_analysis(scores, significance_test=welch, **settings):.2f}")
PY
diff "$folder/seen" - <<'SEEN'
bootstrap_test: 0.38
pairs drawn together: 0.00
permutation_test: 0.003
paired t-test: 0.0001
power: 0.62
power with Welch's test: 0.71
SEEN
