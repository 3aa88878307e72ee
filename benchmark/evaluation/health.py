"""Did the model use its latent space? Recorded beside every score, so that a collapsed trial cannot hide."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

ACTIVE_SHARE = 0.01
LEAST_EXPLAINED = 0.1
_BLOCK = 1000  # images at a time
_ROUNDING = 1e-12  # of a sum of squares in float64: more than rounding makes of it, less than images differ by


def active_units(latents: np.ndarray, sampled: np.ndarray) -> int:
    """The number of latent dimensions that tell images apart: deterministic codes `latents` (N, d) have more than a
    hundredth of the variance of codes `sampled` (N, d) with the posterior's noise.

    Under a prior of unit scale this is the definition of Burda, Grosse, Salakhutdinov, "Importance weighted
    autoencoders", 2016, section 5.2 (variance of the posterior mean above 0.01); as a share it also holds where the
    prior is learned (GMVAE, HGMVAE) and the scale of the codes says nothing. An encoder without noise (WAE, SWAE)
    has every unit active that varies at all. A dimension with a value that is not finite is inactive.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        share = np.var(latents.astype(np.float64), axis=0) / np.var(sampled.astype(np.float64), axis=0)
    return int(np.count_nonzero(np.isfinite(share) & (share > ACTIVE_SHARE)))


def explained_variance(images: np.ndarray, reconstructions: np.ndarray) -> float | None:
    """1 - squared error / squared error of the mean image: 1 is perfect, 0 or less is no better than the mean image.

    `images` uint8 and `reconstructions` float in [0, 1], (N, C, S, S). None where it is not finite, and where the
    images do not differ: their variance is then what rounding leaves.
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
    """Whether the trial's scores describe a collapse: active < min(d, 8) / 2, or explained < 0.1.

    Half of the dimensions is the line for small d: on MNIST at d = 8 a VAE that kept two units had an SVM accuracy
    of 0.73 where healthy ones have 0.93 and more. The line stops growing at d = 8 because a KL term lawfully
    switches off the dimensions that the images do not need, and a few describe any of these data sets. The second
    line finds what the first cannot: many units that each move a little while the decoder paints the mean image.
    """
    return active < min(latent_dim, 8) / 2 or explained is None or explained < LEAST_EXPLAINED


def rate(means: np.ndarray, log_variances: np.ndarray) -> float | None:
    """What a code tells of its image, in nats: the mean KL(q(x given y) || the Gaussian with the moments of all).

    q(x given y) = N(mean, exp(log variance)), (N, d) each; the aggregate has the covariance S of the means plus the
    mean variances, so that the mean KL is (log det S - the mean of sum_d log variance) / 2. The same for every method,
    whatever its prior; an upper bound of the mutual information. Where q is also given other draws (HGMVAE-G's w, of
    which one is taken for each image) these count as information, too: `information_about_draws` says how much. With S fitted on
    N images it comes out about d (d + 3) / (4 N) too low. None where it is not finite: a unit without variance, a code
    without noise.
    """
    means, log_variances = means.astype(np.float64), log_variances.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = np.cov(means, rowvar=False, bias=True).reshape(means.shape[1], -1)
        covariance = covariance + np.diag(np.exp(log_variances).mean(axis=0))
        sign, log_determinant = np.linalg.slogdet(covariance)
        nats = 0.5 * (log_determinant - log_variances.sum(axis=1).mean())
    return float(nats) if sign > 0 and np.isfinite(nats) else None


def information_about_draws(density: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """What a code tells of the draws that its Gaussian was given besides the image: two estimates in nats, (B,) each.

    `density` (B,): the log density of the code of each image in the Gaussian that it was drawn from, given draws u.
    `given` (L + 1, B): that of the same code given w, u or a part of it: in the first row its own, in the others new
    draws. Averaged over images and draws the first estimate, density over the mean of all rows, is at most I(x; u
    given y), the second, over the mean of the new ones, at least. I(x; u given y) is I(x; u given w, y), estimated
    without bias, and I(x; w given y), by InfoNCE, the density itself its critic, and by the leave-one-out upper bound
    (Poole et al., "On variational bounds of mutual information", 2019).
    """
    others = len(given) - 1
    of_all = given.logsumexp(0) - np.log(others + 1)
    of_others = given[1:].logsumexp(0) - np.log(others)
    return density - of_all, density - of_others


def finite_mean(values: np.ndarray) -> float | None:
    """The mean; None where it is not finite."""
    mean = float(values.mean(dtype=np.float64))
    return mean if np.isfinite(mean) else None


def gap_to_prior(codes: np.ndarray, prior: np.ndarray) -> list[float] | None:
    """Per latent unit the KL from all codes together to the prior, in nats, between the Gaussians of their moments.

    `codes` (N, d) sampled codes of images, `prior` (M, d) draws from the method's prior of codes. It sees a wrong mean
    or variance, nothing else. None where it is not finite.
    """
    (mean, variance), (prior_mean, prior_variance) = (
        (drawn.mean(axis=0, dtype=np.float64), drawn.var(axis=0, dtype=np.float64)) for drawn in (codes, prior)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = variance / prior_variance
        nats = 0.5 * (ratio + (mean - prior_mean) ** 2 / prior_variance - 1 - np.log(ratio))
    return [float(unit) for unit in nats] if np.isfinite(nats).all() else None


def use_of_components(weights: np.ndarray) -> Mapping[str, float | int]:
    """What a mixture's weights (N, K), rows on the simplex, are used for.

    `weight_entropy`: the mean entropy of an image's weights in nats, log K where they say nothing.
    `components_leading`: how many components have the largest weight of at least a hundredth of the images.
    """
    weights = weights.astype(np.float64)
    entropies = -(weights * np.log(np.where(weights > 0, weights, 1.0))).sum(axis=1)
    leading = np.bincount(weights.argmax(axis=1), minlength=weights.shape[1])
    return {
        "weight_entropy": float(entropies.mean()),
        "components_leading": int(np.count_nonzero(leading >= 0.01 * len(weights))),
    }
