#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): PlanarFlow, of which VAE_LinNF has two by default, is not kept invertible. The map
# z + u tanh(w z + b) is invertible only if w u >= -1, for which the paper (Rezende and Mohamed 2015, arXiv 1505.05770,
# appendix A.1) replaces u; pythae takes u and w as they are. Where several codes have the same image, the density from
# log |det| counts only one of them, so the loss is no bound: its KL divergence can be negative, which rewards folding. A
# third of the flows with 8 dimensions start that way.
#
# Seen (Python 3.11, 2026-11-30), the KL with codes of N(0, 1), the prior, and one flow with u = -1, b = 0:
#   not invertible at the start, 8 dimensions: 0.35
#   w = 0.6: KL 0.30
#   w = 10: KL -0.40
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.14.1 numpy==2.4.6 pydantic==2.14.3 imageio==2.38.1 tqdm==4.70.1 cloudpickle==3.1.2 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import torch
from pythae.models import VAE_LinNF, VAE_LinNF_Config
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseEncoder
from pythae.models.normalizing_flows import PlanarFlow, PlanarFlowConfig


class Prior(BaseEncoder):
    def forward(self, x):
        return ModelOutput(embedding=torch.zeros(len(x), 1), log_covariance=torch.zeros(len(x), 1))


torch.manual_seed(0)
flows = [PlanarFlow(PlanarFlowConfig(input_dim=(8,))) for _ in range(10_000)]
folded = torch.tensor([float((flow.w * flow.u).sum() < -1) for flow in flows])
print(f"not invertible at the start, 8 dimensions: {folded.mean():.2f}")
model = VAE_LinNF(VAE_LinNF_Config(input_dim=(1, 1, 1), latent_dim=1, flows=["Planar"]), Prior())
with torch.no_grad():
    for w in (0.6, 10):
        for parameter, value in ((model.net[0].w, w), (model.net[0].u, -1.0), (model.net[0].b, 0.0)):
            parameter.fill_(value)
        print(f"w = {w}: KL {model({'data': torch.zeros(1_000_000, 1, 1, 1)}).reg_loss:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
not invertible at the start, 8 dimensions: 0.35
w = 0.6: KL 0.30
w = 10: KL -0.40
SEEN
