"""A fixed random part of some images, with every class at its share where there are classes."""

import numpy as np

from benchmark.streams import shuffled


def choose(
    total: int, n: int | None, labels: np.ndarray | None, role: str, *, keep_classes: bool = False, **axes: int | str
) -> np.ndarray:
    """Ascending positions, int64 (min(n, total),), drawn without replacement from the named stream; all for None.

    With `labels` (total,) every class has its share of them (`shares`); with `keep_classes` at least one where there
    are enough for all classes.
    """
    if n is None or n >= total:
        return np.arange(total)
    order = shuffled(total, role, **axes)
    if labels is None:
        return np.sort(order[:n])
    classes, counts = np.unique(labels, return_counts=True)
    least = np.full(len(counts), int(keep_classes and n >= len(counts)))
    taken = shares(counts, n, least, counts)
    in_order = labels[order]
    chosen = [order[in_order == label][:count] for label, count in zip(classes, taken, strict=True)]
    return np.sort(np.concatenate(chosen))


def shares(counts: np.ndarray, n: int, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """How many of n each class has, int64 (K,), by its `counts` (K,), n < their sum: rounded by largest remainder, ties
    going to the earlier class, so that every class is within one of its exact share.

    Each is then kept between `least` and `most` (K,), the classes furthest from their exact shares giving or taking.
    Raises ValueError where the sum cannot be n.
    """
    if not least.sum() <= n <= most.sum():
        raise ValueError(f"{n} images of {least.sum()} to {most.sum()}")
    total = counts.sum()
    taken, remainder = np.divmod(counts * n, total)
    taken[np.argsort(-remainder, kind="stable")[: n - taken.sum()]] += 1
    taken = np.clip(taken, least, most)
    while off := n - taken.sum():
        step = np.sign(off)
        free = taken < most if step > 0 else taken > least
        due = np.where(free, step * (counts * n - taken * total), np.iinfo(np.int64).min)
        taken[due.argmax()] += step
    return taken


def last_of_every_class(labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which of the images with `labels` (N,) are the last ones of their class, bool (N,): `counts` (K,) of each, in the
    order of `np.unique`."""
    _, which, of_class = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty(len(labels), np.int64)  # of each image within its class
    firsts = np.cumsum(of_class) - of_class
    place[np.argsort(which, kind="stable")] = np.arange(len(labels)) - np.repeat(firsts, of_class)
    return place >= (of_class - counts)[which]
