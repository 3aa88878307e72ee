"""VAE, beta-VAE and WAE-MMD: pythae 0.1.2's models and losses, with the noise handed in.

pythae draws noise inside `forward`; only that is overridden here. Its conventions stand: VAEs take half the
summed squared error, WAE-MMD the whole of it; `embed` and `reconstruct` are the suite's deterministic ones.
"""

from dataclasses import field

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models import WAE_MMD, BetaVAE
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models.base import AS_DECLARED, ImageAutoencoder, Noise


@dataclass(config=AS_DECLARED)
class BetaVAEConfig(pythae.BetaVAEConfig):
    """pythae's, of its name, which takes no other field and no negative weight."""

    beta: NonNegativeFloat = 1.0


@dataclass(config=AS_DECLARED)
class WAE_MMD_Config(pythae.WAE_MMD_Config):
    """pythae's, of its name, which takes no other field and no negative weight."""

    reg_weight: NonNegativeFloat = 3e-2
    kernel_bandwidth: PositiveFloat = 1.0
    scales: list[PositiveFloat] | None = field(default_factory=lambda: pythae.WAE_MMD_Config().scales)
    reconstruction_loss_scale: PositiveFloat = 1.0


class NoiseFedBetaVAE(ImageAutoencoder, BetaVAE):
    """pythae's BetaVAE, which is its VAE at beta = 1. Encoder heads: `embedding`, `log_covariance`."""

    def __init__(self, model_config, encoder, decoder):
        BetaVAE.__init__(self, model_config, encoder, decoder)
        self._noise: Noise = {}

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        return {"x": (batch_size, self.latent_dim)}

    def _sample_gauss(self, mu: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        # Outside of `objective`, in pythae's own `get_nll`, nobody has handed noise in.
        noise = self._noise["x"] if self._noise else torch.randn_like(std)
        return mu + noise * std, noise

    def objective(self, images: Tensor, noise: Noise) -> ModelOutput:
        """Half the squared error + beta * KL(q(x given y) || N(0, I))."""
        self._noise = noise
        output = BetaVAE.forward(self, {"data": images})
        self._noise = {}
        terms = {"reconstruction": output.recon_loss, "kl": output.reg_loss}
        weights = {"reconstruction": 1.0, "kl": self.beta}
        return ModelOutput(loss=output.loss, terms=terms, weights=weights, recon_x=output.recon_x, z=output.z)

    def code_posterior(self, encoded: ModelOutput, noise: Noise) -> tuple[Tensor, Tensor]:
        return encoded.embedding, encoded.log_covariance


class NoiseFedWAE(ImageAutoencoder, WAE_MMD):
    """pythae's WAE-MMD with its IMQ or RBF kernel. Encoder head: `embedding`."""

    def __init__(self, model_config, encoder, decoder):
        WAE_MMD.__init__(self, model_config, encoder, decoder)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        return {"prior": (batch_size, self.latent_dim)}

    def objective(self, images: Tensor, noise: Noise) -> ModelOutput:
        """Squared error + reg_weight * MMD^2(codes, prior)."""
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        loss, reconstruction, mmd = self.loss_function(reconstructions, images, codes, noise["prior"])
        terms = {"reconstruction": reconstruction, "mmd": mmd}
        weights = {"reconstruction": 1.0, "mmd": self.model_config.reg_weight}
        return ModelOutput(loss=loss, terms=terms, weights=weights, recon_x=reconstructions, z=codes)
