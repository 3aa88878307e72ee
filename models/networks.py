"""The encoder trunk and the decoder that all methods share.

The paper fixes five 3x3 convolutions, two fully connected layers and no pooling (Section 3); channels,
strides, BatchNorm and ReLU are choices of this suite. A head is the second fully connected layer.
"""

from collections.abc import Mapping

import torch
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.convolutions import Convolution, TransposedConvolution
from models.sizes import CHANNELS, FEATURES, SIDE_OF_MAPS, STRIDES, TwoLayers, channels_at


class Trunk(nn.Module):
    """The encoder layers that all heads share, from images to features.

    Args:
        image_shape: (C, S, S), S 32 or 64.
        width: Factor on the number of channels.
    """

    def __init__(self, image_shape: tuple[int, int, int], width: float = 1.0):
        super().__init__()
        previous, side, _ = image_shape
        layers: list[nn.Module] = []
        for channels, stride in zip(channels_at(width), STRIDES[side], strict=True):
            # No bias: BatchNorm removes it, and Adam would amplify its rounding noise.
            layers += [
                Convolution(previous, channels, stride),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            previous = channels
        self.convolutions = nn.Sequential(*layers)
        self.fully_connected = nn.Linear(previous * SIDE_OF_MAPS**2, FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the features (B, 256) of images (B, C, S, S) in [0, 1]."""
        maps = self.convolutions(images)  # (B, 128 * width, 4, 4)
        if maps.requires_grad and maps.is_contiguous(memory_format=torch.channels_last):
            # Otherwise the gradient is channels-first, and the earlier layers mix both layouts, which is slow.
            maps.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))
        return torch.relu(self.fully_connected(maps.flatten(1)))


class DeeperTrunk(Trunk):
    """The trunk followed by a residual block; all other weights are initialised as without it.

    Used by the control that gives a VAE the size of HGMVAE; the block adds 513 hidden + 256 parameters.

    Args:
        image_shape: (C, S, S), S 32 or 64.
        width: Factor on the number of channels.
        hidden: Hidden units of the residual block.
    """

    def __init__(self, image_shape: tuple[int, int, int], width: float = 1.0, *, hidden: int):
        super().__init__(image_shape, width)
        self.residual = two_layers(TwoLayers(FEATURES, FEATURES, hidden))

    def forward(self, images: Tensor) -> Tensor:
        """Compute the features (B, 256) of images (B, C, S, S) in [0, 1]."""
        features = super().forward(images)
        residual: Tensor = self.residual(features)
        return features + residual


class Encoder(BaseEncoder):  # type: ignore[misc]  # pythae has no types
    """The trunk and a method's heads, each head a linear layer.

    Args:
        trunk: The layers that all heads share.
        heads: Name -> output size.
    """

    def __init__(self, trunk: Trunk, heads: Mapping[str, int]):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURES, size) for name, size in heads.items()})

    def forward(self, images: Tensor) -> ModelOutput:
        """Compute one field (B, size) per head, named after it, from images (B, C, S, S) in [0, 1]."""
        features = self.trunk(images)
        return ModelOutput(**{name: head(features) for name, head in self.heads.items()})


class Decoder(BaseDecoder):  # type: ignore[misc]  # pythae has no types
    """The mirrored trunk, which maps codes to images.

    Args:
        image_shape: (C, S, S), S 32 or 64.
        latent_dim: The size d of a code.
        width: Factor on the number of channels.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int, width: float = 1.0):
        super().__init__()
        out_channels, side, _ = image_shape
        channels = (out_channels, *channels_at(width))
        self.maps_shape = (channels[-1], SIDE_OF_MAPS, SIDE_OF_MAPS)
        self.fully_connected = nn.Sequential(
            nn.Linear(latent_dim, FEATURES),
            nn.ReLU(),
            nn.Linear(FEATURES, channels[-1] * SIDE_OF_MAPS**2),
            nn.ReLU(),
        )
        layers: list[nn.Module] = []
        for layer in reversed(range(len(CHANNELS))):
            last = layer == 0
            maps = channels[layer + 1], channels[layer]
            keeps = STRIDES[side][layer] == 1  # which the last does not
            convolution = Convolution(*maps) if keeps else TransposedConvolution(*maps, bias=last)
            layers += [convolution] if last else [convolution, nn.BatchNorm2d(channels[layer]), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> ModelOutput:
        """Decode codes (B, d) to images (B, C, S, S) in (0, 1), in the field `reconstruction`."""
        maps = self.fully_connected(latents).unflatten(1, self.maps_shape)
        # Sigmoid in the latents' dtype, even if the convolutions are in bfloat16, which would round 0.999 to 1.
        return ModelOutput(reconstruction=torch.sigmoid(self.convolutions(maps).to(latents.dtype)))


def two_layers(sizes: TwoLayers, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Build a fully connected network with one hidden layer, used between latent variables."""
    return nn.Sequential(nn.Linear(sizes.inputs, sizes.hidden), activation(), nn.Linear(sizes.hidden, sizes.outputs))
