"""Error rates of the verdicts on printed numbers."""

import math

import numpy as np
from scipy import stats

from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.statistics import CONFIDENCE


def number_rates(draws: int, stream: np.random.Generator) -> list[Rate]:
    """Say how often our 95 % interval misses the printed mean of ten seeds of the very same trials."""
    del draws, stream
    rates = []
    for n in SEEDS:
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) / math.sqrt(1 + n / 10)
        missed = 2 * float(stats.t.sf(reach, n - 1))
        rates.append(Rate("numbers", "any", "the same trials", n, "interval misses the printed mean", missed, 0))
    return rates
