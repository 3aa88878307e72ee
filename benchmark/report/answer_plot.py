"""The dot plot beside the answer: one score of every method, ours with its spread and the paper's."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmark.metrics import METRICS
from benchmark.paper.tables import ScorePlace
from benchmark.table_specs import OWN_TABLES
from benchmark.tables.captions import abbreviations, metric_heading
from benchmark.tables.layout import Table, TableCell
from benchmark.text import number

_FIRST = 2  # the preferred table among those with equally many methods, whose single score is most informative
_MARGIN = 0.04  # free space at both ends, as a share of the range


@dataclass(frozen=True)
class Dots:
    """One method's line; positions are in per cent of the width.

    Attributes:
        name: The method's label.
        ours: Our number as text.
        paper: The paper's number as text; empty if it prints none.
        at: Position of our mean.
        spread: Positions of the mean minus and plus the standard deviation; None with one seed.
        paper_at: Position of the paper's number.
        best: Whether ours is the best of our means.
        collapsed: Whether some of the method's seeds have collapsed.
    """

    name: str
    ours: str
    paper: str
    at: float
    spread: tuple[float, float] | None
    paper_at: float | None
    best: bool
    collapsed: bool


@dataclass(frozen=True)
class AnswerPlot:
    """The content of the plot as plain data.

    Attributes:
        heading: Score, data set and latent dimension, with abbreviations spelled out.
        ends: The numbers at the left and right ends, as text.
        dots: One line per method.
        says: The data in words.
    """

    heading: str
    ends: tuple[str, str]
    dots: tuple[Dots, ...]
    says: str


def answer_plot(tables: Iterable[Table]) -> AnswerPlot | None:
    """Choose and lay out the score that most methods have, if possible together with a number of the paper's.

    That is the score with the most numbers of the paper's. Ties are resolved by the number of methods with a value,
    then by Table 2, MNIST, and the order of print, with the audit's own tables last. None if the chosen score has fewer
    than two methods.
    """
    groups: dict[tuple[int, str, str, int], tuple[Table, dict[ScorePlace, TableCell]]] = {}
    for table in sorted(tables, key=lambda one: (one.paper.number in OWN_TABLES, one.paper.number != _FIRST)):
        for dataset in sorted(table.datasets, key=lambda name: name != "mnist"):
            for metric in table.paper.metrics:
                for dim in table.latent_dims:
                    keys = [ScorePlace(dataset, metric, method, dim) for method in table.methods]
                    cells = {key: table.cells[key] for key in keys if key in table.cells and table.cells[key].values}
                    groups[table.paper.number, dataset, metric, dim] = table, cells

    def methods(place: tuple[int, str, str, int]) -> tuple[int, int]:
        cells = groups[place][1].values()
        return sum(cell.paper is not None for cell in cells), len(cells)

    place = max(groups, key=methods, default=None)
    if place is None or len(groups[place][1]) < 2:
        return None
    return _laid_out(*place[1:], *groups[place])


def _laid_out(dataset: str, metric: str, dim: int, table: Table, cells: dict[ScorePlace, TableCell]) -> AnswerPlot:
    decimals, manifest = METRICS[metric].decimals, table.manifest
    ends = [value for cell in cells.values() for value in _extremes(cell)]
    margin = _MARGIN * (max(ends) - min(ends)) or 1.0
    low, high = min(ends) - margin, max(ends) + margin

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 1)

    dots = tuple(
        Dots(
            manifest.method_label(place.method),
            cell.text(decimals),
            "" if cell.paper is None else number(cell.paper, decimals),
            at(mean),
            None if cell.std is None else (at(mean - cell.std), at(mean + cell.std)),
            None if cell.paper is None else at(cell.paper),
            cell.rank == 1,
            bool(cell.collapsed),
        )
        for place, cell in cells.items()
        if (mean := cell.mean) is not None
    )
    spelled = "; ".join(abbreviations([metric]))
    where = f"{manifest.marked_label(dataset)}, latent dimension d = {dim}"
    heading = f"{metric_heading(metric)} on {where}" + (f" ({spelled})" if spelled else "")
    each = "; ".join(f"{one.name} {one.ours}" + (f", the paper {one.paper}" if one.paper else "") for one in dots)
    return AnswerPlot(heading, (number(low, decimals), number(high, decimals)), dots, f"{heading}. {each}.")


def _extremes(cell: TableCell) -> list[float]:
    found = [] if cell.paper is None else [cell.paper]
    if cell.mean is not None:
        found += [cell.mean - (cell.std or 0.0), cell.mean + (cell.std or 0.0)]
    return found
