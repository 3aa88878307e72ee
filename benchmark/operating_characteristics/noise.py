"""Simulated scores, which vary between seeds as in the reduced studies."""

import math

import numpy as np
from numpy.typing import NDArray

from benchmark.paper.tables import PRINTED_METRICS
from benchmark.verdict.claim_effects import MARGINS
from benchmark.verdict.spreads import spread

# Correlation between the metrics of one trial, signed by better direction: 0.85 was measured for SC with CH, and -0.4
# to -0.7 for CH with DB. Different methods' trials with the same seed were not correlated.
CORRELATION = 0.8


def with_noise(
    metric: str, latent_dim: int, truth: float, common: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw scores around a true value.

    Args:
        metric: The metric.
        latent_dim: The trial's latent dim.
        truth: The true value: the mean, or the median if the spread is relative.
        common: Standard normal draws that the trial's metrics share.
        own: Standard normal draws of this metric, of the same shape.
    """
    sign = PRINTED_METRICS[metric].sign
    moved: NDArray[np.float64] = sign * np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * own
    moved *= spread(metric, latent_dim)
    return np.exp(math.log(truth) + moved) if MARGINS[metric].relative else truth + moved
