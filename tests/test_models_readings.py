"""HGMVAE with Eq. 1 to the letter, and with w in R: their losses written out, and as bounds by Monte Carlo."""

import math

import pytest
import torch
from model_samples import B, D, K, build, noise_of

from models import losses


def parts(model, images):
    """Component means, log variances, mean weights and the standard deviation of the weights."""
    heads = model.encoder(images)
    mean, log_var = heads.mean.view(B, K, D), heads.log_var.view(B, K, D)
    return mean, log_var, heads.logits, (heads.logits_log_var / 2).exp()


def test_eq_1_to_the_letter_is_the_loss_written_out(draw_images):
    model, images = build("hgmvae_g_literal", beta_z_information=0.7, fisher_weight=0.4), draw_images(B)
    noise = noise_of(model, B)
    output = model({"data": images, "noise": noise})
    mean, log_var, logits, spread = parts(model, images)
    w = (logits + noise["w"] * spread).softmax(1)
    z = mean + noise["x"] * (log_var / 2).exp()
    torch.testing.assert_close(output.z, torch.einsum("bk,bkd->bd", w, z))
    kl = 0.5 * (log_var.exp() + mean.square() - 1 - log_var).sum((1, 2))
    torch.testing.assert_close(output.terms["z_prior"], kl)
    assert set(output.terms) == {"reconstruction", "w_prior", "z_prior", "fisher"}
    assert output.weights == {"reconstruction": 1.0, "w_prior": 1.0, "z_prior": 0.7, "fisher": -0.4}
    squared = (model.decode(output.z) - images).square().flatten(1).sum(1) / (2 * 0.05)
    torch.testing.assert_close(output.terms["reconstruction"], squared)
    assert set(noise) == {"w", "x"} and {name for name, _ in model.named_children()} == {"encoder", "decoder"}


@torch.no_grad()
def test_eq_1_to_the_letter_has_the_kl_of_all_its_latents(draw_images):
    model, images, n = build("hgmvae_g_literal").eval(), draw_images(B), 20_000
    mean, log_var, logits, spread = parts(model, images)
    stream = torch.Generator().manual_seed(0)
    z = mean + torch.randn(n, B, K, D, generator=stream) * (log_var / 2).exp()
    w = logits + torch.randn(n, B, K, generator=stream) * spread

    def ratio(x, mean, log_var):
        zero = torch.zeros(())
        difference = losses.gaussian_log_density(x, mean, log_var) - losses.gaussian_log_density(x, zero, zero)
        return difference.flatten(2).sum(2)

    sampled = ratio(z, mean, log_var) + ratio(w, logits, 2 * spread.log())
    terms = model({"data": images, "noise": noise_of(model, B)}).terms
    error = (terms["z_prior"] + terms["w_prior"] - sampled.mean(0)).abs()
    assert (error < 5 * sampled.std(0) / math.sqrt(n)).all()


def test_its_prior_draws_a_weighted_sum_of_standard_normals():
    model = build("hgmvae_g_literal", d=2)
    noise = noise_of(model, 40_000)
    x = model.prior_latents(noise)
    expected = noise["w"].softmax(1).square().sum(1).mean()
    torch.testing.assert_close(x.var(0), expected.expand(2), rtol=0.05, atol=0)
    assert x.mean(0).abs().max() < 0.01


@pytest.mark.parametrize(("name", "prior"), [("hgmvae_g_real_w", "matched"), ("hgmvae_g_real_w_summed", "summed")])
def test_w_in_r_is_the_gaussian_itself(name, prior, draw_images):
    model, images = build(name), draw_images(B)
    noise = noise_of(model, B)
    output = model({"data": images, "noise": noise})
    mean, log_var, w_mean, w_spread = parts(model, images)
    w = w_mean + noise["w"] * w_spread
    assert (w < 0).any()
    x = torch.einsum("bk,bkd->bd", w, mean + noise["x"] * (log_var / 2).exp())
    torch.testing.assert_close(output.z, x)
    of_w = 0.5 * (w_spread.square() + w_mean.square() - 1 - 2 * w_spread.log()).sum(1)
    torch.testing.assert_close(output.terms["w_prior"], of_w)
    z_mean, z_log_var = model._gaussians(model.z_posterior(torch.cat([x, w], 1)))
    priors = model._component_prior(w, z_mean + noise["z"] * (z_log_var / 2).exp())
    expected = losses.CONDITIONAL_PRIORS[prior](w, mean, log_var, *priors)
    torch.testing.assert_close(output.terms["conditional_prior"], expected)
    assert (expected > 0).all() and model.component_weights(images) is None
    heads = model.eval().encoder(images)
    torch.testing.assert_close(model.embed(images), torch.einsum("bk,bkd->bd", heads.logits, heads.mean.view(B, K, D)))


def test_the_prior_of_w_in_r_is_standard_normal():
    model = build("hgmvae_g_real_w")
    noise = noise_of(model, 5)
    means, log_vars = model._component_prior(noise["w"], noise["z"])
    expected = torch.einsum("bk,bkd->bd", noise["w"], means + noise["x"] * (log_vars / 2).exp())
    torch.testing.assert_close(model.prior_latents(noise), expected)
    assert (noise["w"] < 0).any()


@pytest.mark.parametrize("name", ["hgmvae_g_summed", "hgmvae_g_literal", "hgmvae_g_real_w", "hgmvae_g_traces"])
@pytest.mark.parametrize("d", [8, 32])
def test_gradients_are_finite_where_components_are_narrow_and_one_has_all_weight(name, d, draw_images):
    model, images = build(name, d=d), draw_images(B)
    with torch.no_grad():
        model.encoder.heads["log_var"].bias.fill_(-20.0)
        model.encoder.heads["logits"].bias[0] = 60.0
    model({"data": images, "noise": noise_of(model, B)}).loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
