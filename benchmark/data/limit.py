"""Fewer images for the reduced studies: a fixed random part of each split, the same in every trial."""

import dataclasses

import numpy as np

from benchmark.data.dataset import Dataset, content_digest, content_hashes
from benchmark.errors import UserError
from benchmark.subsets import choose


def limit(dataset: Dataset, n_train: int | None, n_test: int | None) -> Dataset:
    """At most n_train and n_test images (None: all), in their old order; in memory, with a digest of its own.

    Each split is drawn at random from a stream named by the data set and the split alone; where there are labels,
    every class keeps its share (largest remainders). Raises UserError for a count below 1.
    """
    for split, count in (("n_train", n_train), ("n_test", n_test)):
        if count is not None and count < 1:
            raise UserError(f"{split} is {count}: at least 1 image is needed (leave it out for all)")

    def chosen(total: int, n: int | None, labels: np.ndarray | None, split: str) -> np.ndarray:
        return choose(total, n, labels, "subset", keep_classes=True, dataset=dataset.name, split=split)

    train = chosen(dataset.n_train, n_train, dataset.y_train, "train")
    test = chosen(dataset.n_test, n_test, dataset.y_test, "test")
    if len(train) == dataset.n_train and len(test) == dataset.n_test:
        return dataset
    rows = np.concatenate([train, dataset.n_train + test])
    images = dataset.images[rows]
    labels, factors = (None if array is None else array[rows] for array in (dataset.labels, dataset.factors))
    hashes = content_hashes(images, labels, factors)
    digest = content_digest(images.shape, len(train), hashes)
    return dataclasses.replace(
        dataset, images=images, labels=labels, factors=factors, n_train=len(train), digest=digest
    )
