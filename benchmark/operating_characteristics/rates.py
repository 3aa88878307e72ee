"""Error rates as data: how often a judgement has each of its outcomes, under a given truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import pandas as pd

SEEDS = (3, 5, 10, 20)  # the numbers of seeds at which every judgement is simulated


@dataclass(frozen=True)
class Rate:
    """The rate of one outcome of a judgement.

    Attributes:
        judgement: The judgement: a name of SIMULATIONS.
        subject: What is judged: a claim, a metric, a kind of difference.
        truth: The truth of the simulation.
        seeds: Number of seeds per side.
        outcome: The outcome that is counted.
        rate: Its share of all draws, in [0, 1].
        draws: Number of studies drawn; 0 if the rate is a closed form.
    """

    judgement: str
    subject: str
    truth: str
    seeds: int
    outcome: str
    rate: float
    draws: int


def rates_frame(rates: Sequence[Rate]) -> pd.DataFrame:
    """Tabulate rates, one row each; the columns are the fields of Rate."""
    return pd.DataFrame([asdict(rate) for rate in rates], columns=[field.name for field in fields(Rate)])
