"""Check that every class of a data set is in both parts of its split."""

import numpy as np

from benchmark.data.dataset import Dataset


def one_sided_classes(dataset: Dataset) -> str | None:
    """Describe the classes that one part of a data set's split lacks.

    Args:
        dataset: A data set, with or without labels.

    Returns:
        One line about the classes without training images, or else about those without test images; None if there are
        no such classes or no labels.
    """
    if dataset.y_train is None or dataset.y_test is None:
        return None
    train, test = np.unique(dataset.y_train), np.unique(dataset.y_test)
    for lacking, found, said in (
        (np.setdiff1d(test, train), "no training image", "no SVM accuracy"),
        (np.setdiff1d(train, test), "no test image", f"SVM accuracy covers only {len(test)} classes"),
    ):
        if len(lacking):
            shown = ", ".join(map(str, lacking[:5])) + (", ..." if len(lacking) > 5 else "")
            classes = len(np.union1d(train, test))
            return f"{dataset.name}: {said}, because {len(lacking)} of {classes} classes have {found} ({shown})"
    return None
