"""A pack is its seeds trained alone: states, curves, divergence, whoever the companions are."""

import dataclasses
import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.registry import METHODS, build_model
from benchmark.training import loop, pack
from benchmark.training.loop import Training, train
from benchmark.training.pack import WAYS, default_pack, default_way, train_pack
from benchmark.training.training_settings import PRECISIONS, TrainingSettings
from models.base import ImageAutoencoder

STEPS = 50
SETTINGS = TrainingSettings(epochs=2, batch_size=8, width=0.125)
SEEDS = (3, 0, 11)
CONTROLS_WITH_OWN_CODE = (
    "hgmvae_g_equal_w",
    "hgmvae_g_one_component",
    "vae_larger",
    "hgmvae_g_literal",
    "hgmvae_g_real_w",
)


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


@pytest.mark.parametrize("name", [*METHODS, *CONTROLS_WITH_OWN_CODE, *FURTHER_METHODS])
def test_a_packs_seeds_are_bitwise_those_trained_alone(name, images):
    few = images[: 6 * SETTINGS.batch_size]
    models = [build(name, seed) for seed in SEEDS]
    results = train_pack(models, few, SETTINGS, SEEDS, "eager")
    for model, result, seed in zip(models, results, SEEDS, strict=True):
        alone = build(name, seed)
        expected = train(alone, few, SETTINGS, seed)
        assert (result.steps, result.diverged_at, result.curves) == (12, None, expected.curves)
        assert all(torch.equal(value, model.state_dict()[name]) for name, value in alone.state_dict().items())
        assert not model.training


def test_a_seeds_result_does_not_depend_on_its_companions(images):
    one = [build("hgmvae_g", seed) for seed in (0, 1)]
    other = [build("hgmvae_g", seed) for seed in (5, 0, 7)]
    train_pack(one, images, SETTINGS, (0, 1), "eager")
    train_pack(other, images, SETTINGS, (5, 0, 7), "eager")
    assert largest_difference(one[0], other[1]) == 0
    assert largest_difference(one[0], other[0]) > 1e-3


def test_a_diverging_seed_leaves_the_others_alone(images):
    models = [build("vae", seed) for seed in SEEDS]
    with torch.no_grad():
        models[1].encoder.heads["log_covariance"].bias.fill_(1e4)  # exp overflows in the first step
    results = train_pack(models, images, SETTINGS, SEEDS, "eager")
    assert [result.diverged_at for result in results] == [None, 0, None]
    assert results[1].curves["loss"] == [None]
    assert [result.not_finite for result in results] == [(), ("loss", "reconstruction", "kl"), ()]
    alone = build("vae", SEEDS[2])
    train(alone, images, SETTINGS, SEEDS[2])
    assert largest_difference(alone, models[2]) == 0


def test_nothing_of_a_pack_outlives_it(images, monkeypatch):
    kept: list[weakref.ref[Training]] = []

    class Kept(Training):
        def __init__(self, *arguments: Any):
            super().__init__(*arguments)
            kept.append(weakref.ref(self))

    monkeypatch.setattr(pack, "Training", Kept)
    gc.collect()
    gc.disable()  # what only the collector would find is kept through the next pack
    try:
        train_pack([build("vae", seed) for seed in SEEDS], images, SETTINGS, SEEDS, "eager")
        assert len(kept) == len(SEEDS) and all(training() is None for training in kept)
    finally:
        gc.enable()


def test_every_epoch_is_reported_once_and_the_time_is_shared_out(images, monkeypatch):
    epochs: list[int] = []
    clock = iter([10.0, 19.0])  # when the pack begins, and when it ends
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(clock))
    results = train_pack([build("vae", seed) for seed in SEEDS], images, SETTINGS, SEEDS, "eager", epochs.append)
    assert epochs == [1, 2]
    assert [(result.seconds, result.how) for result in results] == [(3.0, "eager")] * 3


def test_captured_steps_need_a_gpu_and_only_a_gpu_gets_them():
    with pytest.raises(ValueError, match="graphs needs a CUDA device, not cpu"):
        train_pack([build("vae", 0)], torch.zeros(8, 1, 32, 32, dtype=torch.uint8), SETTINGS, [0], "graphs")
    assert (default_way("cpu"), default_pack("cpu")) == ("eager", 1)
    assert (default_way("cuda:1"), default_pack("cuda:1")) == ("graphs", None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", list(METHODS))
def test_on_a_gpu_every_way_equals_the_solo_run(name, way, images, double_precision):
    models = [build(name, seed).cuda() for seed in SEEDS]
    results = train_pack(models, images.cuda(), SETTINGS, SEEDS, way)
    assert {result.how for result in results} == {"captured" if way == "graphs" else "eager"}
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
