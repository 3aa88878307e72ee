"""A table as printed: its cells, read from a file of six columns, and what a check of them finds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pandas as pd

from benchmark.errors import UserError
from benchmark.methods.registry import METHODS
from benchmark.metrics import METRICS
from benchmark.names import NAMES, asked_name, resolved_rows
from benchmark.paper.tables import DATASET_LABELS
from benchmark.results.read_csv import check_plain, check_present, is_missing, number, read_rows, whole_number

COLUMNS = ("table", "dataset", "metric", "method", "latent_dim", "value")


@dataclass(frozen=True)
class Cell:
    """One number and where it is printed; fields are those of results/paper/tables.csv."""

    table: int
    dataset: str
    metric: str
    method: str
    latent_dim: int
    value: float

    @property
    def place(self) -> tuple[str, str, str, int]:
        """What the number is of, whichever table it stands in: data set, metric, method, latent dim."""
        return self.dataset, self.metric, self.method, self.latent_dim

    @property
    def name(self) -> str:
        """The cell in one word, such as 'table1/mnist/davies_bouldin/gmvae/16'."""
        return f"table{self.table}/{'/'.join(str(part) for part in self.place)}"


class Kind(StrEnum):
    """What a finding amounts to. All but the last come from numbers alone."""

    CONTRADICTION = "contradiction"  # two numbers, or a sentence and a number, cannot both be right
    IMPOSSIBLE = "impossible"  # outside the metric's range
    SUSPECT = "suspect"  # possible, but hardly what was meant
    TIE = "tie"  # equal as printed where a sentence claims a win
    HOLDS = "holds"  # checked, and so
    UNCHECKED = "unchecked"  # the table has none of the cells that the sentence is about
    BY_READING = "by reading"  # told by a person who read equations or text


@dataclass(frozen=True)
class Finding:
    """One result of one check. `statement`, `section` and `quotation` are empty where no sentence is concerned."""

    check: str
    kind: Kind
    sentence: str
    cells: tuple[Cell, ...] = ()
    comparisons: int = 0  # how many the check made for this statement, pair of tables or table, this one included
    statement: str = ""
    section: str = ""
    quotation: str = ""


def read_cells(path: Path, report: Callable[[str], None] = lambda line: None) -> tuple[Cell, ...]:
    """The cells of a CSV file with the columns COLUMNS (others may hold anything), in its order.

    Data sets, metrics and methods have the suite's names where it knows them; a row without a value is left out.
    `report` is told of both. Raises UserError, which names file and line, as `read_rows`, `number` and `whole_number`
    do, and where there is no row, a metric is not one of benchmark.metrics.METRICS, or a table has a cell twice.
    """
    rows = list(read_rows(path, COLUMNS))
    for line, row in rows:
        for column in COLUMNS:
            check_plain(path, line, column, row[column])
    valued = [(line, row) for line, row in rows if not is_missing(row["value"])]
    if not valued:
        raise UserError(f"{path}: no row with a value below the heading; give one row per number")
    if len(valued) < len(rows):
        report(f"{path}: rows without a value, left out: {len(rows) - len(valued)}")
    known, notes = resolved_rows([row for _, row in valued])
    for note in notes:
        report(f"{path}: {note}")
    lines: dict[tuple, int] = {}
    cells = []
    for (line, _), row in zip(valued, known, strict=True):
        cells.append(cell := _cell(path, line, row))
        if (first := lines.setdefault((cell.table, cell.place), line)) != line:
            place = " ".join(map(str, cell.place))
            raise UserError(f"{path}, line {line}: table {cell.table} has {place} in line {first} too; keep one row")
    return tuple(cells)


def _cell(path: Path, line: int, row: Mapping[str, str]) -> Cell:
    table, latent_dim = (whole_number(path, line, column, row[column], least=1) for column in ("table", "latent_dim"))
    for column in NAMES:
        check_present(path, line, column, row[column])
    if (metric := row["metric"]) not in METRICS:
        asked_name("metric", metric, METRICS, f"{path}, line {line}, column metric: {metric[:40]!r} is unknown;")
    return Cell(table, row["dataset"], metric, row["method"], latent_dim, number(path, line, "value", row["value"]))


def to_cells(frame: pd.DataFrame) -> tuple[Cell, ...]:
    """The rows of a frame with the columns COLUMNS and their types, such as `paper_numbers` gives, as cells."""
    return tuple(Cell(*row) for row in frame[list(COLUMNS)].itertuples(index=False, name=None))


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Findings as rows of text, for CSV and reports.

    Columns: `check` (the rule), `kind` (see Kind), `statement` (a name in results/paper/statements.json, or empty),
    `section` and `quotation` (of the paper, or empty), `sentence` (the finding with its numbers), `cells` (their names,
    joined by ' '; see Cell.name), `comparisons` (int: how many the check made for this statement, pair of tables or
    table).
    """
    columns = ["check", "kind", "statement", "section", "quotation", "sentence", "cells", "comparisons"]
    texts = [
        vars(finding) | {"kind": str(finding.kind), "cells": " ".join(cell.name for cell in finding.cells)}
        for finding in findings
    ]
    return pd.DataFrame(texts, columns=columns).astype({"comparisons": "int64"})


def advantage(metric: str, value: float, other: float) -> float:
    """By how much `value` is better than `other` in the metric's own units; negative where it is worse."""
    return value - other if METRICS[metric].higher_is_better else other - value


def method_label(name: str) -> str:
    """The method as the tables write it; a name that the suite does not know stands for itself."""
    return METHODS[name].label if name in METHODS else name


def where(cell: Cell) -> str:
    """The cell's surroundings in words, without its method: 'Table 1, MNIST, d = 16, DB'."""
    dataset = DATASET_LABELS.get(cell.dataset, cell.dataset)
    return f"Table {cell.table}, {dataset}, d = {cell.latent_dim}, {METRICS[cell.metric].label}"


def printed(value: float) -> str:
    """A number as it stands in the file, trailing zeros dropped."""
    return f"{value:.10g}"


def with_value(cell: Cell) -> str:
    """The cell's method and number: 'GMVAE 0.868'."""
    return f"{method_label(cell.method)} {printed(cell.value)}"
