"""Clusters found without labels against the true classes, on latents and weights whose answer is known."""

import dataclasses
import functools
import itertools
import json
import math

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from benchmark.evaluation import recovery
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.protocols import TrialOutputs
from benchmark.evaluation.recovery import ClusterRecovery, matched_accuracy, scaled_to_unit
from benchmark.evaluation.scores import Scores

WEIGHTS, KMEANS, GMM = (ClusterRecovery.metrics[start : start + 3] for start in (0, 3, 6))
NO_WEIGHTS = "the method has no component weights"
CONSTANT = "the latents are constant: every image has the same embedding"


def blobs(n: int, dim: int = 4, distance: float = 20.0, classes: int = 3, seed: int = 0):
    """Unit Gaussians around centres `distance` apart on the axes: latents (n, dim) float32, labels (n,)."""
    stream = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return (distance * np.eye(classes, dim)[labels] + stream.normal(size=(n, dim))).astype(np.float32), labels


def recover(latents, labels, weights=None, **settings) -> Scores:
    outputs = TrialOutputs(None, None, latents, labels, None, None, component_weights_test=weights)
    return ClusterRecovery(**settings).score(outputs, EvaluationContext())


LATENTS, LABELS = blobs(90)


@pytest.mark.parametrize(("classes", "clusters"), [(4, 4), (4, 2), (2, 5), (3, 1)])
def test_matched_accuracy_is_the_best_of_all_matchings(classes, clusters):
    stream = np.random.default_rng(classes + 10 * clusters)
    found = stream.integers(0, clusters, 40)
    labels = np.where(stream.random(40) < 0.4, found % classes, stream.integers(0, classes, 40))
    # Every cluster gets a class of its own; the classes beyond the real ones hold no image.
    matchings = itertools.permutations(range(max(classes, clusters)), clusters)
    best = max(np.mean(np.array(matching)[found] == labels) for matching in matchings)
    assert matched_accuracy(labels, found) == pytest.approx(best, abs=1e-12)
    assert 0 < best < 1


def test_matched_accuracy_by_hand():
    # Greedily, cluster 0 would take class 0 for its 3 images, which leaves 0 of cluster 1: 3 of 8, not 5.
    labels = np.array([0, 0, 0, 1, 1, 0, 0, 0])
    clusters = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    assert matched_accuracy(labels, clusters) == 5 / 8
    assert matched_accuracy(labels, np.zeros(8)) == 6 / 8
    assert matched_accuracy(labels, np.arange(8)) == 2 / 8
    assert matched_accuracy(np.array(["b", "a", "b"]), np.array([7, -2, 7])) == 1


def test_matched_accuracy_refuses_what_does_not_belong_together():
    with pytest.raises(ValueError, match="at least one image"):
        matched_accuracy(LABELS[:0], LABELS[:0])
    with pytest.raises(ValueError, match="same length"):
        matched_accuracy(LABELS, LABELS[1:])


def test_separated_classes_are_recovered_whatever_the_clusters_are_called():
    weights = np.eye(3, dtype=np.float32)[(LABELS + 1) % 3]
    scores = recover(LATENTS, LABELS, weights)
    assert scores.values == pytest.approx(dict.fromkeys(ClusterRecovery.metrics, 1.0), abs=1e-12)
    assert scores.unavailable == {}
    assert scores.details == {
        "n_images": 90,
        "classes": 3,
        "components": 3,
        "components_used": 3,
        "gmm_converged": True,
    }
    assert json.loads(json.dumps(scores.details)) == scores.details


def test_noise_recovers_nothing():
    stream = np.random.default_rng(0)
    latents, labels = stream.normal(size=(1200, 4)).astype(np.float32), np.arange(1200) % 4
    values = recover(latents, labels, stream.dirichlet(np.ones(4), 1200)).values
    for source in ("weights", "kmeans", "gmm"):
        # A share of 1/4 has a standard deviation of 0.0125; the best of 24 matchings is a little above.
        assert 0.25 <= values[f"{source}_accuracy"] < 0.31
        assert 0 <= values[f"{source}_nmi"] < 0.015
        assert abs(values[f"{source}_ari"]) < 0.01


def test_weights_are_scored_by_their_arg_max_with_any_number_of_components():
    found = np.where(LABELS == 2, 5, LABELS)  # components 0, 1 and 5 of 7
    found[:9] = 3
    weights = (0.4 * np.eye(7)[found] + 0.6 / 7).astype(np.float32)
    scores = recover(LATENTS, LABELS, weights)
    assert scores.values["weights_accuracy"] == pytest.approx(81 / 90)
    assert scores.values["weights_nmi"] == pytest.approx(normalized_mutual_info_score(LABELS, found))
    assert scores.values["weights_ari"] == pytest.approx(adjusted_rand_score(LABELS, found))
    assert (scores.details["components"], scores.details["components_used"]) == (7, 4)


def test_nmi_is_normalised_by_the_arithmetic_mean_of_the_entropies():
    labels = np.arange(120) % 4
    weights = np.eye(2)[labels // 2]  # one of two bits: I = ln 2 of entropies ln 4 and ln 2
    values = recover(blobs(120, classes=4)[0], labels, weights).values
    assert values["weights_nmi"] == pytest.approx(2 / 3)
    assert values["weights_accuracy"] == pytest.approx(1 / 2)


def test_weights_that_collapse_to_one_component_score_as_one_cluster():
    scores = recover(LATENTS, LABELS, np.full((90, 3), 1 / 3, np.float32))
    assert [scores.values[metric] for metric in WEIGHTS] == pytest.approx([1 / 3, 0, 0], abs=1e-12)
    assert scores.details["components_used"] == 1
    assert scores.values["kmeans_accuracy"] == 1


def test_k_means_is_the_best_of_ten_starts_on_the_latents_as_they_are():
    latents, labels = blobs(300, distance=1.5)
    ten, one = (KMeans(3, n_init=starts, random_state=0).fit(latents.astype(np.float64)) for starts in (10, 1))
    values = recover(latents, labels).values
    assert values["kmeans_ari"] == pytest.approx(adjusted_rand_score(labels, ten.labels_))
    assert ten.inertia_ < one.inertia_
    assert values["kmeans_ari"] != pytest.approx(adjusted_rand_score(labels, one.labels_))


def test_a_mixture_sees_a_cluster_within_a_cluster_that_k_means_cuts():
    labels = np.arange(600) % 2
    latents = np.random.default_rng(1).normal(size=(600, 2)) * np.where(labels, 5, 0.3)[:, None]
    values = recover(latents.astype(np.float32), labels).values
    assert values["gmm_accuracy"] > 0.97
    assert values["kmeans_accuracy"] < 0.8


def test_the_mixture_has_full_covariances_and_begins_with_k_means():
    latents, labels = blobs(300, distance=3.0, classes=4)
    latents[:, 0] += 3 * latents[:, 1]

    def ari(covariance_type: str, init_params: str) -> float:
        mixture = GaussianMixture(4, covariance_type=covariance_type, init_params=init_params, random_state=0)
        return adjusted_rand_score(labels, mixture.fit_predict(scaled_to_unit(latents)))

    found = recover(latents, labels).values["gmm_ari"]
    assert found == pytest.approx(ari("full", "kmeans"))
    others = ari("diag", "kmeans"), ari("full", "random_from_data")
    assert min(abs(found - other) for other in others) > 0.05


def test_small_noise_in_unused_dimensions_counts_for_little():
    latents, labels = blobs(300, dim=3, distance=5)
    noise = 0.01 * np.random.default_rng(2).normal(size=(300, 80))
    values = recover(np.column_stack([latents, noise]).astype(np.float32), labels).values
    assert values["kmeans_accuracy"] > 0.99


@pytest.mark.parametrize("scale", [2.0**-100, 2.0**-20, 2.0**60])
def test_the_common_scale_of_the_latents_does_not_matter(scale):
    latents, labels = blobs(150, distance=2.5)
    plain = recover(latents, labels)
    assert recover(latents * np.float32(scale), labels) == plain
    assert 0.5 < plain.values["gmm_accuracy"] < 1


def test_recovery_does_not_depend_on_the_thread_count():
    latents, labels = blobs(300, distance=2)
    with threadpool_limits(1):
        one = recover(latents, labels)
    with threadpool_limits(2):
        assert recover(latents, labels) == one


def test_a_stratified_part_is_scored_when_there_are_more_images():
    latents, labels = blobs(150, distance=2.5)
    weights = np.random.default_rng(4).dirichlet(np.ones(3), 150)
    rows = stratified_subset(labels, 60)
    part = recover(latents, labels, weights, n_images=60)
    assert part == recover(latents[rows], labels[rows], weights[rows])
    assert part.details["n_images"] == 60


@pytest.mark.parametrize(
    ("latents", "labels", "reason"),
    [
        (LATENTS, None, "the data set has no labels"),
        (LATENTS, np.zeros(90, int), "at least two classes are needed, there is one"),
        (LATENTS[:0], LABELS[:0], "at least two classes are needed, there are none"),
        (LATENTS, np.arange(90), "90 classes in 90 images"),
    ],
)
def test_without_classes_nothing_is_scored(latents, labels, reason):
    scores = recover(latents, labels, np.ones((len(latents), 1)))
    assert (scores.values, scores.unavailable) == ({}, dict.fromkeys(ClusterRecovery.metrics, reason))


def spoilt(array: np.ndarray, value: float) -> np.ndarray:
    array = array.copy()
    array[7, 1] = value
    return array


@pytest.mark.parametrize(
    ("latents", "reason"),
    [
        (spoilt(LATENTS, math.nan), "1 of 90 latents are not finite"),
        (spoilt(LATENTS, -math.inf), "1 of 90 latents are not finite"),
        (np.full_like(LATENTS, 0.25), CONSTANT),
    ],
)
def test_latents_without_clusters_leave_the_weights_their_scores(latents, reason):
    scores = recover(latents, LABELS, np.eye(3)[LABELS])
    assert scores.values == pytest.approx(dict.fromkeys(WEIGHTS, 1.0))
    assert scores.unavailable == dict.fromkeys(KMEANS + GMM, reason)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [(None, NO_WEIGHTS), (spoilt(np.eye(3)[LABELS], math.nan), "1 of 90 component weights are not finite")],
)
def test_without_weights_the_latents_keep_their_scores(weights, reason):
    scores = recover(LATENTS, LABELS, weights)
    assert scores.values == pytest.approx(dict.fromkeys(KMEANS + GMM, 1.0))
    assert scores.unavailable == dict.fromkeys(WEIGHTS, reason)
    assert scores.details == {"n_images": 90, "classes": 3, "gmm_converged": True}


@pytest.mark.filterwarnings("error")
def test_a_collapse_to_fewer_points_than_classes_is_scored():
    two = LABELS // 2
    scores = recover(LATENTS[two], LABELS)
    agreement = 2 / 3, normalized_mutual_info_score(LABELS, two), adjusted_rand_score(LABELS, two)
    for metrics in (KMEANS, GMM):
        assert [scores.values[metric] for metric in metrics] == pytest.approx(agreement)


@pytest.mark.filterwarnings("error")
def test_latents_that_vary_by_a_rounding_error_are_scored():
    flat = np.ones_like(LATENTS)
    flat[3, 1] += np.float32(1.2e-7)
    assert recover(flat, LABELS).values["kmeans_accuracy"] == pytest.approx(31 / 90)


@pytest.mark.filterwarnings("error")
def test_a_mixture_that_does_not_converge_has_a_value_and_says_so(monkeypatch):
    monkeypatch.setattr(recovery, "GaussianMixture", functools.partial(GaussianMixture, max_iter=1))
    scores = recover(*blobs(150, distance=2))
    assert scores.details["gmm_converged"] is False
    assert 1 / 3 < scores.values["gmm_accuracy"] < 1


def test_a_mixture_that_fails_says_why_and_stops_nothing_else(monkeypatch):
    # On copies of one point and no regularisation a component's covariance is singular.
    monkeypatch.setattr(recovery, "GaussianMixture", functools.partial(GaussianMixture, reg_covar=0.0))
    scores = recover(LATENTS[LABELS], LABELS)
    assert scores.values == pytest.approx(dict.fromkeys(KMEANS, 1.0))
    for metric in GMM:
        assert scores.unavailable[metric].startswith("the Gaussian mixture failed: ")
        assert "\n" not in scores.unavailable[metric]
    assert "gmm_converged" not in scores.details


def test_settings_survive_the_way_through_a_record():
    settings = json.loads(json.dumps(dataclasses.asdict(ClusterRecovery(n_images=50))))
    assert ClusterRecovery(**settings) == ClusterRecovery(n_images=50)
    with pytest.raises(ValueError, match="revision"):
        ClusterRecovery(revision=99)
