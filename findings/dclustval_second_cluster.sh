#!/usr/bin/env bash
# dclustval 0.1.0: do_cluster_validation is to test, by its comment, "if the average distance within each cluster is less
# than the average distance between clusters", and to merge those for which it is not. Of two clusters it tests only one:
#   - the second test has the first cluster's ranks again, and those in another ranking than the ranks they are compared to;
#   - the tests are two-sided, so a cluster whose distances are larger within than to the other one passes as well.
# A pair's result is that of the order in which it comes last. So whether clusters are merged depends on how they are
# numbered, and a cluster within another, wider one can be kept.
#
# Seen (Python 3.11, 2026-12-01), for twice 100 codes, alpha 0.01; "exact" needs both clusters to pass the one-sided test:
#   two clusters: kept 2, renumbered 2, exact 2 (t = -129 and -130)
#   one cluster cut in two: kept 1, renumbered 1, exact 1 (t = -2 and 2)
#   half as wide, within the other: kept 1, renumbered 2, exact 1 (t = -46 and 23)
#   a fifth as wide, within the other: kept 2, renumbered 2, exact 1 (t = -117 and 32)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because it requires count-split, which it does not use.
pip --no-deps dclustval==0.1.0
pip numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 matplotlib==3.11.2 seaborn==0.13.2 statsmodels==0.15.0 \
    networkx==3.6.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import contextlib
import io
import warnings

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata, ttest_ind

warnings.simplefilter("ignore")  # of a name in scipy
from dclustval.cluster import do_cluster_validation


def validate(distances, clusters):
    """Return how many clusters the library keeps."""
    with contextlib.redirect_stdout(io.StringIO()):
        return len(set(do_cluster_validation(distances, distances, clusters)[2]))


def test(distances, own):
    """Compare the ranks of the distances within a cluster and to the other one."""
    within, across = distances[np.ix_(own, own)][np.triu_indices(own.sum(), 1)], distances[np.ix_(own, ~own)].ravel()
    ranks = rankdata(np.concatenate([within, across]), method="dense")
    return ttest_ind(ranks[: len(within)], ranks[len(within) :], alternative="less")


clusters = np.arange(200) % 2
cases = {
    "two clusters": (4, 1.0, 1.0),
    "one cluster cut in two": (0, 1.0, 1.0),
    "half as wide, within the other": (0, 0.5, 1.0),
    "a fifth as wide, within the other": (0, 0.2, 1.0),
}
for name, (distance, *deviations) in cases.items():
    codes = np.array(deviations)[clusters, None] * np.random.default_rng(1).normal(size=(200, 2))
    codes[:, 0] += distance * clusters
    distances = cdist(codes, codes)
    first, second = (test(distances, clusters == k) for k in range(2))
    number = 2 if max(first.pvalue, second.pvalue) < 0.01 else 1
    print(
        f"{name}: kept {validate(distances, clusters)}, renumbered {validate(distances, 1 - clusters)}, "
        f"exact {number} (t = {first.statistic:.0f} and {second.statistic:.0f})"
    )
PY
diff "$folder/seen" - <<'SEEN'
two clusters: kept 2, renumbered 2, exact 2 (t = -129 and -130)
one cluster cut in two: kept 1, renumbered 1, exact 1 (t = -2 and 2)
half as wide, within the other: kept 1, renumbered 2, exact 1 (t = -46 and 23)
a fifth as wide, within the other: kept 2, renumbered 2, exact 1 (t = -117 and 32)
SEEN
