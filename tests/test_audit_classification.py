"""The classification protocol's alternatives: each against scikit-learn, and every reason."""

import math

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from benchmark.audit.classification_protocols import classification_alternatives
from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.protocols import Classification
from benchmark.evaluation.scores import Scores

HELD_OUT = (JUDGED, "one-vs-rest", "linear", "unstandardised")
SAME_LATENTS = ("same latents", "one-vs-rest, same latents")
NAMES = [*HELD_OUT, *SAME_LATENTS]


def overlapping(n: int, seed: int, classes: int = 4):
    """Gaussians that overlap, on axes of unequal scales: latents (n, 5) float32, labels (n,)."""
    labels = np.arange(n) % classes
    noise = np.random.default_rng(seed).normal(size=(n, 5))
    return ((1.5 * np.eye(classes, 5)[labels] + noise) * [20, 1, 0.2, 1, 5]).astype(np.float32), labels


def scored(train, labels_train, test, labels_test, judged: Classification | None = None) -> dict[str, Scores]:
    outputs = AuditOutputs(train, labels_train, test, labels_test, None, None)
    found = list(classification_alternatives(outputs, judged or Classification(), EvaluationContext()))
    assert [name for name, _ in found] == NAMES
    return dict(found)


def reasons(found: dict[str, Scores]) -> dict[str, str]:
    """Name -> reason of the names that have no value; the others have one in [0, 1]."""
    for scores in found.values():
        assert set(scores.values) | set(scores.unavailable) == {"svm_accuracy"}
        assert 0 <= scores.values.get("svm_accuracy", 0) <= 1
    return {name: scores.unavailable["svm_accuracy"] for name, scores in found.items() if not scores.values}


def accuracies(found: dict[str, Scores]) -> dict[str, float]:
    return {name: scores.values["svm_accuracy"] for name, scores in found.items()}


def standardised(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    scaler = StandardScaler().fit(train.astype(np.float64))
    return [scaler.transform(latents.astype(np.float64)) for latents in (train, *others)]


def share_right(svm, train, labels_train, test, labels_test) -> float:
    return np.mean(svm.fit(train, labels_train).predict(test) == labels_test)


def one_vs_rest(svm, train, labels_train, test, labels_test) -> float:
    return np.mean(
        [share_right(svm, train, labels_train == k, test, labels_test == k) for k in np.unique(labels_train)]
    )


def by_hand(train, labels_train, test, labels_test, c: float) -> dict[str, float]:
    train_scaled, test_scaled = standardised(train, test)
    [alone] = standardised(test)
    held_out = train_scaled, labels_train, test_scaled, labels_test
    same = alone, labels_test, alone, labels_test
    rbf = SVC(C=c, gamma="scale")
    raw = train.astype(np.float64), labels_train, test.astype(np.float64), labels_test
    return {
        JUDGED: share_right(rbf, *held_out),
        "one-vs-rest": one_vs_rest(rbf, *held_out),
        "linear": share_right(LinearSVC(C=c, dual=False), *held_out),
        "unstandardised": share_right(rbf, *raw),
        "same latents": share_right(rbf, *same),
        "one-vs-rest, same latents": one_vs_rest(rbf, *same),
    }


TRAIN, TEST = overlapping(200, 0), overlapping(250, 1)


@pytest.mark.parametrize("c", [0.2, 1.0])
def test_alternatives_are_what_sklearn_computes_by_hand(c):
    found = scored(*TRAIN, *TEST, Classification(c=c))
    expected = by_hand(*TRAIN, *TEST, c)
    assert accuracies(found) == pytest.approx(expected, abs=1e-12)
    assert len(set(expected.values())) == len(NAMES)  # else one could be mistaken for another


def test_the_judged_protocol_is_among_them_to_the_last_bit():
    judged = Classification(n_train=150, n_test=90)
    alone = judged.score(AuditOutputs(*TRAIN, *TEST, None, None), EvaluationContext())
    assert scored(*TRAIN, *TEST, judged)[JUDGED] == alone
    assert alone.details == {"n_train": 150, "n_test": 90, "classes": 4}


def test_alternatives_take_the_judged_protocols_part_of_the_images():
    judged = Classification(n_train=100, n_test=60)
    train, test = stratified_subset(TRAIN[1], 100), stratified_subset(TEST[1], 60)
    found = scored(*TRAIN, *TEST, judged)
    parts = TRAIN[0][train], TRAIN[1][train], TEST[0][test], TEST[1][test]
    assert accuracies(found) == pytest.approx(by_hand(*parts, 1.0), abs=1e-12)
    assert {scores.details["n_test"] for scores in found.values()} == {60}
    assert accuracies(found) != accuracies(scored(*TRAIN, *TEST))


def test_latents_of_noise_are_remembered_but_not_classified():
    """The accuracy on the latents that a machine was fitted to is no evidence that they tell classes apart."""
    stream = np.random.default_rng(0)
    latents, labels = stream.normal(size=(400, 8)).astype(np.float32), stream.integers(0, 4, 400)
    found = accuracies(scored(latents[:200], labels[:200], latents[200:], labels[200:]))
    # Chance is 0.25 with a standard deviation of 0.03.
    for name in (JUDGED, "linear", "unstandardised"):
        assert found[name] == pytest.approx(0.25, abs=0.1)
    assert found["same latents"] > 0.5
    # Next to every machine says "not this class" of what it has not seen.
    assert found["one-vs-rest"] == pytest.approx(0.75, abs=0.03)
    assert found["one-vs-rest, same latents"] > found["one-vs-rest"]


def test_classes_that_lie_apart_are_told_apart_by_every_alternative():
    labels = np.arange(90) % 3
    latents = (20 * np.eye(3)[labels] + np.random.default_rng(0).normal(size=(90, 3))).astype(np.float32)
    assert accuracies(scored(latents[:45], labels[:45], latents[45:], labels[45:])) == dict.fromkeys(NAMES, 1.0)


LATENTS, LABELS = overlapping(40, 2)
NO_LABELS = "the data set has no labels"
CONSTANT = "the latents are constant: every image has the same embedding"
ONE = "at least two classes are needed, there is one"
NONE = "at least two classes are needed, there are none"


def spoilt(value: float) -> np.ndarray:
    latents = LATENTS.copy()
    latents[7, 1] = value
    return latents


@pytest.mark.parametrize(
    ("train", "labels_train", "test", "labels_test", "without", "reason"),
    [
        (LATENTS, LABELS, LATENTS, None, NAMES, NO_LABELS),
        (LATENTS, None, LATENTS, LABELS, HELD_OUT, NO_LABELS),
        (LATENTS, None, LATENTS, None, NAMES, NO_LABELS),
        (LATENTS, LABELS, LATENTS[:0], LABELS[:0], NAMES, "no test images"),
        (LATENTS[:0], LABELS[:0], LATENTS, LABELS, HELD_OUT, NONE),
        (LATENTS, np.ones(40, int), LATENTS, LABELS, HELD_OUT, ONE),
        (LATENTS, LABELS, LATENTS, np.ones(40, int), SAME_LATENTS, ONE),
        (LATENTS, LABELS, LATENTS[:1], LABELS[:1], SAME_LATENTS, ONE),
        (np.ones_like(LATENTS), LABELS, LATENTS, LABELS, HELD_OUT, CONSTANT),
        (LATENTS, LABELS, np.ones_like(LATENTS), LABELS, SAME_LATENTS, CONSTANT),
        (spoilt(math.nan), LABELS, LATENTS, LABELS, HELD_OUT, "1 of 40 latents are not finite"),
        (LATENTS, LABELS, spoilt(math.nan), LABELS, NAMES, "1 of 40 latents are not finite"),
        (LATENTS, LABELS, spoilt(-math.inf), LABELS, NAMES, "1 of 40 latents are not finite"),
    ],
)
def test_what_cannot_be_scored_says_why_and_leaves_the_others_their_values(
    train, labels_train, test, labels_test, without, reason
):
    assert reasons(scored(train, labels_train, test, labels_test)) == dict.fromkeys(without, reason)


def test_a_class_that_was_never_trained_is_a_reason_wherever_others_are_fitted():
    train, labels = TRAIN
    found = reasons(scored(train[labels != 2], labels[labels != 2], *TEST))
    assert found == dict.fromkeys(HELD_OUT, "1 of the 4 classes of the test images have no training image")
