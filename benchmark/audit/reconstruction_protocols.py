"""The protocols for Tables 3 and 5 that the paper's words leave open, on the judged protocol's own test images."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.preconditions import present
from benchmark.evaluation.protocols import Reconstruction
from benchmark.evaluation.reconstruction import ImageScoring, score_images
from benchmark.evaluation.scores import Scores, Unscorable, none_of

_BORDER = 2  # pixels of zeros on every side that make 32 of 28
_PADDED_SIDE = 32


@dataclass(frozen=True)
class Alternative:
    """Which images are compared, (M, C, S, S) as in `score_images`, and how."""

    originals: np.ndarray
    others: np.ndarray
    scoring: ImageScoring
    others_are: str = "reconstructions"


def reconstruction_alternatives(
    outputs: AuditOutputs, judged: Reconstruction, context: EvaluationContext
) -> Iterator[tuple[str, Scores]]:
    """(name, scores): `judged` itself as JUDGED, then each of ALTERNATIVES that `outputs` have the images for.

    All look at the test images that `judged` takes. `outputs` have images_test and reconstructions_test. Backbones are
    the context's; one that it does not name is the official one. What an alternative cannot score has its reason.
    """
    yield JUDGED, judged.score(outputs, context)
    for name, make in ALTERNATIVES.items():
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


def _rescored(**scoring: Any) -> Callable[[AuditOutputs], Alternative]:
    """The judged images under another ImageScoring."""
    return lambda outputs: Alternative(
        present(outputs.images_test), present(outputs.reconstructions_test), ImageScoring(**scoring)
    )


def _cropped(outputs: AuditOutputs) -> Alternative | None:
    """Both sides without the zeros that made 32 pixels of 28 (MNIST, Fashion-MNIST); None for other originals.

    AlexNet cannot take 28 pixels, so LPIPS sees the crops at 64.
    """
    crop = np.s_[..., _BORDER:-_BORDER, _BORDER:-_BORDER]
    images = present(outputs.images_test)
    if images.shape[-2:] != (_PADDED_SIDE, _PADDED_SIDE) or np.count_nonzero(images) > np.count_nonzero(images[crop]):
        return None
    return Alternative(images[crop], present(outputs.reconstructions_test)[crop], ImageScoring(lpips_side=64))


def _from_sampled_codes(outputs: AuditOutputs) -> Alternative | None:
    if outputs.sampled_reconstructions_test is None:
        return None
    return Alternative(
        present(outputs.images_test), outputs.sampled_reconstructions_test, ImageScoring(), "sampled reconstructions"
    )


def _from_the_prior(outputs: AuditOutputs) -> Alternative | None:
    """No sample belongs to an image, so FID is all that can be asked."""
    if outputs.prior_samples is None:
        return None
    return Alternative(
        present(outputs.images_test), outputs.prior_samples, ImageScoring(metrics=("fid",)), "prior samples"
    )


# Each makes its alternative of a model's outputs; None where they lack what it compares.
ALTERNATIVES: Mapping[str, Callable[[AuditOutputs], Alternative | None]] = {
    "FID antialiased": _rescored(metrics=("fid",), antialias=True),
    "LPIPS VGG": _rescored(metrics=("lpips",), lpips_trunk="vgg16"),
    "LPIPS SqueezeNet": _rescored(metrics=("lpips",), lpips_trunk="squeezenet"),
    "MS-SSIM at 176": _rescored(metrics=("ms_ssim",), ms_ssim_side=176),
    "cropped to 28": _cropped,
    "x sampled": _from_sampled_codes,
    "prior samples": _from_the_prior,
}
