#!/usr/bin/env bash
# pythae 0.1.2 (torch 2.13.0): the trainers with several optimisers give a network the gradients of other networks' losses.
# They run all backward passes before the first step and clear only one network's gradients in between, so what a later
# loss sends through an earlier network is added to its step:
#   - VAEGAN's decoder is to raise the discriminator's loss with weight `adversarial_loss_scale` (Larsen et al. 2016,
#     arXiv 1512.09300, algorithm 1). The discriminator's own loss comes on top with weight 1. As the scale is at most 1,
#     the decoder helps the discriminator, or ignores it, in every step in which both are updated;
#   - PIWAE's encoder is to follow the MIWAE loss alone (Rainforth et al. 2018, arXiv 1802.04537, section 4). It follows the
#     decoder's IWAE loss as well;
#   - FactorVAE's encoder (Kim and Mnih 2018, arXiv 1802.05983, algorithm 2) follows the discriminator's loss as well, which
#     rewards codes for being told from permuted ones.
#
# Seen (Python 3.11, 2026-11-30), in one step of gradient descent:
#   VAEGAN's decoder, adversarial_loss_scale 0.5: discriminator's loss with weight -0.5, taken 0.50
#   VAEGAN's decoder, adversarial_loss_scale 1.0: discriminator's loss with weight -1.0, taken 0.00
#   PIWAE's encoder: decoder's loss with weight 0, taken 1.00
#   FactorVAE's encoder: discriminator's loss with weight 0, taken 1.00
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
from pythae.models import PIWAE, VAEGAN, FactorVAE, FactorVAEConfig, PIWAEConfig, VAEGANConfig
from pythae.trainers import (
    AdversarialTrainer,
    AdversarialTrainerConfig,
    CoupledOptimizerAdversarialTrainer,
    CoupledOptimizerAdversarialTrainerConfig,
    CoupledOptimizerTrainer,
    CoupledOptimizerTrainerConfig,
)

torch.manual_seed(0)
images = torch.rand(64, 1, 8, 8)
sizes = {"input_dim": (1, 8, 8), "latent_dim": 2}


def weight(model, trainer, config, network, own, foreign):
    """Step once by gradient descent; return the weight of the loss `foreign` in the step of `network` beside `own`."""

    def gradient(loss):
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, retain_graph=True)])

    trainer = trainer(model, BaseDataset(images, torch.zeros(64)), training_config=config)
    trainer.prepare_training()
    output, parameters = model({"data": images}), list(network.parameters())
    assert output.get("update_decoder", True) and output.get("update_discriminator", True)
    own, foreign = gradient(own(output)), gradient(output[foreign])
    before = torch.cat([p.detach().flatten() for p in parameters])
    trainer._optimizers_step(output)
    step = before - torch.cat([p.detach().flatten() for p in parameters])
    return ((step - own) @ foreign / foreign.square().sum()).item()


def descent(config, *networks):
    settings = {f"{network}_optimizer_cls": "SGD" for network in networks}
    return config(output_dir=".", no_cuda=True, **settings, **{f"{network}_learning_rate": 1.0 for network in networks})


for scale in (0.5, 1.0):
    model = VAEGAN(VAEGANConfig(**sizes, adversarial_loss_scale=scale))
    config = descent(CoupledOptimizerAdversarialTrainerConfig, "encoder", "decoder", "discriminator")
    taken = weight(
        model,
        CoupledOptimizerAdversarialTrainer,
        config,
        model.decoder,
        lambda output, scale=scale: (1 - scale) * output.recon_loss,
        "discriminator_loss",
    )
    print(f"VAEGAN's decoder, adversarial_loss_scale {scale}: discriminator's loss with weight {-scale}, taken {taken:.2f}")
model = PIWAE(PIWAEConfig(**sizes))
config = descent(CoupledOptimizerTrainerConfig, "encoder", "decoder")
taken = weight(model, CoupledOptimizerTrainer, config, model.encoder, lambda output: output.encoder_loss, "decoder_loss")
print(f"PIWAE's encoder: decoder's loss with weight 0, taken {taken:.2f}")
model = FactorVAE(FactorVAEConfig(**sizes))
config = descent(AdversarialTrainerConfig, "autoencoder", "discriminator")
taken = weight(
    model, AdversarialTrainer, config, model.encoder, lambda output: output.autoencoder_loss, "discriminator_loss"
)
print(f"FactorVAE's encoder: discriminator's loss with weight 0, taken {taken:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
VAEGAN's decoder, adversarial_loss_scale 0.5: discriminator's loss with weight -0.5, taken 0.50
VAEGAN's decoder, adversarial_loss_scale 1.0: discriminator's loss with weight -1.0, taken 0.00
PIWAE's encoder: decoder's loss with weight 0, taken 1.00
FactorVAE's encoder: discriminator's loss with weight 0, taken 1.00
SEEN
