"""The clustering protocol's alternatives: each against scikit-learn, on points whose groups are known."""

import math
import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from benchmark.audit.clustering_protocols import DRAWS, SUBSETS, clustering_alternatives
from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.evaluation.clustering import START_SCALE, random_start, tsne_plane
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.protocols import Clustering
from benchmark.evaluation.scores import Scores, finite_of

N, N_JUDGED, PERPLEXITY = 150, 60, 10
SETTINGS = Clustering(n_images=N_JUDGED, perplexity=PERPLEXITY)
SPACES = ("", "latents")
LABELLINGS = ("", "k-means labels", "arg max w labels")
OTHER_IMAGES = ("all images", "first half", "last half", "a fifth", "random half 1", "random half 2", "random half 3")
STARTS = ("random start 1", "random start 2", "random start 3")


def name_of(space: str, labelling: str, subset: str) -> str:
    return ", ".join(filter(None, (space, labelling, subset))) or JUDGED


def names(*subsets: str) -> list[str]:
    """What is to be scored where the judged images and `subsets` are looked at."""
    crossed = [name_of(*departs) for departs in ((s, k, i) for i in ("", *subsets) for s in SPACES for k in LABELLINGS)]
    return [*crossed, *STARTS]


def blobs(n: int, distance: float = 4.0, classes: int = 3, seed: int = 0):
    """Unit Gaussians around centres `distance` apart on the axes: latents (n, 4) float32, labels (n,)."""
    labels = np.arange(n) % classes
    noise = np.random.default_rng(seed).normal(size=(n, 4))
    return (distance * np.eye(classes, 4)[labels] + noise).astype(np.float32), labels


def scored(latents, labels, weights=None, judged: Clustering = SETTINGS) -> dict[str, Scores]:
    found = list(
        clustering_alternatives(
            AuditOutputs(None, None, latents, labels, None, None, weights), judged, EvaluationContext()
        )
    )
    assert len(found) == len(dict(found)), "a name occurs twice"
    return dict(found)


def reasons(found: dict[str, Scores]) -> dict[str, str]:
    """Name -> the one reason for all three metrics, of the names that have no value."""
    for scores in found.values():
        given = scores.values or scores.unavailable
        assert set(given) == set(Clustering.metrics)
        assert len(set(scores.unavailable.values())) == bool(scores.unavailable)
    return {name: scores.unavailable["silhouette"] for name, scores in found.items() if not scores.values}


LATENTS, LABELS = blobs(N, distance=2.5)  # so near that k-means makes mistakes
WEIGHTS = np.random.default_rng(1).dirichlet(np.ones(5), N).astype(np.float32)
ROWS = {
    "": stratified_subset(LABELS, N_JUDGED),
    "all images": np.arange(150),
    "first half": np.arange(75),
    "last half": np.arange(75, 150),
    "a fifth": stratified_subset(LABELS, 30),
} | {name: SUBSETS[name](LABELS) for name in OTHER_IMAGES[4:]}


def tsne(latents: np.ndarray, start: np.ndarray) -> np.ndarray:
    plane = TSNE(2, init=start, perplexity=PERPLEXITY, random_state=0).fit_transform(latents)
    return plane.astype(np.float64)


def principal_start(latents: np.ndarray) -> np.ndarray:
    components = PCA(2).fit_transform(latents)
    return (components / np.std(components[:, 0]) * 1e-4).astype(np.float32)


@cache
def points_of(space: str, subset: str) -> np.ndarray:
    latents = LATENTS[ROWS[subset]]
    return latents.astype(np.float64) if space == "latents" else tsne(latents, principal_start(latents))


def three_scores(points: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    return {
        "silhouette": silhouette_score(points, groups),
        "calinski_harabasz": calinski_harabasz_score(points, groups),
        "davies_bouldin": davies_bouldin_score(points, groups),
    }


@pytest.fixture(scope="module")
def found() -> dict[str, Scores]:
    return scored(LATENTS, LABELS, WEIGHTS)


def test_every_name_of_the_cross_product_is_there_once(found):
    assert list(found) == names(*OTHER_IMAGES)
    assert len(found) == 2 * 3 * (1 + 7) + 3
    assert reasons(found) == {}


def test_the_judged_protocol_is_among_them_to_the_last_bit(found):
    alone = SETTINGS.score(AuditOutputs(None, None, LATENTS, LABELS, None, None), EvaluationContext())
    assert found[JUDGED].values == alone.values
    assert found[JUDGED].details["n_images"] == alone.details["n_images"] == N_JUDGED


@pytest.mark.parametrize("subset", ["", *OTHER_IMAGES])
@pytest.mark.parametrize("space", SPACES)
def test_alternatives_are_what_sklearn_computes_of_these_points_and_groups(found, space, subset):
    points, rows = points_of(space, subset), ROWS[subset]
    groups = {
        "": LABELS[rows],
        "k-means labels": KMeans(3, n_init=10, random_state=0).fit_predict(points),
        "arg max w labels": WEIGHTS[rows].argmax(axis=1),
    }
    for labelling, labels in groups.items():
        scores = found[name_of(space, labelling, subset)]
        assert scores.values == pytest.approx(three_scores(points, labels), rel=1e-9)
        assert scores.details["n_images"] == len(rows)
    # Else the three labellings could be mistaken for one another.
    silhouettes = {found[name_of(space, labelling, subset)].values["silhouette"] for labelling in LABELLINGS}
    assert len(silhouettes) == 3


@pytest.mark.parametrize("draw", DRAWS)
def test_a_random_start_is_another_plane_of_the_judged_images(found, draw):
    rows = ROWS[""]
    expected = three_scores(tsne(LATENTS[rows], random_start(N_JUDGED, draw)), LABELS[rows])
    scores = found[f"random start {draw}"]
    assert scores.values == pytest.approx(expected, rel=1e-9)
    assert scores.details["n_images"] == N_JUDGED
    assert scores.values["silhouette"] != pytest.approx(found[JUDGED].values["silhouette"], rel=1e-6)


def test_groups_that_are_there_score_better_than_weights_that_know_nothing(found):
    for subset in ("", *OTHER_IMAGES):
        for space in SPACES:
            true, clusters, weights = (
                found[name_of(space, labelling, subset)].values["silhouette"] for labelling in LABELLINGS
            )
            assert clusters > true > 0.2 > 0.05 > weights  # k-means looks for what the silhouette rewards


def test_images_that_the_judged_protocol_takes_are_no_alternative():
    """Constant latents: every name is given, with a reason, and no plane is computed."""
    same = np.ones_like(LATENTS)
    assert list(scored(same, LABELS, judged=Clustering(n_images=N))) == names(*OTHER_IMAGES[1:])
    assert list(scored(same, LABELS, judged=Clustering(n_images=5 * N))) == names(*OTHER_IMAGES[1:])
    without_a_fifth = [name for name in OTHER_IMAGES if name != "a fifth"]
    assert list(scored(same, LABELS, judged=Clustering(n_images=N // 5))) == names(*without_a_fifth)
    # As many as in a half, but others.
    assert list(scored(same, LABELS, judged=Clustering(n_images=N // 2))) == names(*OTHER_IMAGES)


@pytest.mark.parametrize("n", [150, 151])
def test_halves_are_disjoint_and_cover(n):
    labels = np.arange(n) % 3
    first, last = SUBSETS["first half"](labels), SUBSETS["last half"](labels)
    assert len(first) == n // 2
    assert np.array_equal(np.concatenate([first, last]), SUBSETS["all images"](labels))
    assert np.array_equal(SUBSETS["all images"](labels), np.arange(n))


def test_random_halves_differ_from_one_another_and_are_the_same_for_every_trial():
    n = 1000
    labels = np.arange(n) % 10
    halves = [SUBSETS[f"random half {draw}"](labels) for draw in (1, 2, 3)]
    for half in halves:
        assert len(half) == len(np.unique(half)) == n // 2
        assert np.array_equal(half, np.sort(half))
        assert (half.min(), half.max()) == pytest.approx((0, n - 1), abs=15)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        # Two independent halves share 250 on average, with a standard deviation of 7.9 (hypergeometric).
        assert len(np.intersect1d(halves[one], halves[other])) == pytest.approx(250, abs=35)
    other_labels = np.random.default_rng(0).permutation(labels)
    for draw, half in zip((1, 2, 3), halves, strict=True):
        assert np.array_equal(SUBSETS[f"random half {draw}"](other_labels), half)


def test_a_fifth_has_every_class_at_its_share():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    assert np.bincount(labels[SUBSETS["a fifth"](labels)]).tolist() == [10, 6, 4]


SMALL, SMALL_LABELS = blobs(60)
SMALL_SETTINGS = Clustering(n_images=40, perplexity=5)
NO_PLANES = Clustering(n_images=40, perplexity=100)  # where only the latents' own scores are asked for


def test_weights_that_name_the_classes_score_as_the_true_labels():
    """In another order of the components; only which is largest counts."""
    weights = 0.2 + 0.4 * np.eye(3, dtype=np.float32)[(SMALL_LABELS + 1) % 3]
    found = scored(SMALL, SMALL_LABELS, weights, SMALL_SETTINGS)
    for subset in ("", *OTHER_IMAGES):
        for space in SPACES:
            true = found[name_of(space, "", subset)].values
            assert found[name_of(space, "arg max w labels", subset)].values == pytest.approx(true, rel=1e-12)


ARG_MAX = [name for name in names(*OTHER_IMAGES) if "arg max w" in name]


def test_a_method_without_component_weights_says_so_under_these_names_alone():
    found = scored(SMALL, SMALL_LABELS, None, SMALL_SETTINGS)
    assert reasons(found) == dict.fromkeys(ARG_MAX, "the method has no component weights")


def test_all_weight_on_one_component_is_one_group_and_a_reason():
    weights = np.tile(np.float32([0.1, 0.7, 0.2]), (60, 1))
    found = scored(SMALL, SMALL_LABELS, weights, SMALL_SETTINGS)
    assert reasons(found) == dict.fromkeys(ARG_MAX, "at least two groups are needed, there is one")


def test_a_component_for_every_image_is_a_reason():
    why = reasons(scored(SMALL, SMALL_LABELS, np.eye(60, dtype=np.float32), NO_PLANES))
    assert why["latents, arg max w labels, first half"] == "30 groups in 30 images"
    assert {name for name in why if "latents" in name} == {name for name in ARG_MAX if "latents" in name}


def test_weights_that_are_not_finite_are_no_groups():
    """The argmax takes a NaN for the largest, which would make groups of nothing."""
    weights = np.eye(3, dtype=np.float32)[SMALL_LABELS]
    weights[:30] = math.nan
    found = scored(SMALL, SMALL_LABELS, weights, NO_PLANES)
    why = reasons(found)
    assert why["latents, arg max w labels, first half"] == "30 of 30 component weights are not finite"
    assert why["latents, arg max w labels, all images"] == "30 of 60 component weights are not finite"
    assert found["latents, arg max w labels, last half"].values == found["latents, last half"].values


@pytest.mark.parametrize(
    ("latents", "reason"),
    [
        (np.full_like(SMALL, math.nan), "{n} of {n} latents are not finite"),
        (np.full_like(SMALL, -math.inf), "{n} of {n} latents are not finite"),
        (np.full_like(SMALL, 0.25), "the latents are constant: every image has the same embedding"),
    ],
)
def test_latents_that_cannot_be_scored_are_a_reason_under_every_name(latents, reason):
    why = reasons(scored(latents, SMALL_LABELS, np.eye(3)[SMALL_LABELS], SMALL_SETTINGS))
    assert list(why) == names(*OTHER_IMAGES)
    sizes = {"all images": 60, "a fifth": 12, "half": 30}
    for name, given in why.items():
        n = next((size for subset, size in sizes.items() if subset in name), 40)
        assert given == reason.format(n=n)


def test_one_spoilt_image_spoils_the_choices_that_it_is_in():
    spoilt = SMALL.copy()
    spoilt[0, 2] = math.nan
    why = reasons(scored(spoilt, SMALL_LABELS, np.eye(3)[SMALL_LABELS], SMALL_SETTINGS))
    takers = [name for name in OTHER_IMAGES if 0 in SUBSETS[name](SMALL_LABELS)]
    assert {"all images", "first half"} <= set(takers) <= set(OTHER_IMAGES) - {"last half"}
    expected = {name for name in names(*OTHER_IMAGES) if name.split(", ")[-1] in takers}
    if 0 in stratified_subset(SMALL_LABELS, 40):
        expected |= set(names())
    assert set(why) == expected


def test_fewer_images_than_the_perplexity_leave_the_others_their_values():
    judged = Clustering(n_images=40, perplexity=15)
    why = reasons(scored(SMALL, SMALL_LABELS, np.eye(3)[SMALL_LABELS], judged))
    planes = {"a fifth", "k-means labels, a fifth", "arg max w labels, a fifth"}
    assert why == dict.fromkeys(planes, "perplexity 15 needs more images than that, there are 12")


def test_without_labels_the_judged_protocol_says_why():
    assert reasons(scored(SMALL, None, np.eye(3)[SMALL_LABELS])) == {JUDGED: "the data set has no labels"}


def test_a_half_with_a_single_class_has_a_reason_and_the_other_half_has_values():
    labels = np.repeat([0, 1, 2], [30, 15, 15])
    why = reasons(scored(SMALL, labels, np.eye(3)[SMALL_LABELS], SMALL_SETTINGS))
    assert why["first half"] == why["latents, k-means labels, first half"]
    assert why["first half"] == "at least two classes are needed, there is one"
    assert all("first half" in name for name in why)


@pytest.mark.parametrize(
    ("latents", "labels"),
    [
        (SMALL, np.zeros(60, int)),
        (SMALL, np.arange(60)),
        (SMALL[:4], SMALL_LABELS[:4]),
        (SMALL[:1], SMALL_LABELS[:1]),
        (SMALL[:0], SMALL_LABELS[:0]),
        (np.full_like(SMALL, math.nan), np.zeros(60, int)),
    ],
)
def test_the_judged_protocols_reason_is_its_own_and_nothing_raises(latents, labels):
    outputs = AuditOutputs(None, None, latents, labels, None, None)
    alone = SMALL_SETTINGS.score(outputs, EvaluationContext())
    found = scored(latents, labels, None, SMALL_SETTINGS)
    assert alone.values == found[JUDGED].values == {}
    assert found[JUDGED].unavailable == alone.unavailable
    assert reasons(found)[JUDGED] == reasons(found)["random start 2"]


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e30])
def test_the_latents_own_scores_do_not_see_their_scale_or_where_they_lie(scale):
    """scikit-learn's Davies-Bouldin is 0, the best, of distances below 1e-8, whatever they are relative to."""
    plain = scored(SMALL, SMALL_LABELS, None, NO_PLANES)
    scaled = scored(SMALL * np.float32(scale) + np.float32(3 * scale), SMALL_LABELS, None, NO_PLANES)
    for name in ("latents", "latents, k-means labels", "latents, k-means labels, last half"):
        assert scaled[name].values == pytest.approx(plain[name].values, rel=1e-4)
        assert plain[name].values["davies_bouldin"] > 0.1


def test_fewer_distinct_latents_than_classes_are_scored_in_silence():
    latents = np.repeat(SMALL[:2], 30, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = scored(latents, SMALL_LABELS, None, NO_PLANES)
    assert found["latents, k-means labels, all images"].values["silhouette"] == 1.0


def test_a_random_start_is_as_small_as_the_principal_one_and_numbered():
    starts = [random_start(20_000, draw) for draw in (1, 2)]
    for start in starts:
        assert (start.shape, start.dtype) == ((20_000, 2), np.float32)
        # The standard deviation of 40,000 normal numbers is known to 0.35 %, of their mean to 0.5 %.
        assert np.std(start) == pytest.approx(START_SCALE, rel=0.02)
        assert abs(start.mean()) < 0.02 * START_SCALE
        assert abs(np.corrcoef(start.T)[0, 1]) < 0.03
    assert START_SCALE == 1e-4
    assert abs(np.corrcoef(starts[0].ravel(), starts[1].ravel())[0, 1]) < 0.03
    assert np.array_equal(random_start(20_000, 1), starts[0])


def test_the_start_of_a_plane_is_what_is_given_and_otherwise_the_principal_components():
    principal = tsne_plane(SMALL, 5)
    assert np.array_equal(tsne_plane(SMALL, 5, start=principal_start(SMALL)), principal)
    expected = TSNE(2, init=random_start(60, 1), perplexity=5, random_state=0).fit_transform(SMALL)
    assert np.array_equal(tsne_plane(SMALL, 5, start=random_start(60, 1)), expected.astype(np.float64))
    with pytest.raises(ValueError, match="beyond float32"):
        tsne_plane(SMALL * np.float32(1e-30), 5, start=random_start(60, 1))


def test_random_starts_give_other_planes_but_nearly_the_same_silhouette_of_far_clusters():
    latents, labels = blobs(60, distance=30)
    planes = [tsne_plane(latents, 5)] + [tsne_plane(latents, 5, start=random_start(60, draw)) for draw in DRAWS]
    for one in range(4):
        for other in range(one):
            assert np.abs(planes[one] - planes[other]).max() > 1
    silhouettes = [silhouette_score(plane, labels) for plane in planes]
    assert min(silhouettes) > 0.6
    assert max(silhouettes) - min(silhouettes) < 0.1
    assert len(set(silhouettes)) == 4


def test_what_is_not_finite_says_what_was_computed_and_costs_no_other_value():
    scores = finite_of({"a": 1.5, "b": math.nan, "c": -math.inf, "d": np.float32(-2)}, {"n_images": 7})
    assert scores == Scores({"a": 1.5, "d": -2.0}, {"b": "computed as nan", "c": "computed as -inf"}, {"n_images": 7})
    assert all(type(value) is float for value in scores.values.values())
