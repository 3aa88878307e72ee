#!/usr/bin/env bash
# pythae 0.1.2 with torch 2.13.0: the outputs of a model that torch has compiled lack their attributes. pythae's ModelOutput
# is a dictionary that sets an attribute for every key; the one that a compiled forward pass returns has only the keys. So
# output.loss, which pythae's own trainers and most code read, raises an AttributeError, although compiling itself succeeds
# without a graph break; output["loss"] is unchanged. The same happens with the backend "eager", which generates no code.
#
# Seen (Python 3.11, 2026-11-30), with a VAE with pythae's default networks:
#   plain: ModelOutput, "loss" in it: True, has .loss: True
#   compiled: ModelOutput, "loss" in it: True, has .loss: False
#   the trainer's step: AttributeError 'ModelOutput' object has no attribute 'loss'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.13.0 numpy==2.3.5 pydantic==2.12.5 imageio==2.37.2 tqdm==4.67.1 cloudpickle==3.1.2 scikit-learn==1.8.0
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PY' | tee "$folder/seen" || { cat "$folder/log"; exit 1; }
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig

torch.manual_seed(0)
images = torch.rand(8, 1, 8, 8)
model = VAE(VAEConfig(input_dim=(1, 8, 8), latent_dim=2))


def describe(name):
    output = model({"data": images})
    in_it, attribute = "loss" in output, hasattr(output, "loss")
    print(f'{name}: {type(output).__name__}, "loss" in it: {in_it}, has .loss: {attribute}')


describe("plain")
model.compile(backend="eager", fullgraph=True)  # raises if the graph breaks
describe("compiled")
config = BaseTrainerConfig(output_dir=".", no_cuda=True)
trainer = BaseTrainer(model, BaseDataset(images, torch.zeros(8)), training_config=config)
trainer.prepare_training()
try:
    trainer.train_step(1)
except AttributeError as error:
    print("the trainer's step: AttributeError", error)
PY
diff "$folder/seen" - <<'SEEN'
plain: ModelOutput, "loss" in it: True, has .loss: True
compiled: ModelOutput, "loss" in it: True, has .loss: False
the trainer's step: AttributeError 'ModelOutput' object has no attribute 'loss'
SEEN
