"""The controls: HGMVAE with a part taken away, and a VAE of its size."""

import dataclasses
import math

import pytest
import torch
from model_samples import B, D, K, build, noise_of
from scipy import stats

from benchmark.methods.control_methods import ALL_METHODS, CONTROLS, SGD_RATES
from benchmark.methods.registry import DECODER_VARIANCE, METHODS, WEIGHT_SETS
from models import losses
from models.hgmvae_controls import _gumbel


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_trains_every_parameter_and_gives_codes_images_and_draws(name, draw_images):
    model, images = build(name), draw_images(B)
    output = model({"data": images, "noise": noise_of(model, B)})
    assert output.loss.isfinite() and output.z.shape == (B, D)
    output.loss.backward()
    idle = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert idle == []
    with torch.no_grad():
        model.eval()
        if gaussian := model.code_posterior(model.encoder(images), noise_of(model, B)):  # SWAE has none
            mean, log_var = gaussian
            assert mean.shape == log_var.shape == (B, D) and log_var.isfinite().all()
        assert model.embed(images).shape == (B, D)
        assert model.sample(3, torch.Generator().manual_seed(0)).shape == (3, 1, 32, 32)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_differs_from_its_method_in_what_its_name_says_alone(name):
    control = CONTROLS[name]
    base = METHODS[control.control_of]
    parts = {
        field.name for field in dataclasses.fields(control) if getattr(control, field.name) != getattr(base, field.name)
    }
    parts -= {"name", "label", "look", "control_of", "change", "calibrated_as"}
    one_thing = {"changes"}, {"model"}, {"model", "heads"}, {"model", "networks"}, {"residual_hidden"}, {"training"}
    # w in R goes with another prior: under Eq. 4 its loss has no least value.
    assert parts - {"card"} in (*one_thing, *([{"model", "changes"}] if "real_w" in name else []))
    assert ("card" in parts) == ("hgmvae_readings" in str(control.model))
    assert control.calibrated_as == base.name
    for weight_set in WEIGHT_SETS:
        assert control.settings(weight_set) == base.settings(weight_set) | control.changes


def test_what_the_controls_change():
    changes = {name: control.changes for name, control in CONTROLS.items() if control.changes}
    assert {name: change["n_components"] for name, change in changes.items() if "n_components" in change} == {
        f"hgmvae_g_k{k}": k for k in (1, 2, 5, 20)
    }
    between, within = "beta_z_tc_between", "beta_z_tc_within"
    assert {name: change for name, change in changes.items() if name.startswith("hgmvae_g_tc")} == {
        f"hgmvae_g_tc{weight}": {between: weight, within: weight} for weight in (2, 5, 10)
    }
    betas = {change["beta"] for name, change in changes.items() if name.startswith("vae_beta")}
    assert betas == {0.003, 0.01, 0.03, 0.1, 0.3, 1.0}  # the last for a sweep
    printed = METHODS["hgmvae_g"].settings("published")
    assert CONTROLS["hgmvae_g_as_printed"].settings("default") == printed
    assert CONTROLS["hgmvae_g_minimised"].settings("default") == printed | {"fisher_weight": -1}


def test_the_larger_vae_has_as_many_parameters_as_hgmvae_at_128():
    larger, hgmvae = (method.parameters((1, 32, 32), 128) for method in (CONTROLS["vae_larger"], METHODS["hgmvae_g"]))
    assert larger == pytest.approx(hgmvae, rel=1e-3)
    plain, deeper = build("vae").state_dict(), build("vae_larger").state_dict()
    assert all(torch.equal(deeper[name], value) for name, value in plain.items())


def test_the_larger_vae_adds_its_residual_block_to_the_features_of_the_vae(draw_images):
    plain, deeper, images = build("vae").eval(), build("vae_larger").eval(), draw_images(B)
    with torch.no_grad():
        features = plain.encoder.trunk(images)
        block = deeper.encoder.trunk.residual(features)
        assert block.abs().max() > 0
        torch.testing.assert_close(deeper.encoder.trunk(images), features + block)


def test_which_draws_a_codes_gaussian_is_given():
    of_methods = {name: build(name).posterior_draws() for name in ("hgmvae_g", "hgmvae_u", "hgmvae_g_k1")}
    assert of_methods == {"hgmvae_g": ("w",), "hgmvae_u": (), "hgmvae_g_k1": ("w",)}
    assert build("hgmvae_g_equal_w").posterior_draws() == ()
    assert build("hgmvae_g_one_component").posterior_draws() == ("w", "k")


def test_equal_weights_are_hgmvae_where_the_logits_are_level(draw_images):
    base, equal, images = build("hgmvae_g"), build("hgmvae_g_equal_w"), draw_images(B)
    level = base.state_dict() | {
        name: torch.zeros_like(value) for name, value in base.state_dict().items() if ".logits" in name
    }
    equal.load_state_dict({name: value for name, value in level.items() if ".logits" not in name})
    base.load_state_dict(level)
    noise = noise_of(equal, B)
    with torch.no_grad():
        ours = equal({"data": images, "noise": noise})
        theirs = base({"data": images, "noise": noise | {"w": torch.zeros(B, K)}})
        assert torch.allclose(ours.z, theirs.z) and torch.allclose(ours.loss, theirs.loss)
        assert torch.allclose(equal.embed(images), base.embed(images))
        assert torch.equal(equal.component_weights(images), torch.full((B, K), 1 / K))


def test_one_component_is_drawn_as_often_as_its_weight_says():
    model = build("hgmvae_g_one_component", n_components=3)
    w = torch.tensor([0.2, 0.7, 0.1]).expand(40_000, 3)
    drawn = model._mixed(w, {"k": torch.randn(40_000, 3, generator=torch.Generator().manual_seed(0))})
    assert set(drawn.unique().tolist()) == {0.0, 1.0} and torch.equal(drawn.sum(1), torch.ones(40_000))
    for share, weight in zip(drawn.mean(0).tolist(), (0.2, 0.7, 0.1), strict=True):
        assert abs(share - weight) < 4 * math.sqrt(weight * (1 - weight) / 40_000)


def test_the_prior_of_one_component_takes_the_component_of_the_largest_gumbel_draw():
    model = build("hgmvae_g_one_component").eval()
    noise = noise_of(model, 200)
    w = noise["w"].softmax(1)
    mean, log_var = model._component_prior(w, noise["z"])
    chosen = (w.log() + _gumbel(noise["k"])).argmax(1)
    expected = (mean + noise["x"] * (0.5 * log_var).exp())[torch.arange(200), chosen]
    torch.testing.assert_close(model.prior_latents(noise), expected)
    assert (chosen != w.argmax(1)).any()


def test_the_fisher_term_of_one_component_is_of_the_weights_and_not_of_the_drawn_component(draw_images):
    model, images = build("hgmvae_g_one_component"), draw_images(B)
    noise = noise_of(model, B)
    encoded = model.encoder(images)
    w = (encoded.logits + noise["w"] * (0.5 * encoded.logits_log_var).exp()).softmax(1)
    expected = losses.fisher_total(w, encoded.mean.view(B, K, D), encoded.log_var.view(B, K, D))
    torch.testing.assert_close(model({"data": images, "noise": noise}).terms["fisher"], expected)


def test_gumbel_draws_have_gumbels_distribution_and_keep_their_upper_tail():
    normal = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    assert stats.kstest(_gumbel(normal).numpy(), "gumbel_r").pvalue > 0.01
    for far in (-4.0, 0.0, 3.0, 8.0):
        assert _gumbel(torch.tensor(far)).item() == pytest.approx(-math.log(-stats.norm.logcdf(far)), rel=1e-4)


def test_one_component_is_the_code_and_w_has_the_gradient_of_the_weighted_sum(draw_images):
    model, images = build("hgmvae_g_one_component"), draw_images(B)
    encoded = model.encoder(images)
    noise = noise_of(model, B)
    x = model({"data": images, "noise": noise}).z
    components = encoded.mean.view(B, K, D) + noise["x"] * (0.5 * encoded.log_var.view(B, K, D)).exp()
    distances = (components - x[:, None]).abs().amax(2)
    assert (distances.amin(1) < 1e-6).all() and (distances > 1e-3).sum(1).min() == K - 1

    w = torch.full((B, K), 1 / K, requires_grad=True)
    (model._mixed(w, noise)[..., None] * components.detach()).sum().backward()
    assert torch.allclose(w.grad, components.sum(2))
    with torch.no_grad():
        leading = encoded.logits.argmax(1)
        assert torch.allclose(model.embed(images), encoded.mean.view(B, K, D)[torch.arange(B), leading], atol=1e-5)


@pytest.mark.parametrize("speed", SGD_RATES)
def test_sgd_takes_the_same_steps_for_a_loss_that_is_smaller_by_the_decoder_variance(speed):
    ends = []
    for method, scale in ((f"hgmvae_g_sgd_{speed}", 1.0), (f"vae_sgd_{speed}", DECODER_VARIANCE)):
        settings = dict(ALL_METHODS[method].training.settings)
        assert settings.pop("optimiser") == "sgd"
        weights = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
        optimiser = torch.optim.SGD([weights], settings.pop("learning_rate"), **settings)
        for _ in range(200):
            optimiser.zero_grad()
            (scale * (weights - 1).square().sum()).backward()
            optimiser.step()
        ends.append(weights.detach())
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ends[0], torch.tensor([3.0, -2.0]), atol=0.01)
