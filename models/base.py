"""The base class of every method of the suite, on top of pythae's `BaseAE`.

Noise is an input. pythae draws it inside `forward`; here a model declares the shapes that it needs and the
caller passes standard normal draws, so that a seed's result depends only on its own random stream.
If the inputs contain no noise (pythae's own pipelines), `forward` draws it.
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from pythae.models import BaseAE, BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models import losses
from models.networks import Decoder, Encoder

Noise = Mapping[str, Tensor]


class InvalidModelOutput(ValueError):
    """A model returns something else than its base class promises; the message names the class and the function."""


def draw_noise(
    shapes: Mapping[str, tuple[int, ...]], device: torch.device, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """Draw standard normal noise, in the order of the names.

    Args:
        shapes: The shape of each draw, by name.
        device: The device on which the noise is drawn.
        generator: The random generator, on the same device; torch's global one if None.

    Returns:
        The draws by name.
    """
    return {name: torch.randn(shapes[name], device=device, generator=generator) for name in sorted(shapes)}


@dataclass(frozen=True)
class LossTerms:
    """The terms of a method's loss for a batch, their weights, and the codes and images computed on the way.

    Attributes:
        terms: Name -> unweighted values, (B,) or a scalar for the whole batch, in the order in which they are added.
        weights: Name -> factor of the term; has the names of `terms`.
        recon_x: The images decoded from `z`, (B, C, S, S).
        z: The sampled codes, (B, d).
    """

    terms: Mapping[str, Tensor]
    weights: Mapping[str, float]
    recon_x: Tensor
    z: Tensor

    def loss(self) -> Tensor:
        """Return the mean over the batch of the weighted sum of the terms, a scalar."""
        return reduce(operator.add, (self.weights[name] * term for name, term in self.terms.items())).mean()

    def fault(self, images: Tensor, latent_dim: int) -> str:
        """Describe what is wrong with the names or shapes; values are not read, so that nothing waits for the device.

        Args:
            images: The batch, (B, C, S, S).
            latent_dim: The latent dimension d.

        Returns:
            The first fault; "" if there is none.
        """
        if not self.terms:
            return "there are no terms"
        if "loss" in self.terms:
            return "no term may be named 'loss', which is the name of the total loss"
        for name in sorted(self.terms.keys() ^ self.weights.keys()):
            return f"term {name!r} has no weight" if name in self.terms else f"weight {name!r} has no term"
        batch = len(images)
        for name, term in self.terms.items():
            if fault := shape_fault(f"term {name!r}", term, (batch,), ()):
                return fault
        of_images = shape_fault("recon_x", self.recon_x, tuple(images.shape))
        return of_images or shape_fault("z", self.z, (batch, latent_dim))


def shape_fault(name: str, value: object, *allowed: tuple[int, ...]) -> str:
    """Describe the fault of a value that is no tensor of one of the allowed shapes; "" if it is one."""
    if not isinstance(value, Tensor):
        return f"{name} is {type(value).__name__} instead of a tensor"
    if value.shape in allowed:
        return ""
    return f"{name} has shape {tuple(value.shape)} instead of {' or '.join(map(str, allowed))}"


class ImageAutoencoder(BaseAE):  # type: ignore[misc]  # pythae has no types
    """The base class of every method of the suite.

    Subclasses define `noise_shapes` and `loss_terms`, and, where their model differs from the defaults:
    `code_posterior` if the encoder is stochastic; `posterior_draws` if the posterior is conditioned on draws besides
    the image, and `code_log_density` if some of these can be marginalised; `point_latents` if the code of an image is
    not the encoder's output `embedding`; `prior_latents` if the prior of the decoder's input is not N(0, I); and
    `component_weights` if the model is a mixture.
    """

    def __init__(self, model_config: BaseAEConfig, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__(model_config=model_config, decoder=decoder)
        self.model_name = type(self).__name__
        self.model_config.uses_default_encoder = False
        self.set_encoder(encoder)

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the standard normal draws that one call of `loss_terms` consumes, by name."""
        raise NotImplementedError(f"{type(self).__name__} does not define noise_shapes")

    def loss_terms(self, images: Tensor, noise: Noise) -> LossTerms:
        """Compute the terms of the training loss of a batch, with their weights.

        Args:
            images: (B, C, S, S) in [0, 1].
            noise: The draws that `noise_shapes` names.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define loss_terms")

    def objective(self, images: Tensor, noise: Noise) -> ModelOutput:
        """Compute the training loss of a batch.

        Args:
            images: (B, C, S, S) in [0, 1].
            noise: The draws that `noise_shapes` names.

        Returns:
            `loss`, a scalar, and the fields of `loss_terms`.

        Raises:
            InvalidModelOutput: `loss_terms` returns no LossTerms, or names or shapes that LossTerms does not allow.
        """
        of = self.loss_terms(images, noise)
        if not isinstance(of, LossTerms):
            raise InvalidModelOutput(
                f"{type(self).__name__}.loss_terms: returns {type(of).__name__} instead of LossTerms"
            )
        if fault := of.fault(images, self.latent_dim):
            raise InvalidModelOutput(f"{type(self).__name__}.loss_terms: {fault}")
        return ModelOutput(loss=of.loss(), terms=of.terms, weights=of.weights, recon_x=of.recon_x, z=of.z)

    def forward(self, inputs: Mapping[str, Any], **_: Any) -> ModelOutput:
        """Compute the objective, with pythae's signature.

        Args:
            inputs: `data`: images (B, C, S, S) in [0, 1]; optionally `noise`: the draws that `noise_shapes` names.

        Returns:
            See `objective`.
        """
        images = inputs["data"]
        noise = inputs.get("noise")
        if noise is None:
            noise = draw_noise(self.noise_shapes(len(images)), images.device)
        return self.objective(images, noise)

    def point_latents(self, images: Tensor) -> Tensor:
        """Return the deterministic codes of images, (B, C, S, S) -> (B, d)."""
        codes: Tensor = self.encoder(images).embedding
        return codes

    def code_posterior(self, encoded: ModelOutput, noise: Noise) -> tuple[Tensor, Tensor] | None:
        """Return the Gaussian posterior of the codes of encoded images.

        Args:
            encoded: The encoder's output for B images.
            noise: Draws by name; only those in `posterior_draws` are used.

        Returns:
            Mean and log variance, (B, d) each; None if the encoder is deterministic.
        """
        return None

    def posterior_draws(self) -> tuple[str, ...]:
        """Return the names of the draws that `code_posterior` is conditioned on besides the image (HGMVAE-G: w)."""
        return ()

    def code_log_density(self, encoded: ModelOutput, noise: Noise, codes: Tensor) -> Tensor:
        """Compute log q(code given image and draws) of one code per encoded image.

        Args:
            encoded: The encoder's output for B images.
            noise: All or some of the `posterior_draws`; all of them if the density is the Gaussian of `code_posterior`.
            codes: (B, d).

        Returns:
            The log density in nats, (B,).

        Raises:
            TypeError: The encoder is deterministic, so there is no density.
        """
        gaussian = self.code_posterior(encoded, noise)
        if gaussian is None:
            raise TypeError(f"{self.model_name}: the encoder has no noise")
        return losses.gaussian_log_density(codes, *gaussian).sum(1)

    def component_weights(self, images: Tensor) -> Tensor | None:
        """Return the component weights w of images, computed without noise.

        Args:
            images: (B, C, S, S) in [0, 1].

        Returns:
            (B, K), rows on the simplex; None if the model is not a mixture.
        """
        return None

    def prior_latents(self, noise: Noise) -> Tensor:
        """Draw codes from the model's prior.

        Args:
            noise: Draws with the shapes of `prior_noise_shapes`.

        Returns:
            The codes, (n, d).
        """
        return noise["x"]

    def prior_noise_shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the standard normal draws that `prior_latents` consumes for n codes, by name."""
        return {"x": (n, self.latent_dim)}

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the deterministic codes of images, which every metric uses.

        Call it in eval mode.

        Args:
            inputs: Images (B, C, S, S), float32 in [0, 1], on the model's device.

        Returns:
            Codes (B, d), unbounded: means of the posterior, or the output of a deterministic encoder.
        """
        return self.point_latents(inputs)

    def predict(self, inputs: Tensor) -> ModelOutput:
        """Return the deterministic codes of images and their reconstructions, as pythae's `ModelOutput`.

        Args:
            inputs: Images (B, C, S, S), float32 in [0, 1], on the model's device.

        Returns:
            `embedding` (B, d) and `recon_x` (B, C, S, S).
        """
        latents = self.point_latents(inputs)
        return ModelOutput(recon_x=self.decode(latents), embedding=latents)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode codes (B, d) to images (B, C, S, S) in (0, 1)."""
        images: Tensor = self.decoder(latents)["reconstruction"]
        return images

    def reconstruct(self, inputs: Tensor) -> Tensor:
        """Decode the deterministic codes of images.

        Args:
            inputs: Images (B, C, S, S), float32 in [0, 1], on the model's device.

        Returns:
            Images (B, C, S, S) in (0, 1).
        """
        return self.decode(self.point_latents(inputs))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw images from the prior.

        Args:
            n: Number of images.
            generator: The random generator, on the model's device; torch's global one if None.

        Returns:
            Images (n, C, S, S) in (0, 1).
        """
        device = next(self.parameters()).device
        return self.decode(self.prior_latents(draw_noise(self.prior_noise_shapes(n), device, generator)))


def reconstruction_term(kind: str, reconstructions: Tensor, images: Tensor, variance: float) -> Tensor:
    """Compute -log p(y given x) of each image, up to an additive constant.

    Args:
        kind: "mse" for a Gaussian likelihood, "bce" for a Bernoulli one.
        reconstructions: (B, C, S, S) in (0, 1).
        images: (B, C, S, S) in [0, 1].
        variance: Variance of the Gaussian; ignored for "bce".

    Returns:
        The negative log-likelihood in nats, (B,).
    """
    if kind == "bce":
        return losses.binary_cross_entropy(reconstructions, images)
    return losses.squared_error(reconstructions, images) / (2 * variance)
