"""The figures by name, and the loop that makes them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmark.figures import (
    clustering_scores,
    frontiers,
    manifold,
    reconstructions,
    training_cost,
    training_curves,
    traversals,
    tsne,
    weight_sweeps,
)
from benchmark.figures.study_source import CannotDraw, StudySource
from benchmark.plotting.figure_files import FORMATS, write_page


@dataclass(frozen=True)
class FigureKind:
    """The two functions of a figure.

    Attributes:
        pages: Yields the name of each page with its data, or with the reason why it cannot be made.
        draw: Draws the data of a page.
    """

    pages: Callable[[StudySource], Iterator[tuple[str, Any]]]
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
        "weights": weight_sweeps,
        "frontier": frontiers,
    }.items()
}


def make_figures(
    source: StudySource, names: Sequence[str], folder: Path, formats: Sequence[str] = tuple(FORMATS)
) -> Iterator[tuple[str, tuple[Path, ...] | CannotDraw]]:
    """Make figures, page by page.

    Args:
        source: What they are made from.
        names: Keys of FIGURES.
        folder: Of the files; made if need be.
        formats: Those of the files.

    Yields:
        The name of each page, with its files or the reason why it is not made.

    Raises:
        UserError: A record belongs to another trial than its cell's, or the folder cannot be written.
    """
    for name in names:
        kind = FIGURES[name]
        for page, data in kind.pages(source):
            yield page, data if isinstance(data, CannotDraw) else write_page(kind.draw, data, folder, page, formats)
