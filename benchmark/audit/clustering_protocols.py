"""Alternatives to the clustering protocol: space x labels x images, and other t-SNE initialisations (Tables 1, 4)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from benchmark.audit.outputs import AND, JUDGED, AuditOutputs
from benchmark.evaluation.clustering import random_start, separation
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.preconditions import known_labels, required, separable_classes
from benchmark.evaluation.protocols import Clustering
from benchmark.evaluation.recovery import kmeans_clusters, largest_weights, scaled_to_unit
from benchmark.evaluation.scores import Scores, Unscorable, finite_of, none_of
from benchmark.subsets import choose

DRAWS = (1, 2, 3)  # numbers of the random draws; a spread needs several


def _random_half(labels: np.ndarray, draw: int) -> np.ndarray:
    return choose(len(labels), len(labels) // 2, None, "evaluation", use="audit", draw=draw)


RANDOM_HALVES = {f"random half {draw}": partial(_random_half, draw=draw) for draw in DRAWS}
# name -> function from the labels (n,) of the test images to the positions of the images to score. Half of MNIST's test
# images are 5,000, as in the judged protocol; a fifth are 2,000.
SUBSETS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "all images": lambda labels: np.arange(len(labels)),
    "first half": lambda labels: np.arange(len(labels) // 2),
    "last half": lambda labels: np.arange(len(labels) // 2, len(labels)),
    "a fifth": lambda labels: stratified_subset(labels, len(labels) // 5),
    **RANDOM_HALVES,
}
TSNE_STARTS = {f"random start {draw}": draw for draw in DRAWS}
# Not readings of the paper, because draws only measure a spread. One random half could be what the paper used.
NO_READINGS = (*list(RANDOM_HALVES)[1:], *TSNE_STARTS)

# points (n, q), component weights (n, K) or None, true labels (n,) -> labels (n,)
Labelling = Callable[[np.ndarray, np.ndarray | None, np.ndarray], np.ndarray]


def _kmeans(points: np.ndarray, weights: np.ndarray | None, labels: np.ndarray) -> np.ndarray:
    """Labels by k-means in the scored space, with as many clusters as there are classes."""
    return kmeans_clusters(points, len(np.unique(labels)))


LABELLINGS: Mapping[str, Labelling] = {
    "": lambda points, weights, labels: labels,  # the true labels, as judged
    "k-means labels": _kmeans,
    "arg max w labels": lambda points, weights, labels: largest_weights(weights),
}


def clustering_alternatives(
    outputs: AuditOutputs, judged: Clustering, context: EvaluationContext
) -> Iterator[tuple[str, Scores]]:
    """Score a model under the judged protocol and every alternative.

    Alternatives combine spaces (t-SNE plane, latents), LABELLINGS and SUBSETS; a subset equal to the judged protocol's
    is left out. The initialisations TSNE_STARTS are not combined with others.

    Args:
        outputs: Outputs with the latents and labels of the test images.
        judged: The judged protocol, whose other settings the alternatives share.
        context: Ignored; required by the common signature of alternatives.

    Yields:
        The name, JUDGED or how it differs ("latents, k-means labels, first half"), and the scores.
    """
    try:
        labels = known_labels(outputs.labels_test)
    except Unscorable as reason:
        yield JUDGED, none_of(judged.metrics, str(reason))
        return
    judged_rows = stratified_subset(labels, judged.n_images)
    others = {name: rows_of(labels) for name, rows_of in SUBSETS.items()}
    others = {name: rows for name, rows in others.items() if not np.array_equal(rows, judged_rows)}
    for subset, rows in {"": judged_rows, **others}.items():
        for space, points_of in (("", judged.plane), ("latents", scaled_to_unit)):
            yield from _of_points(outputs, points_of, rows, judged, (space, subset))
    for name, draw in TSNE_STARTS.items():
        started = partial(judged.plane, start=random_start(len(judged_rows), draw))
        [scored] = _of_points(outputs, started, judged_rows, judged, (name,), {"": LABELLINGS[""]})
        yield scored


def _of_points(
    outputs: AuditOutputs,
    points_of: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    judged: Clustering,
    departs: tuple[str, ...],
    labellings: Mapping[str, Labelling] = LABELLINGS,
) -> Iterator[tuple[str, Scores]]:
    """The scores of one set of points, computed once, for every labelling; `departs`: space (or start) and subset."""
    labels = required(outputs.labels_test, "labels_test")[rows]
    weights = None if outputs.component_weights_test is None else outputs.component_weights_test[rows]
    reason = ""
    try:
        separable_classes(labels)
        points = points_of(required(outputs.latents_test, "latents_test")[rows])
    except Unscorable as error:
        reason = str(error)
    for labelling, labels_of in labellings.items():
        name = AND.join(filter(None, (departs[0], labelling, *departs[1:]))) or JUDGED
        try:
            if reason:
                raise Unscorable(reason)
            groups = labels_of(points, weights, labels)
            separable_classes(groups, "groups")
            yield name, finite_of(separation(points, groups), {"n_images": len(rows)})
        except Unscorable as error:
            yield name, none_of(judged.metrics, str(error))
