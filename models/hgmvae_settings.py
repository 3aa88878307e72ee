"""HGMVAE's settings, and the encoder heads and latent networks that they determine; imports no torch."""

from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from models.declared import AS_DECLARED
from models.sizes import TwoLayers


@dataclass(config=AS_DECLARED)
class HGMVAESettings:
    """Switches and weights of HGMVAE's loss.

    `HGMVAE.loss_terms` defines the terms that the weights multiply.

    Attributes:
        variant: "gaussian" (HGMVAE-G: w is the softmax of a Gaussian) or "uniform" (HGMVAE-U: w is a softmax).
        n_components: Number of components K.
        hidden: Hidden units of each of the two networks between latents.
        reconstruction: "mse" for a Gaussian likelihood, "bce" for a Bernoulli one.
        decoder_variance: Variance of the Gaussian likelihood; ignored for "bce".
        beta_w: Weight of KL(q(w given y) || p(w)).
        beta_z_information: Weight of the first of the four pieces of the z-prior (Eqs. 5-7), defined in
            `losses.z_prior_pieces`; if all four weights are equal, the closed form of their sum is used.
        beta_z_tc_between: Weight of piece A of Eq. 5.
        beta_z_tc_within: Weight of piece C of Eq. 7.
        beta_z_dimension_kl: Weight of piece D of Eq. 7.
        conditional_prior: A key of `losses.CONDITIONAL_PRIORS`: "pairwise" (Eq. 4), "matched" (Eq. 3 for a factorised
            q) or "summed" (Eq. 3 for the x of Eq. 1).
        beta_x: Weight of the conditional prior.
        beta_tc_x: Weight of the total correlation of x_1..x_K (term A of Eq. 14, as a penalty); 0 omits it.
        fisher: A key of `losses.FISHER_FORMS`.
        fisher_weight: Weight of the Fisher term: positive maximises it, negative minimises it, 0 omits it.
        centre: Whether the weighted mean m is subtracted before weighting, w_k (mu_k - m); the paper assumes m = 0
            (Eq. 11; its Eq. 10 subtracts m after weighting).
    """

    variant: Literal["gaussian", "uniform"] = "gaussian"
    n_components: PositiveInt = 10
    hidden: PositiveInt = 128
    reconstruction: Literal["mse", "bce"] = "mse"
    decoder_variance: PositiveFloat = 0.05
    beta_w: NonNegativeFloat = 1.0
    beta_z_information: NonNegativeFloat = 1.0
    beta_z_tc_between: NonNegativeFloat = 1.0
    beta_z_tc_within: NonNegativeFloat = 1.0
    beta_z_dimension_kl: NonNegativeFloat = 1.0
    conditional_prior: Literal["pairwise", "matched", "summed"] = "pairwise"
    beta_x: NonNegativeFloat = 1.0
    beta_tc_x: float = 0.0
    fisher: Literal["ratio", "total", "log", "traces"] = "total"
    fisher_weight: float = 1.0
    centre: bool = False


def hgmvae_heads(config: Any) -> dict[str, int]:
    """Return names and sizes of the encoder's heads: K Gaussians in d dimensions and the logits of w.

    Args:
        config: HGMVAESettings with `latent_dim`.
    """
    k, d = config.n_components, config.latent_dim
    heads = {"mean": k * d, "log_var": k * d, "logits": k}
    return heads | {"logits_log_var": k} if config.variant == "gaussian" else heads


def equal_weights_heads(config: Any) -> dict[str, int]:
    """Return the heads of `EqualWeightsHGMVAE`, which are only those of the component codes.

    Args:
        config: See `hgmvae_heads`.
    """
    return {name: size for name, size in hgmvae_heads(config).items() if name in ("mean", "log_var")}


def no_networks(config: Any) -> tuple[TwoLayers, ...]:
    """Return (), for methods without networks besides trunk, heads and decoder."""
    return ()


def hgmvae_networks(config: Any) -> tuple[TwoLayers, TwoLayers]:
    """Return the sizes of the networks of q(z given x, w) and of p(x_k given w, z_k, k), shared by all k.

    Args:
        config: See `hgmvae_heads`.
    """
    k, d = config.n_components, config.latent_dim
    return TwoLayers(d + k, 2 * k * d, config.hidden), TwoLayers(d + 2 * k, 2 * d, config.hidden)
