"""Smaller data sets for reduced studies: a fixed random subset of each split, the same in every trial."""

import numpy as np
from numpy.typing import NDArray

from benchmark.data.dataset import Dataset
from benchmark.errors import UserError
from benchmark.subsets import choose


def limit(dataset: Dataset, n_train: int | None, n_test: int | None) -> Dataset:
    """Draw a random subset of each split, from a stream that depends only on the data set's name and the split.

    With labels, every class keeps its share (largest remainders).

    Args:
        dataset: The data set.
        n_train: Maximum number of training images, >= 1; None for all.
        n_test: Maximum number of test images, >= 1; None for all.

    Returns:
        The images in their original order, in memory, with a new digest; `dataset` itself if all are kept.

    Raises:
        UserError: A number is less than 1.
    """
    for split, count in (("n_train", n_train), ("n_test", n_test)):
        if count is not None and count < 1:
            raise UserError(f"{split} is {count}: at least 1 image is needed (omit it for all)")

    def chosen(total: int, n: int | None, labels: NDArray[np.int64] | None, split: str) -> NDArray[np.int64]:
        return choose(total, n, labels, "subset", keep_classes=True, dataset=dataset.name, split=split)

    train = chosen(dataset.n_train, n_train, dataset.y_train, "train")
    test = chosen(dataset.n_test, n_test, dataset.y_test, "test")
    if len(train) == dataset.n_train and len(test) == dataset.n_test:
        return dataset
    return dataset.chosen(np.concatenate([train, dataset.n_train + test]), len(train)).with_own_digest()
