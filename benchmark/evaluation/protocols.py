"""The paper's three protocols, each a pure function of a model's outputs with the settings of protocol_settings."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.errors import UserError
from benchmark.evaluation import clustering
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.preconditions import (
    check_classifiable,
    check_latents,
    known_labels,
    required,
    separable_classes,
)
from benchmark.evaluation.protocol_settings import (
    REFERENCE_TSNE,
    ClassificationSettings,
    ClusteringSettings,
    ProtocolSettings,
    ReconstructionSettings,
)
from benchmark.evaluation.reconstruction import ImageScoring, score_images
from benchmark.evaluation.scores import SCORING_FAILED, Scores, Unscorable, collect, finite_of, none_of
from benchmark.evaluation.support_vectors import SupportVector, svm_accuracy
from benchmark.evaluation.tsne_engines import engine_and_version, missing_library
from benchmark.text import error_line, first_line

# Errors that say nothing about a protocol, so they fail the trial, or end the run, in which it was scored.
_OF_THE_MACHINE = (UserError, MemoryError, torch.OutOfMemoryError, torch.AcceleratorError)


@dataclass(frozen=True)
class TrialOutputs:
    """The outputs of a trained model that protocols score, for N training and M test images.

    A field may be None if no requested protocol needs it.

    Attributes:
        latents_train: Deterministic embeddings, (N, d).
        labels_train: Class labels, (N,); None if the data set has none.
        latents_test: Deterministic embeddings, (M, d).
        labels_test: Class labels, (M,); None if the data set has none.
        images_test: uint8 images, (M, C, S, S).
        reconstructions_test: Float images in [0, 1], (M, C, S, S).
        component_weights_test: (M, K), rows on the simplex; None if the method is not a mixture.
        factors_test: Known generative factors, (M, F).
        factor_names: Names of the F factors.

    Raises:
        ValueError: Numbers of images, or the shapes of images and reconstructions, do not match.
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
        """Return a copy without images, for a process that scores latents."""
        return dataclasses.replace(self, images_test=None, reconstructions_test=None)


class Protocol(ProtocolSettings):
    """The base class of protocols, which score a trained model's outputs.

    `raises_errors`: whether an unexpected error in `_score` is raised, and so fails the trial, as for the suite's own
    protocols, where it is a fault of the suite. Otherwise it is the reason why this protocol has no scores.
    """

    raises_errors: ClassVar[bool] = False

    def score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        """Compute every metric, or the reason why it has no value, whatever the outputs (NaN, constants).

        For metrics that the context leaves out, this is the reason.
        """
        left_out = tuple(metric for metric in self.metrics if metric in context.left_out)
        if left_out == self.metrics:
            return Scores({}, {}).without(left_out)
        try:
            scores = self._score(outputs, context)
            self._check_declared(scores, left_out)
        except Unscorable as reason:
            scores = none_of(self.metrics, str(reason))
        except _OF_THE_MACHINE:
            raise
        except Exception as error:
            if self.raises_errors:
                raise
            scores = none_of(self.metrics, f"{SCORING_FAILED}: {error_line(error)}")
        return scores.without(left_out)

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        """Compute every metric; may raise Unscorable for all metrics at once."""
        raise NotImplementedError

    def _check_declared(self, scores: Scores, left_out: tuple[str, ...]) -> None:
        """Raise ValueError unless exactly the metrics of the protocol have a value or a reason."""
        found = {*scores.values, *scores.unavailable}
        if undeclared := sorted(found - set(self.metrics)):
            raise ValueError(f"{undeclared[0]} is scored, but is not among the protocol's metrics")
        if missing := sorted(set(self.metrics) - found - set(left_out)):
            raise ValueError(f"{missing[0]} has neither a value nor a reason")


class Clustering(ClusteringSettings, Protocol):
    """The protocol with the settings of `ClusteringSettings`."""

    raises_errors: ClassVar[bool] = True

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        labels = known_labels(outputs.labels_test)
        rows = stratified_subset(labels, self.n_images)
        labels = labels[rows]
        classes = separable_classes(labels)
        plane = self.plane(required(outputs.latents_test, "latents_test")[rows])
        details: dict[str, Any] = {"n_images": len(rows), "classes": classes}
        if self.tsne != REFERENCE_TSNE:
            details["tsne"] = engine_and_version(self.tsne)
        return finite_of(clustering.separation(plane, labels), details)

    def plane(self, latents: NDArray[np.float32], start: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
        """Compute the t-SNE plane of latents.

        Args:
            latents: Latent codes, (n, d).
            start: See `tsne_plane`.

        Returns:
            The projected points, (n, 2), finite.

        Raises:
            Unscorable: Latents are too few, constant or not finite, or t-SNE is not installed or fails.
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


class Classification(ClassificationSettings, Protocol):
    """The protocol with the settings of `ClassificationSettings`."""

    raises_errors: ClassVar[bool] = True

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        train, test = self.taken(outputs, "train"), self.taken(outputs, "test")
        classes = check_classifiable(train, test)
        details = {"n_train": len(train[1]), "n_test": len(test[1]), "classes": classes}
        return collect({"svm_accuracy": lambda: svm_accuracy(*train, *test, SupportVector(self.c))}, details)

    def taken(
        self, outputs: TrialOutputs, split: Literal["train", "test"]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the latents (n, d) and labels (n,) of the chosen images of a split.

        Raises:
            Unscorable: The data set has no labels.
        """
        labels = known_labels(getattr(outputs, f"labels_{split}"))
        rows = stratified_subset(labels, getattr(self, f"n_{split}"))
        return required(getattr(outputs, f"latents_{split}"), f"latents_{split}")[rows], labels[rows]


class Reconstruction(ReconstructionSettings, Protocol):
    """The protocol with the settings of `ReconstructionSettings`."""

    raises_errors: ClassVar[bool] = True

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        return score_images(
            required(outputs.images_test, "images_test"),
            required(outputs.reconstructions_test, "reconstructions_test"),
            context,
            n_images=self.n_images,
            fid_images=self.fid_images,
            scoring=ImageScoring(tuple(metric for metric in self.metrics if metric not in context.left_out)),
        )


PROTOCOLS: dict[str, type[Protocol]] = {
    "clustering": Clustering,
    "classification": Classification,
    "reconstruction": Reconstruction,
}
