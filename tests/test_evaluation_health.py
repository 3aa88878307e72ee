"""Rate, gap to the prior and use of components: closed forms, Monte Carlo, direction, and what is not finite."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

from benchmark.evaluation.health import finite_mean, gap_to_prior, information_about_draws, rate, use_of_components


def posterior(n=400, d=3, seed=0):
    stream = np.random.default_rng(seed)
    mix = stream.normal(size=(d, d))
    return stream.normal(size=(n, d)) @ mix, stream.uniform(-3, -1, size=(n, d))


def test_the_rate_of_an_uninformative_code_is_zero_and_of_a_gaussian_channel_that_of_shannon():
    assert rate(np.zeros((50, 2)), np.zeros((50, 2))) == pytest.approx(0, abs=1e-12)
    means = np.array([[-2.0], [2.0]])  # signal variance 4, noise variance 1/4: log(1 + 16) / 2
    assert rate(means, np.full((2, 1), math.log(0.25))) == pytest.approx(0.5 * math.log(17))


def test_the_rate_is_the_mean_kl_to_the_aggregates_gaussian_by_monte_carlo():
    means, log_variances = posterior()
    covariance = np.cov(means, rowvar=False, bias=True) + np.diag(np.exp(log_variances).mean(axis=0))
    stream = np.random.default_rng(1)
    draws = means + stream.normal(size=(200, *means.shape)) * np.exp(0.5 * log_variances)
    of_code = norm.logpdf(draws, means, np.exp(0.5 * log_variances)).sum(axis=2)
    of_all = multivariate_normal(means.mean(axis=0), covariance).logpdf(draws)
    gaps = (of_code - of_all).mean(axis=1)
    assert rate(means, log_variances) == pytest.approx(gaps.mean(), abs=5 * gaps.std() / math.sqrt(len(gaps)))


def test_the_rate_counts_correlated_units_once_and_falls_with_noise():
    means, log_variances = posterior(d=1)
    twice = np.repeat(means, 2, axis=1), np.repeat(log_variances, 2, axis=1)
    assert rate(means, log_variances) < rate(*twice) < 2 * rate(means, log_variances)
    assert rate(means, log_variances + 1) < rate(means, log_variances)
    assert rate(7 * means + 3, log_variances + 2 * math.log(7)) == pytest.approx(rate(means, log_variances))


@pytest.mark.parametrize(
    ("noise", "of_bound"),
    [
        ([1e-4, 1e-4, 1e-4, 1e-4], (0.99, 1.0)),  # little noise: nearly the bound
        ([1.0, 1.0, 1.0, 1.0], (0.3, 0.4)),  # as much noise as signal
        ([1e-4, 1e-4, 1e4, 1e4], (0.3, 0.4)),  # two units of four tell nothing
    ],
)
def test_a_rate_fitted_on_few_images_is_too_low_by_what_is_said(noise, of_bound):
    n, d = 150, 4
    stream = np.random.default_rng(0)
    mix = np.array([[1.0, 0.4, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, -0.7], [0, 0, 0, 1.0]])
    log_variances = np.tile(np.log(noise), (n, 1))
    signal = mix.T @ mix
    total = signal + np.diag(noise)
    exact = 0.5 * (np.linalg.slogdet(total)[1] - np.log(noise).sum())
    found = np.array([rate(stream.normal(size=(n, d)) @ mix, log_variances) for _ in range(4000)])
    share = np.linalg.solve(total, signal)
    traces = np.trace(share), np.trace(share @ share)
    said = (2 * traces[0] + traces[1] + traces[0] ** 2) / (4 * n)
    error = found.std() / math.sqrt(len(found))
    assert exact - found.mean() == pytest.approx(said, abs=0.05 * said + 4 * error)
    assert of_bound[0] < said / (d * (d + 3) / (4 * n)) < of_bound[1]
    assert error < 0.1 * said


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_rate_that_is_not_finite_is_none(bad):
    means, log_variances = posterior()
    means[3, 1] = bad
    assert rate(means, log_variances) is None
    assert rate(np.zeros((5, 2)), np.full((5, 2), -np.inf)) is None


def told(means: torch.Tensor) -> tuple[torch.Tensor, list[float]]:
    """Codes (B, d) drawn from unit Gaussians at the first of the means (L + 1, B, d), and the mean estimates."""
    codes = means[0] + torch.randn(means[0].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    densities = torch.from_numpy(norm.logpdf(codes, means)).sum(2)
    return codes, [estimate.mean().item() for estimate in information_about_draws(densities[0], densities)]


@pytest.mark.parametrize("signal", [0.3, 1.0, 3.0])
def test_what_a_code_tells_of_its_draws_is_bounded_from_both_sides(signal):
    # Two units, x = signal w + noise: I(x; w) = log(1 + signal^2), Shannon's Gaussian channel twice.
    means = signal * torch.randn(257, 4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    codes, near = told(means)
    _, (least, most) = told(means[:9])
    exact = (norm.logpdf(codes, means[0]) - norm.logpdf(codes, scale=math.sqrt(1 + signal**2))).sum(axis=1)
    assert exact.mean() == pytest.approx(math.log(1 + signal**2), abs=5 * exact.std() / math.sqrt(len(exact)))
    assert least < exact.mean() < most
    assert near == pytest.approx([exact.mean()] * 2, rel=0.05)


def test_what_a_code_tells_of_its_draws_is_nothing_where_they_change_nothing_and_log_k_of_k_distinct_ones():
    assert told(torch.ones(5, 100, 3, dtype=torch.float64))[1] == pytest.approx([0, 0], abs=1e-12)
    k = 4
    distinct = 100 * torch.randint(k, (1001, 500, 1), generator=torch.Generator().manual_seed(0)).double()
    _, (least, most) = told(distinct)
    assert least < most and [least, most] == pytest.approx([math.log(k), math.log(k)], abs=0.02)
    _, (of_three, _) = told(100 * torch.arange(3.0).double()[:, None, None].expand(3, 10, 1))
    assert of_three == pytest.approx(math.log(3))  # by two other draws no more can be shown


def test_the_gap_to_the_prior_is_the_kl_between_gaussians_of_the_moments():
    stream = np.random.default_rng(0)
    codes = np.stack([stream.normal(0, 1, 4000), stream.normal(2, 0.5, 4000)], axis=1)
    prior = stream.normal(size=(4000, 2))
    first, second = gap_to_prior(codes, prior)
    assert first < 0.002
    # KL(N(2, 1/4) || N(0, 1)) = (1/4 + 4 - 1 - log(1/4)) / 2 = 2.318
    assert second == pytest.approx(2.318, abs=0.15)
    assert gap_to_prior(prior, prior) == pytest.approx([0, 0], abs=1e-12)
    assert gap_to_prior(np.zeros((10, 2)), prior) is None and gap_to_prior(codes, np.zeros((10, 2))) is None


def test_weights_that_say_nothing_have_the_entropy_of_k_and_certain_ones_none():
    even = use_of_components(np.full((100, 4), 0.25))
    assert even["weight_entropy"] == pytest.approx(math.log(4))
    certain = np.eye(4)[np.r_[np.zeros(99, int), [1]]]
    assert use_of_components(certain) == {"weight_entropy": 0.0, "components_leading": 2}
    rare = np.eye(4)[np.r_[np.zeros(199, int), [1]]]
    assert use_of_components(rare)["components_leading"] == 1
    assert use_of_components(np.eye(4)[np.arange(100) % 4])["components_leading"] == 4


def test_a_mean_that_is_not_finite_is_none():
    assert finite_mean(np.array([1.0, 2.0])) == 1.5
    assert finite_mean(np.array([1.0, np.inf])) is None
