#!/usr/bin/env bash
# torchmetrics 1.9.0 (torch 2.14.1): the adjusted Rand index of large sets is wrong, without a warning. It multiplies numbers
# of pairs, each up to the square of the number of samples, as 64-bit integers, which overflow. With nine balanced classes
# that begins at about 83,000 samples (the training set of PathMNIST has 89,996), with two at 65,500 (MNIST has 70,000
# images). Wrong values may be outside [-1, 1] or within. scikit-learn computes the same in Python's integers.
#
# Seen (Python 3.11, 2026-11-30), with 70 % of the samples in their class's cluster and the others anywhere:
#   2 classes, 60000 samples: 0.49, scikit-learn 0.49
#   2 classes, 70000 samples: -0.92, scikit-learn 0.49
#   9 classes, 80000 samples: 0.49, scikit-learn 0.49
#   9 classes, 89996 samples: -1.15, scikit-learn 0.49
#   10 classes, 100000 samples: -19.70, scikit-learn 0.49
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torchmetrics==1.9.0 torch==2.14.1 numpy==2.4.6 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import torch
from sklearn.metrics import adjusted_rand_score as reference
from torchmetrics.functional.clustering import adjusted_rand_score

stream = torch.Generator().manual_seed(0)
for classes, samples in ((2, 60_000), (2, 70_000), (9, 80_000), (9, 89_996), (10, 100_000)):
    target = torch.arange(samples) % classes
    other = torch.randint(classes, (samples,), generator=stream)
    clusters = torch.where(torch.rand(samples, generator=stream) < 0.7, target, other)
    score = adjusted_rand_score(clusters, target)
    print(f"{classes} classes, {samples} samples: {score:.2f}, scikit-learn {reference(target, clusters):.2f}")
PY
diff "$folder/seen" - <<'SEEN'
2 classes, 60000 samples: 0.49, scikit-learn 0.49
2 classes, 70000 samples: -0.92, scikit-learn 0.49
9 classes, 80000 samples: 0.49, scikit-learn 0.49
9 classes, 89996 samples: -1.15, scikit-learn 0.49
10 classes, 100000 samples: -19.70, scikit-learn 0.49
SEEN
