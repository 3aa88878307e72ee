#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): MAFSampler and IAFSampler with include_batch_norm=True sample from another distribution than
# they fit. After training, the flow is loaded anew and left in training mode, in which the inverse of pythae's batch
# normalisation uses the statistics of the last batch or, as there was none, mean 0 and variance 1. So the location and scale
# of the codes, which the normalisation took over, are lost. In evaluation mode the same flow is right.
# (PixelCNNSampler leaves its network in training mode as well, so its samples depend on the others in their batch.)
#
# Seen (Python 3.11, 2026-11-30):
#   MAFSampler: codes of mean 20, samples of mean near 0
#   MAFSampler: codes of mean 20, samples in evaluation mode of mean near 20
#   IAFSampler: codes of mean 20, samples of mean near 0
#   IAFSampler: codes of mean 20, samples in evaluation mode of mean near 20
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.14.1 numpy==2.4.6 pydantic==2.14.3 imageio==2.38.1 tqdm==4.70.1 cloudpickle==3.1.2 scikit-learn==1.9.1
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PY' | tee "$folder/seen" || { cat "$folder/log"; exit 1; }
import torch
from pythae.models import AE, AEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.samplers import IAFSampler, IAFSamplerConfig, MAFSampler, MAFSamplerConfig
from pythae.trainers import BaseTrainerConfig


class Pixels(BaseEncoder):
    def forward(self, x):
        return ModelOutput(embedding=x.flatten(1))


class Image(BaseDecoder):
    def forward(self, z):
        return ModelOutput(reconstruction=z.reshape(-1, 1, 1, 2))


torch.manual_seed(0)
codes = 20 + 5 * torch.randn(5_000, 1, 1, 2).clamp(-3, 3)
model = AE(AEConfig(input_dim=(1, 1, 2), latent_dim=2), Pixels(), Image())
training = {"output_dir": ".", "num_epochs": 1, "per_device_train_batch_size": 100, "learning_rate": 1e-3}
for sampler, config in ((MAFSampler, MAFSamplerConfig), (IAFSampler, IAFSamplerConfig)):
    made = sampler(model, config(include_batch_norm=True))
    made.fit(codes, training_config=BaseTrainerConfig(**training))
    samples = made.sample(5_000)
    (made.maf_model if sampler is MAFSampler else made.iaf_model).eval()
    evaluated = made.sample(5_000)
    for name, mean in (("samples", samples.mean()), ("samples in evaluation mode", evaluated.mean())):
        nearest = min((0, 20), key=lambda value: abs(value - mean))
        assert abs(nearest - mean) < 2, mean
        print(f"{sampler.__name__}: codes of mean 20, {name} of mean near {nearest}")
PY
diff "$folder/seen" - <<'SEEN'
MAFSampler: codes of mean 20, samples of mean near 0
MAFSampler: codes of mean 20, samples in evaluation mode of mean near 20
IAFSampler: codes of mean 20, samples of mean near 0
IAFSampler: codes of mean 20, samples in evaluation mode of mean near 20
SEEN
