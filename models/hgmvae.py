"""HGMVAE-G and HGMVAE-U (Zhou, Liu, Du 2024): the code of an image is a weighted sum of K Gaussians.

Notation: y image; x_k component codes; w weights on the simplex; x = sum_k w_k x_k the decoder's input (Eq. 1,
with its z_i read as the x_k); z_k the latents above x_k. Given w, x is a single Gaussian, not a mixture, so the
loss is not a proven bound on log p(y).
"""

import torch
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.base import ImageAutoencoder, LossTerms, Noise, reconstruction_term
from models.declared import AS_DECLARED
from models.hgmvae_settings import HGMVAESettings, hgmvae_networks
from models.networks import Decoder, Encoder, two_layers


@dataclass(config=AS_DECLARED)
class HGMVAEConfig(HGMVAESettings, BaseAEConfig):  # type: ignore[misc]  # pythae has no types
    """HGMVAE's settings as a pythae configuration."""


class HGMVAE(ImageAutoencoder):
    """HGMVAE-G or HGMVAE-U, depending on the configuration's `variant`.

    The encoder needs the heads returned by `hgmvae_heads`.
    """

    def __init__(self, model_config: HGMVAEConfig, encoder: Encoder, decoder: Decoder):
        super().__init__(model_config, encoder, decoder)
        self.components_shape = (model_config.n_components, model_config.latent_dim)
        self.z_posterior, self.x_prior = map(two_layers, hgmvae_networks(model_config))

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of `x` and `z` (B, K, d), the noise of all components, and in variant G of `w` (B, K)."""
        k, d = self.components_shape
        shapes: dict[str, tuple[int, ...]] = {"x": (batch_size, k, d), "z": (batch_size, k, d)}
        return shapes | {"w": (batch_size, k)} if self.model_config.variant == "gaussian" else shapes

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute the terms of Eq. 14, negated, with their weights.

        reconstruction + beta_w w_prior + beta_z z_prior + beta_x conditional_prior + beta_tc_x tc_x
        - fisher_weight fisher

        Term A of Eq. 14 is implemented as a penalty, tc_x, which is off by default; with conditional_prior "pairwise",
        Eq. 4 replaces term B.
        """
        config = self.model_config
        encoded = self.encoder(images)
        mean, log_var = self._components(encoded)

        w = self._drawn_weights(encoded, noise)  # (B, K)
        x_components = losses.reparameterised(mean, log_var, noise["x"])  # (B, K, d)
        x = (self._mixed(w, noise)[..., None] * x_components).sum(1)  # (B, d), Eq. 1
        reconstructions = self.decode(x)

        terms = {
            "reconstruction": reconstruction_term(
                config.reconstruction, reconstructions, images, config.decoder_variance
            ),
            "w_prior": self._weights_kl(encoded),
        }
        weights = {"reconstruction": 1.0, "w_prior": config.beta_w}
        for name, (term, weight) in self._latent_priors(x, w, mean, log_var, noise).items():
            terms[name], weights[name] = term, weight
        if config.beta_tc_x:
            terms["tc_x"] = losses.total_correlation_between(x_components, mean, log_var)
            weights["tc_x"] = config.beta_tc_x
        if config.fisher_weight:
            terms["fisher"] = losses.FISHER_FORMS[config.fisher](w, mean, log_var, config.centre)
            weights["fisher"] = -config.fisher_weight  # maximised, the sign of Eq. 14

        return LossTerms(terms, weights, reconstructions, x)

    def _latent_priors(
        self, x: Tensor, w: Tensor, mean: Tensor, log_var: Tensor, noise: Noise
    ) -> dict[str, tuple[Tensor, float]]:
        """The terms of z and of the component codes, by name, with their weights."""
        config = self.model_config
        z_mean, z_log_var = self._gaussians(self.z_posterior(torch.cat([x, w], 1)))
        z = losses.reparameterised(z_mean, z_log_var, noise["z"])
        prior = self._component_prior(w, z)
        piece_weights = {
            "information": config.beta_z_information,
            "tc_between": config.beta_z_tc_between,
            "tc_within": config.beta_z_tc_within,
            "dimension_kl": config.beta_z_dimension_kl,
        }
        if len(set(piece_weights.values())) == 1:
            of_z = {"z_prior": (losses.gaussian_kl_to_standard(z_mean, z_log_var).sum(1), config.beta_z_information)}
        else:
            pieces = losses.z_prior_pieces(z, z_mean, z_log_var)
            of_z = {f"z_{name}": (piece, piece_weights[name]) for name, piece in pieces.items()}
        of_x = losses.CONDITIONAL_PRIORS[config.conditional_prior](w, mean, log_var, *prior)
        return of_z | {"conditional_prior": (of_x, config.beta_x)}

    def point_latents(self, images: Tensor) -> Tensor:
        """Return sum_k w_k mu_k, with w the softmax of the mean logits, (B, C, S, S) -> (B, d)."""
        encoded = self.encoder(images)
        mean, _ = self._components(encoded)
        return (self._mixed(self._mean_weights(encoded))[..., None] * mean).sum(1)

    def code_posterior(self, encoded: ModelOutput, noise: Noise) -> tuple[Tensor, Tensor]:
        """Return the Gaussian of x given the image and the sampled w: N(sum_k w_k mu_k, sum_k w_k^2 sigma_k^2)."""
        w = self._mixed(self._drawn_weights(encoded, noise), noise)
        return losses.summed_gaussian(w, *self._components(encoded))

    def posterior_draws(self) -> tuple[str, ...]:
        """Return the name of the noise of w in variant G, no name in variant U."""
        return ("w",) if "w" in self.noise_shapes(1) else ()

    def component_weights(self, images: Tensor) -> Tensor | None:
        """Return w computed from its mean logits, (B, C, S, S) -> (B, K), rows on the simplex."""
        return self._mean_weights(self.encoder(images))

    def prior_noise_shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of `noise_shapes`, for n codes."""
        return self.noise_shapes(n)

    def prior_latents(self, noise: Noise) -> Tensor:
        """Draw codes (n, d): w ~ p(w) (U: w = 1/K), z ~ N(0, I), x_k ~ p(x_k given w, z), with noise as in training."""
        w = self._prior_weights(noise)
        x_components = losses.reparameterised(*self._component_prior(w, noise["z"]), noise["x"])
        return (self._mixed(w, noise)[..., None] * x_components).sum(1)

    def _components(self, encoded: ModelOutput) -> tuple[Tensor, Tensor]:
        """Means and log variances (B, K, d) of q(x_k given y)."""
        mean, log_var = (encoded[name].unflatten(1, self.components_shape) for name in ("mean", "log_var"))
        return mean, log_var

    def _drawn_weights(self, encoded: ModelOutput, noise: Noise) -> Tensor:
        """Draw w from q(w given y), (B, K); a variant without noise for w has a deterministic one."""
        if "w" not in noise:
            return self._mean_weights(encoded)
        return losses.reparameterised(encoded.logits, encoded.logits_log_var, noise["w"]).softmax(1)

    def _mixed(self, w: Tensor, noise: Noise | None = None) -> Tensor:
        """Return the component weights of x, (B, K), from w and, if they are sampled, from `noise`."""
        return w

    def _prior_weights(self, noise: Noise) -> Tensor:
        """Draw w from p(w), (n, K); in a variant without noise for w it is 1/K."""
        if "w" in noise:
            return noise["w"].softmax(1)
        return torch.full_like(noise["x"][..., 0], 1 / self.components_shape[0])

    def _mean_weights(self, encoded: ModelOutput) -> Tensor:
        """Return w without noise, (B, K)."""
        logits: Tensor = encoded.logits
        return logits.softmax(1)

    def _weights_kl(self, encoded: ModelOutput) -> Tensor:
        """KL(q(w given y) || p(w)), (B,)."""
        if self.model_config.variant == "gaussian":
            return losses.gaussian_kl_to_standard(encoded.logits, encoded.logits_log_var)
        return losses.categorical_kl_to_uniform(encoded.logits.log_softmax(1))

    def _component_prior(self, w: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances (B, K, d) of p(x_k given w, z); a one-hot input k distinguishes the components."""
        k = w.shape[1]
        one_hot = torch.eye(k, dtype=w.dtype, device=w.device).expand(len(w), k, k)
        everyones_w = w[:, None].expand(-1, k, -1)
        mean, log_var = self.x_prior(torch.cat([z, everyones_w, one_hot], 2)).chunk(2, 2)
        return mean, log_var

    def _gaussians(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = parameters.reshape(-1, 2, *self.components_shape).unbind(1)
        return mean, log_var
