"""FID, SSIM, MS-SSIM and LPIPS of two sets of images, shared by the judged protocol and the audit's alternatives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.evaluation import image_quality
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
    originals, others = originals[rows], others[rows]
    check_finite(others, others_are)
    if others.min() < 0 or others.max() > 1:
        raise Unscorable(f"{others_are} leave [0, 1]")
    side = originals.shape[-1]
    lpips_side, ms_ssim_side = scoring.lpips_side or side, scoring.ms_ssim_side or side
    for_fid = random_subset(len(rows), fid_images)
    weights: dict[str, str] = {}  # recorded name of the file -> SHA-256
    origins: dict[str, str] = {}  # the same -> the file's origin

    def load(loader: Callable[..., Pretrained], name: str, variant: bool | str) -> Pretrained:
        if reason := context.weights_missing.get(name):
            raise Unscorable(reason)
        pretrained = loader(context.backbones[name], context.weights_dir, context.device, variant)
        weights[pretrained.weights.source] = pretrained.weights.sha256
        origins[pretrained.weights.source] = pretrained.weights.origin
        return pretrained

    def batch_size(scored_side: int) -> int:
        return max(1, int(context.batch_size * (side / scored_side) ** 2))  # the same number of pixels at every side

    def mean_of(score: image_quality.PairScore, scored_side: int) -> float:
        if scored_side != side:
            score = image_quality.resized(score, scored_side)
        return image_quality.mean_pair_score(score, originals, others, batch_size(scored_side), context.device)

    def frechet() -> float:
        if len(for_fid) < 2:
            raise Unscorable("FID needs at least two images")
        inception = load(pretrained_inception, "inception", scoring.antialias)
        pair = originals[for_fid], others[for_fid]
        return fid(inception, *pair, context.batch_size, context.device, context.statistics_dir)

    def similarity(way: image_quality.Similarity, scored_side: int) -> float:
        check_side(scored_side, way.min_side)
        if scoring.pixel_origin == 0:
            return mean_of(way.score, scored_side)
        if scoring.pixel_origin is None:
            origin = torch.tensor(originals.mean((0, 2, 3)) / 255)[:, None, None]
        else:
            origin = torch.tensor(scoring.pixel_origin)
        return mean_of(image_quality.shifted(way.score, origin), scored_side)

    def ssim() -> float:
        return similarity(scoring.ssim, side)

    def ms_ssim() -> float:
        return similarity(scoring.ms_ssim, ms_ssim_side)

    def lpips() -> float:
        trunk = scoring.lpips_trunk
        check_side(lpips_side, LPIPS_TRUNKS[trunk].min_side)
        network = load(pretrained_lpips, trunk, trunk)
        at_a_time = LPIPS_BATCHES * batch_size(lpips_side)
        return lpips_distance(network, originals, others, at_a_time, context.device, scoring.lpips_side)

    measures = {"fid": frechet, "ssim": ssim, "ms_ssim": ms_ssim, "lpips": lpips}
    details: dict[str, Any] = {"n_images": len(rows)}
    if "fid" in scoring.metrics:
        details["fid_images"] = len(for_fid)
    if "ms_ssim" in scoring.metrics:
        details["ms_ssim_scales"] = scoring.ms_ssim.scales(ms_ssim_side)
    details |= {"weights": weights, "weights_from": origins}
    return collect({metric: measures[metric] for metric in scoring.metrics}, details)
