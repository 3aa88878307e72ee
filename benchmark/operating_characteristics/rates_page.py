"""Error rates for people, as Markdown."""

from collections.abc import Sequence

from benchmark.operating_characteristics.rates import Rate, rates_frame
from benchmark.tables.pipe_table import wide_table


def render_rates(rates: Sequence[Rate]) -> str:
    """Write a table for every judgement, with a column for each number of seeds."""
    frame = rates_frame(rates)
    parts = ["# Error rates"]
    for judgement, of_one in frame.groupby("judgement", sort=False):
        table = of_one.pivot_table(index=["subject", "truth", "outcome"], columns="seeds", values="rate", sort=False)
        heads = ["subject", "truth", "outcome", *(f"{seeds} seeds" for seeds in table.columns)]
        rows = [[*row[0], *(f"{100 * rate:.1f} %" for rate in row[1:])] for row in table.itertuples()]
        parts += [f"## {judgement}", wide_table(heads, rows)]
    return "\n\n".join(parts) + "\n"
