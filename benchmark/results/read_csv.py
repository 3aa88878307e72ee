"""Reading of users' CSV files: encoding, separator, header, the required columns, and missing values."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.errors import UserError
from benchmark.fields import LARGEST
from benchmark.names import nearest, resolved
from benchmark.text import FORMULA_STARTS, folded

_SEPARATORS = (",", ";", "\t")
_MISSING = frozenset(
    ("", "-", "--", "---", "\u2013", "\u2014", "n/a", "n.a.", "#n/a", "na", "<na>", "nan", "-nan", "none", "null")
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([,'_. \u00a0\u202f]\d{3})+([.,]\d+)?|[+-]?\d*,\d+", re.ASCII)
# Other formats by their first bytes; longer prefixes come first.
_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive, as a spreadsheet's own format is",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class NoColumn(UserError):
    """The header lacks a required column.

    Attributes:
        header: The header as written.
    """

    def __init__(self, message: str, header: Sequence[str]):
        super().__init__(message)
        self.header = header


def is_missing(cell: str) -> bool:
    """Return whether a cell denotes a missing value: empty, '-', 'n/a', 'NaN' or similar, in any case."""
    return cell.casefold() in _MISSING


def read_rows(
    path: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the non-blank rows of a CSV file.

    The file is UTF-8 with or without a byte order mark. The separator is comma, semicolon or tab, whichever yields the
    most required columns. Case and separators in column names are ignored.

    Args:
        path: The file.
        required: Names of required columns.
        optional: Names of columns that are read if present.

    Yields:
        The line number where a row starts, from 1, and its cells by column, for the given columns only.

    Raises:
        NoColumn: A required column is missing.
        UserError: The file is unreadable, not UTF-8 or not valid CSV, lacks a header, has a column twice, or has a row
            of another length; the message names file and line.
    """
    try:
        text = _text(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; name a CSV file with the columns {', '.join(required)}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_separator(text, required))
    header: list[str] = []
    columns: dict[str, int] = {}
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header, columns = cells, _columns(path, line, cells, required, optional)
                continue
            if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
                column = header[min(len(cells), len(header) - 1)]
                raise row_error(path, line, column, f"{len(cells)} cells, but the header has {len(header)}")
            yield line, {column: cells[at] for column, at in columns.items()}
    except csv.Error as error:
        raise UserError(f"{path}, line {end + 1}: not valid CSV ({error})") from None
    if not header:
        raise UserError(f"{path}, line 1: the file is empty")


def check_plain(path: Path, line: int, column: str, cell: str) -> None:
    """Check that a cell is not surrounded by spaces and is not a formula.

    Raises:
        UserError: The check fails; the message names file, line and column.
    """
    if cell != cell.strip():
        raise row_error(path, line, column, f"{cell[:40]!r} has spaces around it; remove them")
    if cell.startswith(FORMULA_STARTS) and not is_missing(cell) and not _NUMBER.fullmatch(cell):
        raise row_error(path, line, column, f"{cell[:40]!r} would be a formula in a spreadsheet; give its value")


def check_printable(path: Path, line: int, column: str, cell: str) -> None:
    """Check that a cell has no unprintable characters.

    Raises:
        UserError: The check fails; the message names file, line and column.
    """
    if not cell.isprintable():
        raise row_error(path, line, column, f"{cell[:40]!r} has an unprintable character; remove it")


def check_present(path: Path, line: int, column: str, cell: str) -> None:
    """Check that a cell has a value without unprintable characters.

    Raises:
        UserError: The check fails; the message names file, line and column.
    """
    if is_missing(cell):
        fault = f"{cell!r} stands for a missing value" if cell else "is empty"
        raise row_error(path, line, column, f"{fault}; every row needs its own")
    check_printable(path, line, column, cell)


def whole_number(path: Path, line: int, column: str, cell: str, least: int = 0) -> int:
    """Parse a cell as a non-negative integer of at most nine digits.

    Raises:
        UserError: It is not such an integer, or is less than `least`; the message names file, line and column.
    """
    if not _WHOLE.fullmatch(cell) or int(cell) < least:
        fault = f"{cell[:40]!r} is not an integer of at most nine digits"
        raise row_error(path, line, column, f"{fault}, {least} or more" if least else fault)
    return int(cell)


def number(path: Path, line: int, column: str, cell: str) -> float:
    """Parse a cell as a finite number in [-1e100, 1e100].

    Raises:
        UserError: It is not such a number, or is ambiguous ("1,234"); the message names file, line and column.
    """
    if _NUMBER.fullmatch(cell):
        if abs(value := float(cell)) <= LARGEST:
            return value
        raise row_error(path, line, column, f"{cell[:40]!r} is too large")
    if _GROUPED.fullmatch(cell):
        raise row_error(path, line, column, f"{cell[:40]!r} has a thousand separator or a decimal comma; write 1234.5")
    raise row_error(path, line, column, f"{cell[:40]!r} is not a number; write it as 0.123 or 1.2e-3")


def row_error(path: Path, line: int, column: str, fault: str) -> UserError:
    """Make an error for a cell, with file, line and column."""
    return UserError(f"{path}, line {line}, column {column[:40]}: {fault}")


def _text(path: Path) -> str:
    """Return the file's text; raise UserError if it is not UTF-8, OSError if it cannot be read."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
        fault = text.index("\0") if "\0" in text else None
        line = text.count("\n", 0, fault) + 1
    except UnicodeDecodeError as error:
        fault, line = error.start, content.count(b"\n", 0, error.start) + 1
    if fault is None:
        return text
    is_what = next((what for start, what in _OTHER_FILES.items() if content.startswith(start)), "")
    is_said = f"; it is {is_what}" if is_what else ""
    raise UserError(f'{path}, line {line}: not UTF-8 text; save it as UTF-8 (in a spreadsheet "CSV UTF-8"){is_said}')


def _separator(text: str, required: Sequence[str]) -> str:
    def found(separator: str) -> int:
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            header = next((cells for cells in rows if any(cell.strip() for cell in cells)), [])
        except csv.Error:
            return 0
        return len({resolved("column", cell) for cell in header} & set(required))

    return max(_SEPARATORS, key=found)  # the first of several maxima


def _columns(
    path: Path, line: int, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Map columns to positions in the header; synonyms count only if no heading is the column's own name."""
    columns: dict[str, int] = {}
    for column in (*required, *optional):
        places = [at for at, written in enumerate(header) if resolved("column", written) == column]
        own = [at for at in places if folded(header[at]) == folded(column)]
        if len(places := own or places) > 1:
            first, second = (header[at][:40] for at in places[:2])
            how = "twice" if first == second else f"as {first!r} and as {second!r}"
            raise row_error(path, line, column, f"the header has it {how}; rename one of them")
        if places:
            columns[column] = places[0]
    if missing := [column for column in required if column not in columns]:
        others = [written for at, written in enumerate(header) if at not in columns.values()]
        hints = [f"{near[:40]!r} may be its {column}" for column in missing if (near := nearest(column, others))]
        said = "".join(f"; {hint}" for hint in hints)
        needed = f"needed are {', '.join(required)}, separated by commas, semicolons or tabs"
        raise NoColumn(f"{path}, line {line}: no column {', '.join(missing)}{said}; {needed}", header)
    return columns
