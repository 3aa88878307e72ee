"""How far scores vary from seed to seed, for simulations.

Standard deviations over seeds, pooled over methods, as measured on the reduced studies of results/reference: clustering
and classification on `laptop-ten-seeds` (ten seeds), reconstruction on `laptop-calibrated` (three seeds, three data
sets); a test holds them to the records. Relative ones are of natural logarithms. FID and LPIPS were not measured there:
one margin is assumed. Trials of the paper's size may vary less, or more.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmark.paper.tables import PRINTED_METRICS
from benchmark.verdict.claim_effects import MARGINS

# By metric, and by the largest latent dim that it stands for.
SPREADS: Mapping[str, Mapping[int, float]] = {
    "silhouette": {2: 0.044, 16: 0.017, 128: 0.029},
    "calinski_harabasz": {2: 0.363, 16: 0.080, 128: 0.130},
    "davies_bouldin": {2: 0.353, 16: 0.133, 128: 0.233},
    "svm_accuracy": {8: 0.0053},
    "fid": {128: 0.05},
    "ssim": {128: 0.017},
    "ms_ssim": {128: 0.0075},
    "lpips": {128: 0.005},
}
# Between the metrics of one trial, signed so that better goes with better: 0.85 was measured for SC with CH, and -0.4
# to -0.7 for CH with DB. The methods' trials under one seed were not correlated.
CORRELATION = 0.8


def spread(metric: str, latent_dim: int) -> float:
    """Return the standard deviation of a metric over seeds, of its logarithm where its margin is relative."""
    return next(size for largest, size in SPREADS[metric].items() if latent_dim <= largest)


def with_noise(
    metric: str, latent_dim: int, truth: float, common: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw scores around a true value.

    Args:
        metric: The metric.
        latent_dim: That of the trial.
        truth: The true value: the mean, or the median where the spread is relative.
        common: Standard normal draws that the trial's metrics share.
        own: Standard normal draws of this metric, of the same shape.
    """
    better = 1 if PRINTED_METRICS[metric].higher_is_better else -1
    moved: NDArray[np.float64] = better * np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * own
    moved *= spread(metric, latent_dim)
    return np.exp(math.log(truth) + moved) if MARGINS[metric].relative else truth + moved
