"""MIG and DCI, on codes whose answer is known."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import mutual_info_score

from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.disentanglement import (
    Disentanglement,
    completeness_score,
    disentanglement_score,
    mutual_information_gaps,
    mutual_informations,
)
from benchmark.evaluation.image_subsets import random_subset
from benchmark.evaluation.protocols import TrialOutputs
from benchmark.evaluation.scores import Scores, Unscorable

DCI = Disentanglement.metrics[1:]


def grid(*sizes: int, repeats: int = 1) -> np.ndarray:
    """Every combination of the factors' values equally often: (repeats * product of sizes, F)."""
    return np.tile(np.indices(sizes).reshape(len(sizes), -1).T, (repeats, 1))


def measure(latents, factors, names=("elevation", "azimuth"), **settings) -> Scores:
    latents = np.asarray(latents, np.float32)
    outputs = TrialOutputs(None, None, latents, None, None, None, factors_test=factors, factor_names=names)
    return Disentanglement(**settings).score(outputs, EvaluationContext())


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


VIEWS = grid(2, 6, repeats=50)  # 600 images
CODES = VIEWS + 1e-3 * noise(600, 2)


def test_mutual_information_is_sklearns():
    stream = np.random.default_rng(0)
    codes = stream.integers(0, 20, (500, 3))
    factors = np.column_stack([codes[:, 0] // 5 - 7, stream.integers(0, 31, 500) * 12])
    informations = mutual_informations(codes, factors)
    assert informations.shape == (3, 2)
    for j, k in np.ndindex(3, 2):
        assert informations[j, k] == pytest.approx(mutual_info_score(codes[:, j], factors[:, k]), abs=1e-12)
    assert informations[0, 0] > 1.3 > 0.3 > informations[1, 0]


def test_mutual_information_with_itself_is_the_entropy_and_of_independents_nothing():
    factors = grid(4, 7)
    assert mutual_informations(factors, factors) == pytest.approx(np.diag(np.log([4, 7])), abs=1e-12)
    assert (mutual_informations(factors, factors) >= 0).all()


@pytest.mark.parametrize(
    ("latents", "gap"),
    [
        (lambda f: [f], 1),  # a second latent that is not there tells nothing
        (lambda f: [f, f // 2], 1 / 2),  # two bits against one
        (lambda f: [f // 2], 1 / 2),
        (lambda f: [f // 2, f % 2], 0),  # a bit each
        (lambda f: [f, -f], 0),
        (lambda f: [0 * f, f], 1),
        (lambda f: [0 * f, 0 * f], 0),
        (lambda f: [f, f // 2, -f], 0),  # the second highest counts, wherever it stands
    ],
)
def test_gap_of_a_factor_of_two_bits(latents, gap):
    factor = np.arange(40) % 4
    gaps = mutual_information_gaps(np.column_stack(latents(factor)).astype(np.float32), factor[:, None], bins=20)
    assert gaps == pytest.approx([gap], abs=1e-12)


def test_gaps_are_per_factor():
    factors = grid(4, 7)
    latents = np.column_stack([factors[:, 0], factors[:, 1], factors[:, 0] ** 2])
    assert mutual_information_gaps(latents, factors, bins=50) == pytest.approx([0, 1], abs=1e-12)


def test_bins_have_equal_width_from_the_least_value_to_the_greatest():
    factor = np.arange(30) % 3
    latent = np.array([-3, -2.9, 7])[factor][:, None]  # 0.5 a bin: the first two values share one
    two_thirds = entropy([2 / 3, 1 / 3]) / math.log(3)
    assert mutual_information_gaps(latent, factor[:, None], bins=20) == pytest.approx([two_thirds])
    assert mutual_information_gaps(latent, factor[:, None], bins=101) == pytest.approx([1])
    # The greatest value lies in the last bin, with those just below it.
    latent = np.array([0, 0.96, 1])[factor][:, None]
    assert mutual_information_gaps(latent, factor[:, None], bins=20) == pytest.approx([two_thirds])
    assert mutual_information_gaps(latent, factor[:, None], bins=1) == [0]


def test_entropies_of_importances_by_hand():
    importances = np.array([[3.0, 1.0], [0.0, 2.0]])
    # Rows: H2(1/4) = 0.811278 weighs 4, 0 weighs 2. Columns: 0 weighs 3, H2(1/3) = 0.918296 weighs 3.
    assert disentanglement_score(importances) == pytest.approx((4 * (1 - 0.8112781245) + 2) / 6)
    assert completeness_score(importances) == pytest.approx((3 + 3 * (1 - 0.9182958341)) / 6)
    assert disentanglement_score(7 * importances) == pytest.approx(disentanglement_score(importances))


def test_entropies_are_to_the_base_of_the_number_of_factors_or_latents():
    importances = np.array([[0.5, 0], [0.5, 0], [0, 1]])
    assert disentanglement_score(importances) == 1
    assert completeness_score(importances) == pytest.approx((1 + 1 - math.log(2) / math.log(3)) / 2)
    assert completeness_score(importances.T) == 1


def test_scores_of_importances_against_scipy():
    importances = np.random.default_rng(1).dirichlet(np.full(5, 0.4), 3).T  # (5, 3)
    rows = [1 - entropy(row, base=3) for row in importances]
    columns = [1 - entropy(column, base=5) for column in importances.T]
    assert disentanglement_score(importances) == pytest.approx(np.average(rows, weights=importances.sum(axis=1)))
    assert completeness_score(importances) == pytest.approx(np.average(columns, weights=importances.sum(axis=0)))


def test_importances_at_the_ends():
    for score in (disentanglement_score, completeness_score):
        assert score(np.eye(4)) == 1
        assert score(np.ones((4, 4))) == pytest.approx(0, abs=1e-12)
        assert score(np.zeros((4, 4))) == 0
    unused = np.array([[1.0, 0], [0, 0], [0, 1]])
    assert disentanglement_score(unused) == completeness_score(unused) == 1
    with pytest.raises(Unscorable, match="at least two factors"):
        disentanglement_score(np.ones((3, 1)))
    with pytest.raises(Unscorable, match="at least two latents"):
        completeness_score(np.ones((1, 3)))


def test_codes_that_are_the_factors_score_one():
    scores = measure(CODES, VIEWS)
    assert scores.values["mig"] == pytest.approx(1, abs=0.03)
    assert scores.values["dci_disentanglement"] > 0.95
    assert scores.values["dci_completeness"] > 0.95
    assert scores.values["dci_informativeness"] == 1
    assert scores.unavailable == {}
    assert scores.details["accuracy_by_factor"] == {"elevation": 1, "azimuth": 1}
    assert scores.details["commonest_by_factor"] == {"elevation": 1 / 2, "azimuth": pytest.approx(1 / 6)}
    assert json.loads(json.dumps(scores.details)) == scores.details


def test_a_factor_held_twice_has_no_gap_and_is_not_complete():
    scores = measure(np.column_stack([CODES, VIEWS[:, 1] + 1e-3 * noise(600, seed=1)]), VIEWS)
    gaps = scores.details["mig_by_factor"]
    assert gaps["elevation"] > 0.95 > 0.02 > gaps["azimuth"]
    assert scores.values["mig"] == pytest.approx((gaps["elevation"] + gaps["azimuth"]) / 2)
    # Completeness: 1 for the one, 1 - ln 2 / ln 3 = 0.37 for the other; their mean is 0.68.
    assert scores.values["dci_completeness"] == pytest.approx(0.68, abs=0.05)
    assert scores.values["dci_disentanglement"] > 0.95


def test_a_rotation_keeps_the_information_and_loses_the_disentanglement():
    factors = grid(8, 8, repeats=16)
    codes = factors + 0.05 * noise(len(factors), 2)
    turn = np.array([[1, -1], [1, 1]]) / math.sqrt(2)
    plain, rotated = measure(codes, factors), measure(codes @ turn, factors)
    assert plain.values["mig"] > 0.9
    assert plain.values["dci_disentanglement"] > 0.9
    assert rotated.values["mig"] < 0.05
    assert rotated.values["dci_disentanglement"] < 0.05
    assert rotated.values["dci_completeness"] < 0.05
    assert rotated.values["dci_informativeness"] > 0.9


def test_latents_that_tell_nothing_beside_a_perfect_code_cost_nothing():
    """Forests that try a random part of the latents at each split give 0.52 and 0.41 here."""
    values = measure(np.column_stack([CODES, noise(600, 6)]), VIEWS).values
    assert values["dci_disentanglement"] > 0.98
    assert values["dci_completeness"] > 0.98


def test_noise_tells_nothing():
    factors = grid(2, 6, repeats=160)
    scores = measure(noise(1920, 5), factors)
    assert 0 <= scores.values["mig"] < 0.01
    assert scores.values["dci_disentanglement"] < 0.01
    assert scores.values["dci_completeness"] < 0.01
    # 960 images held: the standard deviations are 0.016 and 0.012.
    assert scores.details["accuracy_by_factor"]["elevation"] == pytest.approx(1 / 2, abs=0.05)
    assert scores.details["accuracy_by_factor"]["azimuth"] == pytest.approx(1 / 6, abs=0.04)
    assert scores.values["dci_informativeness"] == pytest.approx(1 / 3, abs=0.035)


def test_the_scale_of_a_latent_does_not_matter():
    codes = VIEWS + 0.4 * noise(600, 2)
    stretch = np.array([2.0**-60, 2.0**40])
    plain = measure(codes, VIEWS)
    assert measure(np.asarray(codes, np.float32) * stretch, VIEWS).values == pytest.approx(plain.values)
    assert 0.1 < plain.values["mig"] < 0.9


def test_a_random_part_is_scored_when_there_are_more_images():
    rows = random_subset(600, 240)
    part = measure(CODES, VIEWS, n_images=240)
    assert part == measure(CODES[rows], VIEWS[rows])
    assert part.details["n_images"] == 240


def test_trees_depth_and_bins_are_settings():
    codes = VIEWS + 0.4 * noise(600, 2)
    plain, one_tree, two_bins = measure(codes, VIEWS), measure(codes, VIEWS, trees=1), measure(codes, VIEWS, bins=2)
    # One split tells two of the six azimuths at the most.
    assert measure(codes, VIEWS, depth=1, trees=1).details["accuracy_by_factor"]["azimuth"] < 2 / 5
    assert one_tree.values["mig"] == plain.values["mig"] > two_bins.values["mig"]
    assert one_tree.values["dci_informativeness"] < plain.values["dci_informativeness"]
    assert {metric: two_bins.values[metric] for metric in DCI} == {metric: plain.values[metric] for metric in DCI}


def test_names_and_constant_factors_are_left_out():
    chairs = grid(5, 2, 6, repeats=10)
    codes = chairs[:, 1:] + 1e-3 * noise(600, 2)
    names = ("model", "elevation", "azimuth")
    scores = measure(codes, chairs, names)
    assert scores.values == measure(codes, chairs[:, 1:]).values
    assert (scores.details["factors"], scores.details["constant_factors"]) == (["elevation", "azimuth"], [])
    assert measure(codes, chairs, names, left_out=()).details["factors"] == list(names)
    chairs[:, 1] = 30
    scores = measure(codes, chairs, names)
    assert (scores.details["factors"], scores.details["constant_factors"]) == (["azimuth"], ["elevation"])


def test_a_single_factor_has_no_disentanglement():
    scores = measure(CODES, VIEWS, left_out=("elevation",))
    assert scores.unavailable == {"dci_disentanglement": "disentanglement needs at least two factors"}
    assert scores.values["mig"] == pytest.approx(1, abs=0.03)
    assert scores.values["dci_completeness"] > 0.95


def test_a_single_latent_has_no_completeness():
    scores = measure(CODES[:, :1], VIEWS)
    assert scores.unavailable == {"dci_completeness": "completeness needs at least two latents"}
    assert scores.values["mig"] == pytest.approx(1 / 2, abs=0.03)
    assert scores.details["accuracy_by_factor"]["elevation"] == 1


def test_a_forest_is_fitted_on_one_half_and_scored_on_the_other(monkeypatch):
    seen = []

    class Recorder(RandomForestClassifier):
        def fit(self, latents, factor):
            seen.append(latents[:, 0])
            return super().fit(latents, factor)

        def score(self, latents, factor):
            seen.append(latents[:, 0])
            return super().score(latents, factor)

    monkeypatch.setattr("benchmark.evaluation.disentanglement.RandomForestClassifier", Recorder)
    measure(CODES[:101], VIEWS[:101], left_out=("elevation",), trees=1)
    fitted, held = seen
    assert (len(fitted), len(held)) == (50, 51)
    assert len(np.unique(np.concatenate(seen))) == 101


SPOILT = CODES.copy()
SPOILT[7, 1] = math.nan


@pytest.mark.parametrize(
    ("latents", "factors", "names", "reason"),
    [
        (CODES, None, (), "the data set's factors are not known"),
        (CODES, VIEWS[:, :0], (), "the data set's factors are not known"),
        (CODES, VIEWS[:, 1:], ("model",), "every known factor is left out"),
        (CODES, VIEWS[:, 1:] * 0, ("azimuth",), "no factor varies among the test images"),
        (CODES[:0], VIEWS[:0], ("elevation", "azimuth"), "no factor varies among the test images"),
        (SPOILT, VIEWS, ("elevation", "azimuth"), "1 of 600 latents are not finite"),
        (
            np.ones((600, 2)),
            VIEWS,
            ("elevation", "azimuth"),
            "the latents are constant: every image has the same embedding",
        ),
    ],
)
def test_what_cannot_be_scored_says_why(latents, factors, names, reason):
    scores = measure(latents, factors, names)
    assert (scores.values, scores.unavailable) == ({}, dict.fromkeys(Disentanglement.metrics, reason))


def test_two_images_are_few_but_scored():
    scores = measure(CODES[[0, 7]], VIEWS[[0, 7]])
    assert scores.values["dci_informativeness"] == 0
    assert scores.values["dci_disentanglement"] == 0  # a forest of one image splits nothing


def test_settings_survive_the_way_through_a_record():
    protocol = Disentanglement(n_images=500, left_out=("model", "elevation"))
    settings = json.loads(json.dumps(dataclasses.asdict(protocol)))
    assert Disentanglement(**settings) == protocol
    assert hash(Disentanglement(**settings)) == hash(protocol)
    with pytest.raises(ValueError, match="revision"):
        Disentanglement(revision=99)
