#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.13.0): the loss of IWAE has the gradient of the importance weighted bound (Burda, Grosse,
# Salakhutdinov 2016, arXiv 1509.00519, Eq. 8) but not its value. It is the mean of -log w under the normalised weights w,
# which is the negative bound minus log S plus the entropy of these weights, so up to log S too low. Losses with different
# numbers of samples S, or of an IWAE and a VAE, are then not comparable bounds, and the best model is chosen by another
# number.
#
# Seen (Python 3.11, 2026-11-29), with S = 10 draws, one of which has all the weight:
#   loss 0.000, negative bound 2.303
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.13.0 numpy==2.3.5 pydantic==2.12.5 imageio==2.37.2 tqdm==4.67.1 cloudpickle==3.1.2 scikit-learn==1.8.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import math

import torch
from pythae.models import IWAE, IWAEConfig

model = IWAE(IWAEConfig(input_dim=(1, 28, 28), latent_dim=2, number_samples=10))
image = torch.ones(1, 1, 28, 28)
reconstructions = torch.zeros(1, 10, 784)
reconstructions[:, 0] = 1  # only the first draw's is right
zero = torch.zeros(1, 10, 2)
loss, _, _ = model.loss_function(reconstructions, image, zero, zero, zero)
log_weights = -0.5 * (reconstructions - 1).square().sum(2)  # prior and posterior are equal
bound = (log_weights.logsumexp(1) - math.log(10)).mean()
print(f"loss {abs(loss):.3f}, negative bound {-bound:.3f}")
PY
diff "$folder/seen" - <<'SEEN'
loss 0.000, negative bound 2.303
SEEN
