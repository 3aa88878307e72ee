"""Holding out training images in place of the test images, which are then not used."""

import dataclasses

import numpy as np

from benchmark.data.dataset import Dataset
from benchmark.errors import UserError
from benchmark.subsets import last_of_every_class, shares

VALIDATION_IMAGES = 10_000


def hold_out_validation(dataset: Dataset) -> Dataset:
    """Replace the test images by the last 10,000 training images.

    If these lack a class, or contain all images of one, as in a data set sorted by label, the last images of every
    class are held out instead, in proportion to its size and 10,000 in total; the result then has a new digest.

    Args:
        dataset: A data set with more than 10,000 training images.

    Raises:
        UserError: There are too few training images, in total or in its classes.
    """
    n_train = dataset.n_train - VALIDATION_IMAGES
    if n_train < 1:
        raise UserError(f"{dataset.name}: {dataset.n_train:,} training images are too few to hold out 10,000")
    labels = dataset.y_train
    if labels is not None and (counts := _uneven(labels, n_train)) is not None:
        try:
            held = shares(counts, VALIDATION_IMAGES, np.zeros_like(counts), counts - 1)
        except ValueError:
            raise UserError(f"{dataset.name}: its classes are too small to hold out 10,000 training images") from None
        order = np.argsort(last_of_every_class(labels, held), kind="stable")
        split = f"the last of every class are held out, {VALIDATION_IMAGES:,} together"
        return dataclasses.replace(dataset.chosen(order, n_train), split=split).with_own_digest()
    return dataset.chosen(slice(dataset.n_train), n_train)


def _uneven(labels: np.ndarray, n_train: int) -> np.ndarray | None:
    """Return the class sizes (K,) if a class of several images is not on both sides of n_train; None otherwise."""
    classes, counts = np.unique(labels, return_counts=True)
    several = classes[counts > 1]
    even = all(np.isin(several, part).all() for part in (labels[:n_train], labels[n_train:]))
    return None if even else counts
