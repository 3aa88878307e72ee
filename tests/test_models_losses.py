"""Reconstruction, KL and conditional-prior terms against torch.distributions, loops and Monte Carlo (float64)."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from models import losses
from models.base import reconstruction_term

F64 = torch.float64
B, K, D = 4, 3, 5


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=F64)


def diagonal(mean, log_var) -> Independent:
    return Independent(Normal(mean, (0.5 * log_var).exp()), 1)


def mixture(weights, mean, log_var) -> MixtureSameFamily:
    return MixtureSameFamily(Categorical(weights), diagonal(mean, log_var))


# Reconstruction --------------------------------------------------------------------------------------------


def test_squared_error_is_summed_over_all_pixels_of_each_image():
    images = torch.zeros(2, 3, 4, 4, dtype=F64)
    guesses = torch.stack([torch.full((3, 4, 4), 0.5, dtype=F64), torch.full((3, 4, 4), 1.0, dtype=F64)])
    assert losses.squared_error(guesses, images).tolist() == [0.25 * 48, 48.0]


def test_binary_cross_entropy_of_known_probabilities():
    images = torch.tensor([1.0, 0.0, 0.25], dtype=F64).reshape(1, 1, 1, 3)
    guesses = torch.tensor([0.9, 0.2, 0.5], dtype=F64).reshape(1, 1, 1, 3)
    expected = -math.log(0.9) - math.log(0.8) - math.log(0.5)
    assert losses.binary_cross_entropy(guesses, images).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("variance", [0.05, 1.0])
def test_mse_term_is_the_gaussian_log_likelihood_up_to_its_constant(variance):
    images, guesses = torch.rand(B, 3, 4, 4, dtype=F64), torch.rand(B, 3, 4, 4, dtype=F64)
    likelihood = Normal(guesses, math.sqrt(variance)).log_prob(images).flatten(1).sum(1)
    constant = 0.5 * 48 * math.log(2 * math.pi * variance)
    actual = reconstruction_term("mse", guesses, images, variance)
    torch.testing.assert_close(actual, -likelihood - constant)


def test_bce_term_is_the_bernoulli_likelihood_and_ignores_the_variance():
    images, guesses = torch.randint(0, 2, (B, 1, 4, 4)).to(F64), torch.rand(B, 1, 4, 4, dtype=F64)
    likelihood = torch.distributions.Bernoulli(guesses).log_prob(images).flatten(1).sum(1)
    for variance in (0.05, 1.0):
        torch.testing.assert_close(reconstruction_term("bce", guesses, images, variance), -likelihood)


# KLs -------------------------------------------------------------------------------------------------------


def test_gaussian_log_density_is_elementwise_and_equals_torch():
    x, mean, log_var = randn(B, D), randn(B, D), randn(B, D)
    expected = Normal(mean, (0.5 * log_var).exp()).log_prob(x)
    torch.testing.assert_close(losses.gaussian_log_density(x, mean, log_var), expected)


def test_gaussian_kl_equals_torch_distributions():
    mean, log_var, other_mean, other_log_var = randn(4, B, K, D)
    expected = kl_divergence(diagonal(mean, log_var), diagonal(other_mean, other_log_var))
    torch.testing.assert_close(losses.gaussian_kl(mean, log_var, other_mean, other_log_var), expected)


def test_gaussian_kl_by_hand():
    # N(1, 4) against N(0, 1): (4 + 1 - 1 - log 4) / 2; the reverse: (1/4 + 1/4 - 1 + log 4) / 2.
    one, zero, log4 = torch.ones(1, dtype=F64), torch.zeros(1, dtype=F64), torch.full((1,), math.log(4), dtype=F64)
    assert losses.gaussian_kl(one, log4, zero, zero).item() == pytest.approx(2 - math.log(2))
    assert losses.gaussian_kl_to_standard(one, log4).item() == pytest.approx(2 - math.log(2))
    assert losses.gaussian_kl(zero, zero, one, log4).item() == pytest.approx(-0.25 + math.log(2))


def test_gaussian_kl_equals_monte_carlo():
    mean, log_var = randn(2, D)
    other_mean, other_log_var = 0.5 * randn(2, D)
    q, p = diagonal(mean, 0.3 * log_var), diagonal(other_mean, 0.3 * other_log_var)
    x = q.sample((400_000,))
    ratio = q.log_prob(x) - p.log_prob(x)
    error = ratio.std() / math.sqrt(len(x))
    actual = losses.gaussian_kl(mean, 0.3 * log_var, other_mean, 0.3 * other_log_var)
    assert (actual - ratio.mean()).abs() < 4 * error < 0.05


def test_kl_to_standard_is_the_general_kl_and_zero_at_the_standard():
    mean, log_var = randn(2, B, K, D)
    zero = torch.zeros_like(mean)
    torch.testing.assert_close(
        losses.gaussian_kl_to_standard(mean, log_var), losses.gaussian_kl(mean, log_var, zero, zero)
    )
    assert losses.gaussian_kl_to_standard(zero, zero).abs().max() == 0


def test_categorical_kl_equals_torch_zero_for_uniform_and_log_k_for_a_certain_one():
    logits = randn(B, 10)
    expected = kl_divergence(Categorical(logits=logits), Categorical(probs=torch.full((B, 10), 0.1, dtype=F64)))
    torch.testing.assert_close(losses.categorical_kl_to_uniform(logits.log_softmax(1)), expected)
    assert losses.categorical_kl_to_uniform(torch.zeros(10, dtype=F64).log_softmax(0)).item() == pytest.approx(0)
    certain = torch.tensor([1000.0] + 9 * [0.0]).log_softmax(0).requires_grad_()
    value = losses.categorical_kl_to_uniform(certain)
    assert value.item() == pytest.approx(math.log(10))
    value.backward()
    assert certain.grad.isfinite().all()


# Conditional prior -----------------------------------------------------------------------------------------


def conditional_prior_inputs(b=B, k=K, d=D):
    weights = randn(b, k).softmax(1)
    mean, log_var, prior_mean, prior_log_var = randn(4, b, k, d)
    return weights, mean, 0.7 * log_var, prior_mean, 0.7 * prior_log_var


def test_pairwise_equals_an_explicit_double_loop():
    weights, mean, log_var, prior_mean, prior_log_var = conditional_prior_inputs()
    expected = torch.zeros(B, dtype=F64)
    for i in range(K):
        for j in range(K):
            ours = diagonal(mean[:, i], log_var[:, i])
            theirs = diagonal(prior_mean[:, j], prior_log_var[:, j])
            expected += weights[:, i] * weights[:, j] * kl_divergence(ours, theirs)
    actual = losses.pairwise_conditional_prior(weights, mean, log_var, prior_mean, prior_log_var)
    torch.testing.assert_close(actual, expected)


def test_matched_equals_an_explicit_loop_and_is_zero_at_the_prior():
    _, mean, log_var, prior_mean, prior_log_var = conditional_prior_inputs()
    expected = sum(
        kl_divergence(diagonal(mean[:, k], log_var[:, k]), diagonal(prior_mean[:, k], prior_log_var[:, k]))
        for k in range(K)
    )
    actual = losses.matched_conditional_prior(mean, log_var, prior_mean, prior_log_var)
    torch.testing.assert_close(actual, expected)
    assert losses.matched_conditional_prior(mean, log_var, mean, log_var).abs().max() < 1e-12


def test_the_readings_meet_at_one_component():
    weights, *gaussians = conditional_prior_inputs(k=1)
    of_one = losses.matched_conditional_prior(*gaussians)
    for reading in losses.CONDITIONAL_PRIORS.values():
        torch.testing.assert_close(reading(weights, *gaussians), of_one)


def test_a_weighted_sum_of_gaussians_is_the_gaussian_of_its_samples():
    weights, mean, log_var = randn(2, K), randn(2, K, D), randn(2, K, D)  # weights of either sign
    samples = mean + randn(200_000, 2, K, D) * (0.5 * log_var).exp()
    x = (weights[..., None] * samples).sum(2)
    of_sum, log_var_of_sum = losses.summed_gaussian(weights, mean, log_var)
    error = (0.5 * log_var_of_sum).exp() / math.sqrt(len(x))
    assert ((x.mean(0) - of_sum).abs() < 5 * error).all()
    torch.testing.assert_close(x.var(0), log_var_of_sum.exp(), rtol=0.03, atol=0)


def test_the_kl_of_the_sums_equals_monte_carlo_and_is_at_most_the_sum_over_components():
    weights, *gaussians = conditional_prior_inputs(b=6)
    for signed in (weights, randn(6, K)):
        q, p = (diagonal(*losses.summed_gaussian(signed, *pair)) for pair in (gaussians[:2], gaussians[2:]))
        components = gaussians[0] + randn(100_000, 6, K, D) * (0.5 * gaussians[1]).exp()
        x = (signed[..., None] * components).sum(2)
        ratio = q.log_prob(x) - p.log_prob(x)
        actual = losses.summed_conditional_prior(signed, *gaussians)
        assert ((actual - ratio.mean(0)).abs() < 5 * ratio.std(0) / math.sqrt(len(x))).all()
        assert (actual <= losses.matched_conditional_prior(*gaussians)).all()  # as of any function of the components
    assert losses.summed_conditional_prior(weights, *gaussians[:2], *gaussians[:2]).abs().max() < 1e-12


def test_the_kl_of_the_sums_has_a_finite_gradient_where_a_component_has_no_weight():
    weights = torch.tensor([[0.0, 1.0, 0.0], [0.0, -0.5, 2.0]]).requires_grad_()
    gaussians = [torch.randn(2, K, D).requires_grad_() for _ in range(4)]
    losses.summed_conditional_prior(weights, *gaussians).sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in (weights, *gaussians))


def test_eq_4_is_negative_for_weights_of_both_signs_and_falls_without_end():
    # w = (1, -1) and q at its prior: KL_11 and KL_22 are 0, KL_12 and KL_21 are half the squared distance each.
    weights = torch.tensor([[1.0, -1.0]], dtype=F64)
    for distance in (1.0, 10.0, 100.0):
        mean = torch.tensor([[[0.0], [distance]]], dtype=F64)
        actual = losses.pairwise_conditional_prior(weights, mean, 0 * mean, mean, 0 * mean)
        assert actual.item() == pytest.approx(-(distance**2))


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_pairwise_bounds_the_monte_carlo_kl_between_the_mixtures_from_above(spread):
    weights, mean, log_var, prior_mean, prior_log_var = conditional_prior_inputs(b=6, k=3, d=2)
    mean = spread * mean
    q, p = mixture(weights, mean, log_var), mixture(weights, prior_mean, prior_log_var)
    x = q.sample((20_000,))
    ratio = q.log_prob(x) - p.log_prob(x)
    error = ratio.std(0) / math.sqrt(len(x))
    actual = losses.pairwise_conditional_prior(weights, mean, log_var, prior_mean, prior_log_var)
    assert (actual > ratio.mean(0) + 4 * error).all()


def test_pairwise_is_no_divergence_of_mixtures():
    # KL(q || q) = 0, yet Eq. 4 charges two unit Gaussians two apart, half weight each: 2 * 1/4 * (2^2 / 2) = 1.
    weights = torch.full((1, 2), 0.5, dtype=F64)
    mean = torch.tensor([[[-1.0], [1.0]]], dtype=F64)
    actual = losses.pairwise_conditional_prior(weights, mean, 0 * mean, mean, 0 * mean)
    assert actual.item() == pytest.approx(1.0)


def test_pairwise_is_least_for_one_gaussian_repeated_and_cannot_match_separate_components():
    # With equal weights on both sides no j belongs to an i: the best prior is the moments of the whole, K times over.
    weights, mean, log_var, _, _ = conditional_prior_inputs()
    centre = (weights[..., None] * mean).sum(1, keepdim=True)
    spread = (weights[..., None] * (log_var.exp() + (mean - centre).square())).sum(1, keepdim=True)
    best_mean, best_log_var = centre.expand_as(mean), spread.log().expand_as(mean)
    least = losses.pairwise_conditional_prior(weights, mean, log_var, best_mean, best_log_var)
    closed_form = 0.5 * (spread.log()[:, 0] - (weights[..., None] * log_var).sum(1)).sum(1)
    torch.testing.assert_close(least, closed_form)
    assert (losses.pairwise_conditional_prior(weights, mean, log_var, mean, log_var) > least + 0.1).all()
    for size in (1e-3, 0.1, 1.0):
        nudged = best_mean + size * torch.randn_like(mean), best_log_var + size * torch.randn_like(mean)
        assert (losses.pairwise_conditional_prior(weights, mean, log_var, *nudged) > least).all()


@pytest.mark.parametrize(("offset", "sigma", "d"), [(5, 0.05, 8), (20, 0.1, 128), (10, 0.02, 128)])
def test_pairwise_keeps_its_precision_in_float32(offset, sigma, d):
    # The expanded square cancels far from the origin. Means on a grid that float32 holds exactly: only the
    # formula's own rounding is left.
    weights, mean, log_var, prior_mean, _ = conditional_prior_inputs(b=32, k=10, d=d)
    mean, prior_mean = (offset + (m * sigma * 2**12).round() / 2**12 for m in (mean, prior_mean))
    arguments = (
        weights,
        mean,
        log_var + 2 * math.log(sigma),
        prior_mean,
        torch.full_like(log_var, 2 * math.log(sigma)),
    )
    exact = losses.pairwise_conditional_prior(*arguments)
    single = losses.pairwise_conditional_prior(*(a.float() for a in arguments))
    torch.testing.assert_close(single.double(), exact, rtol=1e-5, atol=1e-3)


# GMVAE -----------------------------------------------------------------------------------------------------


def test_component_posterior_is_bayes_by_hand():
    # x = 0.5 between unit Gaussians at 0 and 2: odds exp(-0.125) : exp(-1.125), that is 1 : 1/e.
    x, means = torch.tensor([[0.5]], dtype=F64), torch.tensor([[[0.0], [2.0]]], dtype=F64)
    posterior = losses.component_log_posterior(x, means, torch.zeros_like(means)).exp()
    assert posterior[0, 0].item() == pytest.approx(math.e / (1 + math.e))


def test_component_posterior_equals_the_mixtures_joint_over_its_evidence():
    x, means, log_vars = randn(B, D), randn(B, K, D), randn(B, K, D)
    equal = torch.full((B, K), 1 / K, dtype=F64)
    evidence = mixture(equal, means, log_vars).log_prob(x)
    joint = diagonal(means, log_vars).log_prob(x[:, None]) - math.log(K)
    actual = losses.component_log_posterior(x, means, log_vars)
    torch.testing.assert_close(actual, joint - evidence[:, None])
    torch.testing.assert_close(actual.exp().sum(1), torch.ones(B, dtype=F64))


def test_component_posterior_is_finite_far_from_every_component():
    means = torch.tensor([[[0.0], [1.0]]])
    actual = losses.component_log_posterior(torch.tensor([[1e4]]), means, torch.full_like(means, -6.0))
    assert actual.isfinite().all()
    assert actual.argmax().item() == 1


def test_expected_component_kl_weights_by_responsibility_and_equals_monte_carlo():
    x, mean, log_var = randn(B, D), 0.5 * randn(B, D), 0.5 * randn(B, D)
    means, log_vars = 0.5 * randn(B, K, D), 0.5 * randn(B, K, D)
    log_posterior = losses.component_log_posterior(x, means, log_vars)
    actual = losses.expected_component_kl(log_posterior, mean, log_var, means, log_vars)

    q = diagonal(mean, log_var)
    samples = q.sample((50_000,))  # (S, B, D)
    p = diagonal(means, log_vars).log_prob(samples[:, :, None])  # (S, B, K)
    ratio = (log_posterior.exp() * (q.log_prob(samples)[..., None] - p)).sum(2)
    error = ratio.std(0) / math.sqrt(len(samples))
    assert ((actual - ratio.mean(0)).abs() < 4.5 * error).all()
    assert error.max() < 0.02


def test_gmvaes_two_terms_bound_the_kl_to_its_mixture_prior():
    # E_x [sum_k p(k|x) KL_k + KL(p(k|x) || 1/K)] >= KL(q || mixture): the loss stays a bound on log p(y).
    mean, log_var = randn(1, 2), 0.5 * randn(1, 2)
    means, log_vars = 1.5 * randn(1, K, 2), 0.5 * randn(1, K, 2)
    x = diagonal(mean, log_var).sample((100_000,))[:, 0]
    log_posterior = losses.component_log_posterior(x, means, log_vars)
    ours = losses.expected_component_kl(log_posterior, mean, log_var, means, log_vars)
    ours = (ours + losses.categorical_kl_to_uniform(log_posterior)).mean()
    prior = mixture(torch.full((1, K), 1 / K, dtype=F64), means, log_vars)
    exact = (diagonal(mean, log_var).log_prob(x) - prior.log_prob(x)).mean()
    assert exact + 0.01 < ours < exact + math.log(K)


# SWAE ------------------------------------------------------------------------------------------------------


def test_sliced_distance_of_a_shift_along_an_orthonormal_basis_is_exact():
    latents, shift = randn(50, D), randn(D)
    basis = torch.linalg.qr(randn(D, D)).Q
    expected = shift.square().sum() / D
    actual = losses.sliced_wasserstein(latents + shift, latents, 7 * basis)  # directions are normalised inside
    torch.testing.assert_close(actual, expected)


def test_sliced_distance_of_a_shift_over_random_directions():
    latents, shift = randn(20, D), torch.tensor([3.0, 0.0, -4.0, 0.0, 0.0], dtype=F64)
    actual = losses.sliced_wasserstein(latents + shift, latents, randn(40_000, D)).item()
    assert actual == pytest.approx(25 / D, rel=0.03)


def test_sliced_distance_of_a_scaling_is_exact():
    latents, directions = randn(64, D), randn(9, D)
    unit = directions / directions.norm(dim=1, keepdim=True)
    expected = 4 * (latents @ unit.T).square().mean()  # sorted 3 a - a = 2 a
    torch.testing.assert_close(losses.sliced_wasserstein(3 * latents, latents, directions), expected)


def test_sliced_distance_ignores_order_is_symmetric_and_zero_for_the_same_points():
    latents, prior, directions = randn(64, D), randn(64, D), randn(9, D)
    distance = losses.sliced_wasserstein(latents, prior, directions)
    torch.testing.assert_close(losses.sliced_wasserstein(latents[torch.randperm(64)], prior, directions), distance)
    torch.testing.assert_close(losses.sliced_wasserstein(prior, latents, directions), distance)
    assert losses.sliced_wasserstein(latents, latents[torch.randperm(64)], directions).item() == pytest.approx(0)
    assert distance > 0.01


def test_sliced_distance_in_one_dimension_is_scipys_quantile_coupling():
    from scipy.stats import wasserstein_distance

    # Of two ordered samples where one dominates the other, W1 is the mean gap; with equal gaps W2^2 = W1^2.
    a = randn(40, 1).sort(0).values
    gap = wasserstein_distance(a[:, 0].numpy(), (a[:, 0] + 2.5).numpy())
    actual = losses.sliced_wasserstein(a, a + 2.5, torch.ones(1, 1, dtype=F64)).item()
    assert actual == pytest.approx(gap**2)
