"""SWAE: the sliced Wasserstein autoencoder of Kolouri et al. 2018 (arXiv 1804.01947)."""

from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from torch import Tensor

from baselines.baseline_settings import SWAESettings
from models import losses
from models.base import ImageAutoencoder, LossTerms, Noise
from models.declared import AS_DECLARED


@dataclass(config=AS_DECLARED)
class SWAEConfig(SWAESettings, BaseAEConfig):  # type: ignore[misc]  # pythae has no types
    """SWAE's settings as a pythae configuration."""


class SWAE(ImageAutoencoder):
    """SWAE: a deterministic encoder (head `embedding`) whose codes are regularised towards N(0, I)."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the draws of a training step.

        Returns:
            `prior` (B, d), the sample that the codes are compared with, and `directions` (n_projections, d).
        """
        return {
            "prior": (batch_size, self.latent_dim),
            "directions": (self.model_config.n_projections, self.latent_dim),
        }

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute squared error + reg_weight * squared sliced Wasserstein-2 distance (new directions every step)."""
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        scale = 1 / images[0].numel() if self.model_config.mean_over_pixels else 1.0
        terms = {
            "reconstruction": (scale * losses.squared_error(reconstructions, images)).mean(),
            "sliced_wasserstein": losses.sliced_wasserstein(codes, noise["prior"], noise["directions"]),
        }
        weights = {"reconstruction": 1.0, "sliced_wasserstein": self.model_config.reg_weight}
        return LossTerms(terms, weights, reconstructions, codes)
