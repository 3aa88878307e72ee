"""SWAE: the sliced Wasserstein autoencoder of Kolouri et al. 2018 (arXiv 1804.01947)."""

from pydantic import NonNegativeFloat, PositiveInt
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.base import AS_DECLARED, ImageAutoencoder, Noise


@dataclass(config=AS_DECLARED)
class SWAEConfig(BaseAEConfig):
    """reg_weight multiplies the squared sliced distance.

    It stands against the squared error summed over an image's pixels, or with `mean_over_pixels` averaged.
    """

    reg_weight: NonNegativeFloat = 10.0
    n_projections: PositiveInt = 50
    mean_over_pixels: bool = False


class SWAE(ImageAutoencoder):
    """A deterministic encoder (head `embedding`) whose codes are drawn towards N(0, I)."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        return {
            "prior": (batch_size, self.latent_dim),
            "directions": (self.model_config.n_projections, self.latent_dim),
        }

    def objective(self, images: Tensor, noise: Noise) -> ModelOutput:
        """Squared error + reg_weight * squared sliced Wasserstein-2 distance; directions are new every step."""
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        scale = 1 / images[0].numel() if self.model_config.mean_over_pixels else 1.0
        terms = {
            "reconstruction": scale * losses.squared_error(reconstructions, images),
            "sliced_wasserstein": losses.sliced_wasserstein(codes, noise["prior"], noise["directions"]),
        }
        loss = terms["reconstruction"].mean() + self.model_config.reg_weight * terms["sliced_wasserstein"]
        weights = {"reconstruction": 1.0, "sliced_wasserstein": self.model_config.reg_weight}
        return ModelOutput(loss=loss, terms=terms, weights=weights, recon_x=reconstructions, z=codes)
