"""The support vector machine's accuracy: against scikit-learn, in closed form, and in the right direction."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from benchmark.evaluation.support_vectors import SupportVector, svm_accuracy

CENTRES = np.array([[10, 0], [0, 10], [-10, -10]])


def corners(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Points (n, 2) float32 close to CENTRES, each class a line apart from the others."""
    noise = np.random.default_rng(seed).normal(scale=0.1, size=(len(labels), 2))
    return (CENTRES[labels] + noise).astype(np.float32)


def overlapping(n: int, seed: int):
    """Three classes whose Gaussians overlap, on axes of unequal scales: latents (n, 4) float32, labels (n,)."""
    labels = np.arange(n) % 3
    noise = np.random.default_rng(seed).normal(size=(n, 4))
    return ((1.5 * np.eye(3, 4)[labels] + noise) * [30, 1, 0.2, 1] + 2).astype(np.float32), labels


TRAIN, TEST = overlapping(150, 0), overlapping(400, 1)


def by_hand(machine: SupportVector, train, labels_train, test, labels_test) -> float:
    train, test = train.astype(np.float64), test.astype(np.float64)
    if machine.standardised:
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
    if machine.linear:
        svm = LinearSVC(C=machine.c, dual=False)
    else:
        svm = SVC(C=machine.c, gamma=1 / (train.shape[1] * train.var()))
    if not machine.one_vs_rest:
        return np.mean(svm.fit(train, labels_train).predict(test) == labels_test)
    right = [
        svm.fit(train, labels_train == label).predict(test) == (labels_test == label)
        for label in np.unique(labels_train)
    ]
    return np.mean(right)


@pytest.mark.parametrize("one_vs_rest", [False, True])
@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("c", [0.02, 1.0])
def test_every_machine_is_sklearns(c, linear, standardised, one_vs_rest):
    machine = SupportVector(c, linear, standardised, one_vs_rest)
    accuracy = svm_accuracy(*TRAIN, *TEST, machine)
    assert accuracy == pytest.approx(by_hand(machine, *TRAIN, *TEST), abs=1e-12)
    assert 0.3 < accuracy < 0.95


def test_the_accuracy_is_bitwise_that_of_the_machine_written_out():
    scaler = StandardScaler().fit(TRAIN[0].astype(np.float64))
    svm = SVC(kernel="rbf", C=1.0, gamma="scale").fit(scaler.transform(TRAIN[0].astype(np.float64)), TRAIN[1])
    written_out = svm.score(scaler.transform(TEST[0].astype(np.float64)), TEST[1])
    accuracy = svm_accuracy(*TRAIN, *TEST, SupportVector())
    assert accuracy == written_out
    assert type(accuracy) is float


def test_settings_differ_in_what_they_answer():
    settings = ({}, {"linear": True}, {"standardised": False}, {"one_vs_rest": True}, {"c": 0.02})
    accuracies = [svm_accuracy(*TRAIN, *TEST, SupportVector(**setting)) for setting in settings]
    assert len(set(accuracies)) == len(settings)


@pytest.mark.parametrize("counts", [(30, 30, 30, 30), (12, 24, 36, 48)])
def test_one_against_the_rest_of_a_constant_answer_is_one_less_the_share_of_a_class(counts):
    """With next to no penalty every machine says "not this class", however far apart the classes are."""
    labels = np.repeat(np.arange(4), counts)
    latents = (20 * np.eye(4)[labels] + np.random.default_rng(0).normal(size=(120, 4))).astype(np.float32)
    constant = SupportVector(c=1e-6, one_vs_rest=True)
    assert svm_accuracy(latents, labels, latents, labels, constant) == pytest.approx(1 - 1 / 4, abs=1e-12)
    assert svm_accuracy(latents, labels, latents, labels, SupportVector(one_vs_rest=True)) == 1.0


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize(
    ("true", "lies_at", "over_all_classes", "one_vs_rest"),
    [
        ([0, 1, 2, 0], [0, 1, 2, 0], 1, 1),
        # Two of the three machines are wrong about the last image: that of its class, and that of where it lies.
        ([0, 1, 2, 0], [0, 1, 2, 1], 3 / 4, (3 / 4 + 3 / 4 + 1) / 3),
        # Each of the two last images is wrong for two machines.
        ([0, 1, 2, 0, 1], [0, 1, 2, 1, 2], 3 / 5, (4 / 5 + 3 / 5 + 4 / 5) / 3),
        # A class that was not in training: only the machine of where it lies is wrong.
        ([0, 1, 2, 7], [0, 1, 2, 1], 3 / 4, (1 + 3 / 4 + 1) / 3),
    ],
)
def test_accuracies_of_mistakes_that_can_be_counted(true, lies_at, over_all_classes, one_vs_rest, linear):
    train_labels = np.arange(60) % 3
    sides = corners(train_labels), train_labels, corners(np.array(lies_at), seed=1), np.array(true)
    assert svm_accuracy(*sides, SupportVector(linear=linear)) == pytest.approx(over_all_classes, abs=1e-12)
    rest = SupportVector(linear=linear, one_vs_rest=True)
    assert svm_accuracy(*sides, rest) == pytest.approx(one_vs_rest, abs=1e-12)


def test_of_two_classes_both_accuracies_are_one():
    train, test = ((side[0][side[1] < 2], side[1][side[1] < 2]) for side in (TRAIN, TEST))
    over_all, one_vs_rest = (svm_accuracy(*train, *test, SupportVector(one_vs_rest=rest)) for rest in (False, True))
    assert one_vs_rest == pytest.approx(over_all, abs=1e-12)
    assert 0.5 < over_all < 1


def test_scaling_matters_where_a_large_dimension_carries_nothing():
    labels = np.arange(400) % 2
    stream = np.random.default_rng(0)
    latents = np.stack([4 * labels + stream.normal(size=400), 1e3 * stream.normal(size=400)], axis=1)
    sides = latents[:200].astype(np.float32), labels[:200], latents[200:].astype(np.float32), labels[200:]
    assert svm_accuracy(*sides, SupportVector()) > 0.93
    # Chance is 0.5 with a standard deviation of 0.035.
    assert svm_accuracy(*sides, SupportVector(standardised=False)) < 0.65


def test_a_linear_machine_cannot_tell_concentric_rings_apart():
    stream = np.random.default_rng(0)
    labels = np.arange(300) % 2
    angles, radii = stream.uniform(0, 2 * np.pi, 300), 1 + 2 * labels + 0.1 * stream.normal(size=300)
    rings = (radii * np.stack([np.cos(angles), np.sin(angles)])).T.astype(np.float32)
    sides = rings[:150], labels[:150], rings[150:], labels[150:]
    assert svm_accuracy(*sides, SupportVector()) == 1.0
    assert svm_accuracy(*sides, SupportVector(linear=True)) < 0.7


@pytest.mark.parametrize("scale", [1e-37, 3e37])
def test_latents_at_the_ends_of_the_float_range_are_told_apart(scale):
    """In float32 the distance of the largest from their mean is infinite."""
    train_labels, test_labels = np.repeat([0, 1, 2], [40, 10, 10]), np.arange(30) % 3
    train, test = corners(train_labels) * np.float32(scale), corners(test_labels, 1) * np.float32(scale)
    assert np.isfinite(train).all()
    for machine in (SupportVector(), SupportVector(standardised=False), SupportVector(linear=True)):
        assert svm_accuracy(train, train_labels, test, test_labels, machine) == 1.0
