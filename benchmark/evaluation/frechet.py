"""The Fréchet distance between two Gaussians fitted to feature vectors (the D in FID).

    d^2 = |m_1 - m_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2)     (Heusel et al. 2017, eq. 6)

With S = F^T F the last trace is the nuclear norm of F_1 F_2^T. This needs no matrix square root, loses no digits if a
covariance is singular (fewer images than the 2,048 features), and allows the originals' factor to be computed once.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class FittedGaussian:
    """A Gaussian fitted to feature vectors.

    Attributes:
        mean: float64 (D,).
        factor: A factor F of the unbiased covariance S = F^T F, float64 (min(n, D), D).
        count: The number n of vectors.
    """

    mean: torch.Tensor
    factor: torch.Tensor
    count: int


def fit_gaussian(features: torch.Tensor) -> FittedGaussian:
    """Fit a Gaussian to feature vectors (n, D).

    Raises:
        ValueError: There are fewer than two vectors, which have no covariance.
    """
    count, width = features.shape
    if count < 2:
        raise ValueError(f"a covariance needs two feature vectors, got {count}")
    features = features.double()
    mean = features.mean(dim=0)
    factor = (features - mean) / (count - 1) ** 0.5  # (n, D)
    if count > width:
        factor = torch.linalg.qr(factor, mode="r").R  # (D, D), the same F^T F
    return FittedGaussian(mean, factor, count)


def frechet_distance(first: FittedGaussian, second: FittedGaussian) -> float:
    """Compute the squared Fréchet distance, >= 0 (clamped against rounding); NaN if a factor is not finite."""
    spread = first.factor.square().sum() + second.factor.square().sum()
    product = first.factor @ second.factor.T  # (min(n_1, D), min(n_2, D))
    if not torch.isfinite(product).all():
        return float("nan")
    distance = (first.mean - second.mean).square().sum() + spread - 2 * torch.linalg.svdvals(product).sum()
    return float(distance.clamp(min=0.0))
