"""FID, SSIM, MS-SSIM and LPIPS of two sets of images, shared by the judged protocol and the audit's alternatives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.evaluation import image_quality
from benchmark.evaluation.backbones import WeightsFile
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.fid import fid
from benchmark.evaluation.image_subsets import random_subset
from benchmark.evaluation.lpips_distance import lpips_distance
from benchmark.evaluation.preconditions import check_finite, check_side
from benchmark.evaluation.pretrained_networks import LPIPS_TRUNKS, Pretrained, pretrained_inception, pretrained_lpips
from benchmark.evaluation.protocol_settings import IMAGE_METRICS
from benchmark.evaluation.scores import Scores, Unscorable, collect

LPIPS_BATCHES = 4  # factor on the batch size: LPIPS needs less than a quarter of Inception's memory per image


@dataclass(frozen=True)
class ImageScoring:
    """Settings of image metrics; the defaults are the judged protocol's.

    Attributes:
        metrics: The requested metrics, a subset of IMAGE_METRICS.
        antialias: Whether Inception's resize uses antialiasing (see `pretrained_inception`).
        lpips_trunk: A key of LPIPS_TRUNKS.
        lpips_side: Side in pixels to which images are first resized bilinearly for LPIPS; None: not resized.
        ssim: How SSIM is computed.
        ms_ssim: How MS-SSIM is computed.
        ms_ssim_side: The same as `lpips_side`, for MS-SSIM.
        pixel_origin: The pixel value in [0, 1] that SSIM and MS-SSIM treat as 0, on which their luminance term depends;
            None: each channel's mean over the originals, as for images normalised to mean 0. (Their standard deviation
            has no effect, because SSIM's constants scale with the range of the pixels.)
    """

    metrics: tuple[str, ...] = IMAGE_METRICS
    antialias: bool = False
    lpips_trunk: str = "alexnet"
    lpips_side: int | None = None
    ssim: image_quality.Similarity = image_quality.SSIM
    ms_ssim: image_quality.Similarity = image_quality.MS_SSIM
    ms_ssim_side: int | None = None
    pixel_origin: float | None = 0.0


@dataclass(frozen=True)
class ImagePairs:
    """Two sets of images that the functions of IMAGE_MEASURES compare, and how.

    Attributes:
        originals: uint8 images (n, C, S, S), n >= 1.
        others: Float images in [0, 1], of the same shape.
        for_fid: Numbers of the images used for FID.
        scoring: The settings of the metrics.
        context: Where to compute.
        files: The files of the networks that metrics have loaded so far, by recorded name.
    """

    originals: NDArray[np.uint8]
    others: NDArray[np.float32]
    for_fid: NDArray[np.int64]
    scoring: ImageScoring
    context: EvaluationContext
    files: dict[str, WeightsFile] = field(default_factory=dict)

    @property
    def side(self) -> int:
        """The images' side in pixels."""
        side: int = self.originals.shape[-1]
        return side

    def batch_size(self, side: int) -> int:
        """Return the batch size at a side in pixels: the same number of pixels at every side."""
        return max(1, int(self.context.batch_size * (self.side / side) ** 2))

    def network(self, load: Callable[..., Pretrained], name: str, variant: bool | str) -> Pretrained:
        """Load the pretrained network of a backbone and note its file; raise Unscorable if there is none."""
        if reason := self.context.weights_missing.get(name):
            raise Unscorable(reason)
        pretrained = load(self.context.backbones[name], self.context.weights_dir, self.context.device, variant)
        self.files[pretrained.weights.source] = pretrained.weights
        return pretrained


def _fid(images: ImagePairs) -> float:
    if len(images.for_fid) < 2:
        raise Unscorable("FID needs at least two images")
    context = images.context
    inception = images.network(pretrained_inception, "inception", images.scoring.antialias)
    pair = images.originals[images.for_fid], images.others[images.for_fid]
    return fid(inception, *pair, context.batch_size, context.device, context.statistics_dir)


def _ssim(images: ImagePairs) -> float:
    return _similarity(images, images.scoring.ssim, images.side)


def _ms_ssim(images: ImagePairs) -> float:
    return _similarity(images, images.scoring.ms_ssim, images.scoring.ms_ssim_side or images.side)


def _similarity(images: ImagePairs, way: image_quality.Similarity, side: int) -> float:
    check_side(side, way.min_side)
    score, origin = way.score, images.scoring.pixel_origin
    if origin is None:
        score = image_quality.shifted(score, torch.tensor(images.originals.mean((0, 2, 3)) / 255)[:, None, None])
    elif origin != 0:
        score = image_quality.shifted(score, torch.tensor(origin))
    if side != images.side:
        score = image_quality.resized(score, side)
    size = images.batch_size(side)
    return image_quality.mean_pair_score(score, images.originals, images.others, size, images.context.device)


def _lpips(images: ImagePairs) -> float:
    scoring, side = images.scoring, images.scoring.lpips_side or images.side
    check_side(side, LPIPS_TRUNKS[scoring.lpips_trunk].min_side)
    network = images.network(pretrained_lpips, scoring.lpips_trunk, scoring.lpips_trunk)
    at_a_time = LPIPS_BATCHES * images.batch_size(side)
    return lpips_distance(
        network, images.originals, images.others, at_a_time, images.context.device, scoring.lpips_side
    )


# A metric of IMAGE_METRICS -> its function; one that has no value raises Unscorable.
IMAGE_MEASURES: Mapping[str, Callable[[ImagePairs], float]] = {
    "fid": _fid,
    "ssim": _ssim,
    "ms_ssim": _ms_ssim,
    "lpips": _lpips,
}


def score_images(
    originals: NDArray[np.uint8],
    others: NDArray[np.float32],
    context: EvaluationContext,
    *,
    n_images: int | None,
    fid_images: int | None,
    scoring: ImageScoring,
    others_are: str = "reconstructions",
) -> Scores:
    """Compute the requested metrics between two sets of images.

    Args:
        originals: uint8 images (M, C, S, S).
        others: Float images in [0, 1], of the same shape.
        context: Where to compute.
        n_images: Number of images chosen by `random_subset`; None: all.
        fid_images: Number of these used for FID; None: all.
        scoring: Which metrics are computed, and how.
        others_are: The name of `others` in reasons.

    Returns:
        Each metric's value, or the reason why it has none.

    Raises:
        Unscorable: No metric can be computed.
    """
    rows = random_subset(len(originals), n_images)
    if not len(rows):
        raise Unscorable("no test images")
    images = ImagePairs(originals[rows], others[rows], random_subset(len(rows), fid_images), scoring, context)
    check_finite(images.others, others_are)
    if images.others.min() < 0 or images.others.max() > 1:
        raise Unscorable(f"{others_are} leave [0, 1]")
    details: dict[str, Any] = {"n_images": len(rows)}
    if "fid" in scoring.metrics:
        details["fid_images"] = len(images.for_fid)
    if "ms_ssim" in scoring.metrics:
        details["ms_ssim_scales"] = scoring.ms_ssim.scales(scoring.ms_ssim_side or images.side)
    scores = collect({metric: partial(IMAGE_MEASURES[metric], images) for metric in scoring.metrics}, details)
    weights = {name: file.sha256 for name, file in images.files.items()}
    origins = {name: file.origin for name, file in images.files.items()}
    return replace(scores, details=details | {"weights": weights, "weights_from": origins})
