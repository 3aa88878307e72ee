"""The measuring of speed: counted operations against the layers' own sizes, and a measurement end to end."""

import pytest
import torch
from tiny_study import TINY, tiny_grid
from torch import nn

from benchmark.cli import main
from benchmark.execution import speed
from benchmark.execution.speed import device_rate, measure, operations_per_image
from benchmark.methods import METHODS, build_model


def forward_operations(model: nn.Module, images: torch.Tensor) -> list[int]:
    """Of each convolution and linear layer in the order of calls, from shapes alone."""
    counts: list[int] = []

    def count(layer, inputs, output):
        if isinstance(layer, nn.Linear):
            counts.append(2 * output.shape[0] * layer.in_features * layer.out_features)
        else:  # every value of the larger map meets every weight of its window
            maps = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
            counts.append(2 * maps[0, 0].numel() * len(maps) * layer.weight.numel())

    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    model({"data": images})
    for hook in hooks:
        hook.remove()
    return counts


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 64)])
def test_operations_are_those_of_the_layers_three_times_but_for_the_images_gradient(shape):
    method = METHODS["vae"]
    model = build_model(method, method.settings("default"), shape, 8, 0.5, seed=0)
    forward = forward_operations(model, torch.zeros(4, *shape))
    assert len(forward) == 5 + 1 + 2 + 2 + 5
    expected = (3 * sum(forward) - forward[0]) / 4
    assert operations_per_image(model, shape, 4) == pytest.approx(expected, rel=1e-3)


def test_a_rate_is_positive_and_a_measurement_consistent(tmp_path):
    trial = tiny_grid(tmp_path).trials()[0]
    rate = device_rate("cpu")
    assert rate > 1e9
    found = measure(trial, "cpu", rate, pack_size=2, steps=2, rounds=2)
    assert (found.method, found.batch_size, found.width) == ("gmvae", TINY.training.batch_size, TINY.training.width)
    assert 0 < found.floor_share < 1
    expected = found.operations_per_image * found.batch_size / rate / found.step_seconds
    assert found.floor_share == pytest.approx(expected)


def test_ratios_are_medians_of_paired_turns_and_seconds_are_per_step_and_seed(tmp_path, monkeypatch):
    turns = [(9, 9, 9), (1, 2, 12), (2, 6, 12), (3, 3, 60)]  # the first warms up
    clock = iter([seconds for turn in turns for seconds in turn])
    monkeypatch.setattr(speed, "_timed", lambda *_: next(clock))
    found = measure(tiny_grid(tmp_path).trials()[0], "cpu", rate=1e9, pack_size=2, steps=2, rounds=3)
    assert (found.step_seconds, found.pythae_step_seconds, found.packed_step_seconds) == (1.0, 1.5, 3.0)
    assert (found.pythae_ratio, found.packed_ratio) == (2.0, 6.0)


def test_the_command_prints_a_line_for_every_kind_of_trial(capfd):
    threads = torch.get_num_threads()
    only = "method=swae,dataset=mnist,latent_dim=8"
    assert main(["speed", "--study", "smoke", "--only", only, "--pack", "2", "--threads", "1"]) == 0
    torch.set_num_threads(threads)
    lines = [line for line in capfd.readouterr().out.splitlines() if "ms a step" in line]
    assert len(lines) == 1 and lines[0].startswith("swae") and "pythae" in lines[0] and "2 seeds packed" in lines[0]
