"""Tables as plain data for the page's template: blocks with one row per method, with missing values separate."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.metrics import METRICS
from benchmark.paper.tables import ScorePlace
from benchmark.tables.captions import about, legend, metric_heading, spelled_out
from benchmark.tables.layout import ABSENT, Row, Table
from benchmark.text import number
from benchmark.verdict.cell_verdicts import Verdict
from benchmark.verdict.verdict_page import VERDICT_SIGNS

Verdicts = Mapping[tuple[Any, ...], Any]  # (table, *place) -> row of `cell_verdicts`
# Verdicts whose reasons concern the number itself; reasons of the others concern the study and have their own table.
_OF_THE_NUMBER = (Verdict.REPRODUCED, Verdict.CONTRADICTED, Verdict.UNDECIDED, Verdict.OUT_OF_REACH)


@dataclass(frozen=True)
class ShownCell:
    """A cell as shown by the template.

    Attributes:
        ours: Our number with its spread, or the state in words.
        state: The state in words; empty if the study does not ask for the cell.
        has_value: Whether it has a number.
        rank: Its rank, 1 is best; None without one.
        near_best: Whether it is within noise of the best.
        collapsed: Whether some of its seeds have collapsed.
        letters: The letters of its footnotes.
        paper: The paper's number in parentheses; empty if it prints none.
        verdict: The verdict in words; empty if there is none.
        sign: The verdict's sign.
        reason: The verdict's reason.
    """

    ours: str
    state: str = ""
    has_value: bool = False
    rank: int | None = None
    near_best: bool = False
    collapsed: bool = False
    letters: str = ""
    paper: str = ""
    verdict: str = ""
    sign: str = ""
    reason: str = ""

    @property
    def css(self) -> str:
        """The CSS class of the verdict."""
        return self.verdict.replace(" ", "-")


@dataclass(frozen=True)
class CellGrid:
    """A grid of cells.

    Attributes:
        columns: The column headings.
        rows: Method label and cells of each row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ShownCell, ...]], ...]


@dataclass(frozen=True)
class Block:
    """The part of a table that shows one data set and metric, or data set and latent dimension.

    Attributes:
        name: The table's number and the block's content, used for an anchor.
        valued: The columns with values, possibly none.
        lacking: The columns without values.
        states: Why columns have no values, in words, each reason once.
        reasons: (sign and verdict, reason, cells) of the judged numbers.
    """

    name: str
    heading: str
    valued: CellGrid
    lacking: CellGrid
    states: tuple[str, ...]
    reasons: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class PageTable:
    """A table of the page.

    Attributes:
        spelled: The abbreviations of its metrics, spelled out.
        caption: The sentences of its caption, without those about the study.
        footnotes: (letter, text) of each footnote.
    """

    number: int
    title: str
    spelled: str
    caption: str
    blocks: tuple[Block, ...]
    footnotes: tuple[tuple[str, str], ...]


def page_table(table: Table, verdicts: Verdicts) -> PageTable:
    """Lay out a table for the page.

    Args:
        table: The table.
        verdicts: Verdicts on the paper's numbers; empty if none are to be shown.
    """
    blocks = [_block(table, list(rows), verdicts) for _, rows in itertools.groupby(table.rows, key=table.group)]
    return PageTable(
        table.paper.number,
        table.paper.title,
        spelled_out(table.paper.metrics),
        " ".join((*about(table), *legend(table))),
        tuple(blocks),
        tuple((letter, text) for text, letter in table.footnotes.items()),
    )


def _block(table: Table, rows: Sequence[Row], verdicts: Verdicts) -> Block:
    """A block whose rows are always methods, for sorting, and because scores side by side fit a narrow window."""
    first = rows[0]
    if table.dims_across:
        what = metric_heading(first.metric)
        columns = [f"d = {dim}" for dim in table.columns]
        grid = [(str(row.method), [table.key(row, dim) for dim in table.columns]) for row in rows]
    else:
        what = f"d = {first.latent_dim}"
        columns = [metric_heading(row.metric) for row in rows]
        grid = [(str(method), [table.key(row, method) for row in rows]) for method in table.columns]
    shown = [
        (table.manifest.method_label(method), tuple(_cell(table, key, verdicts) for key in keys))
        for method, keys in grid
    ]
    full = [any(cells[at].has_value for _, cells in shown) for at in range(len(columns))]
    lacking = _columns(columns, shown, [not has for has in full])
    return Block(
        f"table {table.paper.number} {first.dataset} {first.metric if table.dims_across else f'd{first.latent_dim}'}",
        f"{table.manifest.marked_label(first.dataset)}, {what}",
        _columns(columns, shown, full),
        lacking,
        tuple(dict.fromkeys(cell.state for _, cells in lacking.rows for cell in cells if cell.state)),
        _reasons(columns, shown),
    )


def _columns(names: Sequence[str], rows: Sequence[tuple[str, tuple[ShownCell, ...]]], kept: Sequence[bool]) -> CellGrid:
    return CellGrid(
        tuple(itertools.compress(names, kept)),
        tuple((name, tuple(itertools.compress(cells, kept))) for name, cells in rows) if any(kept) else (),
    )


def _reasons(
    columns: Sequence[str], rows: Iterable[tuple[str, tuple[ShownCell, ...]]]
) -> tuple[tuple[str, str, str], ...]:
    found: dict[tuple[str, str], list[str]] = {}
    for name, cells in rows:
        for column, cell in zip(columns, cells, strict=True):
            if cell.verdict in _OF_THE_NUMBER:
                found.setdefault((f"{cell.sign} {cell.verdict}", cell.reason), []).append(f"{name} {column}")
    return tuple((verdict, reason, ", ".join(where)) for (verdict, reason), where in found.items())


def _cell(table: Table, key: ScorePlace, verdicts: Verdicts) -> ShownCell:
    cell = table.cells.get(key)
    if cell is None:
        return ShownCell(ABSENT)
    decimals = METRICS[key.metric].decimals
    shown = ShownCell(
        cell.text(decimals) + (f" [{len(cell.values)}/{cell.asked}]" if 0 < len(cell.values) < cell.asked else ""),
        str(cell.state),
        bool(cell.values),
        cell.rank,
        cell.near_best,
        bool(cell.collapsed),
        table.letters(cell),
    )
    judged = verdicts.get((table.paper.number, *key))
    if judged is None or cell.paper is None:
        return shown
    return replace(
        shown,
        paper=f"({number(judged.paper, decimals)})",
        verdict=str(judged.verdict),
        sign=VERDICT_SIGNS[judged.verdict],
        reason=judged.reason,
    )


class Anchors:
    """Unique names for the page's elements, made from words; the same sequence of words gives the same names."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, *words: object) -> str:
        """Return a name that no other element has."""
        plain = re.sub(r"[^a-z0-9]+", "-", " ".join(map(str, words)).lower()).strip("-") or "part"
        numbered = (plain if again == 1 else f"{plain}-{again}" for again in itertools.count(1))
        name = next(one for one in numbered if one not in self._taken)
        self._taken.add(name)
        return name
