#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): VQVAE with an encoder whose codes are flat, (batch, latent_dim), as its default one's are,
# quantises every number of a code separately, with a codebook of scalars. The paper (van den Oord, Vinyals, Kavukcuoglu
# 2017, arXiv 1711.00937, section 3.1) takes the nearest vector. The codes are reshaped to (batch, 1, 1, latent_dim) and then
# permuted as if their channels came first. With 512 entries there are then 512^latent_dim codes of an image instead of 512.
# The same codes given as (batch, latent_dim, 1, 1) are quantised as vectors. By the maintainer's answer to issue 138 of
# clementchadebec/benchmark_VAE, an entry has the size of the latent space for flat codes, too.
#
# Seen (Python 3.11, 2026-11-30):
#   default networks: codebook of (512, 1), indices of an image: 16
#   codes of shape (16, 1, 1): codebook of (512, 16), indices of an image: 1
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
from pythae.models import VQVAE, VQVAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder


class Pixels(BaseEncoder):
    def forward(self, x):
        return ModelOutput(embedding=x.reshape(-1, 16, 1, 1))


class Image(BaseDecoder):
    def forward(self, z):
        return ModelOutput(reconstruction=z.reshape(-1, 1, 4, 4))


images = torch.rand(8, 1, 4, 4)
config = {"input_dim": (1, 4, 4), "latent_dim": 16}
for name, networks in (("default networks", ()), ("codes of shape (16, 1, 1)", (Pixels(), Image()))):
    model = VQVAE(VQVAEConfig(**config), *networks)
    codebook, indices = model.quantizer.embeddings.weight, model({"data": images}).quantized_indices
    print(f"{name}: codebook of {tuple(codebook.shape)}, indices of an image: {indices[0].numel()}")
PY
diff "$folder/seen" - <<'SEEN'
default networks: codebook of (512, 1), indices of an image: 16
codes of shape (16, 1, 1): codebook of (512, 16), indices of an image: 1
SEEN
