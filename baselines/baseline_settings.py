"""The baselines' settings, and the heads and networks between latents that follow from them; imports no torch."""

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from models.declared import AS_DECLARED
from models.sizes import TwoLayers

Scales = Annotated[list[PositiveFloat], Field(min_length=1)]  # at which a kernel is summed


@dataclass(config=AS_DECLARED)
class BetaVAESettings:
    """Settings of pythae's BetaVAE, with its defaults; negative weights are refused.

    Attributes:
        reconstruction_loss: "mse" for half the squared error, "bce" for cross-entropy.
        beta: Weight of the KL.
    """

    reconstruction_loss: Literal["bce", "mse"] = "mse"
    beta: NonNegativeFloat = 1.0


@dataclass(config=AS_DECLARED)
class WAESettings:
    """Settings of pythae's WAE-MMD, with its defaults; negative weights are refused.

    Attributes:
        kernel_choice: The kernel of the MMD.
        reg_weight: Weight of MMD^2.
        kernel_bandwidth: Of either kernel.
        scales: At which the IMQ kernel is summed; the RBF kernel ignores them.
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
        n_projections: Directions of a step.
        mean_over_pixels: Whether the squared error is averaged over an image's pixels; it is summed otherwise.
    """

    reg_weight: NonNegativeFloat = 10.0
    n_projections: PositiveInt = 50
    mean_over_pixels: bool = False


@dataclass(config=AS_DECLARED)
class GMVAESettings:
    """Weights of GMVAE's loss and its sizes; the style w has the dimension of the code x.

    Attributes:
        n_components: K.
        hidden: Hidden units of the network from w to the components.
        reconstruction: "mse" for a Gaussian likelihood, "bce" for a Bernoulli one.
        decoder_variance: Of the Gaussian likelihood; unused under "bce".
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
    """Return the heads of one Gaussian, its mean and log variance.

    Args:
        config: Any configuration with `latent_dim`.

    Returns:
        Name -> size.
    """
    return {"embedding": config.latent_dim, "log_covariance": config.latent_dim}


def point_heads(config: Any) -> dict[str, int]:
    """Return the head of a code without noise.

    Args:
        config: Any configuration with `latent_dim`.

    Returns:
        Name -> size.
    """
    return {"embedding": config.latent_dim}


def gmvae_heads(config: Any) -> dict[str, int]:
    """Return the heads of q(x given y) and q(w given y).

    Args:
        config: GMVAESettings with `latent_dim`.

    Returns:
        Name -> size.
    """
    return dict.fromkeys(("embedding", "log_covariance", "style", "style_log_covariance"), config.latent_dim)


def gmvae_networks(config: Any) -> tuple[TwoLayers]:
    """Return the sizes of the network of p(x given w, k).

    Args:
        config: GMVAESettings with `latent_dim`.
    """
    k, d = config.n_components, config.latent_dim
    return (TwoLayers(d, 2 * k * d, config.hidden),)
