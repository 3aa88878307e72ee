"""A long CSV of scores, one a row, read strictly: a cell that could be read in two ways is refused, not guessed."""

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UserError
from benchmark.reporting import frame as fr

REQUIRED = ("dataset", "metric", "method", "latent_dim", "value")
NAMES = ("dataset", "metric", "method")
LABELS = ("study", "weight_set", "notes", "marks")
OPTIONAL = ("table", "seed", "status", "reason", "key", *LABELS)
STATUSES = (*fr.RECORD_STATUSES, fr.NOT_RUN, fr.NO_DATA, fr.WEIGHTS_UNAVAILABLE, fr.METRIC_UNAVAILABLE)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([,'_. \u00a0\u202f]\d{3})+([.,]\d+)?|[+-]?\d*,\d+", re.ASCII)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True)
class LongRow:
    """One row: a score, or with a `status` other than 'ok' why there is none. `line` is where it starts, from 1."""

    line: int
    table: int | None
    dataset: str
    metric: str
    method: str
    latent_dim: int
    seed: int | None
    value: float | None
    status: str
    reason: str
    key: str | None  # of the trial behind it
    labels: dict[str, str]  # those of LABELS that the file has


def read_long_csv(path: Path) -> list[LongRow]:
    """The rows of a UTF-8 CSV (a byte order mark is allowed) with the columns REQUIRED, and OPTIONAL where there.

    Other columns are looked at for formulas only. Raises UserError, which names file, line and column, for another
    encoding, a missing or repeated column, a row of another length, a formula, blanks around a cell, an unprintable
    character in a name or label, a number that is none, a value without status 'ok' or the reverse, two rows for one
    score, and a file without rows.
    """
    rows, lines = [], {}
    for line, cells in _cells(path):
        row = _row(path, line, cells)
        what = (row.table, row.dataset, row.metric, row.method, row.latent_dim, row.seed)
        if what in lines:
            remedy = "remove one" if row.seed is not None else "give each its own in a column seed"
            raise _error(path, line, "seed", f"the same score as line {lines[what]}; {remedy}")
        lines[what] = line
        rows.append(row)
    if not rows:
        raise UserError(f"{path}, line 2: no rows below the header")
    return rows


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, column -> cell) of every row that is not blank."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    header: list[str] = []
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not cells:
                continue
            if not header:
                header = _header(path, line, cells)
                continue
            if len(cells) != len(header):
                column = header[min(len(cells), len(header) - 1)]
                raise _error(path, line, column, f"{len(cells)} cells under a header of {len(header)}")
            named = dict(zip(header, cells, strict=True))
            for column, cell in named.items():
                if cell.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(cell):
                    raise _error(path, line, column, f"{cell[:40]!r} is a formula to a spreadsheet; give its value")
            yield line, named
    except csv.Error as error:
        raise UserError(f"{path}, line {end + 1}: no valid CSV ({error})") from None
    if not header:
        raise UserError(f"{path}, line 1: the file is empty")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        text = content.decode("utf-8-sig")
        fault = text.index("\0") if "\0" in text else None
        line = text.count("\n", 0, fault) + 1
    except UnicodeDecodeError as error:
        fault, line = error.start, content.count(b"\n", 0, error.start) + 1
    if fault is not None:
        raise UserError(f"{path}, line {line}: not UTF-8 text; save it as UTF-8")
    return text


def _header(path: Path, line: int, header: list[str]) -> list[str]:
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        raise UserError(
            f"{path}, line {line}: no column {', '.join(missing)}; a long CSV has {', '.join(REQUIRED)}, separated by "
            "commas, and may have table and seed"
        )
    for column in header:
        if not column.isprintable():
            raise UserError(f"{path}, line {line}: the column {column[:40]!r} has an unprintable character; remove it")
        if header.count(column) > 1:
            raise _error(path, line, column, "the header has it twice")
    return header


def _row(path: Path, line: int, cells: dict[str, str]) -> LongRow:
    for column in (*REQUIRED, *OPTIONAL[:3]):
        if cells.get(column, "") != cells.get(column, "").strip():
            raise _error(path, line, column, f"{cells[column][:40]!r} has blanks around it; remove them")
    for column in NAMES:
        if not cells[column]:
            raise _error(path, line, column, "is empty")
    for column in (*NAMES, *LABELS):
        if not cells.get(column, "").isprintable():
            raise _error(path, line, column, f"{cells[column][:40]!r} has an unprintable character; remove it")
    status = cells.get("status", fr.OK)
    if status not in STATUSES:
        raise _error(path, line, "status", f"{status[:40]!r} is not one of {', '.join(STATUSES)}")
    if status != fr.OK and cells["value"]:
        raise _error(path, line, "value", f"there is one although the status is {status!r}")
    return LongRow(
        line=line,
        table=_whole(path, line, "table", cells["table"]) if cells.get("table") else None,
        dataset=cells["dataset"],
        metric=cells["metric"],
        method=cells["method"],
        latent_dim=_whole(path, line, "latent_dim", cells["latent_dim"]),
        seed=_whole(path, line, "seed", cells["seed"]) if cells.get("seed") else None,
        value=_value(path, line, cells["value"]) if status == fr.OK else None,
        status=status,
        reason=cells.get("reason", ""),
        key=cells.get("key") or None,
        labels={label: cells[label] for label in LABELS if label in cells},
    )


def _whole(path: Path, line: int, column: str, cell: str) -> int:
    if not _WHOLE.fullmatch(cell):
        raise _error(path, line, column, f"{cell[:40]!r} is no whole number of at most nine digits")
    return int(cell)


def _value(path: Path, line: int, cell: str) -> float:
    if _NUMBER.fullmatch(cell):
        if math.isfinite(value := float(cell)):
            return value
        raise _error(path, line, "value", f"{cell[:40]!r} is too large")
    if not cell:
        raise _error(path, line, "value", "is empty; give a number, or a column status that says why there is none")
    if _GROUPED.fullmatch(cell):
        raise _error(path, line, "value", f"{cell[:40]!r} has a thousand separator or a decimal comma; write 1234.5")
    raise _error(path, line, "value", f"{cell[:40]!r} is no number; write it as 0.123 or 1.2e-3")


def _error(path: Path, line: int, column: str, fault: str) -> UserError:
    return UserError(f"{path}, line {line}, column {column[:40]}: {fault}")
