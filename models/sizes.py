"""Layer sizes and parameter counts of the networks that all methods share; imports no torch."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

CHANNELS = (32, 64, 64, 128, 128)
# Strides by image side: in both cases five convolutions end at 4 x 4.
STRIDES = {32: (2, 2, 1, 2, 1), 64: (2, 2, 2, 2, 1)}
FEATURES = 256
SIDE_OF_MAPS = 4
_KERNEL = 3 * 3


class TwoLayers(NamedTuple):
    """The sizes of a fully connected network between latent variables, with one hidden layer."""

    inputs: int
    outputs: int
    hidden: int


def channels_at(width: float) -> tuple[int, ...]:
    """Return the channels of the trunk's five convolutions for a width factor, at least 1 each."""
    return tuple(max(1, round(width * channels)) for channels in CHANNELS)


def parameter_count(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: float,
    heads: Mapping[str, int],
    own: Iterable[TwoLayers] = (),
) -> int:
    """Count the trainable parameters of a method.

    Args:
        image_shape: Channels, height and width of the images.
        latent_dim: Dimension of the decoder's input.
        width: Factor on the channels of trunk and decoder.
        heads: Name -> output size of each head.
        own: The method's further networks, besides trunk, heads and decoder.
    """
    colours, *_ = image_shape
    channels = channels_at(width)
    maps = channels[-1] * SIDE_OF_MAPS**2
    pairs = list(zip((colours, *channels), channels, strict=False))
    convolutions = sum(_KERNEL * one * other for one, other in pairs)  # the decoder has the same in reverse order
    normalised = 2 * sum(channels)
    trunk = convolutions + normalised + _linear(maps, FEATURES)
    # The decoder's last convolution has a bias instead of a BatchNorm.
    decoder = _linear(latent_dim, FEATURES) + _linear(FEATURES, maps) + convolutions + 2 * sum(channels[:-1]) + colours
    return (
        trunk
        + decoder
        + sum(_linear(FEATURES, size) for size in heads.values())
        + sum(_linear(one.inputs, one.hidden) + _linear(one.hidden, one.outputs) for one in own)
    )


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs
