#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): get_nll, which its docstring calls the estimated negative log-likelihood, returns the
# log-likelihood itself (larger is better), and not from `n_samples` draws: it always takes whole batches of `batch_size`
# (100), at least one. The default n_samples = 1 uses 100 draws, 199 uses 100. The bound rises with the number of draws, so
# values stated for 1 draw, or for different numbers below 200, are all those of 100 draws. All VAEs' get_nll share this.
#
# Seen (Python 3.11, 2026-11-30), for a grey image of 64 pixels and a decoder that returns it for every code:
#   negative log-likelihood, exact: 58.81
#   get_nll with n_samples = 1: -58.81 from 100 draws
#   get_nll with n_samples = 100: -58.81 from 100 draws
#   get_nll with n_samples = 199: -58.81 from 100 draws
#   get_nll with n_samples = 250: -58.81 from 200 draws
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.14.1 numpy==2.4.6 pydantic==2.14.3 imageio==2.38.1 tqdm==4.70.1 cloudpickle==3.1.2 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import math

import torch
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder

draws = []


class Prior(BaseEncoder):
    def forward(self, x):
        return ModelOutput(embedding=torch.zeros(len(x), 2), log_covariance=torch.zeros(len(x), 2))


class Grey(BaseDecoder):
    def forward(self, z):
        draws.append(len(z))
        return ModelOutput(reconstruction=torch.full((len(z), 1, 8, 8), 0.5))


model = VAE(VAEConfig(input_dim=(1, 8, 8), latent_dim=2), Prior(), Grey())
image = torch.full((1, 1, 8, 8), 0.5)
print(f"negative log-likelihood, exact: {32 * math.log(2 * math.pi):.2f}")
for samples in (1, 100, 199, 250):
    draws.clear()
    value = model.get_nll(image, n_samples=samples)
    print(f"get_nll with n_samples = {samples}: {value:.2f} from {sum(draws)} draws")
PY
diff "$folder/seen" - <<'SEEN'
negative log-likelihood, exact: 58.81
get_nll with n_samples = 1: -58.81 from 100 draws
get_nll with n_samples = 100: -58.81 from 100 draws
get_nll with n_samples = 199: -58.81 from 100 draws
get_nll with n_samples = 250: -58.81 from 200 draws
SEEN
