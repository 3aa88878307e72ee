"""VAE, beta-VAE and WAE-MMD: the losses of pythae 0.1.2 term by term, with noise as an input.

pythae draws noise inside `forward` and returns a loss whose terms are already averaged; tests check that loss and
gradients equal its own, bit by bit. pythae's conventions are kept: VAEs use half the summed squared error, WAE-MMD all
of it. `embed` and `reconstruct` are the suite's deterministic ones.
"""

from collections.abc import Callable

from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from baselines.baseline_settings import BetaVAESettings, WAESettings
from models import losses
from models.base import ImageAutoencoder, LossTerms, Noise, reconstruction_term
from models.declared import AS_DECLARED
from models.networks import Decoder, Encoder


@dataclass(config=AS_DECLARED)
class BetaVAEConfig(BetaVAESettings, pythae.BetaVAEConfig):  # type: ignore[misc]  # pythae has no types
    """pythae's BetaVAE configuration; rejects unknown fields and negative weights."""


@dataclass(config=AS_DECLARED)
class WAE_MMD_Config(WAESettings, pythae.WAE_MMD_Config):  # type: ignore[misc]  # pythae has no types
    """pythae's WAE-MMD configuration; rejects unknown fields and negative weights."""


class GaussianAutoencoder(ImageAutoencoder):
    """Base class of methods with a Gaussian code; needs the encoder heads `embedding` and `log_covariance`."""

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `x` (B, d), the noise of the code."""
        return {"x": (batch_size, self.latent_dim)}

    def code_posterior(self, encoded: ModelOutput, noise: Noise) -> tuple[Tensor, Tensor]:
        """Return the encoder's mean and log variance, (B, d) each."""
        return encoded.embedding, encoded.log_covariance

    def drawn_code(self, images: Tensor, noise: Noise) -> tuple[Tensor, Tensor, Tensor]:
        """Draw one code per image.

        Args:
            images: (B, C, S, S) in [0, 1].
            noise: The draws that `noise_shapes` names.

        Returns:
            Means, log variances and draws of the codes, (B, d) each.
        """
        mean, log_var = self.code_posterior(self.encoder(images), noise)
        return mean, log_var, losses.reparameterised(mean, log_var, noise["x"])


class BetaVAE(GaussianAutoencoder):
    """pythae's BetaVAE, which equals its VAE at beta = 1."""

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute half the squared error + beta * KL(q(x given y) || N(0, I))."""
        config = self.model_config
        mean, log_var, z = self.drawn_code(images, noise)
        reconstructions = self.decode(z)
        terms = {
            "reconstruction": reconstruction_term(config.reconstruction_loss, reconstructions, images, variance=1.0),
            # pythae's order of additions, on which the last bits of the reference results depend
            "kl": -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1),
        }
        return LossTerms(terms, {"reconstruction": 1.0, "kl": config.beta}, reconstructions, z)


class WAE(ImageAutoencoder, pythae.WAE_MMD):  # type: ignore[misc]  # pythae has no types
    """pythae's WAE-MMD, with its IMQ or RBF kernel; needs the encoder head `embedding`."""

    def __init__(self, model_config: WAE_MMD_Config, encoder: Encoder, decoder: Decoder) -> None:
        pythae.WAE_MMD.__init__(self, model_config, encoder, decoder)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `prior` (B, d), the sample that the codes are compared with."""
        return {"prior": (batch_size, self.latent_dim)}

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute squared error + reg_weight * MMD^2(codes, prior)."""
        config = self.model_config
        codes = self.point_latents(images)
        reconstructions = self.decode(codes)
        squared_error = config.reconstruction_loss_scale * losses.squared_error(reconstructions, images)
        kernel = self.rbf_kernel if config.kernel_choice == "rbf" else self.imq_kernel
        terms = {"reconstruction": squared_error.mean(), "mmd": squared_mmd(kernel, codes, noise["prior"])}
        return LossTerms(terms, {"reconstruction": 1.0, "mmd": config.reg_weight}, reconstructions, codes)


def squared_mmd(kernel: Callable[[Tensor, Tensor], Tensor], codes: Tensor, prior: Tensor) -> Tensor:
    """Compute the squared maximum mean discrepancy of two samples, without the pairs of a point with itself.

    Args:
        kernel: Returns the matrix (B, B) of the kernel's values for two samples.
        codes: The first sample, (B, d).
        prior: The second sample, (B, d).

    Returns:
        The squared MMD, a scalar; NaN for a batch of one.
    """
    n = len(codes)

    def within(values: Tensor) -> Tensor:
        return (values - values.diag().diag()).sum() / ((n - 1) * n)

    of_codes, of_prior, across = kernel(codes, codes), kernel(prior, prior), kernel(codes, prior)
    return within(of_codes) + within(of_prior) - 2 * (across.sum() / n**2)
