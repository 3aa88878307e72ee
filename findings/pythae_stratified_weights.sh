#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.13.0): BetaTCVAE's default estimator of log q(z), "minibatch stratified sampling", puts the weight
# 1/N of an image's own posterior (Chen et al. 2018, arXiv 1802.04942, appendix C.2) into the first column of the matrix
# instead of its diagonal. All images of a batch except two give their own posterior the weight 1/(B - 1), whatever the
# number N of training images, so log q(z) of separate posteriors is too high by about log(N / B). The authors' own code,
# which pythae follows, has the same stride.
#
# Seen (Python 3.11, 2026-11-29), with N = 60000, B = 6:
#   own posterior's weight by image, times N: 1 11999 12000 12000 12000 12000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.13.0 numpy==2.3.5 pydantic==2.12.5 imageio==2.37.2 tqdm==4.67.1 cloudpickle==3.1.2 scikit-learn==1.8.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
from pythae.models import BetaTCVAE, BetaTCVAEConfig

model = BetaTCVAE(BetaTCVAEConfig(input_dim=(1, 28, 28), latent_dim=2))
assert model.use_mss
weights = model._log_importance_weight_matrix(6, 60_000).exp().diagonal() * 60_000
print("own posterior's weight by image, times N:", *(f"{weight:.0f}" for weight in weights.tolist()))
PY
diff "$folder/seen" - <<'SEEN'
own posterior's weight by image, times N: 1 11999 12000 12000 12000 12000
SEEN
