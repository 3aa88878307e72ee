#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.13.0): INFOVAE_MMD's default weights reward codes for being unlike the prior. The MMD's weight is
# alpha + lambda - 1, which is -0.999 with the defaults alpha = 0 and lambda = 0.001 (and -0.47 with those that its
# docstring states, 0.5 and 0.03). In the paper (Zhao, Song, Ermon 2017, arXiv 1706.02262) the divergence is minimised.
#
# Seen (Python 3.11, 2026-11-29), with perfect reconstructions and no KL, the codes' mean 3 away from the prior's in each of
# two dimensions; the loss of codes at the prior is 0:
#   MMD^2 4.2, loss -4.2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.13.0 numpy==2.3.5 pydantic==2.12.5 imageio==2.37.2 tqdm==4.67.1 cloudpickle==3.1.2 scikit-learn==1.8.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import torch
from pythae.models import INFOVAE_MMD, INFOVAE_MMD_Config

model = INFOVAE_MMD(INFOVAE_MMD_Config(input_dim=(1, 28, 28), latent_dim=2))
torch.manual_seed(0)
prior = torch.randn(500, 2)
images, zero = torch.zeros(500, 1, 28, 28), torch.zeros(500, 2)
loss, _, _, mmd = model.loss_function(images, images, prior.flip(0) + 3, prior, zero, zero)
print(f"MMD^2 {mmd:.1f}, loss {loss:.1f}")
PY
diff "$folder/seen" - <<'SEEN'
MMD^2 4.2, loss -4.2
SEEN
