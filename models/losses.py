"""Every formula of the suite's own objectives, once.

Shapes: B images, K components, d latent dimensions. A term comes per sample, (B,), in nats, summed over its
own dimensions, unless its docstring says otherwise; the caller takes the mean over B, once. Equation numbers
are those of the HGMVAE paper (Zhou, Liu, Du 2024).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LOG_2PI = math.log(2 * math.pi)
_LARGEST_GRAM = 1e12  # trace of G up to which I + G keeps four digits of its smallest eigenvalues in float64


# Reconstruction --------------------------------------------------------------------------------------------


def squared_error(reconstructions: Tensor, images: Tensor) -> Tensor:
    """Sum over pixels of the squared difference; (B, ...) twice -> (B,)."""
    return (reconstructions - images).square().flatten(1).sum(1)


def binary_cross_entropy(reconstructions: Tensor, images: Tensor) -> Tensor:
    """Sum over pixels of -y log p - (1 - y) log(1 - p); both in [0, 1]; (B, ...) twice -> (B,)."""
    return F.binary_cross_entropy(reconstructions, images, reduction="none").flatten(1).sum(1)


# Gaussians and categoricals --------------------------------------------------------------------------------


def gaussian_log_density(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """log N(x; mean, exp(log_var)) elementwise (not summed), broadcasting."""
    return -0.5 * (_LOG_2PI + log_var + (x - mean).square() * torch.exp(-log_var))


def gaussian_kl(mean: Tensor, log_var: Tensor, other_mean: Tensor, other_log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(other_mean, exp(other_log_var))), diagonal, summed over the last axis."""
    ratio = torch.exp(log_var - other_log_var)
    distance = (mean - other_mean).square() * torch.exp(-other_log_var)
    return 0.5 * (ratio + distance - 1 - log_var + other_log_var).sum(-1)


def gaussian_kl_to_standard(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)), diagonal, summed over the last axis."""
    return 0.5 * (log_var.exp() + mean.square() - 1 - log_var).sum(-1)


def categorical_kl_to_uniform(log_probabilities: Tensor) -> Tensor:
    """KL(Cat(p) || Cat(1/K)) = log K - H(p) over the last axis of normalised log probabilities."""
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return math.log(log_probabilities.shape[-1]) - entropy


# z-prior: total correlations, Eqs. 5-7 ---------------------------------------------------------------------


def z_prior_pieces(z: Tensor, mean: Tensor, log_var: Tensor) -> dict[str, Tensor]:
    """log q(z given x, w) - log p(z) in four pieces, (B,) each; their sum is exact for every sample.

    `information`: log q(z given x, w) / q(z); `tc_between` (A of Eq. 5): log q(z) / prod_k q(z_k);
    `tc_within` (C of Eq. 7): sum_k log q(z_k) / prod_d q(z_kd); `dimension_kl` (D): sum log q(z_kd) / p(z_kd).
    The aggregates q are the plain mean over the batch, so information <= log B, and the total correlations
    are estimated up to (K - 1) log B and K (d - 1) log B too high. Shapes: z (sampled from the Gaussians),
    mean, log_var (B, K, d). Builds a (B, B, K, d) tensor.
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
    """log q(x_1..x_K) / prod_k q(x_k) per sample (B,), aggregates over the batch: term A of Eq. 14.

    Shapes as in `z_prior_pieces`; at most (K - 1) log B too high.
    """
    log_b = math.log(len(x))
    density = gaussian_log_density(x[:, None], mean[None], log_var[None]).sum(3)  # (B, B, K)
    joint = density.sum(2).logsumexp(1) - log_b
    return joint - (density.logsumexp(1) - log_b).sum(1)


# Conditional prior, Eqs. 3-4 -------------------------------------------------------------------------------


def pairwise_conditional_prior(
    weights: Tensor, mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor
) -> Tensor:
    """sum_ij w_i w_j KL(N_i || prior N_j), Eq. 4 with equal weights on both sides: (B, K), (B, K, d) x 4 -> (B,).

    An upper bound of the KL between the two mixtures, not the equality that the paper writes.
    """
    # KL(N_i || N_j) expanded, so that (B, K, K) comes from two matrix products and no (B, K, K, d) is built.
    # Moved to the origin first: far from it the squares would cancel in float32.
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
    """sum_k KL(q(x_k given y) || p(x_k given w, z)), Eq. 3's term for a factorised q: (B, K, d) x 4 -> (B,)."""
    return gaussian_kl(mean, log_var, prior_mean, prior_log_var).sum(1)


# Fisher term, Eqs. 10-13 -----------------------------------------------------------------------------------


def _fisher_gram(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool) -> Tensor:
    """G_ij = w_i w_j (mu_i - m)^T S_W^-1 (mu_j - m), (B, K, K), with S_W = sum_k w_k^2 Sigma_k (diagonal).

    In float64: G grows like mu^2 / sigma^2 and is often singular, and in float32 I + G would lose its 1.
    """
    if centre:
        mean = mean - (weights[..., None] * mean).sum(1, keepdim=True)
    within = (weights.square()[..., None] * log_var.exp()).sum(1, keepdim=True)  # (B, 1, d)
    scaled = (weights[..., None] * mean * within.rsqrt()).double()  # (B, K, d)
    return scaled @ scaled.mT


def fisher_ratio(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """tr(S_W^-1 S_B), Eq. 13 to the letter: (B, K), (B, K, d) twice -> (B,), >= 0 and unbounded.

    Maximised it has no optimum: it grows like 1 / sigma^2 while the KL terms grow like log(1 / sigma).
    """
    return _fisher_gram(weights, mean, log_var, centre).diagonal(dim1=1, dim2=2).sum(1).to(mean.dtype)


def _cholesky_of_one_plus(gram: Tensor) -> Tensor:
    """The factor of I + G, (B, K, K); NaN where G is so large that float64 loses the 1."""
    one_plus = gram + torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    lower = torch.linalg.cholesky_ex(one_plus).L  # _ex: no host synchronisation
    lost = gram.diagonal(dim1=1, dim2=2).sum(1) > _LARGEST_GRAM
    return torch.where(lost[:, None, None], torch.nan, lower)


def fisher_total(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """tr((S_W + S_B)^-1 S_B) = K - tr((I + G)^-1): (B, K), (B, K, d) twice -> (B,), in [0, min(K, d)]."""
    lower = _cholesky_of_one_plus(_fisher_gram(weights, mean, log_var, centre))
    identity = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device).expand_as(lower)
    inverse: Tensor = torch.linalg.solve_triangular(lower, identity, upper=False)
    return (lower.shape[-1] - inverse.square().sum((1, 2))).to(mean.dtype)


def fisher_log(weights: Tensor, mean: Tensor, log_var: Tensor, centre: bool = False) -> Tensor:
    """log det(I + S_W^-1 S_B) = log det(I + G): (B, K), (B, K, d) twice -> (B,), >= 0, in nats."""
    lower = _cholesky_of_one_plus(_fisher_gram(weights, mean, log_var, centre))
    return (2 * lower.diagonal(dim1=1, dim2=2).log().sum(1)).to(mean.dtype)


FISHER_FORMS = {"ratio": fisher_ratio, "total": fisher_total, "log": fisher_log}


# GMVAE (Dilokthanakul et al. 2016) -------------------------------------------------------------------------


def component_log_posterior(x: Tensor, means: Tensor, log_vars: Tensor) -> Tensor:
    """log p(k given x, w) for equal priors, exact by Bayes: x (B, d), means and log_vars (B, K, d) -> (B, K)."""
    return gaussian_log_density(x[:, None], means, log_vars).sum(-1).log_softmax(-1)


def expected_component_kl(
    log_posterior: Tensor, mean: Tensor, log_var: Tensor, means: Tensor, log_vars: Tensor
) -> Tensor:
    """sum_k p(k given x, w) KL(q(x given y) || p(x given w, k)): (B, K), (B, d) twice, (B, K, d) twice -> (B,)."""
    kl = gaussian_kl(mean[:, None], log_var[:, None], means, log_vars)  # (B, K)
    return (log_posterior.exp() * kl).sum(1)


# SWAE (Kolouri et al. 2018) --------------------------------------------------------------------------------


def sliced_wasserstein(latents: Tensor, prior: Tensor, directions: Tensor) -> Tensor:
    """Squared sliced Wasserstein-2 distance of two samples (B, d) each, a scalar for the whole batch.

    The mean over directions (P, d), normalised here, of the squared one-dimensional distance, which sorting
    gives exactly for samples of equal size.
    """
    directions = F.normalize(directions, dim=1)
    ours = (latents @ directions.T).sort(0).values  # (B, P)
    theirs = (prior @ directions.T).sort(0).values
    return (ours - theirs).square().mean()
