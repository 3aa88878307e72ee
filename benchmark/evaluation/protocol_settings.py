"""Settings of the paper's three protocols, with their inputs and metrics; `benchmark.evaluation.protocols` scores.

A protocol's fields are hashed into a trial's identity (`benchmark.settings`). If code changes what a protocol measures,
its `REVISION` must be incremented, so that earlier records are not reused. This module loads no library.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmark.settings import added_later

REFERENCE_TSNE = "scikit-learn"
TSNE_LIBRARIES = (REFERENCE_TSNE, "openTSNE")
IMAGE_METRICS = ("fid", "ssim", "ms_ssim", "lpips")
METRIC_BACKBONES = {"fid": "inception", "lpips": "alexnet"}  # keys of benchmark.evaluation.backbones.BACKBONES


class ProtocolSettings:
    """The base class of settings: the `metrics` computed, the `needs` from TrialOutputs, and a checked revision.

    `scores_images`: whether it scores images, on the context's device; otherwise it scores latents, on a CPU.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # every subclass is a dataclass

    REVISION: ClassVar[int] = 1
    metrics: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]]
    scores_images: ClassVar[bool] = False
    revision: int

    def __post_init__(self) -> None:
        if self.revision != self.REVISION:
            raise ValueError(f"{type(self).__name__} is at revision {self.REVISION}, not {self.revision}")


@dataclass(frozen=True)
class ClusteringSettings(ProtocolSettings):
    """SC, CH and DB of true labels in the t-SNE plane of `n_images` test latents (Tables 1 and 4).

    Attributes:
        n_images: Number of test images, a class-stratified random choice that is the same for every trial; all if
            there are fewer.
        perplexity: Perplexity of t-SNE, positive.
        revision: REVISION.
        tsne: The library that computes the plane, one of TSNE_LIBRARIES; any but the reference is recorded with its
            version.

    Raises:
        ValueError: `tsne` is not in TSNE_LIBRARIES, or `revision` is not REVISION.
    """

    metrics: ClassVar[tuple[str, ...]] = ("silhouette", "calinski_harabasz", "davies_bouldin")
    needs: ClassVar[tuple[str, ...]] = ("latents_test", "labels_test")

    n_images: int = 5_000
    perplexity: float = 30.0
    revision: int = ProtocolSettings.REVISION
    tsne: str = added_later(REFERENCE_TSNE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tsne not in TSNE_LIBRARIES:
            raise ValueError(f"tsne {self.tsne!r}: there are {', '.join(TSNE_LIBRARIES)}")


@dataclass(frozen=True)
class ClassificationSettings(ProtocolSettings):
    """Accuracy over all classes of an RBF support vector machine on standardised latents (Table 2).

    Fitted on the training latents, scored on the test latents.

    Attributes:
        n_train: Number of training images, stratified by class; None: all.
        n_test: Number of test images, stratified by class; None: all.
        c: Penalty of the support vector machine, positive.
        revision: REVISION.

    Raises:
        ValueError: `revision` is not REVISION.
    """

    metrics: ClassVar[tuple[str, ...]] = ("svm_accuracy",)
    needs: ClassVar[tuple[str, ...]] = ("latents_train", "labels_train", "latents_test", "labels_test")

    n_train: int | None = None
    n_test: int | None = None
    c: float = 1.0
    revision: int = ProtocolSettings.REVISION


@dataclass(frozen=True)
class ReconstructionSettings(ProtocolSettings):
    """SSIM, MS-SSIM, LPIPS (AlexNet) and FID of test images and their reconstructions (Tables 3 and 5).

    Attributes:
        n_images: Number of test images, a random choice that is the same for every trial; None: all.
        fid_images: Number of these used for FID, which costs most and whose covariance is singular below 2,048 images;
            None: all of them.
        revision: REVISION.

    Raises:
        ValueError: `revision` is not REVISION.
    """

    metrics: ClassVar[tuple[str, ...]] = IMAGE_METRICS
    needs: ClassVar[tuple[str, ...]] = ("images_test", "reconstructions_test")
    scores_images: ClassVar[bool] = True

    n_images: int | None = None
    fid_images: int | None = None
    revision: int = ProtocolSettings.REVISION


PROTOCOL_SETTINGS: dict[str, type[ProtocolSettings]] = {
    "clustering": ClusteringSettings,
    "classification": ClassificationSettings,
    "reconstruction": ReconstructionSettings,
}


def scored_metrics() -> tuple[str, ...]:
    """Return the metrics of all protocols, including those registered after this module was loaded."""
    return tuple(metric for protocol in PROTOCOL_SETTINGS.values() for metric in protocol.metrics)
