"""The loss terms of the suite's own objectives.

Shapes: B images, K components, d latent dimensions. Unless its docstring says otherwise, a term is per sample, (B,),
in nats and summed over its own dimensions; the caller averages over B. Equation numbers refer to the HGMVAE paper
(Zhou, Liu, Du 2024).
"""

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

_LOG_2PI = math.log(2 * math.pi)
_LEAST_WEIGHT = 1e-30  # lower bound before the logarithm, so that the gradient of a zero weight is finite
_LARGEST_GRAM = 1e12  # trace of G up to which I + G keeps four digits of its smallest eigenvalues in float64


# Reconstruction --------------------------------------------------------------------------------------------


def squared_error(reconstructions: Tensor, images: Tensor) -> Tensor:
    """Sum the squared differences over pixels, two (B, ...) -> (B,)."""
    return (reconstructions - images).square().flatten(1).sum(1)


def binary_cross_entropy(reconstructions: Tensor, images: Tensor) -> Tensor:
    """Sum -y log p - (1 - y) log(1 - p) over pixels.

    Args:
        reconstructions: p in [0, 1], (B, ...).
        images: y in [0, 1], (B, ...).

    Returns:
        (B,).
    """
    return F.binary_cross_entropy(reconstructions, images, reduction="none").flatten(1).sum(1)


# Gaussians and categoricals --------------------------------------------------------------------------------


def gaussian_log_density(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Compute log N(x; mean, exp(log_var)) elementwise (not summed), broadcasting."""
    return -0.5 * (_LOG_2PI + log_var + (x - mean).square() * torch.exp(-log_var))


def reparameterised(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """Transform standard normal noise to draws of N(mean, exp(log_var)), broadcasting (Kingma & Welling 2014, 2.4)."""
    return mean + noise * torch.exp(0.5 * log_var)


def gaussian_kl(mean: Tensor, log_var: Tensor, other_mean: Tensor, other_log_var: Tensor) -> Tensor:
    """Compute KL(N(mean, exp(log_var)) || N(other_mean, exp(other_log_var))), diagonal, summed over the last axis."""
    ratio = torch.exp(log_var - other_log_var)
    distance = (mean - other_mean).square() * torch.exp(-other_log_var)
    return 0.5 * (ratio + distance - 1 - log_var + other_log_var).sum(-1)


def gaussian_kl_to_standard(mean: Tensor, log_var: Tensor) -> Tensor:
    """Compute KL(N(mean, exp(log_var)) || N(0, I)), diagonal, summed over the last axis."""
    return 0.5 * (log_var.exp() + mean.square() - 1 - log_var).sum(-1)


def categorical_kl_to_uniform(log_probabilities: Tensor) -> Tensor:
    """Compute KL(Cat(p) || Cat(1/K)) = log K - H(p) over the last axis of normalised log probabilities."""
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return math.log(log_probabilities.shape[-1]) - entropy


def summed_gaussian(weights: Tensor, mean: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the Gaussian of sum_k w_k x_k (Eq. 1), x_k independent: N(sum_k w_k mu_k, sum_k w_k^2 sigma_k^2).

    Args:
        weights: w, (B, K), of either sign.
        mean: Means of the x_k, (B, K, d).
        log_var: Log variances of the x_k, (B, K, d).

    Returns:
        Mean and log variance of the sum, (B, d) each.
    """
    log_weights = weights.abs().clamp(min=_LEAST_WEIGHT).log()[..., None]
    return (weights[..., None] * mean).sum(1), torch.logsumexp(2 * log_weights + log_var, 1)


# z-prior: total correlations, Eqs. 5-7 ---------------------------------------------------------------------


def z_prior_pieces(z: Tensor, mean: Tensor, log_var: Tensor) -> dict[str, Tensor]:
    """Split log q(z given x, w) - log p(z) into four pieces that sum to it exactly for every sample.

    The aggregate q's are plain means over the batch. Therefore information <= log B, and the total correlations are
    overestimated by up to (K - 1) log B and K (d - 1) log B. Allocates a (B, B, K, d) tensor.

    Args:
        z: Samples from the Gaussians, (B, K, d).
        mean: Means of the Gaussians, (B, K, d).
        log_var: Log variances of the Gaussians, (B, K, d).

    Returns:
        Name -> (B,). `information`: log q(z given x, w) / q(z); `tc_between` (A of Eq. 5): log q(z) / prod_k
        q(z_k); `tc_within` (C of Eq. 7): sum_k log q(z_k) / prod_d q(z_kd); `dimension_kl` (D of Eq. 7): sum log
        q(z_kd) / p(z_kd).
    """
    log_b = math.log(len(z))
    conditional = gaussian_log_density(z, mean, log_var).sum((1, 2))  # (B,)
    # Entry [i, j] is the density of sample i under the Gaussian of image j.
    density = gaussian_log_density(z[:, None], mean[None], log_var[None])  # (B, B, K, d)
    joint = density.sum((2, 3)).logsumexp(1) - log_b  # (B,)
    components = (density.sum(3).logsumexp(1) - log_b).sum(1)  # (B, K) -> (B,)
    dimensions = (density.logsumexp(1) - log_b).sum((1, 2))  # (B, K, d) -> (B,)
    prior = gaussian_log_density(z, torch.zeros_like(z), torch.zeros_like(z)).sum((1, 2))
    return {
        "information": conditional - joint,
        "tc_between": joint - components,
        "tc_within": components - dimensions,
        "dimension_kl": dimensions - prior,
    }


def total_correlation_between(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Compute log q(x_1..x_K) / prod_k q(x_k) of each sample, term A of Eq. 14, with aggregates over the batch.

    Args:
        x: Samples from the Gaussians, (B, K, d).
        mean: Means of the Gaussians, (B, K, d).
        log_var: Log variances of the Gaussians, (B, K, d).

    Returns:
        (B,), overestimated by at most (K - 1) log B.
    """
    log_b = math.log(len(x))
    density = gaussian_log_density(x[:, None], mean[None], log_var[None]).sum(3)  # (B, B, K)
    joint = density.sum(2).logsumexp(1) - log_b
    return joint - (density.logsumexp(1) - log_b).sum(1)


# Conditional prior, Eqs. 3-4 -------------------------------------------------------------------------------


def pairwise_conditional_prior(
    weights: Tensor, mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor
) -> Tensor:
    """Compute sum_ij w_i w_j KL(N_i || prior N_j), Eq. 4 with equal weights on both sides.

    It is an upper bound of the KL between the two mixtures, not equal to it as the paper states.

    Args:
        weights: w, (B, K), rows on the simplex.
        mean: Means of the N_i, (B, K, d).
        log_var: Log variances of the N_i, (B, K, d).
        prior_mean: Means of the prior's N_j, (B, K, d).
        prior_log_var: Log variances of the prior's N_j, (B, K, d).

    Returns:
        (B,).
    """
    # KL(N_i || N_j) expanded, so that two matrix products give (B, K, K) and no (B, K, K, d) is allocated. The means
    # are shifted to the origin first, because far from it the squares would cancel in float32.
    origin = prior_mean.mean(1, keepdim=True)
    mean, prior_mean = mean - origin, prior_mean - origin
    precision = torch.exp(-prior_log_var)
    second_moment = log_var.exp() + mean.square()
    mahalanobis = (
        second_moment @ precision.mT
        - 2 * mean @ (precision * prior_mean).mT
        + (precision * prior_mean.square()).sum(-1)[:, None, :]
    )  # (B, K, K)
    log_ratio = prior_log_var.sum(-1)[:, None, :] - log_var.sum(-1)[:, :, None]
    kl = 0.5 * (mahalanobis + log_ratio - mean.shape[-1])
    return torch.einsum("bi,bij,bj->b", weights, kl, weights)


def matched_conditional_prior(mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor) -> Tensor:
    """Compute sum_k KL(q(x_k given y) || p(x_k given w, z)), the term of Eq. 3 for a factorised q.

    Args:
        mean: Means of q, (B, K, d).
        log_var: Log variances of q, (B, K, d).
        prior_mean: Means of p, (B, K, d).
        prior_log_var: Log variances of p, (B, K, d).

    Returns:
        (B,).
    """
    return gaussian_kl(mean, log_var, prior_mean, prior_log_var).sum(1)


def summed_conditional_prior(
    weights: Tensor, mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor
) -> Tensor:
    """Compute KL(q(x given y, w) || p(x given w, z)) of x = sum_k w_k x_k, one Gaussian on each side.

    It is the conditional prior of Eq. 3 for the x of Eq. 1, whereas Eq. 4 and `matched_conditional_prior` compare
    components. With it, the loss without its Fisher term is a bound on -log p(y). It is at most the matched one.

    Args:
        weights: w, (B, K), of either sign.
        mean: Means of q's components, (B, K, d).
        log_var: Log variances of q's components, (B, K, d).
        prior_mean: Means of p's components, (B, K, d).
        prior_log_var: Log variances of p's components, (B, K, d).

    Returns:
        (B,).
    """
    ours, theirs = summed_gaussian(weights, mean, log_var), summed_gaussian(weights, prior_mean, prior_log_var)
    return gaussian_kl(*ours, *theirs)


CONDITIONAL_PRIORS: Mapping[str, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "pairwise": pairwise_conditional_prior,
    "matched": lambda weights, *gaussians: matched_conditional_prior(*gaussians),
    "summed": summed_conditional_prior,
}


# Fisher term, Eqs. 10-13 -----------------------------------------------------------------------------------


def _fisher_gram(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool) -> Tensor:
    """G_ij = w_i w_j (mu_i - m)^T S_W^-1 (mu_j - m), (B, K, K), with S_W = sum_k w_k^2 Sigma_k (diagonal).

    In float64, because G grows like mu^2 / sigma^2 and is often singular: in float32 I + G would lose its 1.
    """
    if centre:
        mean = mean - (weights[..., None] * mean).sum(1, keepdim=True)
    within = (weights.square()[..., None] * log_var.exp()).sum(1, keepdim=True)  # (B, 1, d)
    scaled = (weights[..., None] * mean * within.rsqrt()).double()  # (B, K, d)
    return scaled @ scaled.mT


def fisher_ratio(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """Compute tr(S_W^-1 S_B), Eq. 13 taken literally.

    The loss that maximises it has no minimum: it grows like 1 / sigma^2 while the KL terms grow like log(1 / sigma).

    Args:
        weights: w, (B, K), of either sign.
        mean: Means of the components, (B, K, d).
        log_var: Log variances of the components, (B, K, d).
        centre: Whether the weighted mean is subtracted from the means.

    Returns:
        (B,), >= 0 and unbounded.
    """
    return _fisher_gram(weights, mean, log_var, centre).diagonal(dim1=1, dim2=2).sum(1).to(mean.dtype)


def _cholesky_of_one_plus(gram: Tensor) -> Tensor:
    """The Cholesky factor of I + G, (B, K, K); NaN if G is so large that float64 loses the 1."""
    one_plus = gram + torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    lower = torch.linalg.cholesky_ex(one_plus).L  # _ex: no host synchronisation
    lost = gram.diagonal(dim1=1, dim2=2).sum(1) > _LARGEST_GRAM
    return torch.where(lost[:, None, None], torch.nan, lower)


def fisher_total(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """Compute tr((S_W + S_B)^-1 S_B) = K - tr((I + G)^-1), a bounded form of the Fisher term.

    Args:
        weights: w, (B, K), of either sign.
        mean: Means of the components, (B, K, d).
        log_var: Log variances of the components, (B, K, d).
        centre: Whether the weighted mean is subtracted from the means.

    Returns:
        (B,), in [0, min(K, d)]; NaN if G is so large that float64 loses the 1 of I + G.
    """
    lower = _cholesky_of_one_plus(_fisher_gram(weights, mean, log_var, centre))
    identity = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device).expand_as(lower)
    inverse: Tensor = torch.linalg.solve_triangular(lower, identity, upper=False)
    return (lower.shape[-1] - inverse.square().sum((1, 2))).to(mean.dtype)


def fisher_log(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """Compute log det(I + S_W^-1 S_B) = log det(I + G), a logarithmic form of the Fisher term.

    Args:
        weights: w, (B, K), of either sign.
        mean: Means of the components, (B, K, d).
        log_var: Log variances of the components, (B, K, d).
        centre: Whether the weighted mean is subtracted from the means.

    Returns:
        (B,), in nats, >= 0; NaN if G is so large that float64 loses the 1 of I + G.
    """
    lower = _cholesky_of_one_plus(_fisher_gram(weights, mean, log_var, centre))
    return (2 * lower.diagonal(dim1=1, dim2=2).log().sum(1)).to(mean.dtype)


def fisher_traces(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """Compute -tr S_W / tr S_B, the usual loss of Fisher's criterion, negated: unlike Eq. 13 bounded above.

    Args:
        weights: w, (B, K), of either sign.
        mean: Means of the components, (B, K, d).
        log_var: Log variances of the components, (B, K, d).
        centre: Whether the weighted mean is subtracted from the means.

    Returns:
        (B,), <= 0; unbounded below as all means approach the centre.
    """
    if centre:
        mean = mean - (weights[..., None] * mean).sum(1, keepdim=True)
    squares = weights.square()[..., None]
    return -(squares * log_var.exp()).sum((1, 2)) / (squares * mean.square()).sum((1, 2))


FISHER_FORMS = {"ratio": fisher_ratio, "total": fisher_total, "log": fisher_log, "traces": fisher_traces}


# GMVAE (Dilokthanakul et al. 2016) -------------------------------------------------------------------------


def component_log_posterior(x: Tensor, means: Tensor, log_vars: Tensor) -> Tensor:
    """Compute log p(k given x, w) for equal prior probabilities, by Bayes' rule.

    Args:
        x: Codes, (B, d).
        means: Means of the components, (B, K, d).
        log_vars: Log variances of the components, (B, K, d).

    Returns:
        (B, K).
    """
    return gaussian_log_density(x[:, None], means, log_vars).sum(-1).log_softmax(-1)


def expected_component_kl(
    log_posterior: Tensor, mean: Tensor, log_var: Tensor, means: Tensor, log_vars: Tensor
) -> Tensor:
    """Compute sum_k p(k given x, w) KL(q(x given y) || p(x given w, k)).

    Args:
        log_posterior: log p(k given x, w), (B, K).
        mean: Means of q, (B, d).
        log_var: Log variances of q, (B, d).
        means: Means of the components, (B, K, d).
        log_vars: Log variances of the components, (B, K, d).

    Returns:
        (B,).
    """
    kl = gaussian_kl(mean[:, None], log_var[:, None], means, log_vars)  # (B, K)
    return (log_posterior.exp() * kl).sum(1)


# SWAE (Kolouri et al. 2018) --------------------------------------------------------------------------------


def sliced_wasserstein(latents: Tensor, prior: Tensor, directions: Tensor) -> Tensor:
    """Compute the squared sliced Wasserstein-2 distance of two samples.

    It is the mean over directions of the squared one-dimensional distance, which sorting computes exactly for samples
    of equal size.

    Args:
        latents: The first sample, (B, d).
        prior: The second sample, (B, d).
        directions: Projection directions, (P, d); normalised by this function.

    Returns:
        The squared distance, a scalar for the whole batch.
    """
    directions = F.normalize(directions, dim=1)
    ours = (latents @ directions.T).sort(0).values  # (B, P)
    theirs = (prior @ directions.T).sort(0).values
    return (ours - theirs).square().mean()
