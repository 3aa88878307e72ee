"""Error rates as data: how often a judgement ends in each of its outcomes, under a stated truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import pandas as pd

SEEDS = (3, 5, 10, 20)  # that every judgement is simulated at


@dataclass(frozen=True)
class Rate:
    """How often one outcome occurs.

    Attributes:
        judgement: What judges: a name of SIMULATIONS.
        subject: What is judged: a claim, a metric, a kind of difference.
        truth: What is so in the simulation.
        seeds: Seeds a side.
        outcome: The outcome that is counted.
        rate: Its share of all draws, in [0, 1].
        draws: How many studies were drawn; 0 where the rate is a closed form.
    """

    judgement: str
    subject: str
    truth: str
    seeds: int
    outcome: str
    rate: float
    draws: int


def rates_frame(rates: Sequence[Rate]) -> pd.DataFrame:
    """Tabulate rates, a row each; the columns are the fields of Rate."""
    return pd.DataFrame([asdict(rate) for rate in rates], columns=[field.name for field in fields(Rate)])
