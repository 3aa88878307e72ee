"""The Fréchet distance against its closed form, scipy's matrix root and torchmetrics."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from benchmark.evaluation.frechet import FittedGaussian, fit_gaussian, frechet_distance


def features(n: int, width: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    stream = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=stream, dtype=torch.float64)
    return torch.randn(n, width, generator=stream, dtype=torch.float64) @ mixing + shift


def by_matrix_root(first: torch.Tensor, second: torch.Tensor) -> float:
    first, second = first.numpy(), second.numpy()
    cov_1, cov_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = scipy.linalg.sqrtm(cov_1 @ cov_2).real
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(cov_1 + cov_2 - 2 * root))


def test_gaussians_with_diagonal_covariances_have_a_closed_form():
    mean_1, mean_2 = torch.tensor([1.0, -2, 0.5]).double(), torch.tensor([0.0, 1, 0.5]).double()
    sigma_1, sigma_2 = torch.tensor([1.0, 2, 3]).double(), torch.tensor([2.0, 0.5, 0]).double()
    distance = frechet_distance(
        FittedGaussian(mean_1, torch.diag(sigma_1), 9), FittedGaussian(mean_2, torch.diag(sigma_2), 9)
    )
    assert distance == pytest.approx((1 + 9 + 0) + (1 + 2.25 + 9), rel=1e-12)


@pytest.mark.parametrize(("n_1", "n_2"), [(300, 200), (300, 40), (40, 300)])
def test_agrees_with_scipys_matrix_root(n_1, n_2):
    """Also where one covariance comes from n < width factors and the other from the QR branch."""
    width = 24 if n_2 == 200 else 60
    first, second = features(n_1, width, 0), features(n_2, width, 1, shift=0.7)
    expected = by_matrix_root(first, second)
    # the root of a singular matrix costs scipy half of its digits
    assert frechet_distance(fit_gaussian(first), fit_gaussian(second)) == pytest.approx(expected, rel=1e-6)


def test_agrees_with_torchmetrics():
    class Identity(torch.nn.Module):
        num_features = 16

        def forward(self, x):
            return x

    first, second = features(100, 16, 0), features(80, 16, 1, shift=0.3)
    reference = FrechetInceptionDistance(feature=Identity())
    reference.update(first, real=True)
    reference.update(second, real=False)
    distance = frechet_distance(fit_gaussian(first), fit_gaussian(second))
    assert distance == pytest.approx(reference.compute().item(), rel=1e-6)


@pytest.mark.parametrize("n", [30, 200])
def test_zero_for_the_same_set_and_symmetric(n):
    first, second = fit_gaussian(features(n, 50, 0)), fit_gaussian(features(n, 50, 1))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-12)


def test_rounding_makes_no_distance_negative():
    same = [fit_gaussian(features(30, 50, seed)) for seed in range(20)]
    assert min(frechet_distance(one, one) for one in same) == 0


def test_a_shift_costs_its_square():
    first = features(30, 50, 0)
    assert frechet_distance(fit_gaussian(first), fit_gaussian(first + 0.5)) == pytest.approx(50 * 0.25, rel=1e-9)


def test_a_single_vector_has_no_covariance_and_nan_stays_nan():
    with pytest.raises(ValueError, match="two feature vectors, got 1"):
        fit_gaussian(torch.ones(1, 4))
    spoilt = features(10, 4, 0)
    spoilt[3, 2] = math.nan
    assert math.isnan(frechet_distance(fit_gaussian(spoilt), fit_gaussian(features(10, 4, 1))))
