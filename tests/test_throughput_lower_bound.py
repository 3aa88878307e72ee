"""The floor: counted operations against the layers' own sizes."""

import pytest
import torch
from torch import nn

from benchmark.methods.registry import METHODS, build_model
from benchmark.throughput.step_lower_bound import device_rate, operations_per_image


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


def test_a_rate_is_that_of_some_processor():
    assert 1e9 < device_rate("cpu") < 1e14
