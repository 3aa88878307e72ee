#!/usr/bin/env bash
# disent 0.8.0 (torch 2.14.1): DipVae with its default dip_mode="ii" does not regularise the covariance of the codes. In the
# paper (Kumar, Sattigeri, Balakrishnan 2018, arXiv 1711.00848, section 3) that is Cov(mean) + E diag(variance). The code
# takes torch.diag of the matrix images x units, which is its diagonal, the variance of the first unit for the first image
# and so on, and adds the mean of these few numbers to all entries, also those off the diagonal. So codes with exactly the
# prior's covariance are punished, which only means with negative correlations avoid, the variances of all but the first
# images of a batch have no gradient, and units with different variances are treated alike. dip_mode="i", without the term,
# is right.
#
# Seen (Python 3.11, 2026-12-01), for 1,000 posteriors of four units, whose codes are distributed as the prior; the penalty
# is 0 for the identity:
#   covariance of two units: 0.5, formula 0.0
#   penalty: 15, formula 0
#   images whose variances have a gradient: 4, formula 1000
#   variances 0.1, 0.3, 0.5, 0.7: 0.4 0.4 0.4 0.4 formula 0.1 0.3 0.5 0.7
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check disent==0.8.0 torch==2.14.1 torchvision==0.29.1 \
    lightning==2.5.5 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 h5py==3.16.0 pillow==13.0.0 tqdm==4.70.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import warnings

import torch
from torch.distributions import Normal

warnings.simplefilter("ignore")  # numba is not installed, which is not needed here
from disent.frameworks.vae import DipVae
from disent.model import AutoEncoder
from disent.model.ae import DecoderLinear, EncoderLinear

shape = {"x_shape": (1, 8, 8), "z_size": 4}
networks = AutoEncoder(encoder=EncoderLinear(**shape, z_multiplier=2), decoder=DecoderLinear(**shape))
model = DipVae(model=networks, cfg=DipVae.cfg())


def formula(means, variances):
    covariance = torch.cov(means.T, correction=0) + torch.diag(variances.mean(dim=0))
    apart = covariance - torch.eye(4)
    of_one, of_two = apart.diagonal().square().sum(), (apart - torch.diag(apart.diagonal())).square().sum()
    return covariance, model.cfg.lambda_d * of_one + model.cfg.lambda_od * of_two


def report(means, variances):
    posterior = Normal(means, variances.sqrt())
    return model._dip_estimate_cov_matrix(posterior), model._dip_compute_loss(posterior)[0]


torch.manual_seed(0)
means = torch.randn(1000, 4)
means = torch.linalg.qr(means - means.mean(dim=0)).Q * (0.5 * 1000) ** 0.5  # exact covariance: 0.5 on the diagonal
variances = torch.full((1000, 4), 0.5, requires_grad=True)
values = {name: measure(means, variances) for name, measure in (("here", report), ("formula", formula))}
print(f"covariance of two units: {values['here'][0][0, 1]:.1f}, formula {abs(values['formula'][0][0, 1]):.1f}")
print(f"penalty: {values['here'][1]:.0f}, formula {values['formula'][1]:.0f}")
gradients = []
for measure in (report, formula):
    slanted = 2 * means  # away from the optimum, at which all gradients are 0
    gradient = torch.autograd.grad(measure(slanted, variances)[1], variances)[0]
    gradients.append(int((gradient != 0).any(dim=1).sum()))
print(f"images whose variances have a gradient: {gradients[0]}, formula {gradients[1]}")
spread = torch.tensor([0.1, 0.3, 0.5, 0.7]).expand(1000, 4)
here, exact = (measure(0 * means, spread)[0].diagonal().tolist() for measure in (report, formula))
print("variances 0.1, 0.3, 0.5, 0.7:", *(f"{value:.1f}" for value in here), "formula", *(f"{value:.1f}" for value in exact))
PY
diff "$folder/seen" - <<'SEEN'
covariance of two units: 0.5, formula 0.0
penalty: 15, formula 0
images whose variances have a gradient: 4, formula 1000
variances 0.1, 0.3, 0.5, 0.7: 0.4 0.4 0.4 0.4 formula 0.1 0.3 0.5 0.7
SEEN
