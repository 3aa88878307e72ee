"""Tables as Markdown that is also readable in a terminal: padded pipe tables, transposed to be narrow.

The paper's columns become rows, in one block per data set (and per metric if the columns are latent dims).
"""

from collections.abc import Mapping

from benchmark.metrics import METRICS
from benchmark.tables.captions import NEAR_BEST, facts, legend, metric_heading
from benchmark.tables.layout import ABSENT, Row, Table, TableCell
from benchmark.tables.pipe_table import escape_markdown, padded_table
from benchmark.text import number

RANK_MARKS: Mapping[int | None, str] = {1: "**%s**", 2: "<ins>%s</ins>"}
RANK_LEGEND = "**Best** and <ins>second best</ins> of our means."


def cell_text(cell: TableCell | None, table: Table, metric: str) -> str:
    """Write one cell, such as '**0.373** ±0.012 [2/3] †[a] (0.404)'.

    Args:
        cell: The cell; None if the study does not ask for it.
        table: Its table, which determines the letters of footnotes.
        metric: Its metric, which determines the decimals.
    """
    if cell is None:
        return ABSENT
    decimals = METRICS[metric].decimals
    parts = []
    if cell.mean is not None:
        parts.append(RANK_MARKS.get(cell.rank, "%s") % number(cell.mean, decimals))
        if cell.std is not None:
            parts.append(f"±{number(cell.std, decimals)}")
        if cell.near_best:
            parts.append(NEAR_BEST)
        if len(cell.values) < cell.asked:
            parts.append(f"[{len(cell.values)}/{cell.asked}]")
    else:
        parts.append(cell.without_value)
    flags = "†" if cell.collapsed else ""
    letters = table.letters(cell)
    if flags or letters:
        parts.append(flags + (f"[{letters}]" if letters else ""))
    if cell.paper is not None:
        parts.append(f"({number(cell.paper, decimals)})")
    return " ".join(parts)


def render_text(table: Table) -> str:
    """Write a table as Markdown with a final newline that is also readable in a terminal."""
    caption = " ".join(escape_markdown(sentence) for sentence in (*facts(table), *legend(table)))
    parts = [f"### Table {table.paper.number}", f"{caption} {RANK_LEGEND}"]
    for rows in _blocks(table):
        parts += [_block_heading(table, rows[0]), _pipe_table(table, rows)]
    notes = [f"[{letter}] {escape_markdown(text)}" for text, letter in table.footnotes.items()]
    if notes:
        parts.append("  \n".join(notes))  # two blanks: a line break in Markdown
    return "\n\n".join(parts) + "\n"


def _blocks(table: Table) -> list[list[Row]]:
    blocks: dict[tuple[str, str | int | None], list[Row]] = {}
    for row in table.rows:
        blocks.setdefault(table.group(row), []).append(row)
    return list(blocks.values())


def _block_heading(table: Table, row: Row) -> str:
    what = metric_heading(row.metric) if table.dims_across else f"d = {row.latent_dim}"
    return f"{escape_markdown(table.manifest.marked_label(row.dataset))}, {what}"


def _pipe_table(table: Table, rows: list[Row]) -> str:
    if table.dims_across:
        head = ["d", *(table.manifest.method_label(str(row.method)) for row in rows)]
        names = [str(dim) for dim in table.columns]
    else:
        head = ["Model", *(metric_heading(row.metric) for row in rows)]
        names = [table.manifest.method_label(str(method)) for method in table.columns]
    lines = []
    for name, column in zip(names, table.columns, strict=True):
        cells = [cell_text(table.cell(row, column), table, row.metric) for row in rows]
        lines.append([escape_markdown(name), *cells])
    return padded_table([escape_markdown(name) for name in head], lines)
