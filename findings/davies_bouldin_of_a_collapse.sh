#!/usr/bin/env bash
# scikit-learn 1.8.0: davies_bouldin_score returns 0.0, the best possible value, in two cases in which it should return
# the worst value or an unchanged one:
#   - for codes whose class centroids coincide (a collapsed encoder, whose classes cannot be distinguished): there the
#     index is unbounded, and the silhouette is near or below 0;
#   - for any codes with a spread below some 1e-8, although the index does not depend on scale: both distances are
#     compared with 0 by an absolute tolerance.
# calinski_harabasz_score and silhouette_score do not change when the codes are scaled. If methods are ranked by this
# index, a collapse has to be detected separately.
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
