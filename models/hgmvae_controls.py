"""Controls of HGMVAE, each lacking one of its parts, to measure what that part contributes; none is in the paper."""

import math

import torch
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.base import Noise
from models.hgmvae import HGMVAE


class EqualWeightsHGMVAE(HGMVAE):
    """HGMVAE with w = 1/K for every image, so that the code is the plain average of K component codes."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of HGMVAE's draws except w."""
        return {name: shape for name, shape in super().noise_shapes(batch_size).items() if name != "w"}

    def _mean_weights(self, encoded: ModelOutput) -> Tensor:
        k, _ = self.components_shape
        mean: Tensor = encoded.mean
        return mean.new_full((len(mean), k), 1 / k)

    def _weights_kl(self, encoded: ModelOutput) -> Tensor:
        return torch.zeros_like(encoded.mean[:, 0])


class OneComponentHGMVAE(HGMVAE):
    """HGMVAE whose x is one of x_1..x_K, selected with probabilities w: a true mixture instead of Eq. 1's weighted sum.

    Its gradient is biased: the forward pass uses the selected component, the backward pass treats x as the sum weighted
    by w (the straight-through estimator of Bengio, Leonard, Courville 2013).
    """

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of HGMVAE's draws and of `k` (B, K), which selects the component."""
        return super().noise_shapes(batch_size) | {"k": (batch_size, self.components_shape[0])}

    def posterior_draws(self) -> tuple[str, ...]:
        """Return the names of HGMVAE's draws and `k`."""
        return (*super().posterior_draws(), "k")

    def code_log_density(self, encoded: ModelOutput, noise: Noise, codes: Tensor) -> Tensor:
        """Compute log sum_k w_k N(code; mu_k, sigma_k^2), (B,), given w and marginalised over the component."""
        mean, log_var = self._components(encoded)
        of_components = losses.gaussian_log_density(codes[:, None], mean, log_var).sum(2)  # (B, K)
        return (self._drawn_weights(encoded, noise).log() + of_components).logsumexp(1)

    def _mixed(self, w: Tensor, noise: Noise | None = None) -> Tensor:
        """One-hot (B, K): Gumbel-max with Phi of the normal draws as uniforms, or the arg max of w without noise."""
        scores = w if noise is None else w.log() + _gumbel(noise["k"])
        chosen = torch.zeros_like(w).scatter(1, scores.argmax(1, keepdim=True), 1.0)
        return chosen + (w - w.detach())


def _gumbel(normal: Tensor) -> Tensor:
    """Transform standard normal draws to standard Gumbel draws, -log(-log Phi); -inf below -5.4 in float32."""
    return -torch.log(-torch.log1p(-0.5 * torch.erfc(normal / math.sqrt(2))))
