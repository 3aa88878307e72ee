"""A pack is its seeds trained alone: states, curves, divergence, whoever the companions are."""

import dataclasses
import gc
import weakref

import pytest
import torch
from torch import Tensor
from torch.func import stack_module_state

from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import METHODS, build_model
from benchmark.training import pack
from benchmark.training.loop import train
from benchmark.training.pack import WAYS, default_pack, default_way, train_pack
from benchmark.training.training_settings import PRECISIONS, TrainingSettings
from models.base import ImageAutoencoder

STEPS = 50
SETTINGS = TrainingSettings(epochs=2, batch_size=8, width=0.125)
SEEDS = (3, 0, 11)
CONTROLS_WITH_OWN_CODE = ("hgmvae_g_equal_w", "hgmvae_g_one_component", "vae_larger")


@pytest.fixture
def images(draw_images) -> Tensor:
    return (draw_images(SETTINGS.batch_size * STEPS // SETTINGS.epochs + 3) * 255).byte()


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def build(name: str, seed: int) -> ImageAutoencoder:
    method = ALL_METHODS[name]
    model = build_model(method, method.settings("default"), (1, 32, 32), 4, SETTINGS.width, seed)
    return model.to(torch.get_default_dtype())


def largest_difference(one: ImageAutoencoder, other: ImageAutoencoder) -> float:
    """Of all parameters and buffers, relative to each tensor's largest value."""
    return max(
        ((value - other.state_dict()[name]).abs().max() / value.abs().max().clamp(min=1e-12)).item()
        for name, value in one.state_dict().items()
    )


def compare(name: str, images: Tensor, tolerance: float) -> None:
    models = [build(name, seed) for seed in SEEDS]
    results = train_pack(models, images, SETTINGS, SEEDS, "vmap")
    for model, result, seed in zip(models, results, SEEDS, strict=True):
        alone = build(name, seed)
        expected = train(alone, images, SETTINGS, seed)
        assert (result.steps, result.diverged_at) == (STEPS, None)
        assert result.curves.keys() == expected.curves.keys()
        for term, curve in expected.curves.items():
            assert result.curves[term] == pytest.approx(curve, rel=tolerance, abs=tolerance), term
        assert largest_difference(alone, model) < tolerance
        assert not model.training


@pytest.mark.parametrize("name", [*METHODS, *CONTROLS_WITH_OWN_CODE])
def test_packed_equals_solo_in_float64(name, images, double_precision):
    compare(name, images, 1e-9)


@pytest.mark.parametrize("name", list(METHODS))
def test_packed_equals_solo_in_float32_while_rounding_has_not_grown(name, images):
    # Adam's first steps have the size of the learning rate whatever the gradient: a last bit decides their sign, and
    # from there two float32 runs part for good. The long comparison is float64's.
    few = images[: 4 * SETTINGS.batch_size]
    settings = dataclasses.replace(SETTINGS, epochs=1)
    models = [build(name, seed) for seed in SEEDS]
    results = train_pack(models, few, settings, SEEDS, "vmap")
    for model, result, seed in zip(models, results, SEEDS, strict=True):
        alone = build(name, seed)
        expected = train(alone, few, settings, seed)
        assert result.curves["loss"] == pytest.approx(expected.curves["loss"], rel=1e-3)
        buffers = dict(model.named_buffers())
        for buffer, value in alone.named_buffers():
            assert (value - buffers[buffer]).abs().max() < 1e-3 * value.abs().max(), buffer


def test_a_seeds_result_does_not_depend_on_its_companions(images, double_precision):
    one = [build("hgmvae_g", seed) for seed in (0, 1)]
    other = [build("hgmvae_g", seed) for seed in (5, 0, 7)]
    train_pack(one, images, SETTINGS, (0, 1), "vmap")
    train_pack(other, images, SETTINGS, (5, 0, 7), "vmap")
    assert largest_difference(one[0], other[1]) < 1e-9
    assert largest_difference(one[0], other[0]) > 1e-3


def test_a_diverging_seed_leaves_the_others_alone(images, double_precision):
    models = [build("vae", seed) for seed in SEEDS]
    with torch.no_grad():
        models[1].encoder.heads["log_covariance"].bias.fill_(1e4)  # exp overflows in the first step
    results = train_pack(models, images, SETTINGS, SEEDS, "vmap")
    assert [result.diverged_at for result in results] == [None, 0, None]
    assert results[1].curves["loss"] == [None]
    assert [result.not_finite for result in results] == [(), ("loss", "reconstruction", "kl"), ()]
    alone = build("vae", SEEDS[2])
    train(alone, images, SETTINGS, SEEDS[2])
    assert largest_difference(alone, models[2]) < 1e-9


def test_nothing_of_a_pack_outlives_it(images, monkeypatch):
    kept: list[weakref.ref] = []

    def stacked(models):
        parameters, buffers = stack_module_state(models)
        kept.extend(weakref.ref(parameter) for parameter in parameters.values())
        return parameters, buffers

    monkeypatch.setattr(pack, "stack_module_state", stacked)
    gc.collect()
    gc.disable()  # what only the collector would find is kept through the next pack
    try:
        train_pack([build("vae", seed) for seed in SEEDS], images, SETTINGS, SEEDS, "vmap")
        assert kept and all(parameter() is None for parameter in kept)
    finally:
        gc.enable()


def test_steps_in_turn_are_bitwise_those_of_one_seed_alone(images):
    models = [build("hgmvae_g", seed) for seed in SEEDS]
    results = train_pack(models, images, SETTINGS, SEEDS, "eager")
    for model, result, seed in zip(models, results, SEEDS, strict=True):
        alone = build("hgmvae_g", seed)
        assert train(alone, images, SETTINGS, seed).curves == result.curves
        assert all(torch.equal(value, model.state_dict()[name]) for name, value in alone.state_dict().items())


def test_every_epoch_is_reported_once_and_the_time_is_shared_out(images):
    epochs: list[int] = []
    results = train_pack([build("vae", seed) for seed in SEEDS], images, SETTINGS, SEEDS, "eager", epochs.append)
    assert epochs == [1, 2]
    assert len({result.seconds for result in results}) == 1 and {result.how for result in results} == {"eager"}


def test_captured_steps_need_a_gpu_and_only_a_gpu_gets_them():
    with pytest.raises(ValueError, match="graphs needs a CUDA device, not cpu"):
        train_pack([build("vae", 0)], torch.zeros(8, 1, 32, 32, dtype=torch.uint8), SETTINGS, [0], "graphs")
    assert (default_way("cpu"), default_pack("cpu")) == ("eager", 1)
    assert (default_way("cuda:1"), default_pack("cuda:1")) == ("graphs", None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("name", list(METHODS))
def test_on_a_gpu_every_way_equals_the_solo_run(name, way, images, double_precision):
    models = [build(name, seed).cuda() for seed in SEEDS]
    results = train_pack(models, images.cuda(), SETTINGS, SEEDS, way)
    assert {result.how for result in results} == {"captured" if WAYS[way].captured else "eager"}
    for model, result, seed in zip(models, results, SEEDS, strict=True):
        alone = build(name, seed).cuda()
        expected = train(alone, images.cuda(), SETTINGS, seed)
        assert result.curves["loss"] == pytest.approx(expected.curves["loss"], rel=1e-9)
        assert largest_difference(alone, model) < 1e-9


def test_bfloat16_is_near_float32_and_keeps_its_weights_and_losses_in_float32(images):
    losses = {}
    for precision in PRECISIONS:
        settings = dataclasses.replace(SETTINGS, precision=precision)
        model = build("hgmvae_g", 0)
        [result] = train_pack([model], images, settings, [0], "eager")
        losses[precision] = result.curves["loss"][-1]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert losses["tf32"] == losses["float32"]  # a CPU has no TF32
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.03)
    with pytest.raises(ValueError, match="vmap knows no bfloat16"):
        train_pack([build("vae", 0)], images, dataclasses.replace(SETTINGS, precision="bfloat16"), [0], "vmap")


def test_tf32_is_on_for_a_training_that_asks_for_it_and_off_again_after(images):
    seen = []

    def look(epoch):
        seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))

    before = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    for precision in ("tf32", "float32"):
        settings = dataclasses.replace(SETTINGS, epochs=1, precision=precision)
        train_pack([build("vae", 0)], images, settings, [0], "eager", look)
    assert seen == [(True, True), (False, False)]
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before
