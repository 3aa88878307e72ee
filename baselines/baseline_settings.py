"""The baselines' settings, and the encoder heads and latent networks that they determine; imports no torch."""

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from models.declared import AS_DECLARED
from models.sizes import TwoLayers

Scales = Annotated[list[PositiveFloat], Field(min_length=1)]  # over which a kernel is summed


@dataclass(config=AS_DECLARED)
class BetaVAESettings:
    """Settings of pythae's BetaVAE, with its defaults; rejects negative weights.

    Attributes:
        reconstruction_loss: "mse" for half the squared error, "bce" for cross-entropy.
        beta: Weight of the KL.
    """

    reconstruction_loss: Literal["bce", "mse"] = "mse"
    beta: NonNegativeFloat = 1.0


@dataclass(config=AS_DECLARED)
class WAESettings:
    """Settings of pythae's WAE-MMD, with its defaults; rejects negative weights.

    Attributes:
        kernel_choice: The kernel of the MMD.
        reg_weight: Weight of MMD^2.
        kernel_bandwidth: Bandwidth of either kernel.
        scales: Scales over which the IMQ kernel is summed; ignored by the RBF kernel.
        reconstruction_loss_scale: Weight of the squared error.
    """

    kernel_choice: Literal["rbf", "imq"] = "imq"
    reg_weight: NonNegativeFloat = 3e-2
    kernel_bandwidth: PositiveFloat = 1.0
    scales: Scales | None = field(default_factory=lambda: [0.1, 0.2, 0.5, 1.0, 2.0, 5, 10.0])
    reconstruction_loss_scale: PositiveFloat = 1.0


@dataclass(config=AS_DECLARED)
class SWAESettings:
    """Settings of SWAE.

    Attributes:
        reg_weight: Weight of the squared sliced distance.
        n_projections: Number of directions per training step.
        mean_over_pixels: Whether the squared error is averaged over an image's pixels instead of summed.
    """

    reg_weight: NonNegativeFloat = 10.0
    n_projections: PositiveInt = 50
    mean_over_pixels: bool = False


@dataclass(config=AS_DECLARED)
class GMVAESettings:
    """Loss weights and sizes of GMVAE; the style w has the dimension of the code x.

    Attributes:
        n_components: Number of components K.
        hidden: Hidden units of the network from w to the components.
        reconstruction: "mse" for a Gaussian likelihood, "bce" for a Bernoulli one.
        decoder_variance: Variance of the Gaussian likelihood; ignored for "bce".
        beta_x: Weight of the conditional prior.
        beta_w: Weight of the prior of w.
        beta_k: Weight of the prior of the components.
    """

    n_components: PositiveInt = 10
    hidden: PositiveInt = 128
    reconstruction: Literal["mse", "bce"] = "mse"
    decoder_variance: PositiveFloat = 0.05
    beta_x: NonNegativeFloat = 1.0
    beta_w: NonNegativeFloat = 1.0
    beta_k: NonNegativeFloat = 1.0


def gaussian_heads(config: Any) -> dict[str, int]:
    """Return the encoder heads of a Gaussian code: mean and log variance.

    Args:
        config: Any configuration with `latent_dim`.

    Returns:
        Name -> output size.
    """
    return {"embedding": config.latent_dim, "log_covariance": config.latent_dim}


def point_heads(config: Any) -> dict[str, int]:
    """Return the encoder head of a deterministic code.

    Args:
        config: Any configuration with `latent_dim`.

    Returns:
        Name -> output size.
    """
    return {"embedding": config.latent_dim}


def gmvae_heads(config: Any) -> dict[str, int]:
    """Return the encoder heads of q(x given y) and q(w given y).

    Args:
        config: GMVAESettings with `latent_dim`.

    Returns:
        Name -> output size.
    """
    return dict.fromkeys(("embedding", "log_covariance", "style", "style_log_covariance"), config.latent_dim)


def gmvae_networks(config: Any) -> tuple[TwoLayers]:
    """Return the sizes of the network of p(x given w, k).

    Args:
        config: GMVAESettings with `latent_dim`.
    """
    k, d = config.n_components, config.latent_dim
    return (TwoLayers(d, 2 * k * d, config.hidden),)
