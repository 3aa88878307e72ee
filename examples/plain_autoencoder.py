"""A complete method of one's own: an autoencoder that minimises the squared error and nothing else.

To have it in the suite, copy this file to baselines/ and register it in benchmark/methods/registry.py:

    from baselines.plain_autoencoder import PlainAutoencoder, PlainAutoencoderConfig
    ...
    METHODS["plain_ae"] = Method(
        "plain_ae", "Plain AE", PlainAutoencoder, PlainAutoencoderConfig, _point_heads, {}, {"default": {"weight": 1.0}}
    )

`./run_all.sh --only method=plain_ae` then trains it in every table, and the tests hold it to the contract of all
methods (tests/test_methods_contract.py).
"""

from pydantic import PositiveFloat
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from torch import Tensor

from models import losses
from models.base import AS_DECLARED, ImageAutoencoder, LossTerms, Noise


@dataclass(config=AS_DECLARED)
class PlainAutoencoderConfig(BaseAEConfig):
    """`weight`: of the squared error, above 0."""

    weight: PositiveFloat = 1.0


class PlainAutoencoder(ImageAutoencoder):
    """A deterministic encoder (head `embedding`) and decoder."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """None: it draws nothing."""
        return {}

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """The squared error, summed over pixels."""
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        terms = {"reconstruction": losses.squared_error(reconstructions, images)}
        return LossTerms(terms, {"reconstruction": self.model_config.weight}, reconstructions, codes)
