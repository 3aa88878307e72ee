"""The training loop: its batches, streams and curves, its repeatability, and how it ends when a loss is not finite."""

import math
from itertools import chain

import pytest
import torch
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark.methods.registry import METHODS, build_model
from benchmark.streams import generator
from benchmark.training.loop import to_unit_range, train
from benchmark.training.training_settings import TrainingSettings
from models.base import draw_noise

SMALL = TrainingSettings(epochs=2, batch_size=16, width=0.25)
NOWHERE = torch.device("cpu")


def build(name: str = "hgmvae_g", seed: int = 0, d: int = 4):
    method = METHODS[name]
    return build_model(method, method.settings("default"), (1, 32, 32), d, 0.25, seed)


@pytest.fixture
def images(draw_images) -> Tensor:
    return (draw_images(40) * 255).to(torch.uint8)


class Recorder(nn.Module):
    """Stands in for a model: remembers what it was fed; its loss is (weight - 1)^2, or what `losses` says."""

    def __init__(self, losses: dict[int, float] | None = None, noise_width: int = 1):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.losses, self.noise_width = losses or {}, noise_width
        self.batches, self.noises, self.weights, self.modes = [], [], [], []

    def noise_shapes(self, batch_size: int) -> dict[str, tuple[int, ...]]:
        return {"x": (batch_size, self.noise_width)}

    def forward(self, inputs) -> ModelOutput:
        step = len(self.batches)
        self.batches.append(inputs["data"][:, 0, 0, 0])
        self.noises.append(inputs["noise"]["x"].clone())
        self.weights.append(self.weight.item())
        self.modes.append(self.training)
        loss = (self.weight - 1).square() * 1.0 + self.losses.get(step, 0.0)
        return ModelOutput(loss=loss, terms={"per_image": inputs["data"].sum((1, 2, 3)), "step": loss * 0 + step})


def numbered(n: int) -> Tensor:
    """Images of one pixel, n of them, whose value is their number."""
    return torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1, 1)


def order_of(model: Recorder) -> list[list[int]]:
    return [(batch * 255).round().int().tolist() for batch in model.batches]


# Batches and streams ---------------------------------------------------------------------------------------


def test_pixels_become_floats_between_zero_and_one():
    assert to_unit_range(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([0, 0.2, 1])


def test_every_epoch_is_a_new_permutation_without_the_last_short_batch():
    model = Recorder()
    result = train(model, numbered(22), TrainingSettings(epochs=3, batch_size=5), seed=0)
    batches = order_of(model)
    assert result.steps == len(batches) == 12
    assert all(len(batch) == 5 for batch in batches)
    epochs = [list(chain(*batches[start : start + 4])) for start in (0, 4, 8)]
    assert all(len(set(epoch)) == 20 and set(epoch) <= set(range(22)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_data_order_is_a_function_of_the_seed_alone():
    settings = TrainingSettings(epochs=2, batch_size=4)
    orders = []
    for seed, noise_width, losses in ((0, 1, {}), (0, 7, {1: 5.0}), (1, 1, {})):
        torch.manual_seed(len(orders))  # whatever the global stream holds
        model = Recorder(losses, noise_width)
        train(model, numbered(20), settings, seed)
        orders.append(order_of(model))
    assert orders[0] == orders[1] != orders[2]
    expected = torch.randperm(20, generator=generator("cpu", "data_order", seed=0)).tolist()
    assert list(chain(*orders[0][:5])) == expected


def test_noise_is_the_seeds_own_stream_in_one_piece_and_new_at_every_step():
    model = Recorder(noise_width=3)
    train(model, numbered(20), TrainingSettings(epochs=2, batch_size=5), seed=4)
    stream = generator("cpu", "noise", seed=4)
    expected = [draw_noise({"x": (5, 3)}, NOWHERE, stream)["x"] for _ in range(8)]
    assert all(torch.equal(a, b) for a, b in zip(model.noises, expected, strict=True))
    assert len({noise.sum().item() for noise in model.noises}) == 8


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ({}, lambda parameters: torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.3)),
        (
            {"optimiser": "sgd", "momentum": 0.9},
            lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.3),
        ),
    ],
    ids=["adamw", "sgd"],
)
def test_the_optimiser_is_as_set_at_the_given_rate_and_decay(settings, made):
    model = Recorder()
    rates = {"learning_rate": 0.1, "weight_decay": 0.3}
    train(model, numbered(8), TrainingSettings(epochs=3, batch_size=4, **rates, **settings), seed=0)
    reference = nn.Parameter(torch.zeros(()))
    optimiser = made([reference])
    expected = []
    for _ in range(6):
        expected.append(reference.item())
        optimiser.zero_grad()
        (reference - 1).square().backward()
        optimiser.step()
    assert model.weights == pytest.approx(expected, rel=1e-5)
    assert model.weight.item() == pytest.approx(reference.item(), rel=1e-5)


def test_it_trains_in_train_mode_and_leaves_the_model_in_eval_mode():
    model = Recorder().eval()
    train(model, numbered(8), TrainingSettings(epochs=1, batch_size=4), seed=0)
    assert model.modes == [True, True]
    assert not model.training


# Curves and the end ----------------------------------------------------------------------------------------


def test_curves_hold_each_epochs_mean_over_batches_and_images():
    model, done = Recorder(), []
    settings = TrainingSettings(epochs=3, batch_size=5, learning_rate=0.1)
    result = train(model, numbered(10), settings, seed=0, on_epoch=done.append)
    assert set(result.curves) == {"loss", "per_image", "step"}
    squares = [(weight - 1) ** 2 for weight in model.weights]
    expected = [(squares[i] + squares[i + 1]) / 2 for i in (0, 2, 4)]
    assert result.curves["loss"] == pytest.approx(expected, rel=1e-5)
    assert result.curves["per_image"] == pytest.approx(3 * [4.5 / 255], rel=1e-5)
    assert result.curves["step"] == [0.5, 2.5, 4.5]
    assert done == [1, 2, 3]
    assert result.diverged_at is None
    assert result.seconds > 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [0, 3, 5])
def test_a_loss_that_is_not_finite_ends_the_training_after_its_epoch_and_names_its_step(bad, step):
    # Four steps an epoch: steps 0 and 3 lie in the first, step 5 in the second.
    model, done = Recorder({step: bad, step + 1: bad}), []
    settings = TrainingSettings(epochs=5, batch_size=5)
    result = train(model, numbered(20), settings, seed=0, on_epoch=done.append)
    epochs = step // 4 + 1
    assert (result.diverged_at, result.not_finite) == (step, ("loss", "step"))
    assert result.steps == 4 * epochs
    assert done == list(range(1, epochs + 1))
    assert result.curves["loss"][-1] is None
    assert all(value is not None for value in result.curves["loss"][:-1])
    assert result.curves["per_image"] == pytest.approx(epochs * [9.5 / 255], rel=1e-5)  # finite terms stay


def test_a_loss_beyond_float_range_is_divergence():
    result = train(Recorder({1: 1e39}), numbered(20), TrainingSettings(epochs=1, batch_size=5), seed=0)
    assert result.diverged_at == 1


def test_an_update_that_leaves_parameters_that_are_not_finite_is_divergence():
    settings = TrainingSettings(epochs=1, batch_size=8, learning_rate=1e39)
    result = train(Recorder(), numbered(8), settings, seed=0)
    assert (result.diverged_at, result.not_finite) == (0, ("parameters",)) and result.curves["loss"] == [1.0]


def test_a_large_finite_loss_is_not():
    result = train(Recorder({1: 1e37}), numbered(20), TrainingSettings(epochs=1, batch_size=5), seed=0)
    assert result.diverged_at is None
    assert result.curves["loss"][0] == pytest.approx(1e37 / 4, rel=1e-5)


# On a GPU each of these waits: a value goes to the host, or the size of a result depends on values.
READS = {
    "_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "_unique2", "unique_dim",
    "unique_consecutive", "repeat_interleave", "_linalg_check_errors",
}  # fmt: skip
CHECKABLE = {"linalg_cholesky_ex", "linalg_inv_ex"}  # read their `info` only when told to check it


class CountReads(TorchDispatchMode):
    """Counts the operations by which a number comes from the device to the host, and Tensor.cpu, numpy, tolist."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.reads = 0
        for name in ("cpu", "numpy", "tolist"):
            monkeypatch.setattr(torch.Tensor, name, self._counted(getattr(torch.Tensor, name)))

    def _counted(self, method):
        def counted(*arguments):
            self.reads += 1
            return method(*arguments)

        return counted

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, kwargs = func.overloadpacket.__name__, kwargs or {}
        self.reads += name in READS or (name in CHECKABLE and kwargs.get("check_errors", False))
        if name == "index":  # a mask's result has as many rows as it has true values
            self.reads += any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        return func(*args, **kwargs)


@pytest.mark.parametrize("name", list(METHODS))
def test_no_number_is_read_from_the_device_inside_an_epoch(name, images, monkeypatch):
    def reads(steps: int) -> int:
        with monkeypatch.context() as patched, CountReads(patched) as count:
            train(build(name), images[: 8 * steps], TrainingSettings(epochs=1, batch_size=8), seed=0)
        return count.reads

    assert reads(5) == reads(2) > 0


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).all()),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: x.numpy(),
        lambda x: x[x > 0],
        lambda x: x.unique(),
        lambda x: torch.linalg.cholesky(x),
        lambda x: torch.linalg.inv(x),
    ],
)
def test_the_count_of_reads_notices_every_kind_of_read(read, monkeypatch):
    with CountReads(monkeypatch) as count:
        read(torch.eye(3))
    assert count.reads >= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", list(METHODS))
def test_on_a_gpu_no_step_synchronises(name, images):
    model, on_gpu = build(name).cuda(), images.cuda()
    noise = draw_noise(model.noise_shapes(8), on_gpu.device)
    try:
        torch.cuda.set_sync_debug_mode("error")
        model({"data": to_unit_range(on_gpu[:8]), "noise": noise}).loss.backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


# Whole models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vae", "gmvae", "swae", "wae_imq", "hgmvae_g", "hgmvae_u"])
def test_two_trainings_of_one_seed_are_bitwise_equal(name, images):
    models, results = [], []
    for _ in range(2):
        torch.rand(3)  # moves the global stream, which must not matter
        models.append(build(name))
        results.append(train(models[-1], images, SMALL, seed=0))
    assert results[0].curves == results[1].curves
    states = [model.state_dict() for model in models]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    other = build(name)
    assert train(other, images, SMALL, seed=1).curves != results[0].curves


@pytest.mark.parametrize("name", list(METHODS))
def test_every_methods_loss_falls_and_every_term_has_its_curve(name, images):
    settings = TrainingSettings(epochs=6, batch_size=8, width=0.25)
    result = train(build(name), images, settings, seed=0)
    assert result.diverged_at is None
    assert result.steps == 30
    assert all(len(curve) == 6 and None not in curve for curve in result.curves.values())
    assert result.curves["loss"][-1] < result.curves["loss"][0]
    assert result.curves["reconstruction"][-1] < 0.8 * result.curves["reconstruction"][0]


def test_every_parameter_moves(images):
    model = build()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    train(model, images, SMALL, seed=0)
    for name, parameter in model.named_parameters():
        assert not torch.equal(before[name], parameter), name
