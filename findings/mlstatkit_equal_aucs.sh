#!/usr/bin/env bash
# MLstatkit 0.1.91: Delong_test returns p = 0 for two models without any difference in AUC if their scores order the samples
# alike (a model and itself, or before and after its scores are calibrated or divided by a temperature), or if both separate
# the classes. The variance of the difference is then 0, for which it falls back to a bootstrap. All differences drawn are 0,
# and the p-value, twice the smaller share of the draws with diff <= 0 and with diff > 0, counts a 0 as evidence for one side
# only: 2 min(1, 0) = 0. The z = 0 beside it has the two-sided p-value 1, as does the same package's permutation test. The
# README names the fallback but not this.
#
# Seen (Python 3.11, 2026-12-01), for 200 samples and scores x of the first model:
#   itself: AUC 0.757 and 0.757, z 0.0, p 0.0, from z 1.0, by permutations 1.0
#   temperature 3: AUC 0.757 and 0.757, z 0.0, p 0.0, from z 1.0, by permutations 1.0
#   two perfect models: AUC 1.000 and 1.000, z 0.0, p 0.0, from z 1.0, by permutations 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    MLstatkit==0.1.91 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 tqdm==4.70.1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PY' | tee "$folder/seen" || { cat "$folder/log"; exit 1; }
import numpy as np
from MLstatkit import Delong_test, Permutation_test
from scipy.stats import norm

stream = np.random.default_rng(0)
classes = stream.integers(2, size=200)
logits = classes + stream.normal(size=200)
perfect = [classes + 0.1 * stream.uniform(size=200) for _ in range(2)]


def probability(logit):
    return 1 / (1 + np.exp(-logit))


pairs = {
    "itself": (probability(logits), probability(logits)),
    "temperature 3": (probability(logits), probability(logits / 3)),
    "two perfect models": perfect,
}
for name, (first, second) in pairs.items():
    z, p, _, _, *aucs, _ = Delong_test(classes, first, second, n_boot=1_000, random_state=0)
    ranks = (scores.argsort().argsort() for scores in (first, second))  # on one scale, as the test exchanges them
    permuted = Permutation_test(classes, *ranks, metric_str="roc_auc", n_bootstraps=100)[2]
    print(
        f"{name}: AUC {aucs[0]:.3f} and {aucs[1]:.3f}, z {z:.1f}, p {p:.1f}, from z {2 * norm.sf(abs(z)):.1f}, "
        f"by permutations {permuted:.1f}"
    )
PY
diff "$folder/seen" - <<'SEEN'
itself: AUC 0.757 and 0.757, z 0.0, p 0.0, from z 1.0, by permutations 1.0
temperature 3: AUC 0.757 and 0.757, z 0.0, p 0.0, from z 1.0, by permutations 1.0
two perfect models: AUC 1.000 and 1.000, z 0.0, p 0.0, from z 1.0, by permutations 1.0
SEEN
