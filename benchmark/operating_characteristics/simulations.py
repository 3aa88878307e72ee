"""The registry of simulations; a new one is added as a function with an entry here."""

from collections.abc import Callable, Mapping

import numpy as np

from benchmark.operating_characteristics.agreement_rates import agreement_rates
from benchmark.operating_characteristics.claim_rates import claim_rates
from benchmark.operating_characteristics.comparison_rates import comparison_rates
from benchmark.operating_characteristics.number_rates import number_rates
from benchmark.operating_characteristics.rates import Rate

# Each takes the number of studies to draw and its own random generator.
Simulation = Callable[[int, np.random.Generator], list[Rate]]
SIMULATIONS: Mapping[str, Simulation] = {
    "numbers": number_rates,
    "claims": claim_rates,
    "compare": comparison_rates,
    "rank agreement": agreement_rates,
}
