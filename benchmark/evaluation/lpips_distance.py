"""LPIPS between originals and reconstructions; the originals' features are cached across trials."""

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.data.pixels import to_unit
from benchmark.evaluation.image_quality import batch_rows, bilinear, on_device, three_channels
from benchmark.evaluation.pretrained_networks import Pretrained

_Theirs = Any  # an `lpips.LPIPS`, whose class has no types

# For the features of the last originals, which all trials on a data set share: some 5,800 images of 32 x 32 pixels on
# AlexNet. Features beyond this limit are recomputed.
_KEPT_BYTES = 128 * 2**20
_originals: dict[str, list[list[Tensor]]] = {}


@torch.inference_mode()
def lpips_distance(
    lpips: Pretrained,
    originals: NDArray[np.uint8],
    reconstructions: NDArray[np.float32],
    batch_size: int,
    device: str,
    side: int | None = None,
) -> float:
    """Compute the mean LPIPS (Zhang et al. 2018) of image pairs, 0 for identical images.

    Args:
        lpips: The result of `pretrained_lpips`.
        originals: uint8 images (n, C, S, S), n >= 1.
        reconstructions: Float images in [0, 1] of the same shape.
        batch_size: Number of images per batch.
        device: The network's device.
        side: Side in pixels to which images are first resized bilinearly; None: not resized.
    """
    network = lpips.network
    content = hashlib.sha256(np.ascontiguousarray(originals).data)
    content.update(f"{originals.shape} {lpips.weights.sha256} {batch_size} {device} {side}".encode())
    key = content.hexdigest()
    if key not in _originals:
        _originals.clear()
    kept = _originals.setdefault(key, [])
    distances = []
    for number, rows in enumerate(batch_rows(len(originals), batch_size)):
        if number < len(kept):
            of_originals = kept[number]
        else:
            of_originals = lpips_features(network, on_device(to_unit(originals[rows]), device), side)
            if number == len(kept) and _bytes(*kept, of_originals) <= _KEPT_BYTES:
                kept.append(of_originals)
        of_others = lpips_features(network, on_device(reconstructions[rows], device), side)
        distances.append(feature_distance(network, of_originals, of_others).double().cpu())
    return float(torch.cat(distances).mean())


def lpips_features(network: _Theirs, images: Tensor, side: int | None = None) -> list[Tensor]:
    """Compute the LPIPS features of images, normalised at each pixel: one tensor (B, C', S', S') per layer.

    Args:
        network: The `lpips.LPIPS`.
        images: Float images in [0, 1], (B, C, S, S).
        side: See `lpips_distance`.
    """
    from lpips import normalize_tensor

    if side is not None:
        images = bilinear(images, side)
    scaled = network.scaling_layer(2 * three_channels(images) - 1).contiguous(memory_format=torch.channels_last)
    return [normalize_tensor(layer) for layer in network.net(scaled)]


def feature_distance(network: _Theirs, features: list[Tensor], others: list[Tensor]) -> Tensor:
    """Compute LPIPS from the features of two batches: (B,)."""
    layers = zip(network.lins, features, others, strict=True)
    return torch.stack([weigh((one - other).square()).mean(dim=(1, 2, 3)) for weigh, one, other in layers]).sum(dim=0)


def _bytes(*batches: list[Tensor]) -> int:
    return sum(layer.nbytes for batch in batches for layer in batch)
