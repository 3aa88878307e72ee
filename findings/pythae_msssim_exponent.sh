#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): the reconstruction loss of MSSSIM_VAE gives the coarsest of M scales M - 1 times its weight
# in multi-scale SSIM (Wang, Simoncelli, Bovik 2003, Eq. 7). The factor SSIM^0.1333 stands inside the product over the finer
# scales, so its exponent is 0.5332 at M = 5, and the exponents sum to 1.4. A comment in the code says that (SSIM + 1) / 2 in
# place of SSIM departs from the original; this is not mentioned. The code follows jorge-pessoa/pytorch-msssim.
#
# Seen (Python 3.11, 2026-11-30), for an image of 64 x 64 and one 40 % darker, both with (SSIM + 1) / 2:
#   1 - MS-SSIM, coarsest scale's exponent 0.1333: 0.0619
#   1 - MS-SSIM, coarsest scale's exponent 0.5332: 0.1047
#   pythae's loss: 0.1047
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
from pythae.models import MSSSIM_VAE, MSSSIM_VAEConfig

weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
measure = MSSSIM_VAE(MSSSIM_VAEConfig(input_dim=(1, 64, 64), latent_dim=2)).msssim
torch.manual_seed(0)
image = torch.rand(1, 1, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3)
scales = [(image, 0.6 * image)]
while len(scales) < 5:
    scales.append(tuple(torch.nn.functional.avg_pool2d(x, 2) for x in scales[-1]))
ssim, contrast = zip(*(((value + 1).item() / 2 for value in measure.ssim(*pair)) for pair in scales), strict=True)
finer = math.prod(value**weight for value, weight in zip(contrast[:4], weights, strict=False))
print(f"1 - MS-SSIM, coarsest scale's exponent 0.1333: {1 - finer * ssim[4] ** weights[4]:.4f}")
print(f"1 - MS-SSIM, coarsest scale's exponent 0.5332: {1 - finer * ssim[4] ** (4 * weights[4]):.4f}")
print(f"pythae's loss: {measure(*scales[0]):.4f}")
PY
diff "$folder/seen" - <<'SEEN'
1 - MS-SSIM, coarsest scale's exponent 0.1333: 0.0619
1 - MS-SSIM, coarsest scale's exponent 0.5332: 0.1047
pythae's loss: 0.1047
SEEN
