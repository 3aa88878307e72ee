"""Markdown in a terminal, in which no word, and therefore no number, is ever truncated."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, TableElement
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_BETWEEN_COLUMNS = 2
_ANY_WIDTH = 10**6
_EMPTY = Measurement(1, 1)


def print_markdown(console: Console, text: str, end: str = "\n", as_is: bool = False) -> None:
    """Print Markdown, formatted in a terminal without truncating any word or number; unformatted elsewhere.

    Args:
        console: The console to print to.
        text: The Markdown.
        end: Printed after text that is not formatted.
        as_is: Whether to print it unformatted also in a terminal.
    """
    if as_is or not console.is_terminal:
        console.print(text, end=end)
    else:
        console.print(_WholeMarkdown(text), soft_wrap=False, crop=False)


class _WholeTable(TableElement):
    """A table without truncated words: columns that do not fit are continued below, after the first column again.

    A table whose columns are still too wide exceeds the terminal's width.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = [self.header.row] if self.header and self.header.row else []
        body = self.body.rows if self.body else []
        rows = [[cell.content for cell in row.cells] for row in (*head, *body)]
        cells = list(zip(*rows, strict=True))
        anywhere = options.update(width=_ANY_WIDTH)
        measured = [
            [Measurement.get(console, anywhere, cell) if cell.plain else _EMPTY for cell in column] for column in cells
        ]
        least = [max(one.minimum for one in column) for column in measured]
        most = [max(one.maximum for one in column) for column in measured]
        for places in _side_by_side(least, options.max_width):
            widths = _widths([least[i] for i in places], [most[i] for i in places], options.max_width)
            yield from console.render(_table([cells[i] for i in places], widths), anywhere)


class _WholeMarkdown(Markdown):
    elements = Markdown.elements | {"table_open": _WholeTable}


def _side_by_side(least: Sequence[int], room: int) -> list[list[int]]:
    """Positions of the columns of each part: the first column, and as many others as fit at their minimum widths."""
    tables: list[list[int]] = []
    for position in range(1, len(least)):
        wider = [*tables[-1], position] if tables else [0, position]
        if tables and _total([least[i] for i in wider]) > room:
            tables.append([0, position])
        else:
            tables = [*tables[:-1], wider]
    return tables or [[0]]


def _widths(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths of at least `least`, widened one by one in turn up to `most` while there is room."""
    widths, spare = list(least), room - _total(least)
    while growing := [i for i, width in enumerate(widths) if width < most[i]][: max(0, spare)]:
        for i in growing:
            widths[i] += 1
        spare -= len(growing)
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN_COLUMNS * (len(widths) - 1)


def _table(columns: Sequence[Sequence[Text]], widths: Sequence[int]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, _BETWEEN_COLUMNS - 1),
        style="markdown.table.border",
    )  # fmt: skip
    for (head, *_), width in zip(columns, widths, strict=True):
        heading = head.copy()
        heading.stylize("markdown.table.header")
        table.add_column(heading, width=width, overflow="fold")
    for row in zip(*(cells[1:] for cells in columns), strict=True):
        table.add_row(*row)
    return table
