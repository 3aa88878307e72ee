"""A pack is its seeds trained alone: states, curves, divergence, whoever the companions are."""

import dataclasses
import gc
import weakref

import pytest
import torch
from torch import Tensor
from torch.func import stack_module_state

from benchmark.methods import METHODS, build_model
from benchmark.training import pack
from benchmark.training.loop import train
from benchmark.training.pack import train_pack
from benchmark.trials import TrainingSettings
from models.base import ImageAutoencoder

STEPS = 50
SETTINGS = TrainingSettings(epochs=2, batch_size=8, width=0.125)
SEEDS = (3, 0, 11)


@pytest.fixture
def images(draw_images) -> Tensor:
    return (draw_images(SETTINGS.batch_size * STEPS // SETTINGS.epochs + 3) * 255).byte()


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def build(name: str, seed: int) -> ImageAutoencoder:
    method = METHODS[name]
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
    results = train_pack(models, images, SETTINGS, SEEDS)
    for model, result, seed in zip(models, results, SEEDS, strict=True):
        alone = build(name, seed)
        expected = train(alone, images, SETTINGS, seed)
        assert (result.steps, result.diverged_at) == (STEPS, None)
        assert result.curves.keys() == expected.curves.keys()
        for term, curve in expected.curves.items():
            assert result.curves[term] == pytest.approx(curve, rel=tolerance, abs=tolerance), term
        assert largest_difference(alone, model) < tolerance
        assert not model.training


@pytest.mark.parametrize("name", list(METHODS))
def test_packed_equals_solo_in_float64(name, images, double_precision):
    compare(name, images, 1e-9)


@pytest.mark.parametrize("name", list(METHODS))
def test_packed_equals_solo_in_float32_while_rounding_has_not_grown(name, images):
    # Adam's first steps have the size of the learning rate whatever the gradient: a last bit decides their sign, and
    # from there two float32 runs part for good. The long comparison is float64's.
    few = images[: 4 * SETTINGS.batch_size]
    settings = dataclasses.replace(SETTINGS, epochs=1)
    models = [build(name, seed) for seed in SEEDS]
    results = train_pack(models, few, settings, SEEDS)
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
    train_pack(one, images, SETTINGS, (0, 1))
    train_pack(other, images, SETTINGS, (5, 0, 7))
    assert largest_difference(one[0], other[1]) < 1e-9
    assert largest_difference(one[0], other[0]) > 1e-3


def test_a_diverging_seed_leaves_the_others_alone(images, double_precision):
    models = [build("vae", seed) for seed in SEEDS]
    with torch.no_grad():
        models[1].encoder.heads["log_covariance"].bias.fill_(1e4)  # exp overflows in the first step
    results = train_pack(models, images, SETTINGS, SEEDS)
    assert [result.diverged_at for result in results] == [None, 0, None]
    assert results[1].curves["loss"] == [None]
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
    train_pack([build("vae", seed) for seed in SEEDS], images, SETTINGS, SEEDS)
    gc.collect()
    assert kept and all(parameter() is None for parameter in kept)
