"""Small tables for the tests of the errata."""

from benchmark.errata.printed_cells import Cell


def row(values, *, table=1, dataset="mnist", metric="silhouette", dim=8):
    """Cells of one data set, metric and dim: method -> value."""
    return tuple(Cell(table, dataset, metric, method, dim, value) for method, value in values.items())


def series(values, *, table=1, dataset="mnist", metric="silhouette", method="gmvae"):
    """Cells of one method: dim -> value."""
    return tuple(Cell(table, dataset, metric, method, dim, value) for dim, value in values.items())
