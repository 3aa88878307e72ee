#!/usr/bin/env bash
# multivae 1.0.3 (torch 2.14.1): compute_joint_nll of MoPoE and MMVAE, by their docstrings an estimate of the negative joint
# likelihood, does not estimate it. The weights p(x, z) / q(z | x) have the density q of the whole mixture of S experts, but
# all K draws z of an image are taken from one expert, so the value can stay below the exact one, by up to log S, or far
# above, however large K is:
#   - MoPoE takes the expert by the image's place in the batch, so the value of a test set depends on its order and on the
#     size of the batches;
#   - MMVAE takes the expert of one modality at random for the whole batch, by numpy's global generator.
# LikelihoodsEvaluator computes these values by default, with unified_implementation=True.
#
# Seen (Python 3.11, 2026-12-01), for a pair whose first modality is z with noise of 0.1 and whose second is only noise, with
# the first one's exact posterior and the prior as experts, and K = 50,000:
#   exact: 2.5
#   draws from the mixture itself: 2.5
#   MoPoE, pair alone: 2.2
#   MoPoE, mean of three copies: 2.8
#   MMVAE, eight times: 2.0 or 3.8
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because both require a backport of dataclasses that shadows the standard library's.
pip --no-deps multivae==1.0.3 pythae==0.1.2
pip torch==2.14.1 torchvision==0.29.1 torchmetrics==1.9.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 \
    matplotlib==3.11.2 pydantic==2.14.3 cloudpickle==3.1.2 imageio==2.38.1 tqdm==4.70.1 nltk==3.10.4
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
import torch
from multivae.data import MultimodalBaseDataset
from multivae.models import MMVAE, MMVAEConfig, MoPoE, MoPoEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn.base_architectures import BaseDecoder, BaseEncoder
from torch.distributions import Categorical, MixtureSameFamily, Normal


class Expert(BaseEncoder):
    def __init__(self, gain, variance):
        super().__init__()
        self.latent_dim, self.gain, self.log_variance = 1, gain, float(np.log(variance))

    def forward(self, x):
        return ModelOutput(embedding=self.gain * x, log_covariance=torch.full_like(x, self.log_variance))


class Scaled(BaseDecoder):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, z):
        return ModelOutput(reconstruction=self.scale * z)


def value(kind, configuration, copies=1, **settings):
    settings |= {"n_modalities": 2, "input_dims": {"a": (1,), "b": (1,)}, "latent_dim": 1}
    settings["decoder_dist_params"] = {"a": {"scale": 0.1}, "b": {"scale": 1.0}}
    experts = {"a": Expert(1 / 1.01, 0.01 / 1.01), "b": Expert(0.0, 1.0)}
    model = kind(configuration(**settings), encoders=experts, decoders={"a": Scaled(1.0), "b": Scaled(0.0)})
    pairs = MultimodalBaseDataset(data={"a": torch.full((copies, 1), 0.6), "b": torch.ones(copies, 1)})
    return f"{model.compute_joint_nll(pairs, K=50_000, batch_size_K=5_000) / copies:.1f}"


torch.manual_seed(0)
np.random.seed(0)
a, b, standard = torch.tensor(0.6), torch.tensor(1.0), Normal(0.0, 1.0)
print(f"exact: {-(Normal(0.0, 1.01**0.5).log_prob(a) + standard.log_prob(b)):.1f}")
experts = Normal(torch.tensor([0.6 / 1.01, 0.0]), torch.tensor([0.01 / 1.01, 1.0]).sqrt())
mixture = MixtureSameFamily(Categorical(torch.ones(2)), experts)
z = mixture.sample((50_000,))
log_weights = Normal(z, 0.1).log_prob(a) + standard.log_prob(b) + standard.log_prob(z) - mixture.log_prob(z)
print(f"draws from the mixture itself: {np.log(50_000) - torch.logsumexp(log_weights, 0):.1f}")
print("MoPoE, pair alone:", value(MoPoE, MoPoEConfig))
print("MoPoE, mean of three copies:", value(MoPoE, MoPoEConfig, copies=3))
values = {value(MMVAE, MMVAEConfig, prior_and_posterior_dist="normal") for _ in range(8)}
print("MMVAE, eight times:", " or ".join(sorted(values)))
PY
diff "$folder/seen" - <<'SEEN'
exact: 2.5
draws from the mixture itself: 2.5
MoPoE, pair alone: 2.2
MoPoE, mean of three copies: 2.8
MMVAE, eight times: 2.0 or 3.8
SEEN
