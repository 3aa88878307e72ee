"""The shared networks' convolutions: torch's own, and in bfloat16 on a CPU within its rounding of float64's."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchmark.training.memory_layout import laid_out
from models import convolutions
from models.convolutions import Convolution, TransposedConvolution
from models.networks import Decoder, Trunk

BATCH = 8
SMALL = ("to small", "from small", "to equal")  # maps whose kernels' gradient is a product
# Name -> the layer, the channels and the side of its input; the last one has no product of its own.
LAYERS = {
    "to small maps": (Convolution, 16, 24, 2, 8),
    "from small maps": (TransposedConvolution, 24, 16, None, 4),
    "to one channel": (TransposedConvolution, 16, 1, None, 16),
    "to equal maps": (Convolution, 16, 24, 1, 4),
    "to large maps": (Convolution, 16, 24, 2, 16),
}


@pytest.fixture(autouse=True)
def with_amx(monkeypatch):
    """What is done on a processor with AMX; its results are those of any."""
    monkeypatch.setattr(convolutions, "_amx", lambda: True)


def layer_and_maps(name, layout, bias=False):
    """A layer, with a bias where it is asked for and the layer may have one, and maps for it."""
    kind, channels, out_channels, stride, side = LAYERS[name]
    torch.manual_seed(0)
    how = {"bias": bias} if stride is None else {"stride": stride}
    layer = kind(channels, out_channels, **how)
    maps = torch.randn(BATCH, channels, side, side).to(memory_format=layout)
    return layer.to(memory_format=layout), maps


def passed(layer, maps, weights, dtype=None):
    """Output, and gradients of maps and parameters, of sum(weights * output)."""
    maps = maps.detach().requires_grad_()
    layer.zero_grad()
    with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
        output = layer(maps)
    (output.float() * weights).sum().backward()
    return [output.detach(), maps.grad, *(parameter.grad for parameter in layer.parameters())]


def exact(layer, maps, weights):
    """The same in float64, on maps and weights as bfloat16 has them, by torch's convolutions."""
    maps = maps.bfloat16().double().requires_grad_()
    weight = layer.weight.detach().bfloat16().double().requires_grad_()
    transposed = isinstance(layer, nn.ConvTranspose2d)
    convolve = F.conv_transpose2d if transposed else F.conv2d
    output = convolve(maps, weight, None, layer.stride, 1, **({"output_padding": 1} if transposed else {}))
    (output * weights.bfloat16().double()).sum().backward()
    return [output.detach(), maps.grad, weight.grad]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", LAYERS)
def test_in_bfloat16_outputs_and_gradients_are_those_of_float64_up_to_rounding(name, layout):
    layer, maps = layer_and_maps(name, layout)
    weights = torch.randn_like(layer(maps))
    for found, expected in zip(passed(layer, maps, weights, torch.bfloat16), exact(layer, maps, weights), strict=True):
        error = (found.double() - expected).norm() / expected.norm()
        assert error < 2**-8  # half a unit in the last of bfloat16's 8 bits, per element


@pytest.mark.parametrize("name", LAYERS)
def test_products_replace_torchs_kernels_in_bfloat16_alone(name, monkeypatch):
    used = []
    lowered_by = convolutions._lowered_by
    monkeypatch.setattr(
        convolutions, "_lowered_by", lambda of, *args, **how: used.append(of) or lowered_by(of, *args, **how)
    )
    layer, maps = layer_and_maps(name, torch.channels_last)
    ours = {"to one channel": ["_ToOneChannel"]} | {f"{to} maps": ["_SmallMaps"] for to in SMALL}
    passed(layer, maps, torch.ones_like(layer(maps)))
    assert used == []
    passed(layer, maps, torch.ones_like(layer(maps)), torch.bfloat16)
    assert [one.__name__ for one in used] == ours.get(name, [])


def test_without_amx_a_convolution_of_stride_1_is_torchs_own_in_bfloat16(monkeypatch):
    monkeypatch.setattr(convolutions, "_amx", lambda: False)
    monkeypatch.setattr(convolutions, "_lowered_by", lambda *_: pytest.fail("a product"))
    layer, maps = layer_and_maps("to equal maps", torch.channels_last)
    passed(layer, maps, torch.ones_like(layer(maps)), torch.bfloat16)


@pytest.mark.parametrize("name", LAYERS)
def test_in_float32_they_are_torchs_own(name):
    layer, maps = layer_and_maps(name, torch.channels_last, bias=True)
    transposed = isinstance(layer, nn.ConvTranspose2d)
    size = (layer.in_channels, layer.out_channels, 3, layer.stride, 1)
    own = nn.ConvTranspose2d(*size, output_padding=1) if transposed else nn.Conv2d(*size, bias=False)
    own.load_state_dict(layer.state_dict())
    own = own.to(memory_format=torch.channels_last)
    weights = torch.randn_like(layer(maps))
    for ours, theirs in zip(passed(layer, maps, weights), passed(own, maps, weights), strict=True):
        assert torch.equal(ours, theirs)


def test_the_bias_of_the_last_layer_is_added_once():
    layer, maps = layer_and_maps("to one channel", torch.channels_last, bias=True)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        with_bias = layer(maps)
        layer.bias, bias = None, layer.bias
        torch.testing.assert_close(with_bias, layer(maps) + bias[:, None, None])


def test_the_networks_keep_the_names_of_their_parameters():
    names = {f"convolutions.{3 * i}.weight" for i in range(5)}
    assert {
        name for name in Trunk((1, 32, 32)).state_dict() if name.startswith("convolutions") and "weight" in name
    } >= names
    assert names | {"convolutions.12.bias"} <= set(Decoder((3, 64, 64), 4).state_dict())


# Layout ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_shape", [(1, 32, 32), (3, 64, 64)])
def test_the_layout_changes_no_value_and_on_a_cpu_channels_lie_last(image_shape):
    torch.manual_seed(0)
    trunk = Trunk(image_shape, 0.25).double()
    images = torch.rand(4, *image_shape, dtype=torch.float64)
    features = trunk(images)
    gradients = torch.autograd.grad(features.sum(), list(trunk.parameters()))
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    seen = []
    assert laid_out(trunk, "cpu") is trunk
    trunk.convolutions.register_forward_hook(lambda _, inputs, output: seen.append(output))
    for name, value in trunk.state_dict().items():
        if "running" not in name and "tracked" not in name:
            assert torch.equal(value, before[name])
    torch.testing.assert_close(trunk(images), features, rtol=1e-10, atol=1e-10)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert not seen[0].is_contiguous()
    again = torch.autograd.grad(trunk(images).sum(), list(trunk.parameters()))
    torch.testing.assert_close(again, gradients, rtol=1e-8, atol=1e-8)
