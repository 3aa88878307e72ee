"""How much of the classes a support vector machine reads from latents."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC


@dataclass(frozen=True)
class SupportVector:
    """A machine and what its accuracy means.

    `linear`: a linear machine (squared hinge, one class against the rest) in the place of the RBF kernel with
    gamma = 1 / (d variance). `one_vs_rest`: one machine a class, each asked "this class or not"; the accuracy is the
    mean of theirs, so that of a constant answer is 1 - 1 / classes.
    """

    c: float = 1.0
    linear: bool = False
    standardised: bool = True
    one_vs_rest: bool = False


def svm_accuracy(
    latents_train: np.ndarray,
    labels_train: np.ndarray,
    latents_test: np.ndarray,
    labels_test: np.ndarray,
    machine: SupportVector,
) -> float:
    """Accuracy in [0, 1] on (M, d) test latents of a machine fitted to (N, d) training latents, computed in float64."""
    train, test = latents_train.astype(np.float64), latents_test.astype(np.float64)
    if not machine.one_vs_rest:
        return float(_classifier(machine).fit(train, labels_train).score(test, labels_test))
    each = [
        _classifier(machine).fit(train, labels_train == label).score(test, labels_test == label)
        for label in np.unique(labels_train)
    ]
    return float(np.mean(each))


def _classifier(machine: SupportVector) -> ClassifierMixin:
    if machine.linear:
        svm = LinearSVC(C=machine.c, dual=False)
    else:
        svm = SVC(kernel="rbf", C=machine.c, gamma="scale", cache_size=1000)
    return make_pipeline(StandardScaler(), svm) if machine.standardised else svm
