"""Recovery of the true classes by unsupervised clusters, which no table of the paper measures."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.preconditions import (
    check_finite,
    check_latents,
    known_labels,
    required,
    separable_classes,
)
from benchmark.evaluation.protocols import Protocol, TrialOutputs
from benchmark.evaluation.scores import Scores, Unscorable, collect, none_of
from benchmark.text import first_line

# The clusterings are part of the measurement, not of the trial, so any fixed seed will do.
_RANDOM_STATE = 0
_KMEANS_STARTS = 10


def matched_accuracy(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Compute the clustering accuracy: the share of images whose cluster is matched to their class.

    Clusters and classes are matched one to one so as to maximise this share (Kuhn 1955; "ACC" in Xie, Girshick &
    Farhadi 2016, Eq. 10).

    Args:
        labels: Class of each image, (n,), any values.
        clusters: Cluster of each image, (n,), any values; unmatched clusters or classes count as errors.

    Returns:
        The accuracy, in [0, 1].

    Raises:
        ValueError: The arrays differ in length, or are empty.
    """
    if not len(labels):
        raise ValueError("accuracy needs at least one image")
    counts = contingency_matrix(labels, clusters)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(labels))


_AGREEMENT: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": matched_accuracy,
    "nmi": normalized_mutual_info_score,
    "ari": adjusted_rand_score,
}


@dataclass(frozen=True)
class _Clustered:
    clusters: NDArray[np.integer]  # (n,)
    details: dict[str, Any]


@dataclass(frozen=True)
class ClusterRecovery(Protocol):
    """Accuracy, NMI and ARI of three clusterings of the test images against the true classes; higher is better.

    Accuracy is by best matching, NMI normalised by the arithmetic mean of the entropies; 1 is perfect. The clusterings
    are weights: the arg max of the component weights w, for mixture models only; kmeans: k-means of the latents; gmm: a
    Gaussian mixture with full covariances fitted to the latents, initialised by k-means. The latter two have as many
    clusters as there are true classes.

    The latents are divided by a common factor, not standardised. This makes tolerances and the regularised covariance
    relative to the latents' own spread, and changes nothing else in k-means or the mixture; standardising each
    dimension would give the noise of a collapsed dimension as much weight as a dimension that the model uses. Apart
    from its initialisation and regularisation a Gaussian mixture is affine-invariant anyway.

    Attributes:
        n_images: Number of test images, stratified by class, the same for every trial; all if there are fewer.
        revision: REVISION of the protocol.
    """

    metrics: ClassVar = tuple(
        f"{source}_{measure}" for source in ("weights", "kmeans", "gmm") for measure in _AGREEMENT
    )
    needs: ClassVar = ("latents_test", "labels_test")
    raises_errors: ClassVar = True

    n_images: int = 10_000
    revision: int = Protocol.REVISION

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        labels = known_labels(outputs.labels_test)
        rows = stratified_subset(labels, self.n_images)
        latents, labels = required(outputs.latents_test, "latents_test")[rows], labels[rows]
        classes = separable_classes(labels)
        weights = None if outputs.component_weights_test is None else outputs.component_weights_test[rows]
        parts = [
            _agreement("weights", labels, lambda: _by_weights(weights)),
            _agreement("kmeans", labels, lambda: _Clustered(kmeans_clusters(scaled_to_unit(latents), classes), {})),
            _agreement("gmm", labels, lambda: _by_mixture(scaled_to_unit(latents), classes)),
        ]
        return Scores(
            values={metric: value for part in parts for metric, value in part.values.items()},
            unavailable={metric: reason for part in parts for metric, reason in part.unavailable.items()},
            details={"n_images": len(rows), "classes": classes}
            | {name: detail for part in parts for name, detail in part.details.items()},
        )


def _agreement(source: str, labels: NDArray[np.int64], cluster: Callable[[], _Clustered]) -> Scores:
    """The three measures of a clustering, or one reason for all of them."""
    try:
        found = cluster()
    except Unscorable as reason:
        return none_of(tuple(f"{source}_{measure}" for measure in _AGREEMENT), str(reason))
    measures = {f"{source}_{name}": partial(measure, labels, found.clusters) for name, measure in _AGREEMENT.items()}
    return collect(measures, found.details)


def scaled_to_unit(latents: NDArray[np.float32]) -> NDArray[np.float64]:
    """Centre latents (n, d) and divide them by a common factor, so that the mean variance of the dimensions is 1.

    Raises:
        Unscorable: They are constant or not finite.
    """
    check_latents(latents)
    centred = latents.astype(np.float64)
    centred -= centred.mean(axis=0)
    scaled: NDArray[np.float64] = centred / np.sqrt(np.mean(centred**2))
    return scaled


def largest_weights(weights: NDArray[np.float32] | None) -> NDArray[np.intp]:
    """Return the component with the largest weight of each image, (n, K) -> (n,).

    Raises:
        Unscorable: The method has no component weights, or they are not finite.
    """
    if weights is None:
        raise Unscorable("the method has no component weights")
    check_finite(weights, "component weights")  # argmax would return the position of a NaN
    clusters: NDArray[np.intp] = weights.argmax(axis=1)
    return clusters


def _by_weights(weights: NDArray[np.float32] | None) -> _Clustered:
    clusters = largest_weights(weights)
    components = required(weights, "component_weights_test").shape[1]
    return _Clustered(clusters, {"components": components, "components_used": len(np.unique(clusters))})


def kmeans_clusters(points: NDArray[np.float64], k: int) -> NDArray[np.int32]:
    """Cluster points (n, d) by k-means.

    Returns:
        The cluster of each point, (n,); fewer than k clusters if there are fewer distinct points.
    """
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct latents than clusters is a collapse, which the score shows.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters: NDArray[np.int32] = KMeans(k, n_init=_KMEANS_STARTS, random_state=_RANDOM_STATE).fit_predict(points)
        return clusters


def _by_mixture(latents: NDArray[np.float64], k: int) -> _Clustered:
    """Cluster by a Gaussian mixture, on one thread, because expectation maximisation amplifies the last bit."""
    mixture = GaussianMixture(k, covariance_type="full", init_params="kmeans", random_state=_RANDOM_STATE)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # A mixture that did not converge still has a score; the record notes it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            clusters = mixture.fit_predict(latents)
        except ValueError as error:
            raise Unscorable(f"the Gaussian mixture failed: {first_line(error)}") from error
    return _Clustered(clusters, {"gmm_converged": bool(mixture.converged_)})
