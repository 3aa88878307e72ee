"""The baselines' settings, and what follows from them: heads and networks between latents. Needs no torch."""

from dataclasses import field
from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from models.declared import AS_DECLARED
from models.sizes import TwoLayers


@dataclass(config=AS_DECLARED)
class BetaVAESettings:
    """pythae's, with its defaults; it takes no negative weight."""

    reconstruction_loss: Literal["bce", "mse"] = "mse"
    beta: NonNegativeFloat = 1.0


@dataclass(config=AS_DECLARED)
class WAESettings:
    """Those of pythae's WAE-MMD, with its defaults; it takes no negative weight."""

    kernel_choice: Literal["rbf", "imq"] = "imq"
    reg_weight: NonNegativeFloat = 3e-2
    kernel_bandwidth: PositiveFloat = 1.0
    scales: list[PositiveFloat] | None = field(default_factory=lambda: [0.1, 0.2, 0.5, 1.0, 2.0, 5, 10.0])
    reconstruction_loss_scale: PositiveFloat = 1.0


@dataclass(config=AS_DECLARED)
class SWAESettings:
    """reg_weight multiplies the squared sliced distance.

    It stands against the squared error summed over an image's pixels, or with `mean_over_pixels` averaged.
    """

    reg_weight: NonNegativeFloat = 10.0
    n_projections: PositiveInt = 50
    mean_over_pixels: bool = False


@dataclass(config=AS_DECLARED)
class GMVAESettings:
    """Weights of the loss and sizes; the style w has the dimension of the code x."""

    n_components: PositiveInt = 10
    hidden: PositiveInt = 128
    reconstruction: Literal["mse", "bce"] = "mse"
    decoder_variance: PositiveFloat = 0.05
    beta_x: NonNegativeFloat = 1.0
    beta_w: NonNegativeFloat = 1.0
    beta_k: NonNegativeFloat = 1.0


def gaussian_heads(config: Any) -> dict[str, int]:
    """Mean and log variance of one Gaussian."""
    return {"embedding": config.latent_dim, "log_covariance": config.latent_dim}


def point_heads(config: Any) -> dict[str, int]:
    """The code itself."""
    return {"embedding": config.latent_dim}


def gmvae_heads(config: Any) -> dict[str, int]:
    """Names and sizes of the encoder's heads: q(x given y) and q(w given y)."""
    return dict.fromkeys(("embedding", "log_covariance", "style", "style_log_covariance"), config.latent_dim)


def gmvae_networks(config: Any) -> tuple[TwoLayers]:
    """Of p(x given w, k)."""
    k, d = config.n_components, config.latent_dim
    return (TwoLayers(d, 2 * k * d, config.hidden),)
