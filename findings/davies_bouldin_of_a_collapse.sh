#!/usr/bin/env bash
# scikit-learn 1.8.0: davies_bouldin_score gives 0.0, the best value that the index has, where it should give the worst or
# the same as before:
#   - codes whose class centroids coincide (a collapsed encoder: no class can be told from another), where the index is
#     unbounded and the silhouette is near or below 0;
#   - any codes of a spread below some 1e-8, although the index does not depend on scale: both distances are compared
#     with 0 by an absolute tolerance.
# calinski_harabasz_score and silhouette_score of the same scaled codes do not change. Whoever ranks methods by this index
# must look for a collapse apart from it.
#
# Seen (Python 3.11, 2026-11-29):
#   scale 1.0     DB 0.843 CH 299.8 SC 0.411
#   scale 1e-09   DB 0.000 CH 299.8 SC 0.411
#   one centroid  DB 0.000 CH 0.0 SC -0.027
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.8.0 numpy==2.3.5
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

stream = np.random.default_rng(0)
classes = np.arange(300) % 3
codes = stream.normal(size=(300, 2)) + 3 * np.eye(3)[classes][:, :2]
overlapping = stream.normal(size=(300, 2))
for k in range(3):
    overlapping[classes == k] -= overlapping[classes == k].mean(axis=0)
cases = {"scale 1.0": codes, "scale 1e-09": 1e-9 * codes, "one centroid": overlapping}
for name, x in cases.items():
    scores = davies_bouldin_score(x, classes), calinski_harabasz_score(x, classes), silhouette_score(x, classes)
    print(f"{name:<13} DB {scores[0]:.3f} CH {scores[1]:.1f} SC {scores[2]:.3f}")
PY
diff "$folder/seen" - <<'SEEN'
scale 1.0     DB 0.843 CH 299.8 SC 0.411
scale 1e-09   DB 0.000 CH 299.8 SC 0.411
one centroid  DB 0.000 CH 0.0 SC -0.027
SEEN
