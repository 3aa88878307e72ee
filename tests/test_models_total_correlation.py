"""The z-prior's pieces and the total correlations: exact sums, known Gaussians, and the estimator's bias (float64)."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from models import losses

F64 = torch.float64


def aggregate_of_gaussians(covariance, conditional_variance: float, b: int):
    """Means and log variances (b, n) whose equal mixture tends to N(0, covariance) as b grows, and one sample each."""
    n = len(covariance)
    spread = covariance - conditional_variance * torch.eye(n, dtype=F64)
    mean = MultivariateNormal(torch.zeros(n, dtype=F64), spread).sample((b,))
    # Exact first two moments leave only the estimator's own error.
    mean = mean - mean.mean(0)
    mean = mean @ torch.linalg.inv(torch.linalg.cholesky(mean.T @ mean / b)).T @ torch.linalg.cholesky(spread).T
    log_var = torch.full_like(mean, math.log(conditional_variance))
    z = mean + math.sqrt(conditional_variance) * torch.randn_like(mean)
    return z, mean, log_var


def log_det(matrix) -> float:
    return torch.linalg.slogdet(matrix).logabsdet.item()


@pytest.mark.parametrize(("b", "k", "d"), [(1, 3, 2), (7, 1, 4), (7, 5, 1), (16, 10, 8)])
def test_the_pieces_sum_pointwise_to_log_q_minus_log_p(b, k, d):
    mean, log_var = torch.randn(2, b, k, d, dtype=F64)
    z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
    pieces = losses.z_prior_pieces(z, mean, log_var)
    assert all(piece.shape == (b,) for piece in pieces.values())
    log_q = Normal(mean, (0.5 * log_var).exp()).log_prob(z).sum((1, 2))
    log_p = Normal(torch.zeros_like(z), 1.0).log_prob(z).sum((1, 2))
    torch.testing.assert_close(sum(pieces.values()), log_q - log_p)


def test_the_pieces_average_to_the_closed_form():
    mean, log_var = 0.4 * torch.randn(2, 8, 3, 2, dtype=F64)
    sums = []
    for _ in range(4000):
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        sums.append(sum(losses.z_prior_pieces(z, mean, log_var).values()))
    sums = torch.stack(sums)  # (draws, B)
    error = sums.std(0) / math.sqrt(len(sums))
    expected = losses.gaussian_kl_to_standard(mean, log_var).sum(1)
    assert ((sums.mean(0) - expected).abs() < 4.5 * error).all()
    assert error.max() < 0.05


def test_every_piece_of_a_known_gaussian():
    # K = 2 components of d = 2: correlation 0.5 inside each and 0.4 between them, variances not 1. The images'
    # own Gaussians are wide, because the estimator's bias grows as they shrink (see the bound below).
    within = torch.tensor([[1.0, 0.5], [0.5, 1.0]], dtype=F64)
    covariance = torch.kron(torch.tensor([[1.0, 0.4], [0.4, 1.0]], dtype=F64), within)
    scale = torch.tensor([1.0, 1.5, 1.0, 1.2], dtype=F64)
    covariance = scale[:, None] * covariance * scale
    conditional_variance = 0.25
    z, mean, log_var = aggregate_of_gaussians(covariance, conditional_variance, b=2000)
    pieces = losses.z_prior_pieces(*(t.unflatten(1, (2, 2)) for t in (z, mean, log_var)))

    blocks = log_det(covariance[:2, :2]) + log_det(covariance[2:, 2:])
    variances = covariance.diagonal()
    expected = {
        "information": 0.5 * (log_det(covariance) - 4 * math.log(conditional_variance)),
        "tc_between": 0.5 * (blocks - log_det(covariance)),
        "tc_within": 0.5 * (variances.log().sum().item() - blocks),
        "dimension_kl": 0.5 * (variances - 1 - variances.log()).sum().item(),
    }
    assert expected["tc_between"] == pytest.approx(-math.log(1 - 0.4**2))
    assert expected["tc_within"] == pytest.approx(-math.log(1 - 0.5**2))
    for name, value in expected.items():
        assert pieces[name].mean().item() == pytest.approx(value, abs=0.08), name


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_total_correlation_of_two_correlated_components(rho):
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]], dtype=F64)
    sample = [t[..., None] for t in aggregate_of_gaussians(covariance, 0.05, b=1500)]  # K = 2, d = 1
    expected = -0.5 * math.log(1 - rho**2)
    between = losses.total_correlation_between(*sample).mean().item()
    assert between == pytest.approx(expected, abs=0.05)
    assert losses.z_prior_pieces(*sample)["tc_within"].abs().max() < 1e-9  # one dimension: nothing inside


def test_total_correlation_of_x_is_the_between_piece_of_z():
    mean, log_var, noise = torch.randn(3, 9, 4, 3, dtype=F64)
    x = mean + (0.5 * log_var).exp() * noise
    pieces = losses.z_prior_pieces(x, mean, log_var)
    torch.testing.assert_close(losses.total_correlation_between(x, mean, log_var), pieces["tc_between"])


def test_correlation_inside_a_component_is_not_counted_between_components():
    covariance = torch.block_diag(*2 * [torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=F64)])
    z, mean, log_var = (t.unflatten(1, (2, 2)) for t in aggregate_of_gaussians(covariance, 0.15, b=2000))
    pieces = losses.z_prior_pieces(z, mean, log_var)
    assert pieces["tc_within"].mean().item() == pytest.approx(-math.log(1 - 0.64), abs=0.08)
    # The joint of four dimensions is rougher than its marginals: a small positive bias.
    assert pieces["tc_between"].mean().item() == pytest.approx(0.0, abs=0.1)


def test_the_stated_bias_is_reached_when_every_sample_knows_its_image():
    # Far apart and narrow: q(z) at a sample is 1/B of its own Gaussian, so each piece sits on its bound.
    b, k, d = 12, 3, 2
    mean = torch.arange(b, dtype=F64)[torch.stack([torch.randperm(b) for _ in range(k * d)], 1)].unflatten(1, (k, d))
    pieces = losses.z_prior_pieces(mean, mean, torch.full_like(mean, -20.0))
    expected = {"information": 1, "tc_between": k - 1, "tc_within": k * (d - 1)}
    for name, times in expected.items():
        torch.testing.assert_close(pieces[name], torch.full((b,), times * math.log(b), dtype=F64))


def test_information_never_exceeds_log_b_and_conditional_tcs_of_one_image_are_zero():
    mean, log_var, noise = torch.randn(3, 20, 3, 2, dtype=F64)
    z = mean + (0.5 * log_var).exp() * noise
    assert losses.z_prior_pieces(z, mean, log_var)["information"].max() <= math.log(20)
    alone = losses.z_prior_pieces(z[:1], mean[:1], log_var[:1])
    for name in ("information", "tc_between", "tc_within"):
        assert alone[name].item() == pytest.approx(0, abs=1e-9), name
