#!/usr/bin/env bash
# cdbw 0.2: the index CDbw depends on how the clusters are numbered, and more than fivefold:
#   - the radius within which points count towards a density, by the docstring the average standard deviation of the
#     clusters, is that of the cluster with the highest number, because a loop overwrites it;
#   - the separation, in the paper that the docstring cites (Halkidi and Vazirgiannis 2008) and in R's package fpc the mean
#     over the clusters of the distance to the nearest other one, compares each cluster only with those of lower numbers and
#     leaves out the first. For two clusters it is half of the paper's.
# So clusterings are ranked by their numbering, which kmeans draws at random.
#
# Seen (Python 3.11, 2026-12-01), for three clusters with standard deviations 0.2, 1 and 2 (average 1.3), higher is better:
#   numbered 0, 1, 2: index 0.08, radius 1.9
#   numbered 0, 2, 1: index 0.42, radius 1.0
#   numbered 2, 1, 0: index 0.09, radius 0.2
#   separation of the first two: 1.26, paper 2.51
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cdbw==0.2 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from cdbw import CDbw
from cdbw.cdbw import prep
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

stream = np.random.default_rng(0)
deviations, places = np.array([0.2, 1.0, 2.0]), np.array([0.0, 6.0, 16.0])
clusters = np.arange(600) % 3
codes = deviations[clusters, None] * stream.normal(size=(600, 2))
codes[:, 0] += places[clusters]
for order in ((0, 1, 2), (0, 2, 1), (2, 1, 0)):
    numbered = np.array(order)[clusters]
    radius = prep(codes, numbered)[1]
    print(f"numbered {', '.join(map(str, order))}: index {CDbw(codes, numbered):.2f}, radius {radius:.1f}")
# The representatives are the corners of the hulls. No point lies between these clusters, so only the distance remains, the
# mean over the pairs of representatives that are each other's nearest.
first = clusters < 2
_, _, separation, _ = CDbw(codes[first], clusters[first], multipliers=True)
hulls = [part[ConvexHull(part).vertices] for part in (codes[clusters == k] for k in range(2))]
distances = cdist(*hulls)
mutual = (distances == distances.min(axis=0)) & (distances == distances.min(axis=1, keepdims=True))
print(f"separation of the first two: {separation:.2f}, paper {distances[mutual].mean():.2f}")
PY
diff "$folder/seen" - <<'SEEN'
numbered 0, 1, 2: index 0.08, radius 1.9
numbered 0, 2, 1: index 0.42, radius 1.0
numbered 2, 1, 0: index 0.09, radius 0.2
separation of the first two: 1.26, paper 2.51
SEEN
