"""SSIM, MS-SSIM and Inception features of image pairs, per image and in batches.

Images are numpy arrays: originals uint8 (n, C, S, S), reconstructions float32 in [0, 1] (n, C, S, S). Averages are over
images, whatever the batch size. Grey images are repeated to the three channels that the networks expect.

torchmetrics is imported only where it is used, because importing it takes a second.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.data.pixels import to_unit

MS_SSIM_BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, finest scale first
MS_SSIM_KERNEL = 7
SSIM_SIGMA = 1.5
SSIM_WINDOW = 11
SSIM_MIN_SIDE = 6  # the window is reflected five pixels beyond the edge

PairScore = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def ms_ssim_scales(side: int) -> int:
    """Return how many of MS-SSIM's five scales fit an image of `side` pixels: 3 at 32, 4 at 64, 5 from 112; 0 below 7.

    A scale fits if it is at least a kernel wide (side / 2^(M-1) >= 7) and meets torchmetrics' own, coarser condition
    (side / (M-1)^2 >= 7).
    """
    fitting = [
        scales
        for scales in range(1, len(MS_SSIM_BETAS) + 1)
        if min(side >> (scales - 1), side // max(1, scales - 1) ** 2) >= MS_SSIM_KERNEL
    ]
    return max(fitting, default=0)


def ms_ssim_betas(scales: int) -> tuple[float, ...]:
    """Return the first `scales` exponents, rescaled to sum to 1 like all five."""
    kept = MS_SSIM_BETAS[:scales]
    return tuple(beta / sum(kept) for beta in kept)


def three_channels(batch: torch.Tensor) -> torch.Tensor:
    """Repeat grey images (B, 1, S, S) to the three channels of the pretrained networks; return others unchanged."""
    return batch.expand(-1, 3, -1, -1) if batch.shape[1] == 1 else batch


def batch_rows(total: int, batch_size: int) -> Iterator[slice]:
    """Yield the slice of rows of each batch; the last may be smaller."""
    return (slice(start, start + batch_size) for start in range(0, total, batch_size))


def on_device(images: np.ndarray, device: str) -> torch.Tensor:
    """Copy images to a device."""
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
        originals: uint8 images (n, C, S, S).
        reconstructions: Float images in [0, 1] of the same shape.
        batch_size: Number of images per batch.
        device: The device to compute on.
    """
    per_image = [
        score(
            on_device(reconstructions[rows], device),
            on_device(to_unit(originals[rows]), device),
        )
        .reshape(-1)
        .double()
        .cpu()
        for rows in batch_rows(len(originals), batch_size)
    ]
    return float(torch.cat(per_image).mean())


def ssim_per_image(reconstructions: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
    """Compute SSIM (Wang et al. 2004), (B,) in [-1, 1], with a Gaussian window of sigma 1.5, 11 pixels wide; side >= 6.

    Images are reflected at their border and every pixel counts, whereas Wang et al. omit windows that extend beyond the
    image (`SSIM_VALID`).
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    scores = structural_similarity_index_measure(reconstructions, originals, data_range=1.0, reduction="none")
    assert isinstance(scores, torch.Tensor)  # it is a tuple only if more than the scores is requested
    return scores


def ms_ssim_per_image(reconstructions: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
    """Compute MS-SSIM (Wang et al. 2003), (B,) in [0, 1], with as many scales as fit (`ms_ssim_scales`).

    torchmetrics builds its Gaussian window from sigma alone, 11 pixels wide; kernel_size only decides which sides it
    rejects. The coarsest scale is computed as in `ssim_per_image`, reflected at the border. At the other scales windows
    that extend beyond the image are omitted: for 32 pixels the second scale, of 16, has 6 x 6 values.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    return multiscale_structural_similarity_index_measure(
        reconstructions,
        originals,
        kernel_size=MS_SSIM_KERNEL,
        sigma=SSIM_SIGMA,
        betas=ms_ssim_betas(ms_ssim_scales(originals.shape[-1])),
        data_range=1.0,
        reduction="none",
    )


@dataclass(frozen=True)
class Window:
    """The window over which SSIM computes means, variances and covariances.

    Attributes:
        size: Width in pixels, at most that of the image.
        gaussian: Whether the window is a Gaussian of SSIM_SIGMA; else it is uniform, with unbiased estimates of
            variances and covariances (scikit-image's default).
        zeros: Number of pixels of zero padding; 0: only windows that lie within the image count.
    """

    size: int = SSIM_WINDOW
    gaussian: bool = True
    zeros: int = 0


def similarity_in_windows(
    reconstructions: torch.Tensor, originals: torch.Tensor, *, window: Window, scales: Callable[[int], int]
) -> torch.Tensor:
    """Compute MS-SSIM (Wang et al. 2003) with the same window at every scale; with one scale, SSIM (Wang et al. 2004).

    As in `ms_ssim_per_image`, a scale's term is the mean over pixels and channels, negative terms count as 0, each
    scale is the previous one averaged over 2 x 2 pixels, and the exponents of the scales sum to 1.

    Args:
        reconstructions: Images (B, C, S, S) whose pixels have a range of 1.
        originals: Images (B, C, S, S) with the same range.
        window: The window.
        scales: Maps S to the number of scales used, 1 to 5.

    Returns:
        (B,) in [0, 1]; in [-1, 1] with one scale.
    """
    betas = ms_ssim_betas(scales(originals.shape[-1]))
    if len(betas) == 1:
        return _similarity_and_contrast(reconstructions, originals, window)[0]
    product = torch.ones(len(originals), device=originals.device)
    for beta in betas[:-1]:
        product = product * _similarity_and_contrast(reconstructions, originals, window)[1].relu() ** beta
        reconstructions, originals = (torch.nn.functional.avg_pool2d(side, 2) for side in (reconstructions, originals))
    return product * _similarity_and_contrast(reconstructions, originals, window)[0].relu() ** betas[-1]


def _similarity_and_contrast(x: torch.Tensor, y: torch.Tensor, window: Window) -> tuple[torch.Tensor, torch.Tensor]:
    """SSIM, and its product of contrast and structure alone, (B,) each."""
    channels, size = x.shape[1], min(window.size, x.shape[-1])
    # With an even size the centre is half a pixel off the middle, as in the implementations with such windows.
    offsets = torch.arange(size, device=x.device, dtype=x.dtype) - size // 2
    line = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2)) if window.gaussian else torch.ones_like(offsets)
    line = (line / line.sum()).expand(channels, 1, 1, size)
    maps = torch.cat([x, y, x * x, y * y, x * y])
    for kernel, padding in ((line, (0, window.zeros)), (line.mT, (window.zeros, 0))):
        maps = torch.nn.functional.conv2d(maps, kernel, padding=padding, groups=channels)
    mean_x, mean_y, square_x, square_y, product = maps.chunk(5)
    unbiased = 1.0 if window.gaussian else size**2 / (size**2 - 1)
    variances = unbiased * (square_x - mean_x**2 + square_y - mean_y**2)
    covariance = unbiased * (product - mean_x * mean_y)
    c1, c2 = 0.01**2, 0.03**2  # Wang et al.'s constants for a range of 1
    contrast = (2 * covariance + c2) / (variances + c2)
    similarity = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1) * contrast
    return similarity.mean((1, 2, 3)), contrast.mean((1, 2, 3))


@dataclass(frozen=True)
class Similarity:
    """A way to compute SSIM or MS-SSIM.

    Attributes:
        score: The function that scores image pairs.
        min_side: The smallest side in pixels that it can score.
        scales: Maps a side in pixels to the number of scales.
    """

    score: PairScore
    min_side: int
    scales: Callable[[int], int] = lambda side: 1


def _in_windows(window: Window, min_side: int, scales: Callable[[int], int] = lambda side: 1) -> Similarity:
    return Similarity(partial(similarity_in_windows, window=window, scales=scales), min_side, scales)


def _scales_that_hold_the_window(side: int) -> int:
    return sum(side >> scale >= SSIM_WINDOW for scale in range(len(MS_SSIM_BETAS)))


SSIM = Similarity(ssim_per_image, SSIM_MIN_SIDE)
SSIM_VALID = _in_windows(Window(), SSIM_WINDOW)
SSIM_ZEROS = _in_windows(Window(zeros=SSIM_WINDOW // 2), 1)
SSIM_UNIFORM = _in_windows(Window(size=7, gaussian=False), 7)
MS_SSIM = Similarity(ms_ssim_per_image, MS_SSIM_KERNEL, ms_ssim_scales)
# As many scales as contain a whole window: 2 for 32 pixels, 3 for 64, 5 from 176.
MS_SSIM_VALID = _in_windows(Window(), SSIM_WINDOW, _scales_that_hold_the_window)
# All five scales at every side, with the window no wider than the scale, as in code that accepts images of any size.
MS_SSIM_FIVE_SCALES = _in_windows(Window(), 2 ** (len(MS_SSIM_BETAS) - 1), lambda side: len(MS_SSIM_BETAS))


def resized(score: PairScore, side: int) -> PairScore:
    """Return the score applied after resizing both images bilinearly to `side` pixels (half-pixel, no antialiasing)."""
    return lambda reconstructions, originals: score(bilinear(reconstructions, side), bilinear(originals, side))


def bilinear(images: torch.Tensor, side: int) -> torch.Tensor:
    """Resize images (B, C, S, S) bilinearly as for `resized`."""
    return torch.nn.functional.interpolate(images, (side, side), mode="bilinear", align_corners=False)


def shifted(score: PairScore, origin: torch.Tensor) -> PairScore:
    """Return the score applied after subtracting `origin`, which broadcasts to (B, C, S, S), from both images."""
    return lambda reconstructions, originals: score(
        reconstructions - origin.to(reconstructions), originals - origin.to(originals)
    )


@torch.inference_mode()
def inception_features(
    network: torch.nn.Module, images: NDArray[np.uint8], batch_size: int, device: str
) -> torch.Tensor:
    """Compute the 2,048 pooled Inception features of images.

    Args:
        network: The result of `pretrained_networks.pretrained_inception`.
        images: uint8 images (n, C, S, S).
        batch_size: Number of images per batch.
        device: The network's device.

    Returns:
        float32 (n, 2048) on `device`.
    """
    batches = (on_device(images[rows], device) for rows in batch_rows(len(images), batch_size))
    return torch.cat([network(three_channels(batch)) for batch in batches])
