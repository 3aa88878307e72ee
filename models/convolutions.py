"""The convolutions of the shared networks: torch's, but for what oneDNN does slowly in bfloat16 on a CPU.

Its kernel for a kernel's gradient reaches half the rate of a matrix product or less where the maps are small, and its
transposed convolution to one channel a tenth. Under autocast on a CPU these two are matrix products here. Everywhere
else both classes are torch's own.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_SMALL = 4  # the side of maps up to which the product of patches is faster
_KERNEL, _PADDING = 3, 1


class Convolution(nn.Conv2d):
    """A 3 x 3 convolution without bias that halves the side of the maps, or keeps it.

    Args:
        channels: Of the input.
        out_channels: Of the output.
        stride: 1 or 2.
        bias: Whether a bias is added.
    """

    def __init__(self, channels: int, out_channels: int, stride: int = 1, *, bias: bool = False):
        super().__init__(channels, out_channels, _KERNEL, stride, _PADDING, bias=bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve maps (B, C, S, S)."""
        if self.bias is None and self.stride[0] == 2 and _lowered(maps) and maps.shape[-1] <= 2 * _SMALL:
            return _lowered_by(_SmallMaps, maps, self.weight, transposed=False)
        return super().forward(maps)


class TransposedConvolution(nn.ConvTranspose2d):
    """The transpose of a 3 x 3 convolution of stride 2: it doubles the side of the maps.

    Args:
        channels: Of the input.
        out_channels: Of the output.
        bias: Whether a bias is added.
    """

    def __init__(self, channels: int, out_channels: int, *, bias: bool = False):
        super().__init__(channels, out_channels, _KERNEL, 2, _PADDING, output_padding=1, bias=bias)

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve maps (B, C, S, S) to (B, C', 2 S, 2 S)."""
        if _lowered(maps) and output_size is None:
            if self.out_channels == 1:
                summed = _lowered_by(_ToOneChannel, maps, self.weight)
                return summed if self.bias is None else summed + self.bias[:, None, None]
            if self.bias is None and maps.shape[-1] <= _SMALL:
                return _lowered_by(_SmallMaps, maps, self.weight, transposed=True)
        return super().forward(maps, output_size)


def _lowered(maps: Tensor) -> bool:
    """Whether these maps are convolved in bfloat16 on a CPU."""
    kind = maps.device.type
    return kind == "cpu" and torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.bfloat16


def _lowered_by(function: type[torch.autograd.Function], maps: Tensor, weight: Tensor, **how: bool) -> Tensor:
    convolved: Tensor = function.apply(maps.bfloat16(), weight.bfloat16(), *how.values())
    return convolved


class _SmallMaps(torch.autograd.Function):
    """torch's convolution of stride 2, or its transpose; the gradient of its kernel is a matrix product."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, transposed: bool) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.transposed = transposed
        convolved: Tensor = torch.ops.aten.convolution(maps, weight, None, *_geometry(transposed))
        return convolved

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        maps, weight = ctx.saved_tensors
        of_maps, _ = _gradients(gradient, maps, weight, ctx.transposed, of_weight=False)
        larger, smaller = (gradient, maps) if ctx.transposed else (maps, gradient)
        rows = smaller.permute(0, 2, 3, 1).flatten(0, 2)  # (B * S * S, C of the smaller maps)
        of_weight = (rows.T @ _patches(larger)).unflatten(1, (_KERNEL, _KERNEL, -1)).permute(0, 3, 1, 2)
        return of_maps, of_weight, None


class _ToOneChannel(torch.autograd.Function):
    """The transposed convolution to one channel as a product, whose columns are added in float32."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(maps, weight)
        columns = (maps.permute(0, 2, 3, 1) @ weight.flatten(1)).float()  # (B, S, S, 9)
        side = 2 * maps.shape[-1]
        folded = columns.permute(0, 3, 1, 2).flatten(2)
        return F.fold(folded, (side, side), _KERNEL, padding=_PADDING, stride=2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        maps, weight = ctx.saved_tensors
        return _gradients(gradient.to(maps.dtype), maps, weight, transposed=True, of_weight=True)


def _gradients(
    gradient: Tensor, maps: Tensor, weight: Tensor, transposed: bool, *, of_weight: bool
) -> tuple[Tensor, Tensor]:
    """Compute torch's gradients of the maps and, if asked for, of the weight."""
    wanted = [True, of_weight, False]
    of_maps, of_kernel, _ = torch.ops.aten.convolution_backward(
        gradient, maps, weight, None, *_geometry(transposed), wanted
    )
    return of_maps, of_kernel


def _geometry(transposed: bool) -> tuple[list[int], list[int], list[int], bool, list[int], int]:
    """Stride, padding, dilation, whether transposed, output padding and groups, as torch's operators take them."""
    output_padding = 1 if transposed else 0
    return [2, 2], [_PADDING] * 2, [1, 1], transposed, [output_padding] * 2, 1


def _patches(maps: Tensor) -> Tensor:
    """The patches of maps (B, C, S, S) that a kernel of stride 2 sees, one a row: (B * S/2 * S/2, 9 * C)."""
    batch, channels, side, _ = maps.shape
    padded = maps.new_zeros(batch, side + 2 * _PADDING, side + 2 * _PADDING, channels)
    padded[:, _PADDING:-_PADDING, _PADDING:-_PADDING] = maps.permute(0, 2, 3, 1)
    windows = padded.unfold(1, _KERNEL, 2).unfold(2, _KERNEL, 2)  # (B, S/2, S/2, C, 3, 3)
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, _KERNEL * _KERNEL * channels)
