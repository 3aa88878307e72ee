"""The clustering and classification protocols, on latents whose answer is known."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from sklearn.manifold import TSNE
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from benchmark.audit.audit_trial import OWN_PROTOCOLS
from benchmark.evaluation.clustering import separation
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.protocol_settings import ClassificationSettings
from benchmark.evaluation.protocols import PROTOCOLS, Classification, Clustering, Protocol, TrialOutputs
from benchmark.evaluation.scores import Scores, Unscorable, collect, finite_of
from benchmark.evaluation.support_vectors import SupportVector, svm_accuracy
from benchmark.metrics import METRICS
from benchmark.table_specs import ALL_TABLES

HERE = EvaluationContext()
CONSTANT = "the latents are constant: every image has the same embedding"


def blobs(n: int, dim: int = 4, distance: float = 20.0, classes: int = 3, seed: int = 0):
    """Unit Gaussians around centres `distance` apart on the axes: latents (n, dim) float32, labels (n,)."""
    stream = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = distance * np.eye(classes, dim)
    return (centres[labels] + stream.normal(size=(n, dim))).astype(np.float32), labels


def outputs(latents, labels, train=None, train_labels=None) -> TrialOutputs:
    return TrialOutputs(train, train_labels, latents, labels, None, None)


def test_every_protocol_gives_the_metrics_of_its_tables():
    protocols = {name: protocol.metrics for name, protocol in {**PROTOCOLS, **OWN_PROTOCOLS}.items()}
    for name, metrics in protocols.items():
        assert set(metrics) == {of for table in ALL_TABLES.values() if table.protocol == name for of in table.metrics}
    assert {metric for metrics in protocols.values() for metric in metrics} == set(METRICS)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_settings_survive_the_way_through_a_record(name):
    protocol = PROTOCOLS[name]
    settings = json.loads(json.dumps(dataclasses.asdict(protocol())))
    assert protocol(**settings) == protocol()
    with pytest.raises(ValueError, match="revision"):
        protocol(**settings | {"revision": 99})


def test_clustering_scores_are_sklearns_on_the_same_plane():
    latents, labels = blobs(150, distance=4)
    scores = Clustering(n_images=90, perplexity=12).score(outputs(latents, labels), HERE)
    rows = stratified_subset(labels, 90)
    plane = TSNE(2, init="pca", perplexity=12, random_state=0).fit_transform(latents[rows])
    assert scores.values["silhouette"] == pytest.approx(silhouette_score(plane, labels[rows]), rel=1e-5)
    assert scores.values["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(plane, labels[rows]), rel=1e-5)
    assert scores.values["davies_bouldin"] == pytest.approx(davies_bouldin_score(plane, labels[rows]), rel=1e-5)
    assert scores.details == {"n_images": 90, "classes": 3}


def test_separated_classes_score_better_than_shuffled_labels():
    latents, labels = blobs(120)
    good = Clustering(perplexity=15).score(outputs(latents, labels), HERE).values
    bad = Clustering(perplexity=15).score(outputs(latents, np.random.default_rng(3).permutation(labels)), HERE).values
    assert good["silhouette"] > 0.6 > 0.1 > bad["silhouette"]
    assert good["calinski_harabasz"] > 20 * bad["calinski_harabasz"]
    assert good["davies_bouldin"] < 0.6 < 2 < bad["davies_bouldin"]


def test_clustering_does_not_depend_on_the_thread_count():
    latents, labels = blobs(120, distance=3)
    with threadpool_limits(1):
        one = Clustering(perplexity=15).score(outputs(latents, labels), HERE)
    with threadpool_limits(2):
        assert Clustering(perplexity=15).score(outputs(latents, labels), HERE) == one


def test_two_latent_dimensions_are_enough_for_the_plane():
    latents, labels = blobs(60, dim=2, classes=2)
    assert set(Clustering(perplexity=10).score(outputs(latents, labels), HERE).values) == set(Clustering.metrics)


def spoilt(latents: np.ndarray, value: float) -> np.ndarray:
    latents = latents.copy()
    latents[7, 1] = value
    return latents


LATENTS, LABELS = blobs(60)


@pytest.mark.parametrize(
    ("latents", "labels", "reason"),
    [
        (LATENTS, None, "the data set has no labels"),
        (LATENTS, np.zeros(60, int), "at least two classes are needed, there is one"),
        (LATENTS, np.arange(60), "60 classes in 60 images"),
        (LATENTS[:30], LABELS[:30], "perplexity 30 needs more images than that, there are 30"),
        (LATENTS[:0], LABELS[:0], "at least two classes are needed, there are none"),
        (spoilt(LATENTS, math.nan), LABELS, "1 of 60 latents are not finite"),
        (spoilt(LATENTS, -math.inf), LABELS, "1 of 60 latents are not finite"),
        (np.full_like(LATENTS, 0.25), LABELS, CONSTANT),
    ],
)
def test_clustering_that_cannot_be_scored_says_why(latents, labels, reason):
    scores = Clustering().score(outputs(latents, labels), HERE)
    assert scores.values == {}
    assert scores.unavailable == dict.fromkeys(Clustering.metrics, reason)


@pytest.mark.parametrize("scale", [1e30, 1e20, 1e14, 1e10, 1e-11, 1e-14, 1e-30])
def test_latents_at_the_ends_of_the_float_range_get_a_number_or_a_reason(scale):
    """Without the check of its start, scikit-learn's t-SNE ends the process (segmentation fault) at 1e-30."""
    scores = Clustering().score(outputs(LATENTS * np.float32(scale), LABELS), HERE)
    if 1e-12 < scale < 1e12:
        assert set(scores.values) == set(Clustering.metrics)
    else:
        assert all(reason.startswith("t-SNE failed: ") for reason in scores.unavailable.values())
        assert set(scores.unavailable) == set(Clustering.metrics)


def test_latents_that_vary_by_a_rounding_error_get_a_reason():
    flat = np.ones_like(LATENTS)
    flat[3, 1] += np.float32(1.2e-7)
    assert len(np.unique(flat)) == 2
    scores = Clustering().score(outputs(flat, LABELS), HERE)
    assert set(scores.unavailable) == set(Clustering.metrics)
    assert scores.unavailable["silhouette"].startswith("t-SNE failed: the latents' standard deviation")


def test_a_collapse_to_few_distinct_points_is_scored():
    latents = np.repeat(LATENTS[:4], 15, axis=0)
    scores = Clustering().score(outputs(latents, LABELS), HERE)
    assert set(scores.values) == {"silhouette", "calinski_harabasz"}
    assert scores.unavailable == {"davies_bouldin": "computed as inf"}  # every class has the same centroid


def test_davies_bouldin_is_no_0_where_scikit_learn_takes_small_distances_for_none():
    points, labels = blobs(60, dim=2, distance=3.0)
    points = points.astype(np.float64)
    assert davies_bouldin_score(1e-9 * points, labels) == 0.0
    assert separation(1e-9 * points, labels)["davies_bouldin"] == pytest.approx(davies_bouldin_score(points, labels))
    for label in set(labels):
        points[labels == label] -= points[labels == label].mean(axis=0)
    assert separation(points, labels)["davies_bouldin"] == math.inf
    ends = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert separation(np.repeat(ends, 2, axis=0), np.array([0, 0, 1, 1]))["davies_bouldin"] == 0.0


@pytest.mark.parametrize("at", [1.0, 0.1])  # scikit-learn returns 1 and, because a mean is rounded, 1e32
def test_calinski_harabasz_has_no_value_if_every_class_is_one_point(at):
    points, labels = np.repeat([[0.0, 0.0], [at, 0.0]], 3, axis=0), np.array([0, 0, 0, 1, 1, 1])
    scores = finite_of(separation(points, labels), {})
    assert scores.values == {"silhouette": 1.0, "davies_bouldin": 0.0}
    assert scores.unavailable == {"calinski_harabasz": "computed as inf"}
    points[0, 1] = 1e-3
    assert separation(points, labels)["calinski_harabasz"] == calinski_harabasz_score(points, labels)


def test_svm_separates_blobs_without_a_mistake():
    latents, labels = blobs(90)
    train, train_labels = blobs(150, seed=1)
    scores = Classification().score(outputs(latents, labels, train, train_labels), HERE)
    assert scores.values == {"svm_accuracy": 1.0}
    assert scores.details == {"n_train": 150, "n_test": 90, "classes": 3}


def test_svm_is_at_chance_on_latents_that_carry_nothing():
    stream = np.random.default_rng(0)
    latents = stream.normal(size=(1600, 4)).astype(np.float32)
    labels = stream.integers(0, 10, 1600)
    values = Classification().score(outputs(latents[:800], labels[:800], latents[800:], labels[800:]), HERE).values
    # Chance is 0.1 with a standard deviation of 0.011.
    assert values["svm_accuracy"] == pytest.approx(0.1, abs=0.045)


def test_svm_does_not_see_the_scale_of_a_dimension():
    latents, labels = blobs(120, distance=2)
    stretch = np.array([1e4, 1e-4, 1, 50], np.float32)
    plain = Classification().score(outputs(latents[60:], labels[60:], latents[:60], labels[:60]), HERE)
    scaled = latents * stretch + 3 * stretch
    assert Classification().score(outputs(scaled[60:], labels[60:], scaled[:60], labels[:60]), HERE) == plain
    assert 0.5 < plain.values["svm_accuracy"] < 1


def test_the_protocols_c_is_the_support_vector_machines():
    train, test = blobs(150, distance=1.5), blobs(400, distance=1.5, seed=1)
    scores = [Classification(c=c).score(outputs(*test, *train), HERE).values["svm_accuracy"] for c in (0.02, 1.0)]
    assert scores == [svm_accuracy(*train, *test, SupportVector(c)) for c in (0.02, 1.0)]
    assert scores[0] != scores[1]


def test_svm_takes_a_stratified_part_when_asked():
    latents, labels = blobs(90)
    scores = Classification(n_train=30, n_test=60).score(outputs(latents, labels, latents, labels), HERE)
    assert scores.details == {"n_train": 30, "n_test": 60, "classes": 3}


@pytest.mark.parametrize(
    ("latents", "labels", "train", "train_labels", "reason"),
    [
        (LATENTS, None, LATENTS, LABELS, "the data set has no labels"),
        (LATENTS[:0], LABELS[:0], LATENTS, LABELS, "no test images"),
        (LATENTS, LABELS, LATENTS, np.ones(60, int), "at least two classes are needed, there is one"),
        (LATENTS, LABELS, LATENTS, LABELS % 2, "1 of the 3 classes of the test images have no training image"),
        (
            LATENTS,
            LABELS,
            np.ones_like(LATENTS),
            LABELS,
            CONSTANT,
        ),
        (LATENTS, LABELS, spoilt(LATENTS, math.nan), LABELS, "1 of 60 latents are not finite"),
        (spoilt(LATENTS, math.inf), LABELS, LATENTS, LABELS, "1 of 60 latents are not finite"),
    ],
)
def test_classification_that_cannot_be_scored_says_why(latents, labels, train, train_labels, reason):
    scores = Classification().score(outputs(latents, labels, train, train_labels), HERE)
    assert (scores.values, scores.unavailable) == ({}, {"svm_accuracy": reason})


def test_outputs_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="60 latents_test and 59 labels_test"):
        outputs(LATENTS, LABELS[:59])


def test_a_score_is_finite_or_has_a_reason():
    def broken() -> float:
        raise Unscorable("no reason to worry")

    scores = collect({"a": lambda: 0.0, "b": lambda: math.nan, "c": broken, "d": lambda: -math.inf}, {})
    assert scores.values == {"a": 0.0}
    assert scores.unavailable == {"b": "computed as nan", "c": "no reason to worry", "d": "computed as -inf"}
    with pytest.raises(ValueError, match="a is computed as nan"):
        Scores({"a": math.nan}, {})


@pytest.mark.parametrize("value", [np.float32(0.5), np.array(0.5), torch.tensor(0.5), np.array(0.5, dtype=object)])
def test_a_score_may_be_a_number_of_numpy_or_torch(value):
    assert collect({"ssim": lambda: value}, {}).values == {"ssim": 0.5}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("0.5", "str"), (None, "NoneType"), (np.zeros(2), "ndarray"), (torch.zeros(2), "Tensor"), ({"ssim": 1.0}, "dict")],
)
def test_a_function_of_a_metric_that_returns_no_number_is_named(value, kind):
    with pytest.raises(TypeError, match=f"^ssim: its function returns {kind} instead of one number$"):
        collect({"fid": lambda: 1.0, "ssim": lambda: value}, {})


def test_a_value_outside_the_metrics_range_is_no_score():
    scores = collect({"ssim": lambda: 1 + 1e-7, "ms_ssim": lambda: 1.5, "fid": lambda: -2.0}, {})
    assert scores.values == {"ssim": 1 + 1e-7}
    assert scores.unavailable == {
        "ms_ssim": "computed as 1.5; the metric goes from 0 to 1",
        "fid": "computed as -2; the metric goes from 0 on",
    }


class Own(ClassificationSettings, Protocol):
    """A user's own protocol, whose `_score` does what a test lets it do."""


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (lambda *_: {}["missing"], "scoring failed: KeyError: 'missing'"),
        (
            lambda *_: collect({"svm_acuracy": lambda: 1.0}, {}),
            "svm_acuracy is scored, but is not among the",
        ),
        (
            lambda *_: collect({"svm_accuracy": lambda: "high"}, {}),
            "scoring failed: TypeError: svm_accuracy: its function returns str instead of one number",
        ),
        (lambda *_: Scores({}, {}), "scoring failed: ValueError: svm_accuracy has neither a value nor a reason"),
        (lambda *_: collect({"svm_accuracy": lambda: 2.0}, {}), "computed as 2; the metric goes from 0 to 1"),
        (
            lambda *_: Scores({"svm_accuracy": 93.5}, {}),
            "scoring failed: ValueError: svm_accuracy is computed as 93.5; the metric goes from 0 to 1",
        ),
    ],
)
def test_what_goes_wrong_in_a_protocol_of_ones_own_is_its_reason(done, reason, monkeypatch):
    monkeypatch.setattr(Own, "_score", done)
    scores = Own().score(outputs(LATENTS, LABELS), HERE)
    assert scores.values == {} and scores.unavailable.keys() == {"svm_accuracy"}
    assert reason in scores.unavailable["svm_accuracy"]


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, torch.OutOfMemoryError])
def test_what_is_no_fault_of_the_protocol_is_raised(error, monkeypatch):
    def interrupted(*_):
        raise error

    monkeypatch.setattr(Own, "_score", interrupted)
    with pytest.raises(error):
        Own().score(outputs(LATENTS, LABELS), HERE)


@pytest.mark.parametrize("protocol", [*PROTOCOLS.values(), *map(type, OWN_PROTOCOLS.values())])
def test_an_error_in_the_suites_own_protocols_is_raised(protocol, monkeypatch):
    monkeypatch.setattr(protocol, "_score", lambda *_: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        protocol().score(outputs(LATENTS, LABELS), HERE)
