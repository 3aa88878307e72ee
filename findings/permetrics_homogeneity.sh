#!/usr/bin/env bash
# permetrics 2.1.0: two scores of clusterings depart from the formulas on their documentation pages, without a warning:
#   - homogeneity_score, 1 - H(Y | P) / H(Y) with the classes Y and the clusters P, sums over as many clusters as there are
#     classes and takes the others to be pure. So random clusters score the better the more there are of them, and the score
#     depends on how the clusters are numbered, although the page calls it invariant. completeness_score has the same fault
#     with fewer clusters than classes; v_measure_score combines both;
#   - entropy_score, on its page the mean of the clusters' entropies weighted by their sizes, at most log2 of the number of
#     classes, is their sum.
#
# Seen (Python 3.11, 2026-12-01), for 1,200 samples of three classes and clusters at random:
#   3 clusters: homogeneity 0.00, scikit-learn 0.00, entropy score 4.75, formula 1.58
#   6 clusters: homogeneity 0.52, scikit-learn 0.00, entropy score 9.48, formula 1.58
#   30 clusters: homogeneity 0.89, scikit-learn 0.02, entropy score 46.50, formula 1.55
#   2 clusters of 10 classes: completeness 0.80, scikit-learn 0.00
#   two pure clusters and a mixed one: homogeneity 0.40, renumbered 1.00, scikit-learn 0.40
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    permetrics==2.1.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from permetrics import ClusteringMetric
from sklearn.metrics import completeness_score, homogeneity_score


def entropy(labels):
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return -(shares * np.log2(shares)).sum()


stream = np.random.default_rng(0)
classes = np.arange(1200) % 3
for number in (3, 6, 30):
    clusters = stream.integers(number, size=1200)
    scores = ClusteringMetric(y_true=classes, y_pred=clusters)
    mean = sum((clusters == k).mean() * entropy(classes[clusters == k]) for k in range(number))
    print(
        f"{number} clusters: homogeneity {scores.homogeneity_score():.2f}, scikit-learn "
        f"{homogeneity_score(classes, clusters):.2f}, entropy score {scores.entropy_score():.2f}, formula {mean:.2f}"
    )
ten, two = np.arange(1200) % 10, stream.integers(2, size=1200)
score = ClusteringMetric(y_true=ten, y_pred=two).completeness_score()
print(f"2 clusters of 10 classes: completeness {score:.2f}, scikit-learn {completeness_score(ten, two):.2f}")
mixed = classes[classes < 2]
parts = np.where(np.arange(800) < 480, 0, 1 + mixed)
first, last = (ClusteringMetric(y_true=mixed, y_pred=order).homogeneity_score() for order in (parts, 2 - parts))
print(
    f"two pure clusters and a mixed one: homogeneity {first:.2f}, renumbered {last:.2f}, "
    f"scikit-learn {homogeneity_score(mixed, parts):.2f}"
)
PY
diff "$folder/seen" - <<'SEEN'
3 clusters: homogeneity 0.00, scikit-learn 0.00, entropy score 4.75, formula 1.58
6 clusters: homogeneity 0.52, scikit-learn 0.00, entropy score 9.48, formula 1.58
30 clusters: homogeneity 0.89, scikit-learn 0.02, entropy score 46.50, formula 1.55
2 clusters of 10 classes: completeness 0.80, scikit-learn 0.00
two pure clusters and a mixed one: homogeneity 0.40, renumbered 1.00, scikit-learn 0.40
SEEN
