"""A table as printed: its cells, read from a file of six columns, and what a check of them finds."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pandas as pd

from benchmark.errors import UserError
from benchmark.methods import METHODS
from benchmark.paper import DATASET_LABELS, METRICS

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


def read_cells(path: Path) -> tuple[Cell, ...]:
    """The cells of a CSV file with the columns COLUMNS (others are ignored), in its order.

    Raises UserError, in one line that names the file, as `to_cells` does and where the file cannot be read.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; name a CSV file with the columns {', '.join(COLUMNS)}") from None
    except (OSError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise UserError(f"{path}: not a CSV file ({' '.join(str(error).split())})") from None
    return to_cells(frame, str(path))


def to_cells(frame: pd.DataFrame, source: str = "table") -> tuple[Cell, ...]:
    """The rows of a frame as cells; `source` is what an error calls the frame, and line 1 its heading.

    Raises UserError where columns are missing, there is no row, `table` or `latent_dim` is no positive whole number,
    `value` is no finite number, the metric is not one of benchmark.paper.METRICS, or a table has a cell twice.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise UserError(f"{source}: no column {', '.join(missing)}; the columns are {', '.join(COLUMNS)}")
    if frame.empty:
        raise UserError(f"{source}: no row below the heading; give one row per number")
    rows = frame[list(COLUMNS)].itertuples(index=False, name=None)
    cells = tuple(_cell(row, f"{source}, line {line}") for line, row in enumerate(rows, start=2))
    for (table, place), times in Counter((cell.table, cell.place) for cell in cells).items():
        if times > 1:
            raise UserError(f"{source}: table {table} has {' '.join(map(str, place))} {times} times; keep one row")
    return cells


def _cell(row: Sequence, where: str) -> Cell:
    table, dataset, metric, method, latent_dim, text = row
    if metric not in METRICS:
        raise UserError(f"{where}: metric {metric!r} is not one of {', '.join(METRICS)}")
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: value {text!r} is not a finite number; leave out a cell that has none")
    return Cell(
        _positive(table, "table", where), dataset, metric, method, _positive(latent_dim, "latent_dim", where), value
    )


def _positive(text: object, field: str, where: str) -> int:
    try:
        number = int(str(text))
    except ValueError:
        number = 0
    if number < 1:
        raise UserError(f"{where}: {field} {str(text)!r} is not a positive whole number")
    return number


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
