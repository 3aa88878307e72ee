"""Fewer images for the reduced studies: a fixed random part of each split, the same in every trial."""

import dataclasses

import numpy as np

from benchmark.data.dataset import Dataset, content_digest, content_hashes
from benchmark.errors import UserError
from benchmark.streams import stream_seed


def limit(dataset: Dataset, n_train: int | None, n_test: int | None) -> Dataset:
    """At most n_train and n_test images (None: all), in their old order; in memory, with a digest of its own.

    Each split is drawn at random from a stream named by the data set and the split alone; where there are labels,
    every class keeps its share (largest remainders). Raises UserError for a count below 1.
    """
    for split, count in (("n_train", n_train), ("n_test", n_test)):
        if count is not None and count < 1:
            raise UserError(f"{split} is {count}: at least 1 image is needed (leave it out for all)")
    train = _chosen(dataset.name, "train", dataset.n_train, n_train, dataset.y_train)
    test = _chosen(dataset.name, "test", dataset.n_test, n_test, dataset.y_test)
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


def _chosen(name: str, split: str, available: int, wanted: int | None, labels: np.ndarray | None) -> np.ndarray:
    """Ascending row numbers within the split."""
    if wanted is None or wanted >= available:
        return np.arange(available)
    # Raw words of a bit generator are promised never to change with numpy's version; Generator's draws are not.
    words = np.random.PCG64(stream_seed("subset", dataset=name, split=split)).random_raw(available)
    order = np.argsort(words, kind="stable")
    if labels is None:
        return np.sort(order[:wanted])
    classes, counts = np.unique(labels, return_counts=True)
    shares = wanted * counts / available
    quotas = np.floor(shares).astype(int)
    largest_remainders = np.argsort(quotas - shares, kind="stable")[: wanted - quotas.sum()]
    quotas[largest_remainders] += 1
    shuffled = labels[order]
    picks = [order[shuffled == c][:quota] for c, quota in zip(classes, quotas, strict=True)]
    return np.sort(np.concatenate(picks))
