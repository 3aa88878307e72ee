"""A complete method of your own: an autoencoder that minimises the squared error and nothing else.

./run_all.sh --study smoke --only method=plain_ae --method-file examples/plain_autoencoder.py
"""

from pydantic import PositiveFloat
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from torch import Tensor

from benchmark.methods.look import Look
from benchmark.methods.registry import Method, point_heads
from models import losses
from models.base import ImageAutoencoder, LossTerms, Noise
from models.declared import AS_DECLARED


@dataclass(config=AS_DECLARED)
class PlainAutoencoderConfig(BaseAEConfig):
    """Settings: `weight` of the squared error, above 0."""

    weight: PositiveFloat = 1.0


class PlainAutoencoder(ImageAutoencoder):
    """A deterministic encoder (with the head `embedding`) and a decoder."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """None, because the method draws no noise."""
        return {}

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """The squared error, summed over pixels."""
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        terms = {"reconstruction": losses.squared_error(reconstructions, images)}
        return LossTerms(terms, {"reconstruction": self.model_config.weight}, reconstructions, codes)


WEIGHTS = {"default": {"weight": 1.0}}
LOOK = Look("#789151", "p", ":")  # colour, marker and line in figures, as matplotlib has them
METHODS = [
    Method("plain_ae", "Plain AE", PlainAutoencoder, PlainAutoencoderConfig, point_heads, {}, WEIGHTS, look=LOOK),
]
