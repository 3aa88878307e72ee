"""Error rates of the verdicts on printed numbers, computed from the distribution of t-intervals without draws."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.paper.tables import HALF_A_UNIT, SEEDS_OF_THE_PAPER, paper_numbers
from benchmark.statistics import ALPHA, CONFIDENCE, chance_outside, chance_within, t_quantile
from benchmark.verdict.cell_verdicts import (
    LEAST_CHANCE,
    PRINTED_TOLERANCES,
    Verdict,
    chance_of_reproducing,
)
from benchmark.verdict.spreads import spread

ALL_NUMBERS = "all numbers"
EXACT, ASSUMED = "interval misses, paper's mean taken as exact", "interval misses, paper's mean varying as ours"
SAME = "the same trials"
# The true difference, in tolerances.
TRUTHS: Mapping[str, float] = {
    SAME: 0.0,
    "half a tolerance off": 0.5,
    "one tolerance off": 1.0,
    "two tolerances off": 2.0,
}


_OUTCOMES = tuple(map(str, (Verdict.REPRODUCED, Verdict.CONTRADICTED, Verdict.OUT_OF_REACH)))


def miss_rate(n: int, repeats: float) -> float:
    """Return how often the 95 % interval of n seeds misses the printed mean of ten of the same trials.

    Args:
        n: Our number of seeds.
        repeats: Number of values that the interval assumes behind the printed mean.
    """
    assumed, real = 1 / n + 1 / repeats, 1 / n + 1 / SEEDS_OF_THE_PAPER
    return 2 * float(stats.t.sf(t_quantile((1 + CONFIDENCE) / 2, n - 1) * math.sqrt(assumed / real), n - 1))


def number_rates(draws: int, stream: np.random.Generator) -> list[Rate]:
    """Return the probability of every verdict, averaged over the distinct printed numbers with their metrics' spreads.

    Args:
        draws: Ignored.
        stream: Ignored.
    """
    del draws, stream
    numbers = paper_numbers().drop_duplicates(["dataset", "metric", "method", "latent_dim", "value"])
    rates = []
    for n in SEEDS:
        for outcome, repeats in ((EXACT, math.inf), (ASSUMED, SEEDS_OF_THE_PAPER)):
            rates.append(Rate("numbers", ALL_NUMBERS, SAME, n, outcome, miss_rate(n, repeats), 0))
        for truth, shift in TRUTHS.items():
            found = [_chances(row.metric, row.latent_dim, row.value, n, shift) for row in numbers.itertuples()]
            chances = pd.DataFrame(found, columns=[*_OUTCOMES])
            of_metrics = chances.groupby(numbers["metric"].to_numpy(), sort=False).mean()
            rates += [
                Rate("numbers", subject, truth, n, outcome, float(chance), 0)
                for subject, of_subject in ((ALL_NUMBERS, chances.mean()), *of_metrics.iterrows())
                for outcome, chance in of_subject.items()
                if truth == SAME or outcome != Verdict.OUT_OF_REACH  # which depends on the spread, not on the truth
            ]
    return rates


def _chances(metric: str, latent_dim: int, value: float, n: int, shift: float) -> tuple[float, float, float]:
    """Probabilities of "reproduced" and "contradicted", and whether the spread puts the number out of reach."""
    tolerance = PRINTED_TOLERANCES[metric]
    bound = tolerance.at(value)
    std = spread(metric, latent_dim) * (value if tolerance.relative else 1)
    error = std * math.sqrt(1 / n + 1 / SEEDS_OF_THE_PAPER)
    reproduced = chance_within(bound - HALF_A_UNIT, error, n - 1, 1 - 2 * ALPHA, shift * bound)
    contradicted = chance_outside(bound + HALF_A_UNIT, error, n - 1, CONFIDENCE, shift * bound)
    out_of_reach = chance_of_reproducing(std, n, bound) < LEAST_CHANCE
    return reproduced if n >= SEEDS_OF_THE_PAPER else 0.0, contradicted, float(out_of_reach)
