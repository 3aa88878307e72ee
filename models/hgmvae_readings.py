"""Readings of HGMVAE that need another model, not only other settings: Eq. 1 taken literally, and w in R^K."""

from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.base import ImageAutoencoder, Noise
from models.hgmvae import HGMVAE, HGMVAEConfig
from models.networks import Decoder, Encoder


class LiteralHGMVAE(HGMVAE):
    """HGMVAE whose z_k are the sub-Gaussians of Eq. 1: x = sum_k w_k z_k is a deterministic function of w and z.

    Each q(z_k given y) is regularised towards N(0, I); there is no p(x_k given w, z) and no q(z given x, w). Given w,
    the loss without its Fisher term is a bound on -log p(y). Of the weights of the priors of z and x, only that of the
    z-prior's first piece is used.
    """

    def __init__(self, model_config: HGMVAEConfig, encoder: Encoder, decoder: Decoder):
        ImageAutoencoder.__init__(self, model_config, encoder, decoder)  # without the two networks between latents
        self.components_shape = (model_config.n_components, model_config.latent_dim)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of HGMVAE's draws except z; the draws `x` are those of the z_k."""
        return {name: shape for name, shape in super().noise_shapes(batch_size).items() if name != "z"}

    def prior_latents(self, noise: Noise) -> Tensor:
        """Draw x from w ~ p(w) and z_k ~ N(0, I); noise as in training. Returns (n, d)."""
        return (self._prior_weights(noise)[..., None] * noise["x"]).sum(1)

    def _latent_priors(
        self, x: Tensor, w: Tensor, mean: Tensor, log_var: Tensor, noise: Noise
    ) -> dict[str, tuple[Tensor, float]]:
        kl = losses.gaussian_kl_to_standard(mean, log_var).sum(1)
        return {"z_prior": (kl, self.model_config.beta_z_information)}


class RealWeightsHGMVAE(HGMVAE):
    """HGMVAE-G whose w is the Gaussian variable in R^K, as printed in Section 2.1, instead of its softmax.

    Eq. 4 is then not a bound and may be negative: another conditional prior would be needed.
    """

    def component_weights(self, images: Tensor) -> None:
        """Return None, because these weights are not on the simplex."""

    def _drawn_weights(self, encoded: ModelOutput, noise: Noise) -> Tensor:
        return losses.reparameterised(encoded.logits, encoded.logits_log_var, noise["w"])

    def _mean_weights(self, encoded: ModelOutput) -> Tensor:
        w: Tensor = encoded.logits
        return w

    def _prior_weights(self, noise: Noise) -> Tensor:
        return noise["w"]
