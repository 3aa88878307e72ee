"""Strict reading of a long CSV with one score per row; an ambiguous cell is rejected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.errors import UserError
from benchmark.evaluation.scores import NOT_ASKED, WEIGHTS_UNAVAILABLE
from benchmark.names import NAMES, resolved_rows
from benchmark.results.frame import METRIC_UNAVAILABLE, NO_DATA, NOT_RUN
from benchmark.results.read_csv import (
    NoColumn,
    check_plain,
    check_present,
    check_printable,
    is_missing,
    number,
    read_rows,
    row_error,
    whole_number,
)
from benchmark.results.records import OK, RECORD_STATUSES

REQUIRED = ("dataset", "metric", "method", "latent_dim", "value")
LABELS = ("study", "weight_set", "notes", "marks")
SPREAD = ("std", "n")  # columns of a row that is a mean over seeds
OPTIONAL = ("table", "seed", "status", "key", *SPREAD, *LABELS)
MISSING = "missing"  # the status of a row that has neither a value nor a status
STATUSES = (*RECORD_STATUSES, NOT_RUN, NO_DATA, NOT_ASKED, WEIGHTS_UNAVAILABLE, METRIC_UNAVAILABLE, MISSING)


@dataclass(frozen=True)
class LongRow:
    """One row: a score, or the reason why there is none.

    Attributes:
        line: Number of the line where the row starts, from 1.
        table: The table's number; None if the file has none, which also applies to seed and key.
        value: A finite number if and only if the status is "ok".
        status: One of STATUSES.
        key: Key of the trial behind the score.
        std: Standard deviation (ddof 1) of the values that `value` is the mean of; None if the file has none, or the
            row has a seed.
        n: Number of these values, two or more; None likewise.
        labels: Values of the LABELS columns that the file has.
    """

    line: int
    table: int | None
    dataset: str
    metric: str
    method: str
    latent_dim: int
    seed: int | None
    value: float | None
    status: str
    key: str | None
    std: float | None
    n: int | None
    labels: dict[str, str]


def read_long_csv(path: Path) -> tuple[list[LongRow], list[str]]:
    """Read a CSV with the columns REQUIRED and, if present, OPTIONAL; other columns are ignored.

    Returns:
        The rows, with the suite's names for data sets, metrics and methods that it knows; and one line per name that
        was replaced.

    Raises:
        UserError: `read_rows` rejects the file, it has no rows, two rows are the same score, a mean over seeds is given
            beside its seeds, a value lacks the status "ok" or the reverse, or a cell is ambiguous or invalid (a
            formula, surrounding blanks, an unprintable character in a name or label, a malformed number). The message
            names file, line and column.
    """
    try:
        read = list(read_rows(path, REQUIRED, OPTIONAL))
    except NoColumn as error:
        raise UserError(f"{error}{_one_a_row(path, error.header)}") from None
    if not read:
        raise UserError(f"{path}, line 2: no rows below the header")
    written = [_row(path, line, cells) for line, cells in read]
    known, notes = resolved_rows([cells for _, cells in read])
    rows = [
        replace(row, dataset=cells["dataset"], metric=cells["metric"], method=cells["method"])
        for row, cells in zip(written, known, strict=True)
    ]
    _check_once(path, rows, written)
    _check_seeds(path, rows)
    return rows, notes


def _check_once(path: Path, rows: list[LongRow], written: list[LongRow]) -> None:
    """Raise UserError if two rows are the same score; `written` has the names as in the file."""
    first: dict[tuple[object, ...], LongRow] = {}
    for row, now in zip(rows, written, strict=True):
        what = (row.table, row.dataset, row.metric, row.method, row.latent_dim, row.seed)
        before = first.setdefault(what, now)
        if before is now:
            continue
        for column in NAMES:
            one, other = getattr(before, column), getattr(now, column)
            if one != other:
                fault = f"{other[:40]!r} and {one[:40]!r} in line {before.line} are the same {column}"
                raise row_error(path, row.line, column, f"{fault}, so one score is given twice; remove one")
        remedy = "remove one" if row.seed is not None else "give each its own value in a column `seed`"
        raise row_error(path, row.line, "seed", f"the same score as line {before.line}; {remedy}")


def _check_seeds(path: Path, rows: list[LongRow]) -> None:
    """Raise UserError if a mean over seeds is given beside its seeds, which would count twice."""
    first: dict[tuple[object, ...], LongRow] = {}
    for row in rows:
        before = first.setdefault((row.dataset, row.metric, row.method, row.latent_dim), row)
        if (before.seed is None) != (row.seed is None):
            here, there = ("none", "one") if row.seed is None else ("one", "none")
            fault = f"there is {here} where line {before.line} of the same metric, method and latent dim has {there}"
            raise row_error(path, row.line, "seed", f"{fault}; give either the seeds or their mean")


def _one_a_row(path: Path, header: Sequence[str]) -> str:
    """Advice for a table with several numbers per row, such as the suite's table1.csv; "" for any other header."""
    if sum(column.endswith("_mean") for column in header) < 2:
        return ""
    seeds = path.with_name(f"{path.stem}_seeds.csv")
    said = f"; this table has several numbers per row: give one with one number per row, such as {path.stem}_seeds.csv"
    return f"{said} beside it" if seeds.exists() else said


def _row(path: Path, line: int, cells: dict[str, str]) -> LongRow:
    for column in (*REQUIRED, "table", "seed", "status"):
        check_plain(path, line, column, cells.get(column, ""))
    for column in (*NAMES, "latent_dim"):
        check_present(path, line, column, cells[column])
    for column in LABELS:
        check_printable(path, line, column, cells.get(column, ""))
    cells = {column: "" if is_missing(cell) else cell for column, cell in cells.items()}
    status = cells.get("status", "").casefold() or (OK if cells["value"] else MISSING)
    if status not in STATUSES:
        raise row_error(path, line, "status", f"{cells['status'][:40]!r} is not one of {', '.join(STATUSES)}")
    if status == OK and not cells["value"]:
        raise row_error(path, line, "value", "is missing although the status is 'ok'")
    if status != OK and cells["value"]:
        raise row_error(path, line, "value", f"is given although the status is {status!r}")
    std, n = _spread(path, line, cells) if status == OK and not cells.get("seed") else (None, None)
    return LongRow(
        line=line,
        table=whole_number(path, line, "table", cells["table"], least=1) if cells.get("table") else None,
        dataset=cells["dataset"],
        metric=cells["metric"],
        method=cells["method"],
        latent_dim=whole_number(path, line, "latent_dim", cells["latent_dim"], least=1),
        seed=whole_number(path, line, "seed", cells["seed"]) if cells.get("seed") else None,
        value=number(path, line, "value", cells["value"]) if status == OK else None,
        status=status,
        key=cells.get("key") or None,
        std=std,
        n=n,
        labels={label: cells[label] for label in LABELS if label in cells},
    )


def _spread(path: Path, line: int, cells: dict[str, str]) -> tuple[float | None, int | None]:
    """The standard deviation and the number of values of a mean; None if the row does not have both."""
    if not all(cells.get(column) for column in SPREAD):
        return None, None
    for column in SPREAD:
        check_plain(path, line, column, cells[column])
    std = number(path, line, "std", cells["std"])
    if std < 0:
        raise row_error(path, line, "std", f"{cells['std'][:40]!r} is below 0")
    n = whole_number(path, line, "n", cells["n"], least=1)
    return (std, n) if n > 1 else (None, None)
