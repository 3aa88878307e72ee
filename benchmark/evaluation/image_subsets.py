"""The images that a protocol scores, which are the same for every trial, whatever its method or seed.

The random stream depends only on the role "evaluation" and the number of images, never on a trial's seed, because the
choice of 5,000 test images changes the silhouette by more than the differences that the paper reports.
"""

import numpy as np
from numpy.typing import NDArray

from benchmark.subsets import choose


def random_subset(total: int, n: int | None) -> NDArray[np.int64]:
    """Draw min(n, total) positions without replacement, ascending; all positions if n is None."""
    return choose(total, n, None, "evaluation", images=n or total)


def stratified_subset(labels: NDArray[np.int64], n: int | None) -> NDArray[np.int64]:
    """Draw n positions of `labels` (N,), ascending, stratified by class; all positions if n is None."""
    return choose(len(labels), n, labels, "evaluation", images=n or len(labels))
