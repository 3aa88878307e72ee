"""The paper's layout of tables as typed cells with ranks and footnotes, independent of rendering.

Tables 1 and 4 have a row per data set, metric and method and a column per latent dim; Tables 2, 3 and 5 have a row per
data set (and latent dim) and metric and a column per method.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from benchmark.evaluation.scores import NOT_ASKED
from benchmark.metrics import METRICS
from benchmark.paper.tables import ScorePlace, printed_numbers
from benchmark.results.frame import NO_DATA
from benchmark.results.manifest import Manifest
from benchmark.results.records import OK
from benchmark.results.study_results import StudyResults
from benchmark.statistics import estimate
from benchmark.table_specs import ALL_TABLES, TableSpec
from benchmark.text import number

ABSENT = "–"  # replaces a cell or a metric that the study does not ask for


class CellState(StrEnum):
    """The state of a cell; only the first two have a value."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    NOT_RUN = "not run"
    FAILED = "failed"
    WEIGHTS_UNAVAILABLE = "weights unavailable"
    METRIC_UNAVAILABLE = "metric unavailable"
    NO_DATA = "no data"
    NOT_ASKED = "not asked for"


@dataclass(frozen=True)
class TableCell:
    """One number of a table, or why there is none.

    Attributes:
        values: One value per seed that has one, by ascending seed.
        asked: Number of seeds that the study asks for.
        state: Whether it is complete, or what is missing.
        collapsed: Number of the seeds with a value that have collapsed.
        notes: Its footnotes, as plain text.
        paper: The paper's number; None if it prints none.
        rank: Its rank, 1 is best; None without a value or without a rival.
        near_best: Whether it is within noise of the best without being the best; see `rank`.
    """

    values: tuple[float, ...]
    asked: int
    state: CellState
    collapsed: int
    notes: tuple[str, ...]
    paper: float | None = None
    rank: int | None = None
    near_best: bool = False

    @property
    def without_value(self) -> str:
        """The text of a cell without a value: the state, or a dash if a note says that the metric was not asked for."""
        return ABSENT if self.state is CellState.NOT_ASKED else str(self.state)

    @property
    def mean(self) -> float | None:
        """The mean over seeds; None without a value."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def std(self) -> float | None:
        """The sample standard deviation (ddof 1); None with fewer than two values."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    def text(self, decimals: int) -> str:
        """Return mean and standard deviation, such as '0.373 ±0.012', or the state without a value."""
        if self.mean is None:
            return str(self.state)
        return number(self.mean, decimals) + ("" if self.std is None else f" ±{number(self.std, decimals)}")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        method: The method; None if the columns are methods.
        latent_dim: The latent dimension; None if the columns are latent dims.
    """

    dataset: str
    metric: str
    method: str | None
    latent_dim: int | None


@dataclass(frozen=True)
class Table:
    """One table of a study, in the paper's layout.

    Attributes:
        paper: The table's entry in the registry of tables.
        datasets: Data sets in the order of the registry, followed by others.
        methods: Methods in the order of the registry, followed by others.
        latent_dims: Latent dims, ascending.
        cells: The cells that the study asks for.
    """

    paper: TableSpec
    manifest: Manifest
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    latent_dims: tuple[int, ...]
    cells: Mapping[ScorePlace, TableCell]

    @property
    def dims_across(self) -> bool:
        """Whether the columns are latent dims, as in the paper's tables over several of them, or methods."""
        return len(self.paper.latent_dims) > 1

    @property
    def columns(self) -> tuple[int | str, ...]:
        """The latent dims or methods of the columns."""
        return self.latent_dims if self.dims_across else self.methods

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows that have at least one cell, in the order of print."""
        dims = (None,) if self.dims_across else self.latent_dims
        methods = self.methods if self.dims_across else (None,)
        rows = (
            Row(dataset, metric, method, dim)
            for dataset in self.datasets
            for dim in dims
            for metric in self.paper.metrics
            for method in methods
        )
        return tuple(row for row in rows if any(self.cell(row, column) for column in self.columns))

    def group(self, row: Row) -> tuple[str, str | int | None]:
        """Return what a row shares with its neighbours; the rows of a group are consecutive."""
        return (row.dataset, row.metric) if self.dims_across else (row.dataset, row.latent_dim)

    def key(self, row: Row, column: int | str) -> ScorePlace:
        """Return the key in `cells` of the cell at a row and column."""
        method, latent_dim = (row.method, column) if self.dims_across else (column, row.latent_dim)
        return ScorePlace(row.dataset, row.metric, str(method), int(latent_dim or 0))

    def cell(self, row: Row, column: int | str) -> TableCell | None:
        """Return the cell at a row and column; None if the study does not ask for it."""
        return self.cells.get(self.key(row, column))

    @cached_property
    def footnotes(self) -> dict[str, str]:
        """Footnote text -> letter, in the order of print; cells with the same text share a letter."""
        cells = (self.cell(row, column) for row in self.rows for column in self.columns)
        texts = dict.fromkeys(note for cell in cells if cell for note in cell.notes)
        return {text: letter(position) for position, text in enumerate(texts)}

    def letters(self, cell: TableCell) -> str:
        """Return the letters of a cell's footnotes in the order of print, such as 'a,c'; empty if it has none."""
        return ",".join(letter for text, letter in self.footnotes.items() if text in cell.notes)


def letter(position: int) -> str:
    """Return the letter of a footnote: 0 -> a, 25 -> z, 26 -> aa, ..."""
    head, tail = divmod(position, 26)
    return (letter(head - 1) if head else "") + chr(ord("a") + tail)


def build_tables(study: StudyResults) -> list[Table]:
    """Lay out a study's tables by ascending number, without those that have no cells.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    manifest = study.manifest
    paper = {(one.table, *one.place): one.value for one in printed_numbers()}
    tables = []
    for table_number, part in study.frame.groupby("table", sort=True):
        places: dict[ScorePlace, list[Any]] = {}
        for row in part.itertuples(index=False):
            places.setdefault(ScorePlace(row.dataset, row.metric, row.method, row.latent_dim), []).append(row)
        # Beside procedural images the paper's numbers, which are for real ones, would be misleading.
        drawn = {name for name, marks in manifest.marks.items() if "procedural" in marks}
        cells = {
            key: replace(_cell(seeds), paper=None if key.dataset in drawn else paper.get((table_number, *key)))
            for key, seeds in places.items()
        }
        printed = ALL_TABLES[table_number]
        tables.append(
            Table(
                paper=printed,
                manifest=manifest,
                datasets=_paper_first(printed.datasets, part["dataset"]),
                methods=_paper_first(printed.methods, part["method"]),
                latent_dims=tuple(sorted({int(dim) for dim in part["latent_dim"]})),
                cells=rank(cells),
            )
        )
    return tables


def rank(cells: Mapping[ScorePlace, TableCell]) -> dict[ScorePlace, TableCell]:
    """Rank the complete cells of the same data set, metric and latent dim.

    Means are compared as printed, so that equal numbers share a rank (1, 1, 3); METRICS has the better direction. A
    value without a rival has no rank, and neither has an incomplete cell, whose mean excludes the seeds that failed.

    A cell is within noise of the best if the 95 % t-interval of their difference, paired over seeds, contains 0. With
    one seed there is no interval, so no cell is.

    Returns:
        All cells, with `rank` and `near_best` set.
    """
    rivals: dict[tuple[str, str, int], dict[ScorePlace, float]] = {}
    for key, cell in cells.items():
        if cell.state is CellState.COMPLETE and cell.mean is not None:
            dataset, metric, _, dim = key
            rivals.setdefault((dataset, metric, dim), {})[key] = float(number(cell.mean, METRICS[metric].decimals))
    ranked = dict(cells)
    for (_, metric, _), printed in rivals.items():
        if len(printed) > 1:
            best_first = sorted(printed.values(), reverse=METRICS[metric].higher_is_better)
            ranks = {key: 1 + best_first.index(value) for key, value in printed.items()}
            best = cells[min(ranks, key=ranks.__getitem__)].values
            ranked |= {
                key: replace(cells[key], rank=of, near_best=of > 1 and _within_noise(cells[key].values, best))
                for key, of in ranks.items()
            }
    return ranked


def _within_noise(values: Sequence[float], best: Sequence[float]) -> bool:
    if len(values) != len(best):
        return False
    interval = estimate([value - other for value, other in zip(values, best, strict=True)]).interval
    return interval is not None and interval.low <= 0 <= interval.high


def _paper_first(printed: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    """The found names: first those in the paper, in its order, then the others in the manifest's order."""
    found = dict.fromkeys(found)
    return tuple([name for name in printed if name in found] + [name for name in found if name not in printed])


def _cell(seeds: Iterable[Any]) -> TableCell:
    """A cell made from its rows of the long frame, one per seed."""
    seeds = sorted(seeds, key=lambda row: row.seed)
    with_value = [row for row in seeds if row.status == OK]
    collapsed = [row for row in with_value if not pd.isna(row.collapsed) and row.collapsed]
    return TableCell(
        values=tuple(float(row.value) for row in with_value),
        asked=len(seeds),
        state=_state([row.status for row in seeds]),
        collapsed=len(collapsed),
        notes=(*_failure_notes(seeds), *_collapse_notes(collapsed)),
    )


def _state(statuses: list[str]) -> CellState:
    if OK in statuses:
        return CellState.COMPLETE if set(statuses) == {OK} else CellState.INCOMPLETE
    # Without any value the state is one that repeating the training would not change; footnotes give other reasons.
    for state in (CellState.NO_DATA, CellState.WEIGHTS_UNAVAILABLE, CellState.NOT_ASKED):
        if state in statuses:
            return state
    if set(statuses) <= {CellState.NOT_RUN, CellState.METRIC_UNAVAILABLE}:
        return CellState.NOT_RUN if CellState.NOT_RUN in statuses else CellState.METRIC_UNAVAILABLE
    return CellState.FAILED


def _failure_notes(seeds: Sequence[Any]) -> list[str]:
    by_reason: dict[str, list[int]] = {}
    for row in (row for row in seeds if row.status != OK):
        if row.reason is None or row.reason.startswith(row.status):
            text = row.reason or row.status
        else:
            text = f"{row.status}: {row.reason}"
        by_reason.setdefault(text, []).append(row.seed)
    return [
        text if text.startswith((NO_DATA, NOT_ASKED)) else f"{text} ({_seed_list(failed, len(seeds))})"
        for text, failed in by_reason.items()
    ]


def _collapse_notes(collapsed: Sequence[Any]) -> list[str]:
    if not collapsed:
        return []
    each = (
        f"{'unknown' if pd.isna(row.active_units) else row.active_units} active units, "
        f"{'unknown' if pd.isna(row.explained_variance) else f'{row.explained_variance:.0%}'} explained "
        f"(seed {row.seed})"
        for row in collapsed
    )
    return [f"collapsed: {'; '.join(each)}"]


def _seed_list(seeds: list[int], asked: int) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"all {asked} seeds" if len(seeds) == asked else f"seeds {', '.join(map(str, seeds))}"
