#!/usr/bin/env bash
# nacvi 0.1.0: dbi_plus_score, a Davies-Bouldin index for clusterings with noise, computes distances between clusters from
# other ones' centroids as soon as a code is noise (cluster -1). The list of centroids then begins with that of the noise,
# but is indexed by the clusters' numbers: cluster 0 lies at the noise's centroid, cluster 1 at cluster 0's and so on, and
# the last one nowhere. The spreads are indexed rightly. So the index depends on the numbering, which it does not without
# noise, and a single code of noise, which is its own centroid, makes the index 1, the worst value, whatever the clusters.
#
# Seen (Python 3.11, 2026-12-01), lower is better, for three clusters; the formula differs from the code in nothing else:
#   0 noise codes, numbered 0, 1, 2: 0.10, formula 0.10
#   0 noise codes, numbered 1, 0, 2: 0.10, formula 0.10
#   0 noise codes, numbered 2, 1, 0: 0.10, formula 0.10
#   1 noise codes, numbered 0, 1, 2: 1.00, formula 0.08
#   1 noise codes, numbered 1, 0, 2: 1.00, formula 0.08
#   1 noise codes, numbered 2, 1, 0: 1.00, formula 0.08
#   20 noise codes, numbered 0, 1, 2: 0.82, formula 0.09
#   20 noise codes, numbered 1, 0, 2: 0.81, formula 0.09
#   20 noise codes, numbered 2, 1, 0: 0.67, formula 0.09
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because it requires older versions of what follows, and many packages that it does not use.
pip --no-deps nacvi==0.1.0
pip numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from nacvi import dbi_plus_score


def formula(codes, clusters):
    """Return nacvi's index with the distances between each two clusters' own centroids, and the noise's to each of them."""
    parts = [codes[clusters == k] for k in range(clusters.max() + 1)]
    means = np.array([part.mean(axis=0) for part in parts])
    spreads = np.array([np.linalg.norm(part - mean, axis=1).mean() for part, mean in zip(parts, means)])
    apart = np.linalg.norm(means[:, None] - means, axis=2)
    ratios = (spreads[:, None] + spreads) / np.where(apart == 0, np.inf, apart)
    noise = codes[clusters == -1]
    if len(noise):
        nearest = np.linalg.norm(noise[:, None] - means, axis=2).min(axis=0)
        of_noise = max(apart.max(), nearest.max()) * len(noise) / len(codes) / nearest
        ratios = np.block([[0, of_noise], [of_noise[:, None], ratios]])
    return min(ratios.max(axis=1).mean(), 3) / 3


np.seterr(divide="ignore")
stream = np.random.default_rng(0)
places, deviations = np.array([[0, 0], [4, 0], [20, 0]]), np.array([0.5, 0.5, 3.0])
own = np.arange(300) % 3
codes = places[own] + deviations[own, None] * stream.normal(size=(300, 2))
noise = stream.uniform([0, 8], [20, 16], size=(20, 2))
for number in (0, 1, 20):
    everything = np.concatenate([codes, noise[:number]])
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        clusters = np.concatenate([np.array(order)[own], np.full(number, -1)])
        values = dbi_plus_score(everything, clusters), formula(everything, clusters)
        print(f"{number} noise codes, numbered {', '.join(map(str, order))}: {values[0]:.2f}, formula {values[1]:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
0 noise codes, numbered 0, 1, 2: 0.10, formula 0.10
0 noise codes, numbered 1, 0, 2: 0.10, formula 0.10
0 noise codes, numbered 2, 1, 0: 0.10, formula 0.10
1 noise codes, numbered 0, 1, 2: 1.00, formula 0.08
1 noise codes, numbered 1, 0, 2: 1.00, formula 0.08
1 noise codes, numbered 2, 1, 0: 1.00, formula 0.08
20 noise codes, numbered 0, 1, 2: 0.82, formula 0.09
20 noise codes, numbered 1, 0, 2: 0.81, formula 0.09
20 noise codes, numbered 2, 1, 0: 0.67, formula 0.09
SEEN
