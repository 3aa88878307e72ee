"""Error rates as Markdown."""

from collections.abc import Callable, Sequence

import pandas as pd

from benchmark.metrics import METRICS
from benchmark.operating_characteristics.claim_rates import HALF, NONE, PRINTED
from benchmark.operating_characteristics.number_rates import SAME
from benchmark.operating_characteristics.rates import Rate, rates_frame
from benchmark.tables.pipe_table import wide_table

_KEYS = ["subject", "truth", "outcome", "seeds"]
# The (truth, outcome, seeds) of each column of the short tables.
_Columns = Sequence[tuple[str, str, int]]
_OF_NUMBERS: _Columns = (
    (SAME, "reproduced", 10),
    (SAME, "reproduced", 20),
    (SAME, "out of reach", 10),
    ("one tolerance off", "reproduced", 10),
    ("one tolerance off", "contradicted", 10),
    ("two tolerances off", "contradicted", 10),
)
_OF_CLAIMS: _Columns = (
    (NONE, "supported", 10),
    *((NONE, "refuted", seeds) for seeds in (5, 10, 20)),
    (NONE, "refuted by means alone", 10),
    (HALF, "supported", 10),
    *((PRINTED, "supported", seeds) for seeds in (5, 10, 20)),
    (PRINTED, "refuted", 10),
)


def render_rates(rates: Sequence[Rate]) -> str:
    """Write the short tables, followed by one per judgement with a column for each number of seeds."""
    frame = rates_frame(rates)
    parts = ["# Error rates", *(table(frame) for table in IN_SHORT)]
    for judgement, of_one in frame.groupby("judgement", sort=False):
        table = of_one.pivot_table(index=["subject", "truth", "outcome"], columns="seeds", values="rate", sort=False)
        heads = ["subject", "truth", "outcome", *(f"{seeds} seeds" for seeds in table.columns)]
        rows = [[*row[0], *map(_percent, row[1:])] for row in table.itertuples()]
        parts += [f"## {judgement}", wide_table(heads, rows)]
    return "\n\n".join(parts) + "\n"


def numbers_in_short(frame: pd.DataFrame) -> str:
    """Write the probabilities of the verdicts on numbers as a table, one row per metric.

    Args:
        frame: The result of `rates_frame`.
    """
    return _in_short(frame[frame["judgement"] == "numbers"], "metric", _OF_NUMBERS)


def claims_in_short(frame: pd.DataFrame) -> str:
    """Write the rates of the claims' states as a table, one row per claim; `frame` is the result of `rates_frame`."""
    return _in_short(frame[frame["judgement"] == "claims"], "claim", _OF_CLAIMS)


def comparison_in_short(frame: pd.DataFrame) -> str:
    """Write the rates of the outcomes of `compare` as a table, one row per truth; for `frame` see `rates_frame`."""
    return _by_truth(frame[frame["judgement"] == "compare"])


def agreement_in_short(frame: pd.DataFrame) -> str:
    """Write the coverage of the bounds of tau-b as a table, one row per truth; for `frame` see `rates_frame`."""
    return _by_truth(frame[frame["judgement"] == "rank agreement"])


IN_SHORT: Sequence[Callable[[pd.DataFrame], str]] = (
    numbers_in_short,
    claims_in_short,
    comparison_in_short,
    agreement_in_short,
)


def _by_truth(frame: pd.DataFrame) -> str:
    """One row per truth and outcome that ever occurs, one column per number of seeds."""
    rates = frame.pivot_table(index=["truth", "outcome"], columns="seeds", values="rate", sort=False)
    rows = [[*row[0], *map(_percent, row[1:])] for row in rates.itertuples() if any(row[1:])]
    return wide_table(["what is so", "outcome", *(f"{seeds} seeds" for seeds in rates.columns)], rows)


def _in_short(frame: pd.DataFrame, of: str, columns: _Columns) -> str:
    rates = frame.set_index(_KEYS)["rate"]
    subjects = dict.fromkeys(frame["subject"])
    rows = [
        [METRICS[one].label if one in METRICS else one, *(_percent(rates[one, *column]) for column in columns)]
        for one in subjects
        if all((one, *column) in rates.index for column in columns)
    ]
    return wide_table([of, *(f"{truth}: {outcome}, {seeds} seeds" for truth, outcome, seeds in columns)], rows)


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"
