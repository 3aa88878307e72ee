"""The images that a protocol scores: the same ones for every trial, whatever its method or seed.

The random stream depends on the role "evaluation" and the number of images alone, never on a trial's seed: which
5,000 test images are taken changes the silhouette more than the differences that the paper reports.
"""

import numpy as np
from numpy.typing import NDArray

from benchmark.subsets import choose


def random_subset(total: int, n: int | None) -> NDArray[np.int64]:
    """Draw ascending positions (min(n, total),) without replacement; all of them for None."""
    return choose(total, n, None, "evaluation", images=n or total)


def stratified_subset(labels: NDArray[np.int64], n: int | None) -> NDArray[np.int64]:
    """Draw ascending positions (min(n, N),) with every class at its share of `labels` (N,); all for None."""
    return choose(len(labels), n, labels, "evaluation", images=n or len(labels))
