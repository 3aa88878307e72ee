"""Which images a protocol looks at: the same ones for every trial, whatever its method or seed.

The random stream is that of the role "evaluation" and the number of images alone, never a trial's seed: which
5,000 test images are taken moves the silhouette more than the differences that the paper reports.
"""

import numpy as np

from benchmark.subsets import choose


def random_subset(total: int, n: int | None) -> np.ndarray:
    """Ascending positions, int64 (min(n, total),), drawn without replacement; all of them for None."""
    return choose(total, n, None, "evaluation", images=n or total)


def stratified_subset(labels: np.ndarray, n: int | None) -> np.ndarray:
    """Ascending positions, int64 (min(n, N),), with every class at its share of `labels` (N,); all for None."""
    return choose(len(labels), n, labels, "evaluation", images=n or len(labels))
