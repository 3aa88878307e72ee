"""HGMVAE with one of its parts taken away, to see what the part is good for; no methods of the paper."""

import math

import torch
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.base import Noise
from models.hgmvae import HGMVAE


class EqualWeightsHGMVAE(HGMVAE):
    """w is 1/K for every image: what is left of the mixture is an average of K codes."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        return {name: shape for name, shape in super().noise_shapes(batch_size).items() if name != "w"}

    def _drawn_weights(self, encoded: ModelOutput, noise: Noise) -> Tensor:
        return self._mean_weights(encoded)

    def _mean_weights(self, encoded: ModelOutput) -> Tensor:
        k, _ = self.components_shape
        mean: Tensor = encoded.mean
        return mean.new_full((len(mean), k), 1 / k)

    def _weights_kl(self, encoded: ModelOutput) -> Tensor:
        return torch.zeros_like(encoded.mean[:, 0])

    def _prior_weights(self, noise: Noise) -> Tensor:
        return torch.full_like(noise["x"][..., 0], 1 / self.components_shape[0])


class OneComponentHGMVAE(HGMVAE):
    """x is one of x_1..x_K, drawn with the probabilities w: a true mixture, where Eq. 1 has the weighted sum.

    Trained with a biased gradient: forward the one component, backward as if w had weighted them (the
    straight-through estimator of Bengio, Leonard, Courville 2013).
    """

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        return super().noise_shapes(batch_size) | {"k": (batch_size, self.components_shape[0])}

    def posterior_draws(self) -> tuple[str, ...]:
        return (*super().posterior_draws(), "k")

    def code_log_density(self, encoded: ModelOutput, noise: Noise, codes: Tensor) -> Tensor:
        """Given w alone, of whichever component: log sum_k w_k N(code; mu_k, sigma_k^2), (B,)."""
        mean, log_var = self._components(encoded)
        of_components = losses.gaussian_log_density(codes[:, None], mean, log_var).sum(2)  # (B, K)
        return (self._drawn_weights(encoded, noise).log() + of_components).logsumexp(1)

    def _mixed(self, w: Tensor, noise: Noise | None = None) -> Tensor:
        """One-hot, (B, K): by the Gumbel-max rule, its uniforms Phi of the normals; without noise the arg max of w."""
        scores = w if noise is None else w.log() + _gumbel(noise["k"])
        chosen = torch.zeros_like(w).scatter(1, scores.argmax(1, keepdim=True), 1.0)
        return chosen + (w - w.detach())


def _gumbel(normal: Tensor) -> Tensor:
    """Standard Gumbel draws, -log(-log Phi), of standard normal ones; -inf below -5.4 in float32."""
    return -torch.log(-torch.log1p(-0.5 * torch.erfc(normal / math.sqrt(2))))
