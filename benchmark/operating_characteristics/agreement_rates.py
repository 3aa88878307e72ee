"""How often the bounds of the mean rank agreement hold the true one, by `rank_agreement` itself.

Simulated are two rankings of eight methods whose true means lie at equal distances and in the other side's order, where
errors can only lower the agreement: the hardest case. All methods vary alike, or one of them more.
"""

from itertools import product

import numpy as np

from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.statistics import rank_agreement

GAPS = (0.15, 0.5, 1.5)  # between neighbours, in standard deviations over seeds
WIDEST = (1.0, 4.0)  # the standard deviation over seeds of the fourth method; that of the others is 1
_METHODS, _RANKINGS = 8, 2
MOST_DRAWS = 500  # they are judged one by one


def agreement_rates(draws: int, rng: np.random.Generator) -> list[Rate]:
    """Simulate for each distance, spread and number of seeds how often the bounds hold the true agreement, which is 1.

    Args:
        draws: Studies to draw for each rate, of which at most MOST_DRAWS are drawn.
        rng: The stream.
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
