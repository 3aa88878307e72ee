"""The figures by name, and the loop that makes them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmark.figures import (
    clustering_scores,
    manifold,
    reconstructions,
    training_cost,
    training_curves,
    traversals,
    tsne,
)
from benchmark.figures.study_source import CannotDraw, Source
from benchmark.plotting.figure_files import write_page


@dataclass(frozen=True)
class FigureKind:
    """`pages`: name and data, or why there are none, page by page; `draw`: such data as a figure."""

    pages: Callable[[Source], Iterator[tuple[str, Any]]]
    draw: Callable[[Any], Figure]


FIGURES = {
    name: FigureKind(module.pages, module.draw)
    for name, module in {
        "clustering": clustering_scores,
        "curves": training_curves,
        "cost": training_cost,
        "tsne": tsne,
        "reconstructions": reconstructions,
        "manifold": manifold,
        "traversals": traversals,
    }.items()
}


def make_figures(
    source: Source, names: Sequence[str], folder: Path
) -> Iterator[tuple[str, tuple[Path, ...] | CannotDraw]]:
    """Makes the named figures page by page in `folder`: a page's name, and its files or why it is not made.

    Raises UserError where a record does not fit its cell or the folder cannot be written.
    """
    for name in names:
        kind = FIGURES[name]
        for page, data in kind.pages(source):
            yield page, data if isinstance(data, CannotDraw) else write_page(kind.draw, data, folder, page)
