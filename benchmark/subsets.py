"""Fixed random subsets of images, stratified by class if there are labels."""

import numpy as np
from numpy.typing import NDArray

from benchmark.streams import shuffled


def choose(
    total: int,
    n: int | None,
    labels: NDArray[np.int64] | None,
    role: str,
    *,
    keep_classes: bool = False,
    **axes: int | str,
) -> NDArray[np.int64]:
    """Draw `n` of `total` positions without replacement.

    Args:
        total: Number of positions.
        n: Number to draw; None, like any n >= total, selects all.
        labels: Classes (total,), each of which gets its share of n (`shares`); None draws without strata.
        role: Role of the random stream (`benchmark.streams.stream_seed`).
        keep_classes: Draw at least one of every class if n is large enough.
        axes: Axes of the random stream.

    Returns:
        Ascending positions, int64 (min(n, total),).
    """
    if n is None or n >= total:
        return np.arange(total)
    order = shuffled(total, role, **axes)
    if labels is None:
        return np.sort(order[:n])
    classes, counts = np.unique(labels, return_counts=True)
    least = np.full(len(counts), int(keep_classes and n >= len(counts)))
    quotas = shares(counts, n, least, counts)
    in_order = labels[order]
    chosen = [order[in_order == label][:count] for label, count in zip(classes, quotas, strict=True)]
    return np.sort(np.concatenate(chosen))


def shares(counts: NDArray[np.int64], n: int, least: NDArray[np.int64], most: NDArray[np.int64]) -> NDArray[np.int64]:
    """Apportion n among classes in proportion to their sizes, by largest remainder.

    Ties go to the earlier class, so every class is within one of its exact share. Shares are then clipped to [least,
    most], and the classes furthest from their exact shares compensate.

    Args:
        counts: The size of each class, (K,).
        n: Number to apportion, less than the sum of `counts`.
        least: Smallest allowed share of each class, (K,).
        most: Largest allowed share of each class, (K,).

    Returns:
        The share of each class, int64 (K,), with sum n.

    Raises:
        ValueError: No shares within the bounds have the sum n.
    """
    if not least.sum() <= n <= most.sum():
        raise ValueError(f"{n} images of {least.sum()} to {most.sum()}")
    total = counts.sum()
    quotas, remainder = np.divmod(counts * n, total)
    quotas[np.argsort(-remainder, kind="stable")[: n - quotas.sum()]] += 1
    quotas = np.clip(quotas, least, most)
    while off := n - quotas.sum():
        step = np.sign(off)
        free = quotas < most if step > 0 else quotas > least
        due = np.where(free, step * (counts * n - quotas * total), np.iinfo(np.int64).min)
        quotas[due.argmax()] += step
    return quotas


def last_of_every_class(labels: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Select the last images of every class.

    Args:
        labels: The class of each image, (N,).
        counts: Number to select of each class, (K,), in the order of `np.unique`.

    Returns:
        Whether each image is selected, bool (N,).
    """
    _, which, of_class = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty(len(labels), np.int64)  # index of each image within its class
    firsts = np.cumsum(of_class) - of_class
    place[np.argsort(which, kind="stable")] = np.arange(len(labels)) - np.repeat(firsts, of_class)
    selected: NDArray[np.bool_] = place >= (of_class - counts)[which]
    return selected
