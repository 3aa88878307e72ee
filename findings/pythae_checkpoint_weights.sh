#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.14.1): an epoch's checkpoint, by the docstring of `save_checkpoint` one to restart training from,
# does not hold the weights of that epoch. The optimiser's state is the current one, but the weights are those of the best
# epoch so far, by the evaluation data if there are any. A training continued from it goes on from other weights than those
# to which the optimiser's moments belong, and scores of the checkpoints over epochs show no overfitting, as they never get
# worse.
#
# Seen (Python 3.11, 2026-11-30), in a training whose loss on the evaluation data grows from the first epoch on:
#   checkpoint of epoch 1: Adam's steps 4, weights of epoch 1
#   checkpoint of epoch 2: Adam's steps 8, weights of epoch 1
#   checkpoint of epoch 3: Adam's steps 12, weights of epoch 1
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
from pathlib import Path

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback

weights = []  # by epoch


class KeepWeights(TrainingCallback):
    def on_epoch_end(self, training_config, **kwargs):
        weights.append(trainer.model.decoder.state_dict()["layers.0.0.weight"].clone())


torch.manual_seed(0)
black, white, labels = torch.zeros(64, 1, 8, 8), torch.ones(64, 1, 8, 8), torch.zeros(64)
config = BaseTrainerConfig(
    output_dir=".",
    num_epochs=3,
    steps_saving=1,
    per_device_train_batch_size=16,
    learning_rate=1e-2,
    no_cuda=True,
)
model = VAE(VAEConfig(input_dim=(1, 8, 8), latent_dim=2))
trainer = BaseTrainer(model, BaseDataset(black, labels), BaseDataset(white, labels), config, [KeepWeights()])
trainer.train()
for epoch in (1, 2, 3):
    checkpoint = Path(trainer.training_dir) / f"checkpoint_epoch_{epoch}"
    steps = torch.load(checkpoint / "optimizer.pt")["state"][0]["step"]
    saved = torch.load(checkpoint / "model.pt")["model_state_dict"]["decoder.layers.0.0.weight"]
    of = [1 + k for k, kept in enumerate(weights) if torch.equal(saved, kept)]
    print(f"checkpoint of epoch {epoch}: Adam's steps {steps:.0f}, weights of epoch", *of)
PY
diff "$folder/seen" - <<'SEEN'
checkpoint of epoch 1: Adam's steps 4, weights of epoch 1
checkpoint of epoch 2: Adam's steps 8, weights of epoch 1
checkpoint of epoch 3: Adam's steps 12, weights of epoch 1
SEEN
