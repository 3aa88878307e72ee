"""HGMVAE's settings, and what follows from them: its heads and its networks between latents. Needs no torch."""

from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from models.declared import AS_DECLARED
from models.sizes import TwoLayers


@dataclass(config=AS_DECLARED)
class HGMVAESettings:
    """Switches and weights of the loss; `HGMVAE.loss_terms` says what each multiplies.

    variant: "gaussian" (HGMVAE-G: w is the softmax of a Gaussian) or "uniform" (HGMVAE-U: w is a softmax).
    The four beta_z_* weights belong to the pieces of the z-prior (Eqs. 5-7); equal weights use its closed form.
    conditional_prior: "pairwise" (Eq. 4) or "matched" (Eq. 3 for a factorised q). beta_tc_x > 0 adds the total
    correlation of x_1..x_K (term A of Eq. 14, as a penalty). fisher: a key of `losses.FISHER_FORMS`; centre
    subtracts the weighted mean m before weighting, w_k (mu_k - m), where the paper assumes m = 0 (Eq. 11; its
    Eq. 10 subtracts m after weighting).
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
    conditional_prior: Literal["pairwise", "matched"] = "pairwise"
    beta_x: NonNegativeFloat = 1.0
    beta_tc_x: float = 0.0
    fisher: Literal["ratio", "total", "log"] = "total"
    fisher_weight: float = 1.0
    centre: bool = False


def hgmvae_heads(config: Any) -> dict[str, int]:
    """Names and sizes of the encoder's heads: K Gaussians in d dimensions and the weights' logits.

    `config`: of HGMVAESettings with `latent_dim`.
    """
    k, d = config.n_components, config.latent_dim
    heads = {"mean": k * d, "log_var": k * d, "logits": k}
    return heads | {"logits_log_var": k} if config.variant == "gaussian" else heads


def equal_weights_heads(config: Any) -> dict[str, int]:
    """The heads of `EqualWeightsHGMVAE`: the component codes alone."""
    return {name: size for name, size in hgmvae_heads(config).items() if name in ("mean", "log_var")}


def hgmvae_networks(config: Any) -> tuple[TwoLayers, TwoLayers]:
    """Of q(z given x, w), and of p(x_k given w, z_k, k), which all k share; `config` as for `hgmvae_heads`."""
    k, d = config.n_components, config.latent_dim
    return TwoLayers(d + k, 2 * k * d, config.hidden), TwoLayers(d + 2 * k, 2 * d, config.hidden)
