"""HGMVAE read otherwise where it takes another model, not another setting: Eq. 1 to the letter, and w in R."""

from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.base import ImageAutoencoder, Noise
from models.hgmvae import HGMVAE, HGMVAEConfig
from models.networks import Decoder, Encoder


class LiteralHGMVAE(HGMVAE):
    """HGMVAE whose z_k are the sub-Gaussians of Eq. 1 themselves, so that x = sum_k w_k z_k is a function of w and z.

    Each q(z_k given y) is held to N(0, I); nothing is left for a p(x_k given w, z), nor for a q(z given x, w). Given w
    the loss without its Fisher term is a bound on -log p(y). Of the weights of z and x that of the z-prior's first
    piece alone counts.
    """

    def __init__(self, model_config: HGMVAEConfig, encoder: Encoder, decoder: Decoder):
        ImageAutoencoder.__init__(self, model_config, encoder, decoder)  # without the two networks between latents
        self.components_shape = (model_config.n_components, model_config.latent_dim)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of HGMVAE's draws without that of z; the draws of `x` are those of the z_k."""
        return {name: shape for name, shape in super().noise_shapes(batch_size).items() if name != "z"}

    def prior_latents(self, noise: Noise) -> Tensor:
        """Draw x from w ~ p(w) and z_k ~ N(0, I); noise as in training -> (n, d)."""
        return (self._prior_weights(noise)[..., None] * noise["x"]).sum(1)

    def _latent_priors(
        self, x: Tensor, w: Tensor, mean: Tensor, log_var: Tensor, noise: Noise
    ) -> dict[str, tuple[Tensor, float]]:
        kl = losses.gaussian_kl_to_standard(mean, log_var).sum(1)
        return {"z_prior": (kl, self.model_config.beta_z_information)}


class RealWeightsHGMVAE(HGMVAE):
    """HGMVAE-G whose w is the Gaussian itself, in R^K as Section 2.1 prints it, in the place of its softmax.

    Eq. 4 is no bound then and may be negative: it needs another conditional prior.
    """

    def component_weights(self, images: Tensor) -> None:
        """Return None: these weights are not on the simplex."""

    def _drawn_weights(self, encoded: ModelOutput, noise: Noise) -> Tensor:
        return losses.reparameterised(encoded.logits, encoded.logits_log_var, noise["w"])

    def _mean_weights(self, encoded: ModelOutput) -> Tensor:
        w: Tensor = encoded.logits
        return w

    def _prior_weights(self, noise: Noise) -> Tensor:
        return noise["w"]
