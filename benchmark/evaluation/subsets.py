"""Which images a protocol looks at: the same ones for every trial, whatever its method or seed.

The random stream is that of the role "evaluation" and the number of images alone, never a trial's seed: which
5,000 test images are taken moves the silhouette more than the differences that the paper reports.
"""

import numpy as np

from benchmark.streams import stream_seed


def _evaluation_stream(n: int) -> np.random.Generator:
    return np.random.default_rng(stream_seed("evaluation", images=n))


def random_subset(total: int, n: int | None) -> np.ndarray:
    """Ascending positions, int64 (min(n, total),), drawn without replacement; all of them for None."""
    if n is None or n >= total:
        return np.arange(total)
    return np.sort(_evaluation_stream(n).permutation(total)[:n])


def stratified_subset(labels: np.ndarray, n: int | None) -> np.ndarray:
    """Ascending positions, int64 (min(n, N),), with every class at its share of `labels` (N,); all for None.

    Shares are rounded by largest remainder, ties going to the earlier class: every count is within one of its
    exact share and the counts sum to n.
    """
    total = len(labels)
    if n is None or n >= total:
        return np.arange(total)
    classes, counts = np.unique(labels, return_counts=True)
    taken, remainder = np.divmod(counts * n, total)
    rounded_up = np.argsort(-remainder, kind="stable")[: n - taken.sum()]
    taken[rounded_up] += 1
    stream = _evaluation_stream(n)
    chosen = [
        stream.permutation(np.flatnonzero(labels == label))[:count] for label, count in zip(classes, taken, strict=True)
    ]
    return np.sort(np.concatenate(chosen))
