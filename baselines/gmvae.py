"""GMVAE: the Gaussian mixture VAE of Dilokthanakul et al. 2016 (arXiv 1611.02648), the paper's reference [18].

y image; x code; w style; k component. p(w) = N(0, I), p(k) = 1/K, p(x given w, k) = N(mu_k(w), sigma_k(w)^2);
q(x given y) and q(w given y) are Gaussian, and p(k given x, w) is the exact posterior.
"""

from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor, nn

from baselines.baseline_settings import GMVAESettings, gmvae_networks
from models import losses
from models.base import ImageAutoencoder, LossTerms, Noise, reconstruction_term
from models.declared import AS_DECLARED
from models.networks import Decoder, Encoder, two_layers


@dataclass(config=AS_DECLARED)
class GMVAEConfig(GMVAESettings, BaseAEConfig):  # type: ignore[misc]  # pythae has no types
    """GMVAE's settings as a pythae configuration."""


class GMVAE(ImageAutoencoder):
    """GMVAE; its encoder needs the heads returned by `gmvae_heads`."""

    def __init__(self, model_config: GMVAEConfig, encoder: Encoder, decoder: Decoder):
        super().__init__(model_config, encoder, decoder)
        self.components_shape = (model_config.n_components, model_config.latent_dim)
        [of_x] = gmvae_networks(model_config)
        self.x_prior = two_layers(of_x, nn.Tanh)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of `x` and `w`, (B, d) each."""
        return dict.fromkeys(("x", "w"), (batch_size, self.latent_dim))

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute reconstruction + beta_x conditional_prior + beta_w w_prior + beta_k component_prior (Eq. 5)."""
        config = self.model_config
        encoded = self.encoder(images)
        mean, log_var = encoded.embedding, encoded.log_covariance  # (B, d)
        x = losses.reparameterised(mean, log_var, noise["x"])
        w = losses.reparameterised(encoded.style, encoded.style_log_covariance, noise["w"])
        component_means, component_log_vars = self._components(w)  # (B, K, d)
        log_posterior = losses.component_log_posterior(x, component_means, component_log_vars)  # (B, K)
        reconstructions = self.decode(x)
        terms = {
            "reconstruction": reconstruction_term(
                config.reconstruction, reconstructions, images, config.decoder_variance
            ),
            "conditional_prior": losses.expected_component_kl(
                log_posterior, mean, log_var, component_means, component_log_vars
            ),
            "w_prior": losses.gaussian_kl_to_standard(encoded.style, encoded.style_log_covariance),
            "component_prior": losses.categorical_kl_to_uniform(log_posterior),
        }
        weights = {
            "reconstruction": 1.0,
            "conditional_prior": config.beta_x,
            "w_prior": config.beta_w,
            "component_prior": config.beta_k,
        }
        return LossTerms(terms, weights, reconstructions, x)

    def code_posterior(self, encoded: ModelOutput, noise: Noise) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of q(x given y), (B, d) each."""
        return encoded.embedding, encoded.log_covariance

    def component_weights(self, images: Tensor) -> Tensor:
        """Return p(k given x, w) at the posterior means of x and w, (B, C, S, S) -> (B, K)."""
        encoded = self.encoder(images)
        return losses.component_log_posterior(encoded.embedding, *self._components(encoded.style)).exp()

    def prior_noise_shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of `noise_shapes` and that of `k` (n, K), which selects the component."""
        return self.noise_shapes(n) | {"k": (n, self.components_shape[0])}

    def prior_latents(self, noise: Noise) -> Tensor:
        """Draw codes (n, d): w ~ N(0, I), k uniform (arg max of K iid normals), x ~ p(x given w, k)."""
        means, log_vars = self._components(noise["w"])
        chosen = noise["k"].argmax(1)[:, None, None].expand(-1, 1, means.shape[2])
        mean, log_var = means.gather(1, chosen)[:, 0], log_vars.gather(1, chosen)[:, 0]
        return losses.reparameterised(mean, log_var, noise["x"])

    def _components(self, w: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.x_prior(w).unflatten(1, (2, *self.components_shape)).unbind(1)
        return mean, log_var
