"""HGMVAE: the loss put together from its parts, its switches, its two variants, its codes and its sampling."""

import dataclasses
import itertools
import math

import pytest
import torch

from models import losses
from models.base import draw_noise
from models.hgmvae import HGMVAE, HGMVAEConfig
from models.hgmvae_settings import hgmvae_heads
from models.networks import Decoder, Encoder, Trunk

SHAPE = (1, 32, 32)
B, K, D = 6, 4, 3
PIECES = ("information", "tc_between", "tc_within", "dimension_kl")


def build(seed: int = 0, **switches) -> HGMVAE:
    torch.manual_seed(seed)
    config = HGMVAEConfig(input_dim=SHAPE, latent_dim=D, n_components=K, hidden=16, **switches)
    encoder = Encoder(Trunk(SHAPE, 0.25), hgmvae_heads(config))
    return HGMVAE(config, encoder, Decoder(SHAPE, D, 0.25))


@pytest.fixture
def images(draw_images):
    return draw_images(B)


def run(model: HGMVAE, images, seed: int = 1):
    noise = draw_noise(model.noise_shapes(len(images)), images.device, torch.Generator().manual_seed(seed))
    return model({"data": images, "noise": noise}), noise


def config_names() -> set[str]:
    return {field.name for field in dataclasses.fields(HGMVAEConfig)}


@pytest.mark.parametrize("variant", ["gaussian", "uniform"])
def test_the_loss_and_every_term_equal_eq_14_written_out(variant, images):
    model = build(
        variant=variant, beta_w=0.3, beta_z_information=0.7, beta_z_tc_between=0.7, beta_z_tc_within=0.7,
        beta_z_dimension_kl=0.7, beta_x=1.3, fisher_weight=0.4, decoder_variance=0.2,
    )  # fmt: skip
    output, noise = run(model, images)
    heads = model.encoder(images)
    mu, log_var = heads.mean.view(B, K, D), heads.log_var.view(B, K, D)
    logits = heads.logits
    if variant == "gaussian":
        w_prior = 0.5 * (heads.logits_log_var.exp() + logits**2 - 1 - heads.logits_log_var).sum(1)
        logits = logits + noise["w"] * (heads.logits_log_var / 2).exp()
    else:
        p = logits.softmax(1)
        w_prior = math.log(K) + (p * p.log()).sum(1)
    w = logits.softmax(1)
    x = sum(w[:, k, None] * (mu[:, k] + noise["x"][:, k] * (log_var[:, k] / 2).exp()) for k in range(K))
    guesses = model.decoder(x)["reconstruction"]
    z_mean, z_log_var = model.z_posterior(torch.cat([x, w], 1)).view(B, 2, K, D).unbind(1)
    z = z_mean + noise["z"] * (z_log_var / 2).exp()
    priors = [model.x_prior(torch.cat([z[:, k], w, torch.eye(K)[k].expand(B, K)], 1)).split(D, 1) for k in range(K)]
    prior_mean, prior_log_var = (torch.stack(part, 1) for part in zip(*priors, strict=True))

    expected = {
        "reconstruction": (guesses - images).square().sum((1, 2, 3)) / (2 * 0.2),
        "w_prior": w_prior,
        "z_prior": 0.5 * (z_log_var.exp() + z_mean**2 - 1 - z_log_var).sum((1, 2)),
        "conditional_prior": losses.pairwise_conditional_prior(w, mu, log_var, prior_mean, prior_log_var),
        "fisher": losses.fisher_total(w, mu, log_var),
    }
    assert set(output.terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(output.terms[name], value, rtol=1e-4, atol=1e-4, msg=name)
    weights = {"reconstruction": 1, "w_prior": 0.3, "z_prior": 0.7, "conditional_prior": 1.3, "fisher": -0.4}
    loss = sum(weights[name] * value.mean() for name, value in expected.items())
    torch.testing.assert_close(output.loss, loss, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(output.z, x)
    torch.testing.assert_close(output.recon_x, guesses)


SWITCHES = [
    {"reconstruction": "bce"},
    {"conditional_prior": "matched"},
    {"conditional_prior": "matched", "beta_tc_x": 0.5},
    {"conditional_prior": "pairwise", "beta_tc_x": 0.5},
    {"beta_z_tc_between": 4.0},
    {"beta_z_tc_within": 4.0, "beta_z_information": 0.0},
    {"fisher_weight": 0.0},
    *({"fisher": form, "centre": centre} for form, centre in itertools.product(losses.FISHER_FORMS, (False, True))),
]


@pytest.mark.parametrize("variant", ["gaussian", "uniform"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_switch_changes_the_loss_and_trains(variant, switches, images):
    default = build(variant=variant)
    model = build(variant=variant, **switches)
    output, _ = run(model, images)
    assert output.loss.isfinite()
    if switches != {"fisher": "total", "centre": False}:  # the defaults
        assert output.loss.item() != run(default, images)[0].loss.item()
    output.loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_an_unknown_switch_is_refused():
    for switch in (
        {"variant": "student"},
        {"fisher": "trace"},
        {"conditional_prior": "both"},
        {"reconstruction": "l1"},
    ):
        with pytest.raises(ValueError, match=next(iter(switch))):
            build(**switch)


def test_the_weights_multiply_the_terms_they_are_named_after(images):
    # The networks are the same, so a weight of 3 in place of 1 adds twice its term.
    pieces = {f"beta_z_{piece}": 1.0 for piece in PIECES}
    named_after = {
        "beta_w": ("w_prior", 1.0),
        "beta_x": ("conditional_prior", 1.0),
        "fisher_weight": ("fisher", -1.0),
        "beta_tc_x": ("tc_x", 1.0),
        **{f"beta_z_{piece}": (f"z_{piece}", 1.0) for piece in PIECES},
    }
    # Information 0.5 off, and the penalty on: the pieces and it are computed in both models of each pair.
    base = {**pieces, "beta_z_information": 0.5, "beta_tc_x": 0.5, "conditional_prior": "matched"}
    before, _ = run(build(**base), images)
    for weight, (term, sign) in named_after.items():
        old = base.get(weight, 1.0)
        after, _ = run(build(**{**base, weight: old + 2}), images)
        expected = sign * 2 * before.terms[term].mean()
        torch.testing.assert_close(after.loss - before.loss, expected, rtol=1e-3, atol=2e-3, msg=weight)
    assert set(named_after) == {n for n in config_names() if "beta" in n or n == "fisher_weight"}


def test_the_decoder_variance_scales_the_reconstruction_alone(images):
    narrow, _ = run(build(decoder_variance=0.05), images)
    wide, _ = run(build(decoder_variance=1.0), images)
    torch.testing.assert_close(narrow.terms["reconstruction"], 20 * wide.terms["reconstruction"])
    for term in ("w_prior", "z_prior", "conditional_prior", "fisher"):
        assert torch.equal(narrow.terms[term], wide.terms[term])


def test_equal_weights_use_the_closed_form_and_unequal_ones_the_pieces_with_the_same_expectation(images):
    closed, split = build(), build(beta_z_information=1.0 + 1e-9)
    exact = run(closed, images)[0].terms
    assert "z_prior" in exact and not any(f"z_{piece}" in exact for piece in PIECES)
    sums, kls = [], []
    for seed in range(60):
        pieces = run(split, images, seed)[0].terms
        assert "z_prior" not in pieces
        sums.append(sum(pieces[f"z_{piece}"] for piece in PIECES).mean())
        kls.append(run(closed, images, seed)[0].terms["z_prior"].mean())
    difference = torch.stack(sums) - torch.stack(kls)  # the sample's log q - log p against its expectation
    assert difference.mean().abs() < 4 * difference.std() / math.sqrt(60)
    assert 0 < difference.std() < 5


def test_equal_weights_build_nothing_of_size_b_squared(images, monkeypatch):
    def refuse(*_):
        raise AssertionError("the (B, B, K, d) tensor was built")

    monkeypatch.setattr(losses, "z_prior_pieces", refuse)
    assert run(build(), images)[0].loss.isfinite()
    with pytest.raises(AssertionError, match="was built"):
        run(build(beta_z_tc_within=2.0), images)


def test_an_unused_fisher_or_tc_term_is_not_computed(images):
    assert set(run(build(fisher_weight=0.0), images)[0].terms) == {
        "reconstruction", "w_prior", "z_prior", "conditional_prior",
    }  # fmt: skip


def test_maximised_means_that_a_larger_fisher_weight_lowers_the_loss(images):
    output, _ = run(build(fisher_weight=1.0), images)
    assert (output.terms["fisher"] > 0).all()
    assert run(build(fisher_weight=2.0), images)[0].loss < output.loss


@pytest.mark.parametrize("variant", ["gaussian", "uniform"])
def test_the_code_is_the_weighted_mean_and_the_sampled_code_scatters_around_it(variant, images):
    model = build(variant=variant).eval()
    with torch.no_grad():
        heads = model.encoder(images)
        w, mu = heads.logits.softmax(1), heads.mean.view(B, K, D)
        torch.testing.assert_close(model.embed(images), torch.einsum("bk,bkd->bd", w, mu))
        torch.testing.assert_close(model.component_weights(images), w)
        silent = {name: torch.zeros(shape) for name, shape in model.noise_shapes(B).items()}
        torch.testing.assert_close(model.objective(images, silent).z, model.embed(images))
        assert not torch.allclose(run(model, images)[0].z, model.embed(images), atol=1e-2)


def test_given_w_the_sampled_code_is_one_gaussian_with_the_summed_variance(draw_images):
    # U's w is not sampled: x has mean sum w mu and variance sum w^2 sigma^2.
    model = build(variant="uniform").eval()
    image = draw_images(1)
    with torch.no_grad():
        heads = model.encoder(image)
        w, variance = heads.logits.softmax(1), heads.log_var.view(K, D).exp()
        noise = draw_noise(model.noise_shapes(4000), image.device)
        x = model.objective(image.expand(4000, -1, -1, -1), noise).z
    torch.testing.assert_close(x.mean(0), model.embed(image)[0].detach(), atol=0.03, rtol=0)
    torch.testing.assert_close(x.var(0), (w.square()[0, :, None] * variance).sum(0), atol=0, rtol=0.12)


def test_ws_noise_belongs_to_the_gaussian_variant_alone():
    assert set(build(variant="gaussian").noise_shapes(B)) == {"x", "z", "w"}
    assert set(build(variant="uniform").noise_shapes(B)) == {"x", "z"}
    assert "logits_log_var" in hgmvae_heads(HGMVAEConfig(latent_dim=D, variant="gaussian"))
    assert "logits_log_var" not in hgmvae_heads(HGMVAEConfig(latent_dim=D, variant="uniform"))


@pytest.mark.parametrize("variant", ["gaussian", "uniform"])
def test_prior_codes_follow_eq_1_written_out(variant):
    model = build(variant=variant).eval()
    noise = draw_noise(model.prior_noise_shapes(5), torch.device("cpu"))
    w = noise["w"].softmax(1) if variant == "gaussian" else torch.full((5, K), 1 / K)
    expected = torch.zeros(5, D)
    for k in range(K):
        one_hot = torch.eye(K)[k].expand(5, K)
        mean, log_var = model.x_prior(torch.cat([noise["z"][:, k], w, one_hot], 1)).split(D, 1)
        expected += w[:, k, None] * (mean + noise["x"][:, k] * (log_var / 2).exp())
    torch.testing.assert_close(model.prior_latents(noise), expected)


def test_the_component_prior_tells_the_components_apart():
    model = build()
    w, z = torch.full((2, K), 1 / K), torch.zeros(2, K, D)
    mean, _ = model._component_prior(w, z)
    assert not torch.allclose(mean[:, 0], mean[:, 1], atol=1e-3)
    torch.testing.assert_close(mean[0], mean[1])
