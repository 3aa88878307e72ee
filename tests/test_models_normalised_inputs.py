"""What images normalised to mean 0 change in training (docs/readings.md): a frame of grey and the scale of the loss."""

import pytest
import torch

from models.base import reconstruction_term
from models.networks import Trunk

MEAN, STD = 0.1307, 0.3081  # of MNIST's pixels


@pytest.fixture
def images():
    return torch.rand(16, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def features(trunk, images, beyond_the_border):
    """The trunk's features, its first convolution seeing this grey beyond the border in the place of 0."""
    first = trunk.convolutions[0]
    framed = torch.nn.functional.pad(images, (1, 1, 1, 1), value=beyond_the_border)
    maps = torch.nn.functional.conv2d(framed, first.weight, stride=first.stride)
    return torch.relu(trunk.fully_connected(trunk.convolutions[1:](maps).flatten(1)))


def test_to_the_encoder_normalised_images_are_images_in_a_frame_of_their_mean(images):
    trunk = Trunk((1, 32, 32), width=0.25)
    with torch.no_grad():
        trunk.convolutions[0].weight.mul_(10)  # the more its maps vary the less BatchNorm's epsilon counts
        plain, normalised = trunk(images), trunk((images - MEAN) / STD)
        assert torch.allclose(features(trunk, images, 0.0), plain, atol=1e-5)
        assert torch.allclose(features(trunk, images, MEAN), normalised, atol=2e-3)
        assert (plain - normalised).abs().max() > 0.02  # the frame is all, but it is not nothing
        unscaled = trunk(images - MEAN)
    assert torch.allclose(unscaled, normalised, atol=2e-3)


@pytest.mark.parametrize("variance", [0.05, 1.0])
def test_to_the_loss_they_are_another_decoder_variance(images, variance):
    guesses = torch.rand(images.shape, generator=torch.Generator().manual_seed(1))
    normalised = [(one - MEAN) / STD for one in (guesses, images)]
    there = reconstruction_term("mse", *normalised, variance)
    here = reconstruction_term("mse", guesses, images, variance * STD**2)
    assert torch.allclose(there, here, rtol=1e-4)
