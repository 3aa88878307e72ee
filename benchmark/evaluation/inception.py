"""FID's Inception rearranged for speed: torch-fidelity's network up to its 2,048 pooled features, equal up to rounding.

Differences from the library's module, all of them exact in real arithmetic:

- A batch norm with fixed statistics is linear, and is folded into the preceding convolution.
- Averaging a channel over 3 x 3 pixels commutes with a 1 x 1 convolution and its bias. The library averages a block's
  192 to 1,280 input channels and then convolves them to 32 to 192; here the fewer output channels are averaged.
- The resize to 299 pixels is a matrix product for the rows and one for the columns.
- Images are in the channels-last memory format, which is faster for convolutions on a CPU.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_Theirs = Any  # a torch-fidelity module, whose classes have no types


class FastInception(nn.Module):
    """The features of torch-fidelity's Inception after one of two bilinear resizes to 299 pixels.

    Attributes:
        side: Side in pixels to which images are resized.
        antialias: Resize as PyTorch does with antialiasing, the default of torchmetrics' FrechetInceptionDistance,
            rather than as TensorFlow 1 did. Nothing is rounded after either.
        trunk: The network that follows the resize; its input is in [-1, 1].
    """

    def __init__(self, inception: nn.Module, antialias: bool = False) -> None:
        """Copy a network's weights into the faster arrangement.

        Args:
            inception: torch-fidelity's network, in float32 on the CPU; it is not changed.
            antialias: See the class.
        """
        super().__init__()
        side = inception.INPUT_IMAGE_SIZE
        assert isinstance(side, int)  # torch types every attribute of a module as a tensor or module
        self.side = side
        self.antialias = antialias
        # In order of application.
        self.trunk = nn.Sequential(
            OrderedDict((name, _ARRANGED[type(module).__name__](module)) for name, module in inception.named_children())
        )
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Map images, uint8 (B, 3, H, W), to features, float32 (B, 2048)."""
        rows, columns = (resize_matrix(side, self.side, self.antialias).to(images.device) for side in images.shape[2:])
        resized = rows @ ((images.float() - 128) / 128) @ columns.T
        features: Tensor = self.trunk(resized.contiguous(memory_format=torch.channels_last))
        return features


def resize_matrix(side: int, new_side: int, antialias: bool) -> Tensor:
    """Return the matrix (new_side, side) of a bilinear resize in one direction, with or without antialiasing.

    Without antialiasing, pixel i is sampled at i * side / new_side as in TensorFlow 1, without a half-pixel offset.
    """
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    identity = torch.eye(side)[None, None]
    size = (new_side, side)
    if antialias:
        resized = nn.functional.interpolate(identity, size, mode="bilinear", align_corners=False, antialias=True)
    else:
        resized = interpolate_bilinear_2d_like_tensorflow1x(identity, size, align_corners=False)
    return resized[0, 0]


class _Branches(nn.Module):
    """Modules with a common input, whose outputs are concatenated along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def _folded(basic: _Theirs) -> nn.Conv2d:
    """The convolution and batch norm of torch-fidelity's BasicConv2d, without its ReLU."""
    conv: nn.Conv2d = nn.utils.fuse_conv_bn_eval(basic.conv, basic.bn)
    return conv.to(memory_format=torch.channels_last)


def _conv(basic: _Theirs) -> nn.Sequential:
    return nn.Sequential(_folded(basic), nn.ReLU(inplace=True))


def _chain(*basics: _Theirs) -> nn.Sequential:
    return nn.Sequential(*map(_conv, basics))


def _averaged(basic: _Theirs) -> nn.Sequential:
    """The branch that the library pools before its 1 x 1 convolution; here the convolution comes first."""
    return nn.Sequential(_folded(basic), nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), nn.ReLU(True))


def _block_a(block: _Theirs) -> nn.Module:
    return _Branches(
        _conv(block.branch1x1),
        _chain(block.branch5x5_1, block.branch5x5_2),
        _chain(block.branch3x3dbl_1, block.branch3x3dbl_2, block.branch3x3dbl_3),
        _averaged(block.branch_pool),
    )


def _block_b(block: _Theirs) -> nn.Module:
    return _Branches(
        _conv(block.branch3x3),
        _chain(block.branch3x3dbl_1, block.branch3x3dbl_2, block.branch3x3dbl_3),
        nn.MaxPool2d(3, stride=2),
    )


def _block_c(block: _Theirs) -> nn.Module:
    return _Branches(
        _conv(block.branch1x1),
        _chain(block.branch7x7_1, block.branch7x7_2, block.branch7x7_3),
        _chain(*(getattr(block, f"branch7x7dbl_{i}") for i in range(1, 6))),
        _averaged(block.branch_pool),
    )


def _block_d(block: _Theirs) -> nn.Module:
    return _Branches(
        _chain(block.branch3x3_1, block.branch3x3_2),
        _chain(*(getattr(block, f"branch7x7x3_{i}") for i in range(1, 5))),
        nn.MaxPool2d(3, stride=2),
    )


def _block_e(block: _Theirs, pool: nn.Module) -> nn.Module:
    return _Branches(
        _conv(block.branch1x1),
        nn.Sequential(_conv(block.branch3x3_1), _Branches(_conv(block.branch3x3_2a), _conv(block.branch3x3_2b))),
        nn.Sequential(
            _chain(block.branch3x3dbl_1, block.branch3x3dbl_2),
            _Branches(_conv(block.branch3x3dbl_3a), _conv(block.branch3x3dbl_3b)),
        ),
        pool,
    )


# Keyed by the names of torch-fidelity's classes, which are not imported because that takes seconds.
_ARRANGED: Mapping[str, Callable[[_Theirs], nn.Module]] = {
    "BasicConv2d": _conv,
    "MaxPool2d": lambda pool: pool,
    "InceptionA": _block_a,
    "InceptionB": _block_b,
    "InceptionC": _block_c,
    "InceptionD": _block_d,
    "InceptionE_1": lambda block: _block_e(block, _averaged(block.branch_pool)),
    # TensorFlow's network uses max pooling in its last block.
    "InceptionE_2": lambda block: _block_e(
        block, nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _conv(block.branch_pool))
    ),
    "AdaptiveAvgPool2d": lambda pool: nn.Sequential(pool, nn.Flatten()),
    "Identity": lambda classifier: classifier,  # the classifier has been removed
}
