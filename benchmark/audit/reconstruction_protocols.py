"""Alternatives to the reconstruction protocol, on the judged protocol's test images (Tables 3 and 5)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.evaluation import image_quality
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.preconditions import required
from benchmark.evaluation.protocols import Reconstruction
from benchmark.evaluation.reconstruction import ImageScoring, score_images
from benchmark.evaluation.scores import Scores, Unscorable, none_of

_BORDER = 2  # pixels of zero padding on every side, which extend 28 pixels to 32
_PADDED_SIDE = 32


@dataclass(frozen=True)
class Alternative:
    """The images that are compared, and how.

    Attributes:
        originals: uint8 images (M, C, S, S); see `score_images`.
        others: Float images (M, C, S, S); see `score_images`.
        scoring: The metrics and their settings.
        others_are: The name of `others` in messages.
    """

    originals: np.ndarray
    others: np.ndarray
    scoring: ImageScoring
    others_are: str = "reconstructions"


def reconstruction_alternatives(
    outputs: AuditOutputs, judged: Reconstruction, context: EvaluationContext
) -> Iterator[tuple[str, Scores]]:
    """Score a model under the judged protocol and every alternative.

    All score the same test images as the judged protocol. A metric that an alternative cannot compute gets a reason
    instead of a value.

    Args:
        outputs: Outputs with images_test and reconstructions_test.
        judged: The judged protocol, whose other settings the alternatives share.
        context: Its backbones are used; for one that it does not name, the official one.

    Yields:
        The name and the scores: JUDGED, each of SCORINGS, and each of OTHER_IMAGES that `outputs` include.
    """
    yield JUDGED, judged.score(outputs, context)
    images = required(outputs.images_test, "images_test")
    reconstructions = required(outputs.reconstructions_test, "reconstructions_test")
    for name, scoring in SCORINGS.items():
        yield name, _scored(Alternative(images, reconstructions, scoring), judged, context)
    for name, make in OTHER_IMAGES.items():
        if alternative := make(outputs):
            yield name, _scored(alternative, judged, context)


def _scored(alternative: Alternative, judged: Reconstruction, context: EvaluationContext) -> Scores:
    try:
        return score_images(
            alternative.originals,
            alternative.others,
            context,
            n_images=judged.n_images,
            fid_images=judged.fid_images,
            scoring=alternative.scoring,
            others_are=alternative.others_are,
        )
    except Unscorable as reason:
        return none_of(alternative.scoring.metrics, str(reason))


def _cropped(outputs: AuditOutputs) -> Alternative | None:
    """Originals and reconstructions without the zero padding from 28 to 32 pixels (MNIST, Fashion-MNIST), else None.

    AlexNet requires more than 28 pixels, so the crops are resized to 64 for LPIPS.
    """
    crop = np.s_[..., _BORDER:-_BORDER, _BORDER:-_BORDER]
    images = required(outputs.images_test, "images_test")
    if images.shape[-2:] != (_PADDED_SIDE, _PADDED_SIDE) or np.count_nonzero(images) > np.count_nonzero(images[crop]):
        return None
    return Alternative(
        images[crop], required(outputs.reconstructions_test, "reconstructions_test")[crop], ImageScoring(lpips_side=64)
    )


def _from_sampled_codes(outputs: AuditOutputs) -> Alternative | None:
    if outputs.sampled_reconstructions_test is None:
        return None
    return Alternative(
        required(outputs.images_test, "images_test"),
        outputs.sampled_reconstructions_test,
        ImageScoring(),
        "sampled reconstructions",
    )


def _from_the_prior(outputs: AuditOutputs) -> Alternative | None:
    """Samples from the prior, which belong to no image, so that FID is the only possible metric."""
    if outputs.prior_samples is None:
        return None
    return Alternative(
        required(outputs.images_test, "images_test"),
        outputs.prior_samples,
        ImageScoring(metrics=("fid",)),
        "prior samples",
    )


_SIMILARITIES = ("ssim", "ms_ssim")

# name -> how the judged protocol's images are scored. Every trial has all of them, so an audit that lacks one is older
# than it (`audit_files.is_current`).
SCORINGS: Mapping[str, ImageScoring] = {
    "FID antialiased": ImageScoring(metrics=("fid",), antialias=True),
    "LPIPS VGG": ImageScoring(metrics=("lpips",), lpips_trunk="vgg16"),
    "LPIPS SqueezeNet": ImageScoring(metrics=("lpips",), lpips_trunk="squeezenet"),
    "SSIM valid window": ImageScoring(metrics=("ssim",), ssim=image_quality.SSIM_VALID),
    "SSIM zero border": ImageScoring(metrics=("ssim",), ssim=image_quality.SSIM_ZEROS),
    "SSIM uniform 7 x 7": ImageScoring(metrics=("ssim",), ssim=image_quality.SSIM_UNIFORM),
    "MS-SSIM at 176": ImageScoring(metrics=("ms_ssim",), ms_ssim_side=176),
    "MS-SSIM valid window": ImageScoring(metrics=("ms_ssim",), ms_ssim=image_quality.MS_SSIM_VALID),
    "MS-SSIM five scales": ImageScoring(metrics=("ms_ssim",), ms_ssim=image_quality.MS_SSIM_FIVE_SCALES),
    "pixels in [-1, 1]": ImageScoring(metrics=_SIMILARITIES, pixel_origin=0.5),
    "pixels of mean 0": ImageScoring(metrics=_SIMILARITIES, pixel_origin=None),
}
_PRIOR_SAMPLES = "prior samples"
NO_READINGS = (_PRIOR_SAMPLES,)  # the paper's Tables 3 and 5 are of reconstructions
# name -> function that makes the alternative from a model's outputs; it returns None if they lack the images.
OTHER_IMAGES: Mapping[str, Callable[[AuditOutputs], Alternative | None]] = {
    "cropped to 28": _cropped,
    "x sampled": _from_sampled_codes,
    _PRIOR_SAMPLES: _from_the_prior,
}
