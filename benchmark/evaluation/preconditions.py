"""What must hold before anything can be scored; each check raises Unscorable with the reason that a record shows."""

import numpy as np

from benchmark.evaluation.scores import Unscorable


def known_labels(labels: np.ndarray | None) -> np.ndarray:
    """The labels of a data set that has some."""
    if labels is None:
        raise Unscorable("the data set has no labels")
    return np.asarray(labels)


def class_count(labels: np.ndarray, what: str = "classes") -> int:
    classes = len(np.unique(labels))
    if classes < 2:
        raise Unscorable(f"at least two {what} are needed, there {'is one' if classes else 'are none'}")
    return classes


def check_trained(labels_train: np.ndarray, labels_test: np.ndarray) -> None:
    """Every class that is asked for must have been learned: the others' images would count as mistakes of the code."""
    if len(untrained := np.setdiff1d(labels_test, labels_train)):
        classes = len(np.unique(labels_test))
        raise Unscorable(f"{len(untrained)} of the {classes} classes of the test images have no training image")


def check_finite(values: np.ndarray, what: str) -> None:
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise Unscorable(f"{np.count_nonzero(~finite)} of {len(finite)} {what} are not finite")


def check_latents(latents: np.ndarray) -> None:
    check_finite(latents, "latents")
    if (latents == latents[:1]).all():
        raise Unscorable("the latents are constant: every image has the same embedding")


def check_side(side: int, smallest: int) -> None:
    if side < smallest:
        raise Unscorable(f"images of {side} pixels a side are too small, {smallest} are needed")
