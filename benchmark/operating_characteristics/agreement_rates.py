"""Coverage of the bounds on the mean rank agreement, by simulation through `rank_agreement`.

Two rankings of eight methods are simulated, with equally spaced true means in the same order as the other side's.
Errors can then only lower the agreement, which is the hardest case. All methods vary alike, or one of them more.
"""

from itertools import product

import numpy as np

from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.statistics import rank_agreement

GAPS = (0.15, 0.5, 1.5)  # distances between neighbours, in standard deviations over seeds
WIDEST = (1.0, 4.0)  # standard deviation over seeds of the fourth method; that of the others is 1
_METHODS, _RANKINGS = 8, 2
MOST_DRAWS = 500  # few, because they are judged one by one


def agreement_rates(draws: int, rng: np.random.Generator) -> list[Rate]:
    """Simulate for each distance, spread and number of seeds how often the bounds contain the true agreement, 1.

    Args:
        draws: Number of studies to draw per rate, limited to MOST_DRAWS.
        rng: The random generator.
    """
    draws = min(draws, MOST_DRAWS)
    order = np.arange(float(_METHODS))
    rates = []
    for widest, gap, seeds in product(WIDEST, GAPS, SEEDS):
        spreads = np.where(order == 3, widest, 1.0)
        scores = (gap * order + spreads * rng.normal(size=(draws, _RANKINGS, seeds, _METHODS))).swapaxes(-1, -2)
        found = [rank_agreement([(ours, order) for ours in study]) for study in scores]
        held = np.mean([one is not None and one.interval is not None and one.interval.high == 1 for one in found])
        truth = f"means {gap:g} standard deviations apart"
        if widest != 1:
            truth += f", one method varying {widest:g} times as much"
        rates.append(Rate("rank agreement", "bounds of tau-b", truth, seeds, "hold", float(held), draws))
    return rates
