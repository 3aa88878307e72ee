"""Preconditions of scoring; each check raises Unscorable with the reason that the record shows."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.scores import Unscorable

Outputs = TypeVar("Outputs", bound=np.ndarray)


def required(values: Outputs | None, name: str) -> Outputs:
    """Return a field of TrialOutputs that the protocol needs.

    Raises:
        ValueError: The field is None.
    """
    if values is None:
        raise ValueError(f"{name} is None, but the protocol needs it")
    return values


def known_labels(labels: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the labels (n,).

    Raises:
        Unscorable: The data set has no labels.
    """
    if labels is None:
        raise Unscorable("the data set has no labels")
    return np.asarray(labels)


def class_count(labels: np.ndarray, what: str = "classes") -> int:
    """Count the classes among labels (n,); error messages call them `what`.

    Raises:
        Unscorable: There are fewer than two classes.
    """
    classes = len(np.unique(labels))
    if classes < 2:
        raise Unscorable(f"at least two {what} are needed, there {'is one' if classes else 'are none'}")
    return classes


def separable_classes(labels: np.ndarray, what: str = "classes") -> int:
    """Count the classes among labels (n,), checking that their separation can be scored; see `class_count`.

    Raises:
        Unscorable: There are fewer than two classes, or as many as images.
    """
    classes = class_count(labels, what)
    if classes >= len(labels):
        raise Unscorable(f"{classes} {what} in {len(labels)} images")
    return classes


def check_trained(labels_train: NDArray[np.int64], labels_test: NDArray[np.int64]) -> None:
    """Check that every class to predict occurs in training; otherwise its images would count as errors of the code.

    Raises:
        Unscorable: A class of the test images has no training image.
    """
    if len(untrained := np.setdiff1d(labels_test, labels_train)):
        classes = len(np.unique(labels_test))
        raise Unscorable(f"{len(untrained)} of the {classes} classes of the test images have no training image")


def check_finite(values: np.ndarray, what: str) -> None:
    """Check that all values (n, ...) are finite; error messages call the n items `what`.

    Raises:
        Unscorable: Some values are not finite.
    """
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise Unscorable(f"{np.count_nonzero(~finite)} of {len(finite)} {what} are not finite")


def check_latents(latents: NDArray[np.floating]) -> None:
    """Check that latents (n, d) are finite and not constant.

    Raises:
        Unscorable: They are not finite, or constant.
    """
    check_finite(latents, "latents")
    if (latents == latents[:1]).all():
        raise Unscorable("the latents are constant: every image has the same embedding")


def check_classifiable(
    fitted: tuple[NDArray[np.float32], NDArray[np.int64]], scored: tuple[NDArray[np.float32], NDArray[np.int64]]
) -> int:
    """Check that a classifier can be fitted to some latents and scored on others.

    Args:
        fitted: Training latents (N, d) and labels (N,).
        scored: Latents (M, d) to classify and their labels (M,).

    Returns:
        The number of classes in training.

    Raises:
        Unscorable: There is no image to classify, or latents or labels fail a check of this module.
    """
    if not len(scored[1]):
        raise Unscorable("no test images")
    classes = class_count(fitted[1])
    check_trained(fitted[1], scored[1])
    check_latents(fitted[0])
    check_finite(scored[0], "latents")
    return classes


def check_side(side: int, smallest: int) -> None:
    """Check that images are large enough; both arguments are sides in pixels.

    Raises:
        Unscorable: The images are too small.
    """
    if side < smallest:
        raise Unscorable(f"images of {side} pixels a side are too small, {smallest} are needed")
