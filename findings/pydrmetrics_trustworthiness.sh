#!/usr/bin/env bash
# pyDRMetrics 0.0.8: trustworthiness T and continuity C are not those of their definition (Venna and Kaski 2001), in which a
# neighbour among the k nearest of the codes, but of rank r > k in the data, costs r - k, by the code's own comment as well.
# T(k), the k-th value of T by the reports' axis, takes the k - 1 nearest and costs of r - k, so a neighbour that is out by
# one rank costs nothing, and it divides by a sum that belongs to neither number. So T(1) = C(1) = 1 for any codes, random
# ones score better than 0.5, the less neighbours the better, and the mean over k ("AUC") is 0.76 for them.
#
# Seen (Python 3.11, 2026-12-01), for 200 images of 10 pixels of noise, in scikit-learn by the definition:
#   codes at random: T(1) 1.00, scikit-learn 0.54; C(1) 1.00, scikit-learn 0.49
#   codes at random: T(2) 0.77, scikit-learn 0.54; C(2) 0.75, scikit-learn 0.50
#   codes at random: T(5) 0.63, scikit-learn 0.53; C(5) 0.61, scikit-learn 0.51
#   codes at random: T(90) 0.72, scikit-learn 0.52; C(90) 0.72, scikit-learn 0.53
#   codes at random: AUC of T 0.76
#   two principal components: T(1) 1.00, scikit-learn 0.67; C(1) 1.00, scikit-learn 0.86
#   two principal components: T(2) 0.84, scikit-learn 0.69; C(2) 0.93, scikit-learn 0.85
#   two principal components: T(5) 0.76, scikit-learn 0.70; C(5) 0.87, scikit-learn 0.83
#   two principal components: T(90) 0.85, scikit-learn 0.75; C(90) 0.88, scikit-learn 0.79
#   two principal components: AUC of T 0.87
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyDRMetrics==0.0.8 \
    numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 matplotlib==3.11.2 tqdm==4.70.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from pyDRMetrics.pyDRMetrics import DRMetrics
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

stream = np.random.default_rng(0)
images = stream.normal(size=(200, 10))
random = stream.normal(size=(200, 2))
for name, codes in (("codes at random", random), ("two principal components", PCA(2).fit_transform(images))):
    metrics = DRMetrics(images, codes)
    for k in (1, 2, 5, 90):
        trust, continuity = (trustworthiness(*pair, n_neighbors=k) for pair in ((images, codes), (codes, images)))
        print(
            f"{name}: T({k}) {metrics.T[k - 1]:.2f}, scikit-learn {trust:.2f}; "
            f"C({k}) {metrics.C[k - 1]:.2f}, scikit-learn {continuity:.2f}"
        )
    print(f"{name}: AUC of T {metrics.AUC_T:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
codes at random: T(1) 1.00, scikit-learn 0.54; C(1) 1.00, scikit-learn 0.49
codes at random: T(2) 0.77, scikit-learn 0.54; C(2) 0.75, scikit-learn 0.50
codes at random: T(5) 0.63, scikit-learn 0.53; C(5) 0.61, scikit-learn 0.51
codes at random: T(90) 0.72, scikit-learn 0.52; C(90) 0.72, scikit-learn 0.53
codes at random: AUC of T 0.76
two principal components: T(1) 1.00, scikit-learn 0.67; C(1) 1.00, scikit-learn 0.86
two principal components: T(2) 0.84, scikit-learn 0.69; C(2) 0.93, scikit-learn 0.85
two principal components: T(5) 0.76, scikit-learn 0.70; C(5) 0.87, scikit-learn 0.83
two principal components: T(90) 0.85, scikit-learn 0.75; C(90) 0.88, scikit-learn 0.79
two principal components: AUC of T 0.87
SEEN
