"""The cells of a printed table, read from a CSV file, and the findings of checks on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmark.errors import UserError
from benchmark.methods.registry import METHODS
from benchmark.metrics import METRICS
from benchmark.names import NAMES, asked_name, resolved_rows
from benchmark.paper.tables import COLUMNS, DATASET_LABELS, PrintedCell, ScorePlace
from benchmark.results.read_csv import check_plain, check_present, is_missing, number, read_rows, whole_number


class FindingKind(StrEnum):
    """The kind of a finding; all but the last are derived from numbers alone."""

    CONTRADICTION = "contradiction"  # two numbers, or a sentence and a number, cannot both be right
    IMPOSSIBLE = "impossible"  # outside the metric's range
    SUSPECT = "suspect"  # possible, but probably not what was meant
    TIE = "tie"  # equal as printed although a sentence claims a win
    HOLDS = "holds"  # checked, and confirmed
    UNCHECKED = "unchecked"  # the table has none of the cells that the sentence is about
    BY_READING = "by reading"  # a remark by a person who read equations or text


@dataclass(frozen=True)
class Finding:
    """One result of a check.

    Attributes:
        check: The rule, or the kind of statement.
        kind: The kind of finding.
        sentence: The finding in words, with its numbers.
        cells: The cells concerned.
        comparisons: Number of comparisons that the check made for this statement, pair of tables or table, including
            this one.
        statement: The name of the statement concerned; empty if there is none, like the next two.
        section: The statement's section in the paper.
        quotation: The statement's words.
    """

    check: str
    kind: FindingKind
    sentence: str
    cells: tuple[PrintedCell, ...] = ()
    comparisons: int = 0
    statement: str = ""
    section: str = ""
    quotation: str = ""


def read_cells(path: Path, report: Callable[[str], None] = lambda line: None) -> tuple[PrintedCell, ...]:
    """Read the cells of a CSV file, in the file's order.

    Data sets, metrics and methods get the suite's names if it knows them; rows without a value are left out.

    Args:
        path: A file with the columns COLUMNS; others are ignored.
        report: Called with a line on names that were replaced and rows that were left out.

    Raises:
        UserError: The file is invalid (see benchmark.results.read_csv), has no row with a value, a metric is not one of
            benchmark.metrics.METRICS, or a table has a cell twice; the message names file and line.
    """
    rows = list(read_rows(path, COLUMNS))
    for line, row in rows:
        for column in COLUMNS:
            check_plain(path, line, column, row[column])
    valued = [(line, row) for line, row in rows if not is_missing(row["value"])]
    if not valued:
        raise UserError(f"{path}: no row with a value below the heading; give one row per number")
    if len(valued) < len(rows):
        report(f"{path}: rows without a value, ignored: {len(rows) - len(valued)}")
    known, notes = resolved_rows([row for _, row in valued])
    for note in notes:
        report(f"{path}: {note}")
    lines: dict[tuple[int, ScorePlace], int] = {}
    cells = []
    for (line, _), row in zip(valued, known, strict=True):
        cells.append(cell := _cell(path, line, row))
        if (first := lines.setdefault((cell.table, cell.place), line)) != line:
            place = " ".join(map(str, cell.place))
            raise UserError(f"{path}, line {line}: table {cell.table} has {place} in line {first} too; keep one row")
    return tuple(cells)


def _cell(path: Path, line: int, row: Mapping[str, str]) -> PrintedCell:
    table, latent_dim = (whole_number(path, line, column, row[column], least=1) for column in ("table", "latent_dim"))
    for column in NAMES:
        check_present(path, line, column, row[column])
    if (metric := row["metric"]) not in METRICS:
        asked_name("metric", metric, METRICS, f"{path}, line {line}, column metric: {metric[:40]!r} is unknown;")
    return PrintedCell(
        table, row["dataset"], metric, row["method"], latent_dim, number(path, line, "value", row["value"])
    )


def method_label(name: str) -> str:
    """Return a method's label in the tables, or its name if the method is unknown."""
    return METHODS[name].label if name in METHODS else name


def where(cell: PrintedCell) -> str:
    """Describe a cell's place without its method: 'Table 1, MNIST, d = 16, DB'."""
    dataset = DATASET_LABELS.get(cell.dataset, cell.dataset)
    return f"Table {cell.table}, {dataset}, d = {cell.latent_dim}, {METRICS[cell.metric].label}"


def printed(value: float) -> str:
    """Format a number as in the file, without trailing zeros."""
    return f"{value:.10g}"


def with_value(cell: PrintedCell) -> str:
    """Return a cell's method and number as text: 'GMVAE 0.868'."""
    return f"{method_label(cell.method)} {printed(cell.value)}"
