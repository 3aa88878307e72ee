"""bfloat16 is the networks' alone: what they give, and with it every loss and term, is float32."""

import copy

import pytest
import torch
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmark.methods.control_methods import ALL_METHODS, CONTROLS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.registry import METHODS, WEIGHT_SETS, build_model
from benchmark.training.loop import train
from benchmark.training.precision import forward_in
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder, draw_noise

B, D = 16, 4
CPU = torch.device("cpu")
OF_METHODS = [(name, weights) for name in METHODS for weights in WEIGHT_SETS]
CASES = [*OF_METHODS, *((name, "default") for name in CONTROLS | FURTHER_METHODS)]


def build(name: str, weights: str = "default") -> ImageAutoencoder:
    method = ALL_METHODS[name]
    return build_model(method, method.settings(weights), (1, 32, 32), D, 0.125, seed=0)


def draws(model: ImageAutoencoder, device: torch.device = CPU) -> dict[str, Tensor]:
    stream = torch.Generator().manual_seed(1) if device == CPU else None
    return draw_noise(model.noise_shapes(B), device, stream)


def forward(model: ImageAutoencoder, images: Tensor, noise: dict[str, Tensor], precision: str) -> ModelOutput:
    with forward_in(precision, model, images.device):
        return model({"data": images, "noise": noise})


@pytest.mark.parametrize(("name", "weights"), CASES)
def test_cudas_autocast_refuses_no_loss_and_every_term_is_float32(name, weights, monkeypatch):
    # Shapes and types alone, as on a GPU: the CPU's autocast allows what CUDA's refuses.
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    seen = []
    with FakeTensorMode(), torch.device("cuda"):
        model, images = build(name, weights), torch.rand(B, 1, 32, 32)
        model.decoder.convolutions.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
        output = forward(model, images, draws(model, images.device), "bfloat16")
    assert output.loss.device.type == "cuda" and seen == [torch.bfloat16]
    found = {"loss": output.loss, "recon_x": output.recon_x, "z": output.z, **output.terms}
    assert {name: value.dtype for name, value in found.items()} == dict.fromkeys(found, torch.float32)


def replayed(model: ImageAutoencoder, given: dict[str, object]) -> ImageAutoencoder:
    """The model in float64, whose networks give what was `given`, whatever they are asked."""
    replay = copy.deepcopy(model).double()
    for name, network in replay.named_children():
        network.forward = lambda *_, name=name: given[name]
    return replay


def in_float64(outputs: Tensor | ModelOutput) -> Tensor | ModelOutput:
    if isinstance(outputs, Tensor):
        return outputs.detach().double()
    return ModelOutput({name: output.detach().double() for name, output in outputs.items()})


@pytest.mark.parametrize(("name", "weights"), CASES)
def test_every_term_is_that_of_float64_given_what_the_networks_gave(name, weights, draw_images):
    model, given = build(name, weights), {}
    for child, network in model.named_children():
        network.register_forward_hook(lambda _, inputs, output, child=child: given.update({child: in_float64(output)}))
    images, noise = draw_images(B), draws(model)
    output = forward(model, images, noise, "bfloat16")
    assert given.keys() == dict(model.named_children()).keys()
    in_double = {"data": images.double(), "noise": {name: draw.double() for name, draw in noise.items()}}
    exact = replayed(model, given)(in_double)
    assert output.terms.keys() == exact.terms.keys()
    # Pieces of a KL are differences of log densities that are sums of 40 numbers, whose order is the processor's.
    for term, value in output.terms.items():
        torch.testing.assert_close(value.double(), exact.terms[term], rtol=2e-6, atol=5e-5, msg=term)
    torch.testing.assert_close(output.loss.double(), exact.loss, rtol=2e-6, atol=5e-5)


@pytest.mark.parametrize("name", list(METHODS))
def test_every_network_is_in_bfloat16_and_its_gradients_reach_float32_weights(name, draw_images):
    model = build(name)
    given = {child: set() for child, _ in model.named_children()}
    for child, network in model.named_children():
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(lambda _, inputs, out, child=child: given[child].add(out.dtype))
    forward(model, draw_images(B), draws(model), "bfloat16").loss.backward()
    # The layer that makes the images adds its products in float32.
    assert given.pop("decoder") == {torch.bfloat16, torch.float32}
    assert all(types == {torch.bfloat16} for types in given.values())
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_a_pixel_near_white_stays_apart_from_white():
    # bfloat16 has no number between 0.996 and 1, where cross-entropy takes the logarithm of the distance to 1.
    decoder = build("vae").decoder
    with torch.no_grad():
        decoder.convolutions[-1].weight.zero_()
        decoder.convolutions[-1].bias.fill_(8.0)
    with torch.autocast("cpu", torch.bfloat16):
        images = decoder(torch.zeros(2, D))["reconstruction"]
    torch.testing.assert_close(images, torch.full((2, 1, 32, 32), 8.0).sigmoid())


@pytest.mark.parametrize("fails", [False, True])
def test_outside_of_the_block_a_network_is_as_it_was(fails, draw_images):
    model = build("hgmvae_g").eval()
    images = draw_images(B)
    before = model.reconstruct(images)
    try:
        with forward_in("bfloat16", model, CPU):
            assert not torch.equal(model.reconstruct(images), before)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert torch.equal(model.reconstruct(images), before)
    assert not any("forward" in vars(module) for module in model.modules())


def test_what_is_evaluated_after_a_training_in_bfloat16_is_float32(draw_images):
    model, images = build("gmvae"), draw_images(B)
    settings = TrainingSettings(epochs=1, batch_size=B, width=0.125, precision="bfloat16")
    train(model, (images * 255).byte(), settings, seed=0)
    again = build("gmvae").eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(model.embed(images), again.embed(images))
    assert not torch.equal(model.embed(images), model.embed(images).bfloat16().float())


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_every_other_precision_leaves_the_forward_pass_alone(precision, draw_images):
    model, images = build("hgmvae_g"), draw_images(B)
    noise = draws(model)
    plain, output = model({"data": images, "noise": noise}), forward(model, images, noise, precision)
    assert torch.equal(plain.loss, output.loss) and torch.equal(plain.recon_x, output.recon_x)
    assert all(torch.equal(value, output.terms[term]) for term, value in plain.terms.items())


class Own(nn.Module):
    """A method of someone's own: networks in containers, one that gives a tuple, and a loss that is a module."""

    def __init__(self):
        super().__init__()
        self.networks = nn.ModuleDict({"first": nn.Linear(3, 3), "rest": nn.ModuleList([nn.GRU(3, 3)])})
        self.loss = nn.BCELoss()

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        sequence, state = self.networks["rest"][0](self.networks["first"](inputs))
        return sequence, self.loss(state.sigmoid(), torch.zeros_like(state))


def test_a_method_of_ones_own_has_its_networks_wherever_they_are_and_no_loss_in_bfloat16():
    model, within = Own(), {}
    for name in ("networks.first", "networks.rest.0", "loss"):
        model.get_submodule(name).register_forward_pre_hook(
            lambda module, inputs, name=name: within.update({name: inputs[0].dtype})
        )
    lowered = []
    model.networks["first"].register_forward_hook(lambda module, inputs, output: lowered.append(output))
    with forward_in("bfloat16", model, CPU):
        sequence, loss = model(torch.randn(5, 2, 3))
    assert sequence.dtype == loss.dtype == torch.float32
    assert within == dict.fromkeys(within, torch.float32) and len(within) == 3
    [output] = lowered
    assert torch.equal(output, output.bfloat16().float())
