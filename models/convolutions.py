"""The convolutions of the shared networks: torch's, except where oneDNN is slow in bfloat16 on a CPU.

oneDNN's weight gradient is half as fast as a matrix product or slower on small maps (with stride 1 only on processors
with AMX), and its transposed convolution to one channel a tenth as fast. Under autocast on a CPU these two are computed
as matrix products. In all other cases both classes are identical to torch's.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_SMALL = 4  # the side of maps up to which the product of patches is faster
_KERNEL, _PADDING = 3, 1


class Convolution(nn.Conv2d):
    """A 3 x 3 convolution without bias that halves the side of the maps (stride 2) or keeps it (stride 1).

    Args:
        channels: Number of input channels.
        out_channels: Number of output channels.
        stride: 1 or 2.
    """

    def __init__(self, channels: int, out_channels: int, stride: int = 1):
        super().__init__(channels, out_channels, _KERNEL, stride, _PADDING, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve maps (B, C, S, S)."""
        [stride, _] = self.stride
        if maps.shape[-1] <= stride * _SMALL and _lowered(maps) and (stride == 2 or _amx()):
            return _lowered_by(_SmallMaps, maps, self.weight, stride, False)
        return super().forward(maps)


class TransposedConvolution(nn.ConvTranspose2d):
    """The transpose of a 3 x 3 convolution of stride 2: it doubles the side of the maps.

    Args:
        channels: Number of input channels.
        out_channels: Number of output channels.
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
                return _lowered_by(_SmallMaps, maps, self.weight, 2, True)
        return super().forward(maps, output_size)


def _lowered(maps: Tensor) -> bool:
    """Whether maps of this kind are convolved in bfloat16 on a CPU."""
    kind = maps.device.type
    return kind == "cpu" and torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.bfloat16


@cache
def _amx() -> bool:
    """Whether the processor has AMX tiles for bfloat16; False if torch cannot report it (2.11)."""
    told: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(told.get("amx_bf16"))


def _lowered_by(function: type[torch.autograd.Function], maps: Tensor, weight: Tensor, *how: int) -> Tensor:
    convolved: Tensor = function.apply(maps.bfloat16(), weight.bfloat16(), *how)
    return convolved


class _SmallMaps(torch.autograd.Function):
    """torch's convolution or transposed convolution, with the weight gradient as a matrix product."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, stride: int, transposed: bool) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.stride, ctx.transposed = stride, transposed
        convolved: Tensor = torch.ops.aten.convolution(maps, weight, None, *_geometry(stride, transposed))
        return convolved

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        maps, weight = ctx.saved_tensors
        of_maps, _ = _gradients(gradient, maps, weight, _geometry(ctx.stride, ctx.transposed), of_weight=False)
        seen, seeing = (gradient, maps) if ctx.transposed else (maps, gradient)
        rows = seeing.permute(0, 2, 3, 1).flatten(0, 2)  # (B * S * S, C), S the side of `seeing`
        product = rows.T @ _patches(seen, ctx.stride)
        return of_maps, product.unflatten(1, (_KERNEL, _KERNEL, -1)).permute(0, 3, 1, 2), None, None


class _ToOneChannel(torch.autograd.Function):
    """The transposed convolution to one channel as a matrix product, whose columns are summed in float32."""

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
        return _gradients(gradient.to(maps.dtype), maps, weight, _geometry(2, True), of_weight=True)


_Geometry = tuple[list[int], list[int], list[int], bool, list[int], int]


def _gradients(
    gradient: Tensor, maps: Tensor, weight: Tensor, geometry: _Geometry, *, of_weight: bool
) -> tuple[Tensor, Tensor]:
    """Gradients with respect to the maps and, if requested, to the weight, by torch's own operator."""
    wanted = [True, of_weight, False]
    of_maps, of_kernel, _ = torch.ops.aten.convolution_backward(gradient, maps, weight, None, *geometry, wanted)
    return of_maps, of_kernel


def _geometry(stride: int, transposed: bool) -> _Geometry:
    """Stride, padding, dilation, transposed, output padding and groups: the arguments of torch's operators."""
    output_padding = 1 if transposed else 0
    return [stride] * 2, [_PADDING] * 2, [1, 1], transposed, [output_padding] * 2, 1


def _patches(maps: Tensor, stride: int) -> Tensor:
    """The patches of maps (B, C, S, S) that a kernel covers, as rows: (B * S/stride * S/stride, 9 * C)."""
    batch, channels, side, _ = maps.shape
    padded = maps.new_zeros(batch, side + 2 * _PADDING, side + 2 * _PADDING, channels)
    padded[:, _PADDING:-_PADDING, _PADDING:-_PADDING] = maps.permute(0, 2, 3, 1)
    windows = padded.unfold(1, _KERNEL, stride).unfold(2, _KERNEL, stride)  # (B, S/stride, S/stride, C, 3, 3)
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, _KERNEL * _KERNEL * channels)
