"""SSIM, MS-SSIM, LPIPS and Inception features of image pairs, per image and in batches.

Images are numpy arrays: originals uint8 (n, C, S, S), reconstructions float32 in [0, 1] (n, C, S, S). Every image
counts once, whatever the batch size. Grey images are repeated to the three channels that the networks expect.

torchmetrics is imported where it is used: it takes a second, which a process that scores no images need not wait for.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

MS_SSIM_BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, finest scale first
MS_SSIM_KERNEL = 7
MS_SSIM_SIGMA = 1.5
SSIM_MIN_SIDE = 6  # the window is reflected five pixels beyond the edge

PairScore = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def ms_ssim_scales(side: int) -> int:
    """Return how many of MS-SSIM's five scales fit an image of `side` pixels: 3 at 32, 4 at 64, 5 from 112; 0 below 7.

    A scale fits when it is at least a kernel wide (side / 2^(M-1) >= 7) and torchmetrics' own, coarser, condition
    (side / (M-1)^2 >= 7) holds too.
    """
    fitting = [
        scales
        for scales in range(1, len(MS_SSIM_BETAS) + 1)
        if min(side >> (scales - 1), side // max(1, scales - 1) ** 2) >= MS_SSIM_KERNEL
    ]
    return max(fitting, default=0)


def ms_ssim_betas(scales: int) -> tuple[float, ...]:
    """Return the first `scales` exponents, rescaled to sum to 1 as the five do."""
    kept = MS_SSIM_BETAS[:scales]
    return tuple(beta / sum(kept) for beta in kept)


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert 0..255 to float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def to_bytes(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Convert [0, 1] to the nearest of 0..255; values outside are clamped, not wrapped."""
    rounded: NDArray[np.floating] = np.rint(np.clip(images, 0, 1) * 255)
    return rounded.astype(np.uint8)


def _three_channels(batch: torch.Tensor) -> torch.Tensor:
    return batch.expand(-1, 3, -1, -1) if batch.shape[1] == 1 else batch


def _batches(total: int, batch_size: int) -> Iterator[slice]:
    return (slice(start, start + batch_size) for start in range(0, total, batch_size))


def _tensor(images: np.ndarray, device: str) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(images), device=device)  # a copy: `images` may be a read-only map


@torch.inference_mode()
def mean_pair_score(
    score: PairScore,
    originals: NDArray[np.uint8],
    reconstructions: NDArray[np.float32],
    batch_size: int,
    device: str,
) -> float:
    """Average a score of image pairs.

    Args:
        score: Maps reconstructions and originals, float (B, C, S, S) in [0, 1], to one value per image, (B,).
        originals: uint8 (n, C, S, S).
        reconstructions: Float in [0, 1] of the same shape.
        batch_size: Images at a time.
        device: Where to compute.
    """
    per_image = [
        score(
            _tensor(reconstructions[rows], device),
            _tensor(to_unit(originals[rows]), device),
        )
        .reshape(-1)
        .double()
        .cpu()
        for rows in _batches(len(originals), batch_size)
    ]
    return float(torch.cat(per_image).mean())


def ssim_per_image(reconstructions: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
    """Compute SSIM (Wang et al. 2004), (B,) in [-1, 1]: Gaussian window of sigma 1.5, 11 pixels wide; side >= 6."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    scores = structural_similarity_index_measure(reconstructions, originals, data_range=1.0, reduction="none")
    assert isinstance(scores, torch.Tensor)  # a tuple only where more than the scores is asked for
    return scores


def ms_ssim_per_image(reconstructions: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
    """Compute MS-SSIM (Wang et al. 2003), (B,) in [0, 1], with as many scales as fit (`ms_ssim_scales`).

    torchmetrics builds its Gaussian window from sigma alone; kernel_size only decides which sides it refuses.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    return multiscale_structural_similarity_index_measure(
        reconstructions,
        originals,
        kernel_size=MS_SSIM_KERNEL,
        sigma=MS_SSIM_SIGMA,
        betas=ms_ssim_betas(ms_ssim_scales(originals.shape[-1])),
        data_range=1.0,
        reduction="none",
    )


def lpips_per_image(network: torch.nn.Module) -> PairScore:
    """Make the score LPIPS (Zhang et al. 2018) of `network`, an `lpips.LPIPS`: (B,), 0 for identical images."""

    def score(reconstructions: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
        distance: torch.Tensor = network(_three_channels(reconstructions), _three_channels(originals), normalize=True)
        return distance

    return score


def resized(score: PairScore, side: int) -> PairScore:
    """Make a score of both images resized bilinearly to `side` pixels (half-pixel centres, no antialiasing)."""

    def bilinear(images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(images, (side, side), mode="bilinear", align_corners=False)

    return lambda reconstructions, originals: score(bilinear(reconstructions), bilinear(originals))


@torch.inference_mode()
def inception_features(
    network: torch.nn.Module, images: NDArray[np.uint8], batch_size: int, device: str
) -> torch.Tensor:
    """Compute the 2,048 pooled Inception features of images.

    Args:
        network: From `pretrained_networks.pretrained_inception`.
        images: (n, C, S, S).
        batch_size: Images at a time.
        device: That of the network.

    Returns:
        float32 (n, 2048) on `device`.
    """
    features = [network(_three_channels(_tensor(images[rows], device))) for rows in _batches(len(images), batch_size)]
    return torch.cat(features)
