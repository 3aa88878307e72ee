"""Accuracy of support vector machines that classify latents."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC


@dataclass(frozen=True)
class SupportVector:
    """Settings of a support vector machine and of its accuracy.

    Attributes:
        c: The penalty parameter C.
        linear: Whether the machine is linear (squared hinge loss, one class against the rest); else it has the RBF
            kernel with gamma = 1 / (d variance).
        standardised: Whether every latent dimension is standardised first.
        one_vs_rest: Whether to average the accuracies of one binary machine per class ("this class or not"), where a
            constant answer has the accuracy 1 - 1 / classes.
    """

    c: float = 1.0
    linear: bool = False
    standardised: bool = True
    one_vs_rest: bool = False


def svm_accuracy(
    latents_train: NDArray[np.float32],
    labels_train: NDArray[np.int64],
    latents_test: NDArray[np.float32],
    labels_test: NDArray[np.int64],
    machine: SupportVector,
) -> float:
    """Fit a machine to training latents and score it on test latents, both in float64.

    Args:
        latents_train: Training latents, (N, d).
        labels_train: Training labels, (N,).
        latents_test: Test latents, (M, d).
        labels_test: Test labels, (M,).
        machine: The machine's settings.

    Returns:
        The accuracy, in [0, 1].
    """
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
