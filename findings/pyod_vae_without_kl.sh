#!/usr/bin/env bash
# pyod 3.6.7 (torch 2.14.1): VAE, "regular" by its docstring with the default beta = 1, trains without a KL divergence. The
# loss takes the smaller of the KL and `capacity`, whose default is 0, so the term is 0 with gradient 0, whatever beta is:
# the models of all betas are the same, and their codes far from the prior. The paper that the docstring cites (Burgess et
# al. 2018, arXiv 1804.03599) has beta |KL - C| with the capacity C, which is beta KL at C = 0; pyod's README says that the
# loss is customised by gamma (now beta) and capacity. With C > 0 the KL is lowered where it is below C and ignored above,
# where the paper raises and lowers it. capacity=float("inf") trains a VAE.
#
# Seen (Python 3.11, 2026-12-01), with perfect reconstructions and a KL of 9 nats, then after training on 512 rows:
#   loss with beta 4, capacity 0: 0, exact 36
#   loss with beta 4, capacity 5: 20, paper 16
#   outlier scores with beta 0 and 1 equal: True
#   outlier scores with beta 1 and 1000 equal: True
#   KL above 5 nats with beta 1000: True
#   KL below 1 nat with beta 1 and infinite capacity: True
#   (10.46 and 0.06 nats)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pyod==3.6.7 torch==2.14.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 numba==0.68.1 joblib==1.6.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import sys

import numpy as np
import torch
from pyod.models.vae import VAE, vae_loss

stream = np.random.default_rng(0)
rows = stream.normal(size=(512, 2)) @ stream.normal(size=(2, 8))
rows = ((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def divergence(mean, log_variance):
    return float((0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)).sum(dim=1).mean())


def trained(**settings):
    model = VAE(epoch_num=10, dropout_rate=0.0, verbose=0, device="cpu", preprocessing=False, **settings)
    model.fit(rows)
    with torch.no_grad():
        return model.decision_scores_, divergence(*model.model.encode(torch.as_tensor(rows)))


images, mean, log_variance = torch.zeros(4, 2), torch.full((4, 2), 3.0), torch.zeros(4, 2)
kl = divergence(mean, log_variance)
for capacity, name in ((0.0, "exact"), (5.0, "paper")):
    loss = vae_loss(images, images, mean, log_variance, beta=4.0, capacity=capacity)
    print(f"loss with beta 4, capacity {capacity:.0f}: {loss:.0f}, {name} {4 * abs(kl - capacity):.0f}")
(without, _), (default, _), (strong, kl), (_, bounded) = (
    trained(beta=0.0), trained(), trained(beta=1000.0), trained(capacity=float("inf"))
)
print("outlier scores with beta 0 and 1 equal:", np.array_equal(without, default))
print("outlier scores with beta 1 and 1000 equal:", np.array_equal(default, strong))
print("KL above 5 nats with beta 1000:", kl > 5)
print("KL below 1 nat with beta 1 and infinite capacity:", bounded < 1)
print(f"({kl:.2f} and {bounded:.2f} nats)", file=sys.stderr)
PY
diff "$folder/seen" - <<'SEEN'
loss with beta 4, capacity 0: 0, exact 36
loss with beta 4, capacity 5: 20, paper 16
outlier scores with beta 0 and 1 equal: True
outlier scores with beta 1 and 1000 equal: True
KL above 5 nats with beta 1000: True
KL below 1 nat with beta 1 and infinite capacity: True
SEEN
