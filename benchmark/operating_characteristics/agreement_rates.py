"""How often the bounds of the mean rank agreement hold the true one, by `rank_agreement` itself.

Simulated are two rankings of eight methods whose true means lie at equal distances and in the other side's order, where
errors can only lower the agreement: the hardest case.
"""

import numpy as np

from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.statistics import rank_agreement

GAPS = (0.15, 0.5, 1.5)  # between neighbours, in standard deviations over seeds
_METHODS, _RANKINGS = 8, 2
_MOST_DRAWS = 500  # they are judged one by one


def agreement_rates(draws: int, rng: np.random.Generator) -> list[Rate]:
    """Simulate for each distance and number of seeds how often the bounds hold the true agreement, which is 1.

    Args:
        draws: Studies to draw for each rate, of which at most 500 are drawn.
        rng: The stream.
    """
    draws = min(draws, _MOST_DRAWS)
    order = np.arange(float(_METHODS))
    rates = []
    for gap in GAPS:
        for seeds in SEEDS:
            scores = gap * order[:, None] + rng.normal(size=(draws, _RANKINGS, _METHODS, seeds))
            found = [rank_agreement([(ours, order) for ours in study]) for study in scores]
            held = np.mean([one is not None and one.interval is not None and one.interval.high == 1 for one in found])
            truth = f"means {gap:g} standard deviations apart"
            rates.append(Rate("rank agreement", "bounds of tau-b", truth, seeds, "hold", float(held), draws))
    return rates
