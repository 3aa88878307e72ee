"""The further methods against pythae's own, on the same weights and noise, and against closed forms."""

import dataclasses
import math

import pytest
import torch
from pythae import models as pythae
from torch import Tensor

from benchmark.methods.cards import render_card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.registry import build_model
from benchmark.paper.tables import PRINTED_TABLES
from models.base import draw_noise

SHAPE, B, D = (1, 32, 32), 6, 3
SIZES = {"input_dim": SHAPE, "latent_dim": D}
LOSSES = ["mse", "bce"]


@pytest.fixture(autouse=True)
def _double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def images(draw_images) -> Tensor:
    return draw_images(B)


def build(name: str, **settings):
    method = ALL_METHODS[name]
    model = build_model(method, method.settings("published") | settings, SHAPE, D, 0.25, seed=0)
    for head in model.encoder.heads.values():  # codes that are far from the prior, and apart
        torch.nn.init.normal_(head.weight, std=0.5)
    return model


def draws(model) -> dict[str, Tensor]:
    return draw_noise(model.noise_shapes(B), torch.device("cpu"), torch.Generator().manual_seed(1))


def fed(theirs, *noise: Tensor):
    """Pythae's model, whose draws are these, in turn."""
    given = iter(noise)

    def sampled(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        draw = next(given)
        return mean + draw * std, draw

    theirs._sample_gauss = sampled
    return theirs


def gradients(loss: Tensor, model) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def assert_same_gradients(ours: Tensor, theirs: Tensor, model) -> None:
    """Of the encoder and decoder, which both models share."""
    found, expected = gradients(ours, model), gradients(theirs, model)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-9, msg=name)


@pytest.mark.parametrize("reconstruction", LOSSES)
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.5, 6.0, 2.0)])
def test_beta_tcvae_is_pythaes_with_weighted_sampling(reconstruction, weights, images):
    alpha, beta, gamma = weights
    settings = {"alpha": alpha, "beta": beta, "gamma": gamma}
    ours = build("beta_tcvae", reconstruction=reconstruction, **settings)
    config = pythae.BetaTCVAEConfig(**SIZES, reconstruction_loss=reconstruction, use_mss=False, **settings)
    noise = draws(ours)
    output = ours.objective(images, noise)

    def expected(dataset_size: int):
        theirs = fed(pythae.BetaTCVAE(config, ours.encoder, ours.decoder), noise["x"])
        return theirs({"data": images}, dataset_size=dataset_size)

    assert output.loss.item() == pytest.approx(expected(1).loss.item(), rel=1e-6)
    assert torch.equal(output.z, expected(1).z) and torch.equal(output.recon_x, expected(1).recon_x)
    # The number of training images adds a constant: log N to log q(z), d log N to the product of its dimensions.
    constant = math.log(60_000) * (alpha + beta * (D - 1) - gamma * D)
    assert expected(60_000).loss.item() == pytest.approx(output.loss.item() + constant, rel=1e-6)
    assert_same_gradients(output.loss, expected(60_000).loss, ours)


def test_the_pieces_of_beta_tcvae_add_up_to_the_log_ratio_of_posterior_and_prior(images):
    model = build("beta_tcvae")
    output = model.objective(images, draws(model))
    encoded = model.encoder(images)
    posterior = torch.distributions.Normal(encoded.embedding, (encoded.log_covariance / 2).exp())
    ratio = (posterior.log_prob(output.z) - torch.distributions.Normal(0, 1).log_prob(output.z)).sum(1)
    pieces = sum(output.terms[name] for name in ("information", "total_correlation", "dimension_kl"))
    torch.testing.assert_close(pieces, ratio)
    assert ratio.abs().min() > 1e-3


@pytest.mark.parametrize("reconstruction", LOSSES)
@pytest.mark.parametrize("kernel", ["imq", "rbf"])
@pytest.mark.parametrize(("alpha", "lbd"), [(0.0, 0.001), (0.0, 101.0), (-1.0, 2.5)])
def test_info_vae_is_pythaes(reconstruction, kernel, alpha, lbd, images, monkeypatch):
    settings = {"alpha": alpha, "lbd": lbd, "kernel_choice": kernel}
    ours = build("info_vae", reconstruction=reconstruction, **settings)
    config = pythae.INFOVAE_MMD_Config(**SIZES, reconstruction_loss=reconstruction, **settings)
    noise = draws(ours)
    theirs = fed(pythae.INFOVAE_MMD(config, ours.encoder, ours.decoder), noise["x"])
    monkeypatch.setattr(torch, "randn_like", lambda *_, **__: noise["prior"])
    expected, output = theirs({"data": images}), ours.objective(images, noise)
    assert output.loss.item() == pytest.approx(expected.loss.item(), rel=1e-6)
    assert output.terms["mmd"].item() == pytest.approx(expected.mmd_loss.item(), rel=1e-6)
    assert_same_gradients(output.loss, expected.loss, ours)


@pytest.mark.parametrize("reconstruction", LOSSES)
def test_vamp_is_pythaes_in_eval_mode(reconstruction, images):
    ours = build("vamp", n_components=4, reconstruction=reconstruction).eval()
    with torch.no_grad():  # some pixels beyond [0, 1], which both hold to it
        ours.pseudo_inputs.copy_(torch.rand(4, *SHAPE) * 1.4 - 0.2)
    config = pythae.VAMPConfig(**SIZES, reconstruction_loss=reconstruction, number_components=4)
    noise = draws(ours)
    theirs = fed(pythae.VAMP(config, ours.encoder, ours.decoder), noise["x"]).eval()
    layer = theirs.pseudo_inputs[0]
    with torch.no_grad():
        layer.weight.copy_(ours.pseudo_inputs.flatten(1).T)
        layer.bias.zero_()
    expected, output = theirs({"data": images}), ours.objective(images, noise)
    assert output.loss.item() == pytest.approx(expected.loss.item(), rel=1e-6)
    assert output.terms["kl"].mean().item() == pytest.approx(expected.reg_loss.item(), abs=1e-6)
    of_pixels = gradients(expected.loss, theirs)["pseudo_inputs.0.weight"]
    found = gradients(output.loss, ours)["pseudo_inputs"]
    torch.testing.assert_close(found.flatten(1).T, of_pixels, rtol=1e-6, atol=1e-9)


def test_vamps_prior_draws_each_pseudo_inputs_posterior_equally_often():
    model = build("vamp", n_components=3).eval()
    with torch.no_grad():
        model.pseudo_inputs.copy_(torch.rand(3, *SHAPE) * 1.4 - 0.2)  # some pixels beyond [0, 1]
        encoded = model.encoder(model.pseudo_inputs.clamp(0, 1))
        noise = draw_noise(model.prior_noise_shapes(6000), torch.device("cpu"), torch.Generator().manual_seed(0))
        codes = model.prior_latents(noise | {"x": torch.zeros(6000, D)})
        drawn = model.prior_latents(noise)
    nearest = torch.cdist(codes, encoded.embedding).argmin(1)
    torch.testing.assert_close(codes, encoded.embedding[nearest])
    assert (nearest.bincount(minlength=3) - 2000).abs().max() < 150  # 4 standard deviations
    spread = (drawn - codes)[nearest == 0].var(0) / encoded.log_covariance[0].exp()
    torch.testing.assert_close(spread, torch.ones(D), rtol=0, atol=0.15)


@pytest.mark.parametrize("reconstruction", LOSSES)
@pytest.mark.parametrize("samples", [1, 5])
def test_iwae_has_the_gradient_of_pythaes_and_the_value_of_the_bound(reconstruction, samples, images):
    ours = build("iwae", reconstruction=reconstruction, number_samples=samples, decoder_variance=1.0)
    config = pythae.IWAEConfig(**SIZES, reconstruction_loss=reconstruction, number_samples=samples)
    noise = draws(ours)
    expected = fed(pythae.IWAE(config, ours.encoder, ours.decoder), noise["x"])({"data": images})
    output = ours.objective(images, noise)
    assert torch.equal(output.z, expected.z)
    torch.testing.assert_close(output.recon_x, expected.recon_x)
    shares = log_weights(ours, images, noise).softmax(1)
    entropy = -(shares * shares.log()).sum(1).mean().item()
    assert 0 <= entropy <= math.log(samples)
    assert expected.loss.item() == pytest.approx(output.loss.item() - math.log(samples) + entropy, rel=1e-6)
    assert_same_gradients(output.loss, expected.loss, ours)


def log_weights(model, images: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """Log p(y, z) / q(z given y) of every draw up to the likelihood's constant, (B, S), by torch.distributions."""
    encoded = model.encoder(images)
    posterior = torch.distributions.Normal(encoded.embedding[:, None], (encoded.log_covariance[:, None] / 2).exp())
    z = posterior.loc + noise["x"] * posterior.scale
    rows = []
    decoded = model.decode(z.flatten(0, 1)).view(*z.shape[:2], *SHAPE)
    for draw in decoded.unbind(1):
        rows.append(-model.negative_log_likelihood(draw, images))
    prior = torch.distributions.Normal(0, 1)
    return torch.stack(rows, 1) + (prior.log_prob(z) - posterior.log_prob(z)).sum(2)


def test_iwaes_bound_is_the_log_mean_weight_and_tightens_with_the_draws(images):
    bounds = []
    for samples in (1, 10):
        model = build("iwae", number_samples=samples)
        with torch.no_grad():
            of_draws = []
            for seed in range(20):
                stream = torch.Generator().manual_seed(seed)
                noise = draw_noise(model.noise_shapes(B), torch.device("cpu"), stream)
                loss = model.objective(images, noise).loss
                mean_weight = log_weights(model, images, noise).exp().mean(1)
                torch.testing.assert_close(loss, -mean_weight.log().mean())
                of_draws.append(loss)
        bounds.append(torch.stack(of_draws).mean().item())
    assert bounds[1] < bounds[0] - 0.1


def test_rae_is_pythaes_and_its_weight_decay_as_a_term(images):
    weights = {"embedding_weight": 0.3, "reg_weight": 0.02}
    ours = build("rae_l2", **weights)
    theirs = pythae.RAE_L2(pythae.RAE_L2_Config(**SIZES, **weights), ours.encoder, ours.decoder)
    expected, output = theirs({"data": images}), ours.objective(images, {})
    decoder = sum(weight.square().sum() for weight in ours.decoder.parameters()) / 2
    assert output.terms["decoder"].item() == pytest.approx(decoder.item(), rel=1e-6)
    assert output.loss.item() - 0.02 * decoder.item() == pytest.approx(expected.loss.item(), rel=1e-6)
    found, without = gradients(output.loss, ours), gradients(expected.loss, theirs)
    for name, weight in ours.named_parameters():
        decay = 0.02 * weight.detach() if name.startswith("decoder.") else 0.0  # as Adam's weight_decay adds it
        torch.testing.assert_close(found[name], without[name] + decay, rtol=1e-6, atol=1e-9, msg=name)


def test_none_of_them_is_in_the_papers_tables_or_a_control():
    assert FURTHER_METHODS.keys() >= {"beta_tcvae", "info_vae", "vamp", "iwae", "rae_l2"}
    assert not FURTHER_METHODS.keys() & {method for table in PRINTED_TABLES.values() for method in table.methods}
    assert not any(method.control_of for method in FURTHER_METHODS.values())
    assert all("default" in method.weight_sets for method in FURTHER_METHODS.values())
    assert [name for name, method in FURTHER_METHODS.items() if method.card is None] == []


def test_a_card_explains_the_weight_sets_that_its_method_has(monkeypatch):
    assert "bce: default with" in render_card("iwae") and "calibrated: chosen" not in render_card("iwae")
    assert "bce: default with" in render_card("vae") and "calibrated: chosen" in render_card("vae")
    own = dataclasses.replace(ALL_METHODS["vae"], name="own", label="Own", source="0" * 64)
    monkeypatch.setitem(ALL_METHODS, "own", own)  # from a file, whose sets of these names mean what it wants
    assert "bce: default with" not in render_card("own")
