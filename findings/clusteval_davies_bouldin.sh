#!/usr/bin/env bash
# clusteval 2.2.7: the score of evaluate="dbindex" is not the Davies-Bouldin index (1979; lower is better), the mean over the
# k clusters of the worst ratio (s_i + s_j) / d_ij of two clusters' spreads s and the distance d of their centroids. It is
# the worst ratio of all pairs, divided by k. That ratio hardly grows when clusters are split, so the score falls with k. Of
# 2 to 24 clusters, the default, one of the largest numbers is returned as the best, unless the clusters are far apart.
#
# Seen (Python 3.11, 2026-12-01), for 300 codes of four clusters of standard deviation 1, with Ward's linkage:
#   20 apart: best number of clusters 4, scikit-learn 4
#   10 apart: best number of clusters 23, scikit-learn 4
#   6 apart: best number of clusters 22, scikit-learn 4
#   5 apart: best number of clusters 24, scikit-learn 4
#   5 apart, 2 clusters: 0.54, scikit-learn 1.08
#   5 apart, 4 clusters: 0.14, scikit-learn 0.53
#   5 apart, 8 clusters: 0.15, scikit-learn 0.88
#   5 apart, 16 clusters: 0.06, scikit-learn 0.84
#   5 apart, 24 clusters: 0.04, scikit-learn 0.85
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check clusteval==2.2.7 \
    scatterd==1.4.2 datazets==1.1.4 pypickle==2.0.2 colourmap==1.2.1 df2onehot==1.2.3 \
    numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 matplotlib==3.11.2 seaborn==0.13.2 tqdm==4.70.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from clusteval import dbindex
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import davies_bouldin_score

stream = np.random.default_rng(0)
corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[np.arange(300) % 4]
for distance in (20, 10, 6, 5):
    codes = distance * corners + stream.normal(size=(300, 2))
    found = dbindex.fit(codes, verbose="silent")
    tree = linkage(codes, "ward")
    exact = {k: davies_bouldin_score(codes, fcluster(tree, k, "maxclust")) for k in found["score"]["clusters"]}
    best, number = min(exact, key=exact.get), len(np.unique(found["labx"]))
    print(f"{distance} apart: best number of clusters {number}, scikit-learn {best}")
values = dict(zip(found["score"]["clusters"], found["score"]["score"]))
for k in (2, 4, 8, 16, 24):
    print(f"{distance} apart, {k} clusters: {values[k]:.2f}, scikit-learn {exact[k]:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
20 apart: best number of clusters 4, scikit-learn 4
10 apart: best number of clusters 23, scikit-learn 4
6 apart: best number of clusters 22, scikit-learn 4
5 apart: best number of clusters 24, scikit-learn 4
5 apart, 2 clusters: 0.54, scikit-learn 1.08
5 apart, 4 clusters: 0.14, scikit-learn 0.53
5 apart, 8 clusters: 0.15, scikit-learn 0.88
5 apart, 16 clusters: 0.06, scikit-learn 0.84
5 apart, 24 clusters: 0.04, scikit-learn 0.85
SEEN
