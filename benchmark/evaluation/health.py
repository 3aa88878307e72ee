"""Diagnostics of how a model uses its latent space, recorded beside every score to make a collapse visible."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

ACTIVE_SHARE = 0.01
LEAST_EXPLAINED = 0.1
_BLOCK = 1000  # images per block
_ROUNDING = 1e-12  # relative error of a float64 sum of squares: above rounding, below real differences of images


def active_units(latents: np.ndarray, sampled: np.ndarray) -> int:
    """Count the latent dimensions that carry information on the image.

    A unit is active if its deterministic codes have more than a hundredth of the variance of its sampled codes. For a
    prior of unit scale this is the definition of Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders",
    2016, section 5.2 (variance of the posterior mean above 0.01); as a ratio it also applies if the prior is learned
    (GMVAE, HGMVAE) and the codes have no fixed scale. If the encoder is deterministic (WAE, SWAE), every unit that
    varies at all is active. A dimension with a non-finite value is inactive.

    Args:
        latents: Deterministic codes, (N, d).
        sampled: Codes with the posterior's noise, (N, d).
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        share = np.var(latents.astype(np.float64), axis=0) / np.var(sampled.astype(np.float64), axis=0)
    return int(np.count_nonzero(np.isfinite(share) & (share > ACTIVE_SHARE)))


def explained_variance(images: np.ndarray, reconstructions: np.ndarray) -> float | None:
    """Compute 1 - squared error / squared error of the mean image.

    Args:
        images: uint8 images (N, C, S, S).
        reconstructions: Float images in [0, 1] of the same shape.

    Returns:
        At most 1, which is perfect; 0 or less is no better than the mean image. None if it is not finite, or if the
        images differ by no more than rounding.
    """
    error, squares, sums = 0.0, 0.0, np.zeros(images.shape[1:])
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK].astype(np.float64) / 255
        error += np.square(block - reconstructions[start : start + _BLOCK]).sum()
        squares += np.square(block).sum()
        sums += block.sum(axis=0)
    total = squares - np.square(sums).sum() / len(images)
    explained = 1 - error / total if total > _ROUNDING * squares else np.nan
    return float(explained) if np.isfinite(explained) else None


def collapsed(active: int, latent_dim: int, explained: float | None) -> bool:
    """Whether a model has collapsed: active < min(d, 8) / 2, or explained < 0.1.

    For small d the limit is half of the dimensions: on MNIST at d = 8 a VAE with two active units had an SVM accuracy
    of 0.73, healthy ones 0.93 and more. The limit stops growing at d = 8, because a KL term rightly switches off
    dimensions that the images do not need, and a few suffice for any of these data sets. The second limit detects what
    the first cannot: many units that each vary a little while the decoder returns the mean image.

    Args:
        active: The result of `active_units`.
        latent_dim: The latent dimension d.
        explained: The result of `explained_variance`.
    """
    return active < min(latent_dim, 8) / 2 or explained is None or explained < LEAST_EXPLAINED


def rate(means: np.ndarray, log_variances: np.ndarray) -> float | None:
    """Compute the rate of a code: an upper bound of its mutual information with the image, whatever the prior.

    It is the mean KL(q(x given y) || the Gaussian with the moments of the aggregate), q(x given y) = N(mean, exp(log
    variance)). The covariance S of the aggregate is that of the means plus the mean variances, so that the mean KL is
    (log det S - the mean of sum_d log variance) / 2. If q also depends on other random draws (HGMVAE-G's w, drawn once
    per image), information about these is included; `information_about_draws` estimates how much.

    With S fitted on N images the rate is biased downwards: if means and noise are Gaussian and all images have the same
    noise, by about (2 t_1 + t_2 + t_1^2) / (4 N), with t_k the trace of (S^-1 C)^k and C the covariance of the means (a
    delta method: the fit has expectation C (N - 1) / N and a Wishart covariance). For a code with little noise S^-1 C
    is near 1 and the bias near its bound d (d + 3) / (4 N); a unit without information contributes 0.

    Args:
        means: Posterior means, (N, d).
        log_variances: Posterior log variances, (N, d).

    Returns:
        The rate in nats; None if it is not finite (a unit without variance, or a code without noise).
    """
    means, log_variances = means.astype(np.float64), log_variances.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = np.cov(means, rowvar=False, bias=True).reshape(means.shape[1], -1)
        covariance = covariance + np.diag(np.exp(log_variances).mean(axis=0))
        sign, log_determinant = np.linalg.slogdet(covariance)
        nats = 0.5 * (log_determinant - log_variances.sum(axis=1).mean())
    return float(nats) if sign > 0 and np.isfinite(nats) else None


def information_about_draws(density: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """Bound the information of a code x about the random draws u that condition its Gaussian besides the image y.

    I(x; u given y) is I(x; u given w, y), estimated without bias, plus I(x; w given y), bounded from below by InfoNCE
    with the density itself as its critic, and from above by the leave-one-out bound (Poole et al., "On variational
    bounds of mutual information", 2019).

    Args:
        density: Log density of each image's code under the Gaussian that it was drawn from, given u, (B,).
        given: Log density of the same code given w, which is u or a part of it, (L + 1, B): the first row with the
            image's own w, the others with new draws.

    Returns:
        Two estimates per image in nats, (B,) each. Averaged over images and draws, the first is at most
        I(x; u given y), the second at least.
    """
    others = len(given) - 1
    of_all = given.logsumexp(0) - np.log(others + 1)
    of_others = given[1:].logsumexp(0) - np.log(others)
    return density - of_all, density - of_others


def finite_mean(values: np.ndarray) -> float | None:
    """Return the mean, computed in float64; None if it is not finite."""
    mean = float(values.mean(dtype=np.float64))
    return mean if np.isfinite(mean) else None


def gap_to_prior(codes: np.ndarray, prior: np.ndarray) -> list[float] | None:
    """Compute for each latent unit the KL divergence from the aggregate of the codes to the prior.

    Both are approximated by Gaussians with their moments, so that only a wrong mean or variance is detected.

    Args:
        codes: Sampled codes of images, (N, d).
        prior: Draws of codes from the method's prior, (M, d).

    Returns:
        d values >= 0, in nats; None if one is not finite.
    """
    (mean, variance), (prior_mean, prior_variance) = (
        (drawn.mean(axis=0, dtype=np.float64), drawn.var(axis=0, dtype=np.float64)) for drawn in (codes, prior)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = variance / prior_variance
        nats = 0.5 * (ratio + (mean - prior_mean) ** 2 / prior_variance - 1 - np.log(ratio))
    return [float(unit) for unit in nats] if np.isfinite(nats).all() else None


def use_of_components(weights: np.ndarray) -> Mapping[str, float | int]:
    """Measure how a mixture uses its components.

    Args:
        weights: Component weights of each image, (N, K), rows on the simplex.

    Returns:
        "weight_entropy": the mean entropy of an image's weights in nats, log K if they are uniform.
        "components_leading": the number of components that have the largest weight in at least a hundredth of images.
    """
    weights = weights.astype(np.float64)
    entropies = -(weights * np.log(np.where(weights > 0, weights, 1.0))).sum(axis=1)
    leading = np.bincount(weights.argmax(axis=1), minlength=weights.shape[1])
    return {
        "weight_entropy": float(entropies.mean()),
        "components_leading": int(np.count_nonzero(leading >= 0.01 * len(weights))),
    }
