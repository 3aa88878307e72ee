"""Small tables for the tests of the errata."""

import pandas as pd

from benchmark.paper.tables import COLUMNS, PrintedCell


def row(values, *, table=1, dataset="mnist", metric="silhouette", dim=8):
    """Cells of one data set, metric and dim: method -> value."""
    return tuple(PrintedCell(table, dataset, metric, method, dim, value) for method, value in values.items())


def series(values, *, table=1, dataset="mnist", metric="silhouette", method="gmvae"):
    """Cells of one method: dim -> value."""
    return tuple(PrintedCell(table, dataset, metric, method, dim, value) for dim, value in values.items())


def cells_of(frame: pd.DataFrame) -> tuple[PrintedCell, ...]:
    """The rows of a frame with the columns COLUMNS and their types, such as `paper_numbers` gives."""
    return tuple(PrintedCell(*row) for row in frame[list(COLUMNS)].itertuples(index=False, name=None))
