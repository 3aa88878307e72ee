#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): VAMPSampler does not sample from the prior that VAMP trains with, the even mixture of the
# pseudo-inputs' posteriors (Tomczak and Welling 2018, arXiv 1705.07120):
#   - it takes tanh of the log variance, so every standard deviation lies between 0.61 and 1.65, which those of the trained
#     prior need not;
#   - it takes the pseudo-inputs in order, from the first one in every batch. With batches smaller than their number K, or
#     fewer samples than K, the last pseudo-inputs are never used.
# Samples and scores such as an FID are then those of another prior.
#
# Seen (Python 3.11, 2026-11-30):
#   trained prior: 10 components, standard deviation 0.05
#   sampler, batches of 500: 10 components, standard deviation 0.61
#   sampler, batches of 4: 4 components, standard deviation 0.61
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
from pythae.models import VAMP, VAMPConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.samplers import VAMPSampler


class Pixel(BaseEncoder):
    def forward(self, x):
        mean = 100 * x.flatten(1)
        return ModelOutput(embedding=mean, log_covariance=torch.full_like(mean, -6.0))


class Code(BaseDecoder):
    def forward(self, z):
        return ModelOutput(reconstruction=z.reshape(-1, 1, 1, 1))


model = VAMP(VAMPConfig(input_dim=(1, 1, 1), latent_dim=1, number_components=10), Pixel(), Code())
with torch.no_grad():  # pseudo-inputs with codes 5, 15, ..., 95
    model.pseudo_inputs[0].weight.copy_(torch.linspace(0.05, 0.95, 10))
    model.pseudo_inputs[0].bias.zero_()
torch.manual_seed(0)
print(f"trained prior: 10 components, standard deviation {math.exp(-3):.2f}")
for batch_size in (500, 4):
    codes = VAMPSampler(model).sample(10_000, batch_size=batch_size).flatten()
    components = (codes / 10 - 0.5).round()
    spread = (codes - 10 * components - 5).std()
    print(f"sampler, batches of {batch_size}: {len(components.unique())} components, standard deviation {spread:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
trained prior: 10 components, standard deviation 0.05
sampler, batches of 500: 10 components, standard deviation 0.61
sampler, batches of 4: 4 components, standard deviation 0.61
SEEN
