"""Five further models from pythae: beta-TCVAE, InfoVAE, VampPrior VAE, IWAE and RAE-L2, with noise as an input.

None of them is in the paper. Tests compare each loss with that of pythae 0.1.2 on the same weights and noise. Where
pythae departs from the original publication, the method here follows the publication, and its card says so.
"""

import math
from dataclasses import field
from typing import Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass
from pythae.models import INFOVAE_MMD, BaseAEConfig, INFOVAE_MMD_Config
from torch import Tensor, nn

from baselines.baseline_settings import Scales
from baselines.pythae_models import GaussianAutoencoder, squared_mmd
from models import losses
from models.base import ImageAutoencoder, LossTerms, Noise, reconstruction_term
from models.declared import AS_DECLARED
from models.networks import Decoder, Encoder


@dataclass(config=AS_DECLARED)
class LikelihoodConfig(BaseAEConfig):  # type: ignore[misc]  # pythae has no types
    """The settings of the likelihood of an image.

    Attributes:
        reconstruction: "mse" for a Gaussian likelihood, "bce" for a Bernoulli one.
        decoder_variance: Variance of the Gaussian; 1 gives pythae's half squared error.
    """

    reconstruction: Literal["mse", "bce"] = "mse"
    decoder_variance: PositiveFloat = 1.0


class LikelihoodAutoencoder(GaussianAutoencoder):
    """Base class of the methods with a Gaussian code and a likelihood."""

    def negative_log_likelihood(self, reconstructions: Tensor, images: Tensor) -> Tensor:
        """Compute -log p(image given code) up to a constant: two (B, C, S, S) -> (B,)."""
        config = self.model_config
        return reconstruction_term(config.reconstruction, reconstructions, images, config.decoder_variance)


@dataclass(config=AS_DECLARED)
class BetaTCVAEConfig(LikelihoodConfig):
    """Weights of the three pieces of beta-TCVAE's KL.

    Attributes:
        alpha: Weight of the mutual information between image and code.
        beta: Weight of the total correlation.
        gamma: Weight of the dimension-wise KL.
    """

    alpha: NonNegativeFloat = 1.0
    beta: NonNegativeFloat = 1.0
    gamma: NonNegativeFloat = 1.0


class BetaTCVAE(LikelihoodAutoencoder):
    """The VAE of Chen et al. 2018 (arXiv 1802.04942): the KL in three pieces, q(z) averaged over the batch."""

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute -log p(y given z) + alpha information + beta total_correlation + gamma dimension_kl."""
        config = self.model_config
        mean, log_var, z = self.drawn_code(images, noise)
        reconstructions = self.decode(z)
        pieces = losses.z_prior_pieces(z[:, None], mean[:, None], log_var[:, None])  # with a single component
        terms = {
            "reconstruction": self.negative_log_likelihood(reconstructions, images),
            "information": pieces["information"],
            "total_correlation": pieces["tc_within"],
            "dimension_kl": pieces["dimension_kl"],
        }
        weights = dict(zip(terms, (1.0, config.alpha, config.beta, config.gamma), strict=True))
        return LossTerms(terms, weights, reconstructions, z)


@dataclass(config=AS_DECLARED)
class InfoVAEConfig(LikelihoodConfig):
    """InfoVAE's weights and kernel, with pythae's names.

    Attributes:
        alpha: The KL has weight 1 - alpha.
        lbd: lambda; MMD^2 has weight alpha + lbd - 1.
        kernel_choice: The kernel of the MMD.
        kernel_bandwidth: Bandwidth of either kernel.
        scales: Scales over which the IMQ kernel is summed; ignored by the RBF kernel.
    """

    alpha: float = 0.0
    lbd: float = 1.0
    kernel_choice: Literal["rbf", "imq"] = "imq"
    kernel_bandwidth: PositiveFloat = 1.0
    scales: Scales = field(default_factory=lambda: INFOVAE_MMD_Config().scales)


class InfoVAE(LikelihoodAutoencoder):
    """The VAE of Zhao, Song, Ermon 2017 (arXiv 1706.02262), with the MMD as divergence."""

    imq_kernel, rbf_kernel = INFOVAE_MMD.imq_kernel, INFOVAE_MMD.rbf_kernel
    scales = property(lambda self: self.model_config.scales)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the code's noise and of the prior sample that the codes are compared with.

        Returns:
            `x` and `prior`, (B, d) each.
        """
        return dict.fromkeys(("x", "prior"), (batch_size, self.latent_dim))

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute the loss with KL and MMD.

        -log p(y given z) + (1 - alpha) KL(q(z given y) || N(0, I)) + (alpha + lbd - 1) MMD^2(codes, prior)
        """
        config = self.model_config
        mean, log_var, z = self.drawn_code(images, noise)
        reconstructions = self.decode(z)
        kernel = self.rbf_kernel if config.kernel_choice == "rbf" else self.imq_kernel
        terms = {
            "reconstruction": self.negative_log_likelihood(reconstructions, images),
            "kl": losses.gaussian_kl_to_standard(mean, log_var),
            "mmd": squared_mmd(kernel, z, noise["prior"]),
        }
        weights = {"reconstruction": 1.0, "kl": 1 - config.alpha, "mmd": config.alpha + config.lbd - 1}
        return LossTerms(terms, weights, reconstructions, z)


@dataclass(config=AS_DECLARED)
class VampPriorVAEConfig(LikelihoodConfig):
    """Settings of the VampPrior VAE.

    Attributes:
        n_components: The number of pseudo-inputs.
    """

    n_components: PositiveInt = 50


class VampPriorVAE(LikelihoodAutoencoder):
    """The VAE of Tomczak and Welling 2018 (arXiv 1705.07120): its prior averages the posteriors of learned images."""

    def __init__(self, model_config: VampPriorVAEConfig, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__(model_config, encoder, decoder)
        self.pseudo_inputs = nn.Parameter(torch.rand(model_config.n_components, *model_config.input_dim))

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute -log p(y given z) + log q(z given y) - log p(z) for one draw of z."""
        # One pass, so that BatchNorm uses the statistics of images and pseudo-inputs in training and evaluation.
        encoded = self.encoder(torch.cat([images, self.pseudo_inputs.clamp(0, 1)]))
        mean, prior_mean = encoded.embedding.tensor_split([len(images)])
        log_var, prior_log_var = encoded.log_covariance.tensor_split([len(images)])
        z = losses.reparameterised(mean, log_var, noise["x"])
        reconstructions = self.decode(z)
        of_components = losses.gaussian_log_density(z[:, None], prior_mean, prior_log_var).sum(2)  # (B, K)
        log_prior = of_components.logsumexp(1) - math.log(len(prior_mean))
        kl = losses.gaussian_log_density(z, mean, log_var).sum(1) - log_prior
        terms = {"reconstruction": self.negative_log_likelihood(reconstructions, images), "kl": kl}
        return LossTerms(terms, dict.fromkeys(terms, 1.0), reconstructions, z)

    def prior_noise_shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of `x` (n, d) and of `k` (n, K), which selects the pseudo-input."""
        return {"x": (n, self.latent_dim), "k": (n, len(self.pseudo_inputs))}

    def prior_latents(self, noise: Noise) -> Tensor:
        """Draw codes (n, d) from the posteriors of uniformly chosen pseudo-inputs (arg max of K iid normals)."""
        encoded = self.encoder(self.pseudo_inputs.clamp(0, 1))
        chosen = noise["k"].argmax(1)
        return losses.reparameterised(encoded.embedding[chosen], encoded.log_covariance[chosen], noise["x"])


@dataclass(config=AS_DECLARED)
class IWAEConfig(LikelihoodConfig):
    """Settings of IWAE.

    Attributes:
        number_samples: Number of draws of the code per image.
    """

    number_samples: PositiveInt = 10


class IWAE(LikelihoodAutoencoder):
    """The importance weighted autoencoder of Burda, Grosse, Salakhutdinov 2016 (arXiv 1509.00519)."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `x` (B, S, d), the noise of all S draws of the code."""
        return {"x": (batch_size, self.model_config.number_samples, self.latent_dim)}

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute -log of the mean over the draws of p(y, z_s) / q(z_s given y) (Eq. 8 of its paper).

        The first draw serves as the code.
        """
        encoded, samples = self.encoder(images), self.model_config.number_samples
        mean, log_var = encoded.embedding[:, None], encoded.log_covariance[:, None]
        z = losses.reparameterised(mean, log_var, noise["x"])  # (B, S, d)
        reconstructions = self.decode(z.flatten(0, 1))
        distortion = self.negative_log_likelihood(reconstructions, images.repeat_interleave(samples, 0))
        zero = torch.zeros_like(mean)
        rate = losses.gaussian_log_density(z, mean, log_var) - losses.gaussian_log_density(z, zero, zero)
        log_weights = -distortion.view(-1, samples) - rate.sum(2)
        terms = {"bound": math.log(samples) - log_weights.logsumexp(1)}
        return LossTerms(terms, {"bound": 1.0}, reconstructions[::samples], z[:, 0])


@dataclass(config=AS_DECLARED)
class RAEConfig(BaseAEConfig):  # type: ignore[misc]  # pythae has no types
    """Weights of RAE-L2, with pythae's names.

    Attributes:
        embedding_weight: Weight of half the squared norm of a code.
        reg_weight: Weight of half the squared norm of the decoder's parameters.
    """

    embedding_weight: NonNegativeFloat = 1e-4
    reg_weight: NonNegativeFloat = 1e-7


class RAE(ImageAutoencoder):
    """RAE-L2, the regularised autoencoder of Ghosh et al. 2020 (arXiv 1903.12436).

    The encoder must have the head `embedding`.
    """

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return no shapes: the method uses no noise."""
        return {}

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute squared error + embedding_weight |z|^2 / 2 + reg_weight |decoder's parameters|^2 / 2."""
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        terms = {
            "reconstruction": losses.squared_error(reconstructions, images),
            "embedding": 0.5 * codes.square().sum(1),
            "decoder": 0.5 * torch.stack([weight.square().sum() for weight in self.decoder.parameters()]).sum(),
        }
        config = self.model_config
        weights = {"reconstruction": 1.0, "embedding": config.embedding_weight, "decoder": config.reg_weight}
        return LossTerms(terms, weights, reconstructions, codes)
