#!/usr/bin/env bash
# confidenceinterval 1.0.5: the intervals of macro-averaged recall, precision and F1, by default and by its documentation
# from the delta method, are not those of that method: less than half or three times as wide.
#   - For recall and precision ("we derive it ourselves"), the derivative of a class's recall R by the class's cell on the
#     diagonal of the confusion matrix, (1 - R) / T with the class's share T, lacks the 1 / T, in the docstring too. The
#     docstring's covariance diag(p) - p p^T is computed as diag(p) - p * p.transpose(), but p is flat, so that the squares
#     of p are subtracted in every row.
#   - For F1, in the paper it follows (Takahashi et al. 2022, section 3.2) a sum of two terms is multiplied by a factor, here
#     it is added to it; another term's denominator is a product, here a sum; and counts stand for shares.
# The README advertises these as the only analytical intervals in a package. Its bootstrap methods do not use these formulas.
#
# Seen (Python 3.11, 2026-12-01), half the width of the 95 % intervals, all classes having the same recall and confusions
# with all others alike; the paper's formula for F1 gives the same as the delta method with numerical derivatives:
#   10 classes, 1000 images, recall 0.3
#     recall: 0.0121, delta method 0.0284, bootstrap 0.0284
#     precision: 0.0121, delta method 0.0284, bootstrap 0.0283
#     F1: 0.0258, delta method 0.0284, bootstrap 0.0283
#   10 classes, 10000 images, recall 0.99
#     recall: 0.0027, delta method 0.0020, bootstrap 0.0019
#     precision: 0.0027, delta method 0.0019, bootstrap 0.0019
#     F1: 0.0062, delta method 0.0019, bootstrap 0.0019
#   2 classes, 200 images, recall 0.9
#     recall: 0.0460, delta method 0.0416, bootstrap 0.0417
#     precision: 0.0460, delta method 0.0416, bootstrap 0.0415
#     F1: 0.1047, delta method 0.0416, bootstrap 0.0417
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because it requires an old setuptools.
pip --no-deps confidenceinterval==1.0.5
pip numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 statsmodels==0.15.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from confidenceinterval import f1_score, precision_score, recall_score


def macro(shares):  # of matrices (..., class, prediction): recall, precision and F1
    right = np.diagonal(shares, axis1=-2, axis2=-1)
    true, found = shares.sum(axis=-1), shares.sum(axis=-2)
    return np.stack([(right / true).mean(-1), (right / found).mean(-1), (2 * right / (true + found)).mean(-1)])


for classes, images, recall in ((10, 100, 0.3), (10, 1000, 0.99), (2, 100, 0.9)):
    hits = round(recall * images)
    confused = np.full((classes, classes), (images - hits) / (classes - 1))
    np.fill_diagonal(confused, hits)
    counts = np.diff(np.round(np.cumsum(confused)), prepend=0).astype(int).reshape(classes, classes)
    number = counts.sum()
    true, found = (index.repeat(counts.ravel()) for index in np.indices(counts.shape).reshape(2, -1))
    p = counts / number
    steps = 1e-6 * np.eye(p.size).reshape(-1, classes, classes)
    slopes = (macro(p + steps) - macro(p - steps)) / 2e-6
    delta = 1.96 * np.sqrt(np.einsum("sk,kl,sl->s", slopes, np.diag(p.ravel()) - np.outer(p, p), slopes) / number)
    drawn = np.random.default_rng(0).multinomial(number, p.ravel(), 1_000).reshape(-1, classes, classes)
    bootstrap = 1.96 * macro(drawn).std(axis=1)
    print(f"{classes} classes, {number} images, recall {recall}")
    for name, score, k in (("recall", recall_score, 0), ("precision", precision_score, 1), ("F1", f1_score, 2)):
        _, (low, high) = score(true, found, average="macro")
        print(f"  {name}: {(high - low) / 2:.4f}, delta method {delta[k]:.4f}, bootstrap {bootstrap[k]:.4f}")
PY
diff "$folder/seen" - <<'SEEN'
10 classes, 1000 images, recall 0.3
  recall: 0.0121, delta method 0.0284, bootstrap 0.0284
  precision: 0.0121, delta method 0.0284, bootstrap 0.0283
  F1: 0.0258, delta method 0.0284, bootstrap 0.0283
10 classes, 10000 images, recall 0.99
  recall: 0.0027, delta method 0.0020, bootstrap 0.0019
  precision: 0.0027, delta method 0.0019, bootstrap 0.0019
  F1: 0.0062, delta method 0.0019, bootstrap 0.0019
2 classes, 200 images, recall 0.9
  recall: 0.0460, delta method 0.0416, bootstrap 0.0417
  precision: 0.0460, delta method 0.0416, bootstrap 0.0415
  F1: 0.1047, delta method 0.0416, bootstrap 0.0417
SEEN
