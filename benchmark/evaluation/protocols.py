"""The paper's three protocols: each a small set of settings, and a pure function of a model's outputs.

A protocol's fields are hashed into a trial's identity (`benchmark.settings`). Whoever changes what a protocol
measures raises its `REVISION`: records made before then no longer pass for it.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation import clustering
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.preconditions import (
    check_finite,
    check_latents,
    check_trained,
    class_count,
    known_labels,
    required,
)
from benchmark.evaluation.reconstruction import METRICS, ImageScoring, score_images
from benchmark.evaluation.scores import Scores, Unscorable, collect, finite_of, none_of
from benchmark.evaluation.support_vectors import SupportVector, svm_accuracy
from benchmark.evaluation.tsne_engines import REFERENCE_TSNE, TSNE_ENGINES, engine_and_version, missing_library
from benchmark.settings import added_later
from benchmark.text import first_line


@dataclass(frozen=True)
class TrialOutputs:
    """The outputs of a trained model that protocols score, of N training and M test images.

    A field that no wanted protocol `needs` may be None; ValueError where numbers of images or shapes differ.

    Attributes:
        latents_train: Deterministic embeddings, (N, d).
        labels_train: (N,); None where the data set has none.
        latents_test: Deterministic embeddings, (M, d).
        labels_test: (M,); None where the data set has none.
        images_test: (M, C, S, S).
        reconstructions_test: In [0, 1], (M, C, S, S).
        component_weights_test: (M, K), rows on the simplex; None where the method is no mixture.
        factors_test: Known generative factors, (M, F).
        factor_names: F names.
    """

    latents_train: NDArray[np.float32] | None
    labels_train: NDArray[np.int64] | None
    latents_test: NDArray[np.float32] | None
    labels_test: NDArray[np.int64] | None
    images_test: NDArray[np.uint8] | None
    reconstructions_test: NDArray[np.float32] | None
    component_weights_test: NDArray[np.float32] | None = None
    factors_test: NDArray[np.integer] | None = None
    factor_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for one, other in (
            ("latents_train", "labels_train"),
            ("latents_test", "labels_test"),
            ("latents_test", "component_weights_test"),
            ("latents_test", "factors_test"),
            ("images_test", "reconstructions_test"),
        ):
            first, second = getattr(self, one), getattr(self, other)
            if first is not None and second is not None and len(first) != len(second):
                raise ValueError(f"{len(first)} {one} and {len(second)} {other}")
        originals, reconstructions = self.images_test, self.reconstructions_test
        if originals is not None and reconstructions is not None and originals.shape != reconstructions.shape:
            raise ValueError(f"images_test {originals.shape} and reconstructions_test {reconstructions.shape}")

    def latents_only(self) -> "TrialOutputs":
        """Return a copy without the images, to be sent to a process that scores latents."""
        return dataclasses.replace(self, images_test=None, reconstructions_test=None)


class Protocol:
    """The base class of protocols, each of which is a frozen dataclass of its settings.

    Attributes:
        REVISION: The current revision of what the protocol measures.
        metrics: Names of the metrics that it computes.
        needs: The fields of TrialOutputs that it reads.
        scores_images: Whether it scores images, on the context's device, rather than latents, on any CPU.
        revision: The revision that was asked for. ValueError for another one than the current.
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

    def score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        """Compute every metric, or why it has none; never raises, whatever a model's outputs (NaN, constants)."""
        try:
            return self._score(outputs, context)
        except Unscorable as reason:
            return none_of(self.metrics, str(reason))

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        """As `score`; may raise Unscorable for all metrics at once."""
        raise NotImplementedError


@dataclass(frozen=True)
class Clustering(Protocol):
    """SC, CH and DB of the true labels in the t-SNE plane of test latents (Tables 1 and 4).

    Attributes:
        n_images: How many test images are taken, stratified by class, the same for every trial; all where there are
            fewer.
        perplexity: Of t-SNE.
        revision: As of every protocol.
        tsne: The library that computes the plane, a key of TSNE_ENGINES, else ValueError; any but the reference is
            recorded with its version.
    """

    metrics: ClassVar = ("silhouette", "calinski_harabasz", "davies_bouldin")
    needs: ClassVar = ("latents_test", "labels_test")

    n_images: int = 5_000
    perplexity: float = 30.0
    revision: int = Protocol.REVISION
    tsne: str = added_later(REFERENCE_TSNE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tsne not in TSNE_ENGINES:
            raise ValueError(f"tsne {self.tsne!r}: there are {', '.join(TSNE_ENGINES)}")

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        labels = known_labels(outputs.labels_test)
        rows = stratified_subset(labels, self.n_images)
        labels = labels[rows]
        classes = class_count(labels)
        if classes >= len(rows):
            raise Unscorable(f"{classes} classes in {len(rows)} images")
        plane = self.plane(required(outputs.latents_test, "latents_test")[rows])
        details: dict[str, Any] = {"n_images": len(rows), "classes": classes}
        if self.tsne != REFERENCE_TSNE:
            details["tsne"] = engine_and_version(self.tsne)
        return finite_of(clustering.separation(plane, labels), details)

    def plane(self, latents: NDArray[np.float32], start: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
        """Compute the t-SNE plane of latents.

        Args:
            latents: (n, d).
            start: As for `tsne_plane`.

        Returns:
            (n, 2), finite.

        Raises:
            Unscorable: There are too few latents, they are not finite or constant, or t-SNE is not installed or fails.
        """
        if len(latents) <= self.perplexity:
            raise Unscorable(f"perplexity {self.perplexity:g} needs more images than that, there are {len(latents)}")
        check_latents(latents)
        if reason := missing_library(self.tsne):
            raise Unscorable(reason)
        try:
            plane = clustering.tsne_plane(latents, self.perplexity, self.tsne, start)
        except ValueError as error:
            raise Unscorable(f"t-SNE failed: {first_line(error)}") from error
        if not np.isfinite(plane).all():
            raise Unscorable("t-SNE gave coordinates that are not finite")
        return plane


@dataclass(frozen=True)
class Classification(Protocol):
    """Accuracy over all classes of an RBF support vector machine on standardised latents (Table 2).

    Attributes:
        n_train: How many training images it is fitted on, stratified by class; None: all.
        n_test: How many test images it is scored on, stratified by class; None: all.
        c: The machine's penalty parameter C.
        revision: As of every protocol.
    """

    metrics: ClassVar = ("svm_accuracy",)
    needs: ClassVar = ("latents_train", "labels_train", "latents_test", "labels_test")

    n_train: int | None = None
    n_test: int | None = None
    c: float = 1.0
    revision: int = Protocol.REVISION

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        labels_train, labels_test = known_labels(outputs.labels_train), known_labels(outputs.labels_test)
        train = stratified_subset(labels_train, self.n_train)
        test = stratified_subset(labels_test, self.n_test)
        if not len(test):
            raise Unscorable("no test images")
        classes = class_count(labels_train[train])
        check_trained(labels_train[train], labels_test[test])
        latents_train = required(outputs.latents_train, "latents_train")[train]
        latents_test = required(outputs.latents_test, "latents_test")[test]
        check_latents(latents_train)
        check_finite(latents_test, "latents")

        def accuracy() -> float:
            test_labels = labels_test[test]
            return svm_accuracy(latents_train, labels_train[train], latents_test, test_labels, SupportVector(self.c))

        details = {"n_train": len(train), "n_test": len(test), "classes": classes}
        return collect({"svm_accuracy": accuracy}, details)


@dataclass(frozen=True)
class Reconstruction(Protocol):
    """SSIM, MS-SSIM, LPIPS (AlexNet) and FID of test images and their reconstructions (Tables 3 and 5).

    Attributes:
        n_images: How many test images are taken at random, the same for every trial; None: all.
        fid_images: How many of those FID takes, because it costs most; None: all. The numbers are recorded: below
            2,048 images FID's covariance is singular.
        revision: As of every protocol.
    """

    metrics: ClassVar = METRICS
    needs: ClassVar = ("images_test", "reconstructions_test")
    scores_images: ClassVar = True

    n_images: int | None = None
    fid_images: int | None = None
    revision: int = Protocol.REVISION

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        return score_images(
            required(outputs.images_test, "images_test"),
            required(outputs.reconstructions_test, "reconstructions_test"),
            context,
            n_images=self.n_images,
            fid_images=self.fid_images,
            scoring=ImageScoring(),
        )


PROTOCOLS: dict[str, type[Protocol]] = {
    "clustering": Clustering,
    "classification": Classification,
    "reconstruction": Reconstruction,
}
