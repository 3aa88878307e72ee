#!/usr/bin/env bash
# normflows 1.7.3 (torch 2.14.1): the log density of GaussianPCA, a base distribution z W + loc + noise of scale sigma, is
# not that of a Gaussian. Its constant has the wrong sign, + d / 2 log 2 pi, and it subtracts half the determinant of the
# covariance in place of half its logarithm. The density does not integrate to 1, a fit by maximum likelihood finds another
# covariance, and flows with this base cannot be compared with others by likelihood. The samples also lack the noise.
# (The encoder Uniform leaves out the number of dimensions: its log density on [-1, 1]^3 should be -2.079.)
#
# Seen (Python 3.11, 2026-11-30):
#   integral of the density: 22.59
#   log density at the mean: 1.057, of this Gaussian -2.061
#   standard deviation at W = 0, sigma = 0.5: 0.00
#   log density of Uniform on [-1, 1]^3: -0.693
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check normflows==1.7.3 torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import torch
from normflows.distributions import GaussianPCA
from normflows.distributions.encoder import Uniform

base = GaussianPCA(dim=2, latent_dim=2, sigma=0.5)
points = torch.cartesian_prod(torch.linspace(-8, 8, 801), torch.linspace(-8, 8, 801))
torch.manual_seed(0)
with torch.no_grad():
    base.W.copy_(torch.eye(2))
    print(f"integral of the density: {base.log_prob(points).exp().sum() * 0.02**2:.2f}")
    covariance = base.W.T @ base.W + 0.25 * torch.eye(2)
    normal = torch.distributions.MultivariateNormal(torch.zeros(2), covariance)
    origin = torch.zeros(1, 2)
    exact = normal.log_prob(origin).item()
    print(f"log density at the mean: {base.log_prob(origin).item():.3f}, of this Gaussian {exact:.3f}")
    base.W.zero_()
    print(f"standard deviation at W = 0, sigma = 0.5: {base.sample(1_000).std():.2f}")
print(f"log density of Uniform on [-1, 1]^3: {Uniform(-1.0, 1.0)(torch.zeros(1, 3))[1].item():.3f}")
PY
diff "$folder/seen" - <<'SEEN'
integral of the density: 22.59
log density at the mean: 1.057, of this Gaussian -2.061
standard deviation at W = 0, sigma = 0.5: 0.00
log density of Uniform on [-1, 1]^3: -0.693
SEEN
