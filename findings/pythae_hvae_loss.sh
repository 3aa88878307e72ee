#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): the loss of HVAE is not the negative bound of its paper (Caterini, Doucet, Sejdinovic 2018,
# arXiv 1805.11328):
#   - the code is drawn with standard deviation softplus(log_var), its entropy computed with exp(log_var / 2). So the loss
#     can fall below the exact negative log-likelihood, and with nothing to encode its least value is not at the prior.
#     get_nll, which draws with exp(log_var / 2), evaluates another posterior than was trained;
#   - the tempering of the momentum is computed and then overwritten. The first momentum has variance 1 / beta_0, which the
#     paper's K steps bring back to 1; here it stays. That raises the loss by (1 / beta_0 - 1) / 2 nats a dimension, 1.17 at
#     the default beta_0 = 0.3, so losses with different beta_0 are not comparable and a learned beta_0 is driven upwards.
#
# Seen (Python 3.11, 2026-11-30):
#   log variance -4: standard deviation 0.14, drawn 0.02
#   log variance 0: standard deviation 1.00, drawn 0.69
#   log variance 4: standard deviation 7.39, drawn 4.02
#   negative log-likelihood 0, loss at standard deviation 0.85: -0.57
#   beta_0 = 1.0: variance of the last momentum 1, here 1.0
#   beta_0 = 0.3: variance of the last momentum 1, here 3.3
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
from pythae.models import HVAE, HVAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder


class Posterior(BaseEncoder):
    def __init__(self, log_variance):
        super().__init__()
        self.mean = torch.nn.Parameter(torch.zeros(2))
        self.log_variance = log_variance

    def forward(self, x):
        mean = self.mean.expand(len(x), 2)
        return ModelOutput(embedding=mean, log_covariance=torch.full_like(mean, self.log_variance))


class Grey(BaseDecoder):
    def forward(self, z):
        return ModelOutput(reconstruction=0.5 + 0 * z.sum(1).reshape(-1, 1, 1, 1))


def run(log_variance, beta_zero):
    """Return the outputs for an image that the decoder returns for every code, with steps too short to move a code."""
    config = HVAEConfig(input_dim=(1, 1, 1), latent_dim=2, eps_lf=1e-6, beta_zero=beta_zero)
    return HVAE(config, Posterior(log_variance), Grey())({"data": torch.full((500_000, 1, 1, 1), 0.5)})


torch.manual_seed(0)
for log_variance in (-4.0, 0.0, 4.0):
    drawn, meant = run(log_variance, 1.0).z.std(), math.exp(log_variance / 2)
    print(f"log variance {log_variance:.0f}: standard deviation {meant:.2f}, drawn {drawn:.2f}")
# The loss leaves out d = 2, the entropies of code and momentum beyond the log variances.
print(f"negative log-likelihood 0, loss at standard deviation 0.85: {run(0.3, 1.0).loss - 2:.2f}")
for beta_zero in (1.0, 0.3):
    print(f"beta_0 = {beta_zero}: variance of the last momentum 1, here {run(0.0, beta_zero).rho.var():.1f}")
PY
diff "$folder/seen" - <<'SEEN'
log variance -4: standard deviation 0.14, drawn 0.02
log variance 0: standard deviation 1.00, drawn 0.69
log variance 4: standard deviation 7.39, drawn 4.02
negative log-likelihood 0, loss at standard deviation 0.85: -0.57
beta_0 = 1.0: variance of the last momentum 1, here 1.0
beta_0 = 0.3: variance of the last momentum 1, here 3.3
SEEN
