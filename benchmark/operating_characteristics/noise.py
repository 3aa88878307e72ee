"""Simulated scores, which vary from seed to seed as those of the reduced studies do."""

import math

import numpy as np
from numpy.typing import NDArray

from benchmark.paper.tables import PRINTED_METRICS
from benchmark.verdict.claim_effects import MARGINS
from benchmark.verdict.spreads import spread

# Between the metrics of one trial, signed so that better goes with better: 0.85 was measured for SC with CH, and -0.4
# to -0.7 for CH with DB. The methods' trials under one seed were not correlated.
CORRELATION = 0.8


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
