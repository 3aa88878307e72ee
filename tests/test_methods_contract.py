"""One contract for every registered method, and what ties the methods of one seed together."""

import dataclasses
import json
import math
import re

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from benchmark.errors import UserError
from benchmark.methods.card_texts import CARDS
from benchmark.methods.cards import card_of
from benchmark.methods.control_methods import ALL_METHODS, CONTROLS
from benchmark.methods.registry import DECODER_VARIANCE, METHODS, WEIGHT_SETS, Method, build_model
from models import losses
from models.base import ImageAutoencoder, draw_noise

NAMES = [name for name, method in ALL_METHODS.items() if not method.control_of]
WITH_OWN_MODELS = [
    name for name, method in CONTROLS.items() if method.model is not ALL_METHODS[method.control_of].model
]
SHAPES = [(1, 32, 32), (3, 64, 64)]
B = 4


def build(name: str, shape=(1, 32, 32), d: int = 2, seed: int = 0, weights: str = "default") -> ImageAutoencoder:
    method = ALL_METHODS[name]
    return build_model(method, method.settings(weights), shape, d, width=0.25, seed=seed)


def draws(model: ImageAutoencoder, n: int = B, seed: int = 1) -> dict[str, Tensor]:
    return draw_noise(model.noise_shapes(n), torch.device("cpu"), torch.Generator().manual_seed(seed))


def weighted_sum(output) -> Tensor:
    """The loss as the terms and their weights have it."""
    return sum(output.weights[term] * value.mean() for term, value in output.terms.items())


# The contract ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("d", [2, 128])
@pytest.mark.parametrize("name", [*NAMES, *WITH_OWN_MODELS])
def test_contract(name, d, shape, draw_images):
    model, images = build(name, shape, d), draw_images(B, shape)
    noise = draws(model)
    output = model({"data": images, "noise": noise})

    assert output.loss.shape == ()
    assert output.loss.isfinite()
    assert output.z.shape == (B, d)
    assert output.recon_x.shape == images.shape
    assert all(term.shape in {(), (B,)} for term in output.terms.values())
    assert set(output.terms) <= set(output.weights)
    torch.testing.assert_close(output.loss, weighted_sum(output), rtol=1e-5, atol=1e-4)

    output.loss.backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name

    model.eval()
    with torch.no_grad():
        codes, reconstructions = model.embed(images), model.reconstruct(images)
        assert codes.shape == (B, d)
        assert reconstructions.shape == images.shape
        assert torch.equal(codes, model.embed(images))
        assert torch.equal(reconstructions, model.reconstruct(images))
        assert torch.equal(reconstructions, model.decode(codes))
        # In eval mode an image's code does not depend on its batch (but for the last bits of other kernels).
        torch.testing.assert_close(model.embed(images[:1]), codes[:1], rtol=1e-4, atol=1e-5)
        stream = torch.Generator().manual_seed(3)
        samples = model.sample(3, stream)
        assert samples.shape == (3, *shape)
        assert torch.equal(samples, model.sample(3, torch.Generator().manual_seed(3)))
        assert not torch.equal(samples, model.sample(3, stream))
        for values in (reconstructions, samples, output.recon_x):
            assert values.min() >= 0
            assert values.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_embedding_draws_nothing_from_the_global_stream(name, draw_images):
    model, images = build(name).eval(), draw_images(B)
    before = torch.get_rng_state()
    model.embed(images), model.reconstruct(images)
    model.objective(images, draws(model))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", [*NAMES, *WITH_OWN_MODELS])
def test_the_noise_handed_in_decides_the_loss(name, draw_images):
    model, images = build(name), draw_images(B)
    if not model.noise_shapes(B):
        pytest.skip("has no noise")

    def loss(inputs) -> float:
        return model({"data": images, **inputs}).loss.item()

    noise = draws(model)
    assert loss({"noise": noise}) == loss({"noise": noise})
    assert loss({"noise": noise}) != loss({"noise": draws(model, seed=2)})
    for drawn in noise:  # and every single draw matters
        assert loss({"noise": noise}) != loss({"noise": noise | {drawn: draws(model, seed=2)[drawn]}}), drawn


@pytest.mark.parametrize("name", NAMES)
def test_without_noise_it_is_drawn_from_the_global_stream(name, draw_images):
    model, images = build(name), draw_images(B)
    if not model.noise_shapes(B):
        pytest.skip("has no noise")
    torch.manual_seed(5)
    noise = draw_noise(model.noise_shapes(B), torch.device("cpu"))
    torch.manual_seed(5)
    assert model({"data": images}).loss.item() == model({"data": images, "noise": noise}).loss.item()
    assert model({"data": images}).loss.item() != model({"data": images}).loss.item()


def test_draws_are_standard_normal_and_independent_of_the_order_of_the_names():
    shapes = {"b": (200, 50), "a": (300, 40)}
    one = draw_noise(shapes, torch.device("cpu"), torch.Generator().manual_seed(0))
    other = draw_noise(dict(reversed(shapes.items())), torch.device("cpu"), torch.Generator().manual_seed(0))
    assert all(torch.equal(one[name], other[name]) for name in shapes)
    for name, draw in one.items():
        assert draw.shape == shapes[name]
        assert draw.mean().item() == pytest.approx(0, abs=0.04)
        assert draw.std().item() == pytest.approx(1, abs=0.03)


# One seed, many methods ------------------------------------------------------------------------------------


def shared_state(model: ImageAutoencoder) -> dict[str, Tensor]:
    state = model.state_dict()
    return {name: value for name, value in state.items() if name.startswith(("encoder.trunk.", "decoder."))}


def test_a_seed_has_the_same_trunk_and_decoder_under_every_method():
    reference = shared_state(build("vae"))
    assert len(reference) > 30
    for name in NAMES:
        state = shared_state(build(name))
        assert state.keys() == reference.keys()
        for parameter, value in state.items():
            assert torch.equal(value, reference[parameter]), (name, parameter)


def test_a_seeds_trunk_is_the_same_at_every_latent_dimension():
    small, large = (build("vae", d=d).encoder.trunk.state_dict() for d in (2, 128))
    assert all(torch.equal(small[name], large[name]) for name in small)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ_in_every_random_tensor_and_seed_repeats_itself(name):
    one, again, other = build(name, seed=0), build(name, seed=0), build(name, seed=1)
    for (parameter, a), b, c in zip(one.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b), parameter
        if a.unique().numel() == 1:
            continue  # a constant under every seed, such as those of BatchNorm or a learned variance
        assert not torch.equal(a, c), parameter


def test_a_parameter_may_start_from_a_constant_but_no_network_may_ignore_the_seed(monkeypatch):
    from_registry = METHODS["vae"].model_class

    class LearnedVariance(from_registry):
        start = torch.tensor(0.05)

        def __init__(self, *parts):
            super().__init__(*parts)
            self.log_variance = torch.nn.Parameter(self.start.log())

    class SameUnderEverySeed(LearnedVariance):
        start = torch.tensor([0.05, 0.1])

    for model in (LearnedVariance, SameUnderEverySeed):
        monkeypatch.setitem(ALL_METHODS, "own", dataclasses.replace(METHODS["vae"], name="own", model=model))
        if model is LearnedVariance:
            test_seeds_differ_in_every_random_tensor_and_seed_repeats_itself("own")
            continue
        with pytest.raises(AssertionError, match="log_variance"):
            test_seeds_differ_in_every_random_tensor_and_seed_repeats_itself("own")


def test_building_leaves_the_global_stream_alone():
    before = torch.get_rng_state()
    build("hgmvae_g")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("letter", ["g", "u"])
@pytest.mark.parametrize("weights", WEIGHT_SETS)
def test_no_fisher_is_its_parent_but_for_the_fisher_term(letter, weights, draw_images):
    parent, ablation = (build(f"hgmvae_{letter}{suffix}", d=8, weights=weights) for suffix in ("", "_no_fisher"))
    for (name, a), (other, b) in zip(parent.state_dict().items(), ablation.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(a, b)
    images, noise = draw_images(B), draws(parent)
    whole, without = (model({"data": images, "noise": noise}) for model in (parent, ablation))
    assert set(whole.terms) - set(without.terms) == {"fisher"}
    assert all(torch.equal(without.terms[name], whole.terms[name]) for name in without.terms)
    weight = parent.model_config.fisher_weight
    torch.testing.assert_close(without.loss - whole.loss, weight * whole.terms["fisher"].mean(), rtol=1e-3, atol=1e-3)
    settings = [dataclasses.asdict(model.model_config) for model in (parent, ablation)]
    assert {key for key in settings[0] if settings[0][key] != settings[1][key]} == {"fisher_weight"}


# The registry ----------------------------------------------------------------------------------------------


def test_the_registry_holds_the_papers_methods_under_their_own_names():
    assert set(NAMES) >= {
        "vae", "beta_vae", "gmvae", "swae", "wae_imq", "wae_rbf",
        "hgmvae_g", "hgmvae_u", "hgmvae_g_no_fisher", "hgmvae_u_no_fisher",
    }  # fmt: skip
    assert all(method.name == name for name, method in ALL_METHODS.items())
    assert set(CARDS) <= set(NAMES)
    assert len({method.label for method in ALL_METHODS.values()}) == len(ALL_METHODS)


@pytest.mark.parametrize(("name", "weights"), [(name, one) for name in NAMES for one in ALL_METHODS[name].weight_sets])
def test_every_set_of_weights_builds_and_gives_a_finite_loss(name, weights, draw_images):
    model = build(name, weights=weights)
    output = model({"data": draw_images(B), "noise": draws(model)})
    assert output.loss.isfinite()
    torch.testing.assert_close(output.loss, weighted_sum(output), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_plain_data_that_rebuild_the_same_model(name):
    settings = ALL_METHODS[name].settings("default")
    assert not {"latent_dim", "input_dim", "name"} & set(settings)
    for value in settings.values():
        assert isinstance(value, str | int | float | bool | list)
        assert not isinstance(value, float) or math.isfinite(value)
    config = dataclasses.asdict(build(name).model_config)
    assert {key: config[key] for key in settings} == settings


def test_an_unknown_set_of_weights_is_a_user_error_that_names_the_sets():
    with pytest.raises(UserError, match=r"--weights best: vae has only the sets default, published, bce, calibrated"):
        METHODS["vae"].settings("best")
    own = dataclasses.replace(METHODS["vae"], name="mine", weights={"default": {}})
    with pytest.raises(UserError, match=r"--weights bce: mine has only the sets default$"):
        own.settings("bce")
    with pytest.raises(UserError, match=r"--weights calibrated: .*chosen.json: there is no 'mine'; there are vae, "):
        own.settings("calibrated")


@pytest.mark.parametrize("name", list(ALL_METHODS))
def test_every_setting_of_every_set_is_a_field_that_takes_it_and_stands_on_the_card(name):
    method = ALL_METHODS[name]
    for weights in method.weight_sets:
        assert set(method.settings(weights)) == set(card_of(method).sources)


def misspelt(**parts) -> Method:
    """hgmvae_g with some of its parts replaced."""
    return dataclasses.replace(METHODS["hgmvae_g"], **parts)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"changes": {"fisher_wieght": 0.0}}, "changes: there is no 'fisher_wieght'; did you mean 'fisher_weight'?"),
        ({"fixed": {"varient": "uniform"}}, "fixed: there is no 'varient'; did you mean 'variant'?"),
        ({"weights": {"default": {"beta_s": 1.0}}}, "weights default: there is no 'beta_s'; did you mean 'beta_x'?"),
        ({"weights": {"default": {"latent_dim": 3}}}, "weights default: there is no 'latent_dim'; there are variant, "),
        ({"weights": {"default": {}, "publised": {}}}, "weights: there is no 'publised'; did you mean 'published'?"),
        ({"weights": {"default": {"decoder_variance": "0.05"}}}, "weights default: decoder_variance = '0.05': "),
        ({"weights": {"default": {"decoder_variance": 0.0}}}, "decoder_variance = 0.0: input should be greater than 0"),
        ({"changes": {"beta_w": -1.0}}, "changes: beta_w = -1.0: input should be greater than or equal to 0"),
        ({"changes": {"n_components": 0}}, "changes: n_components = 0: input should be greater than 0"),
        (
            {"changes": {"fisher": "totl"}},
            "changes: fisher = 'totl': input should be 'ratio', 'total', 'log' or 'traces'",
        ),
    ],
)
def test_a_misspelt_or_impossible_setting_is_refused_by_name(parts, said):
    with pytest.raises(UserError, match=re.escape(said)) as error:
        misspelt(**parts).settings("default")
    assert str(error.value).startswith("method hgmvae_g, ")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("vae", {"beta": -1.0}),
        ("wae_imq", {"reg_weight": -1.0}),
        ("wae_imq", {"scales": [0.1, -1.0]}),
        ("wae_rbf", {"kernel_bandwidth": 0.0}),
        ("swae", {"n_projections": 0}),
        ("gmvae", {"decoder_variance": -0.05}),
        ("gmvae", {"beta_k": True}),
    ],
)
def test_no_method_takes_a_weight_or_a_size_that_makes_no_sense(name, setting):
    [field] = setting
    with pytest.raises(UserError, match=f"method {name}: {field} = "):
        build_model(METHODS[name], METHODS[name].settings("default") | setting, (1, 32, 32), 2, 0.25, 0)
    with pytest.raises(UserError, match=f"method {name}, departure: {field} = "):
        METHODS[name].settings("default", setting)


@pytest.mark.parametrize(
    "config", {ALL_METHODS[name].config: ALL_METHODS[name].config_class for name in NAMES}.values()
)
def test_a_configuration_made_by_hand_takes_no_field_that_it_does_not_have(config):
    with pytest.raises(ValidationError, match=r"fisher_wieght\n *Unexpected keyword argument"):
        config(input_dim=(1, 32, 32), latent_dim=2, fisher_wieght=0.0)


def test_settings_that_come_back_from_a_record_are_held_to_the_same():
    settings = METHODS["vae"].settings("default")
    with pytest.raises(UserError, match="method vae: there is no 'betta'; did you mean 'beta'"):
        build_model(METHODS["vae"], settings | {"betta": 0.1}, (1, 32, 32), 2, 0.25, 0)
    back = json.loads(json.dumps(METHODS["wae_imq"].settings("default")))
    build_model(METHODS["wae_imq"], back, (1, 32, 32), 2, 0.25, 0)


def test_default_weights_are_one_decoder_variance_for_all_likelihood_methods(draw_images):
    # In units of SSE / (2 s_y^2) with s_y^2 = 0.05, the KL weight is 1 for VAE, GMVAE, HGMVAE and 4 for beta-VAE.
    images = draw_images(B)
    scale = {}
    for name in ("vae", "beta_vae", "gmvae", "hgmvae_g", "hgmvae_u"):
        model = build(name)
        output = model({"data": images, "noise": draws(model)})
        per_sse = output.terms["reconstruction"].mean() / losses.squared_error(output.recon_x, images).mean()
        kl_weight = next(v for term, v in output.weights.items() if term in ("kl", "conditional_prior"))
        scale[name] = (kl_weight / (2 * per_sse)).item()
    expected = dict.fromkeys(scale, DECODER_VARIANCE) | {"beta_vae": 4 * DECODER_VARIANCE}
    assert scale == pytest.approx(expected, rel=1e-4)


def test_published_weights_are_those_of_the_sources():
    published = {name: method.settings("published") for name, method in METHODS.items()}
    assert published["vae"]["beta"] == 1.0
    assert published["beta_vae"]["beta"] == 4.0
    assert published["wae_imq"]["reg_weight"] == published["wae_rbf"]["reg_weight"] == 0.03
    assert published["hgmvae_g"]["fisher"] == "ratio"
    assert all(published[name]["decoder_variance"] == 1.0 for name in ("gmvae", "hgmvae_g", "hgmvae_u"))


@pytest.mark.parametrize("name", [*NAMES, *WITH_OWN_MODELS])
def test_the_posterior_of_a_code_is_what_the_objective_draws_from(name, draw_images):
    model = build(name, d=3).eval()
    images, given = draw_images(2), draws(model, 2)
    found = model.code_posterior(model.encoder(images), given)
    assert set(model.posterior_draws()) <= set(given)
    stream = torch.Generator().manual_seed(0)
    copies, codes = 100 if found else 1, []  # of every image in a batch

    def copied(tensor: Tensor) -> Tensor:
        return tensor.repeat(copies, *[1] * (tensor.dim() - 1))

    with torch.no_grad():
        for _ in range(20 if found else 2):
            fresh = draw_noise(model.noise_shapes(2 * copies), torch.device("cpu"), stream)
            kept = {draw: copied(given[draw]) for draw in model.posterior_draws()}
            codes.append(model.objective(copied(images), fresh | kept).z.unflatten(0, (copies, 2)))
    codes = torch.cat(codes)
    if found is None:
        assert torch.equal(codes[0], codes[1])  # the encoder has no noise
        return
    mean, log_var = (moment.detach() for moment in found)
    assert mean.shape == log_var.shape == (2, 3)
    error = 5 * (0.5 * log_var).exp() / len(codes) ** 0.5
    assert ((codes.mean(0) - mean).abs() < error).all()
    assert (codes.var(0) / log_var.exp() - 1).abs().max() < 5 * (2 / len(codes)) ** 0.5
