"""A fixed random part of some images, with every class at its share where there are classes."""

import numpy as np

from benchmark.streams import shuffled


def choose(total: int, n: int | None, labels: np.ndarray | None, role: str, **axes: int | str) -> np.ndarray:
    """Ascending positions, int64 (min(n, total),), drawn without replacement from the named stream; all for None.

    With `labels` (total,) every class has its share, rounded by largest remainder, ties going to the earlier class:
    every count is within one of its exact share and the counts sum to n.
    """
    if n is None or n >= total:
        return np.arange(total)
    order = shuffled(total, role, **axes)
    if labels is None:
        return np.sort(order[:n])
    classes, counts = np.unique(labels, return_counts=True)
    taken, remainder = np.divmod(counts * n, total)
    rounded_up = np.argsort(-remainder, kind="stable")[: n - taken.sum()]
    taken[rounded_up] += 1
    in_order = labels[order]
    chosen = [order[in_order == label][:count] for label, count in zip(classes, taken, strict=True)]
    return np.sort(np.concatenate(chosen))
