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
from benchmark.figures.pages import trials_on
from benchmark.figures.study_source import CannotDraw, StudySource
from benchmark.plotting.figure_files import FORMATS, write_page


@dataclass(frozen=True)
class FigureKind:
    """A figure: its two functions, and its use in a report.

    Attributes:
        pages: Yields the name of each page with its data, or with the reason why it cannot be made.
        draw: Draws the data of a page.
        from_records: Whether it needs only records, neither checkpoints nor images.
        meaning: Its description in a report; None: reports omit it.
    """

    pages: Callable[[StudySource], Iterator[tuple[str, Any]]]
    draw: Callable[[Any], Figure]
    from_records: bool
    meaning: str | None


# In the order of a report.
FIGURES = {
    name: FigureKind(module.pages, module.draw, from_records, meaning)
    for name, module, from_records, meaning in (
        ("clustering", clustering_scores, True, "Clustering scores over the latent dimension d (the paper’s Fig. 3)"),
        ("curves", training_curves, True, "Training curves, every term of the loss"),
        (
            "weights",
            weight_sweeps,
            True,
            "Scores of reconstructions over each method’s one weight, with the paper’s numbers",
        ),
        ("frontier", frontiers, True, "Scores over the rate of the code, each method along its one weight"),
        ("cost", training_cost, True, None),  # seconds of single trials; a report has costs measured in paired turns
        ("tsne", tsne, False, "The planes in which clustering is scored, coloured by label (the paper’s Fig. 4)"),
        ("reconstructions", reconstructions, False, "Test images over their reconstructions (the paper’s Fig. 5a)"),
        ("manifold", manifold, False, "What lies between four images (the paper’s Fig. 5b)"),
        ("traversals", traversals, False, "One latent unit moved at a time (the paper’s Fig. 6)"),
    )
}


def make_figures(
    source: StudySource, names: Sequence[str], folder: Path, formats: Sequence[str] = tuple(FORMATS)
) -> Iterator[tuple[str, tuple[Path, ...] | CannotDraw]]:
    """Make figures, page by page.

    Args:
        source: The source of the figures.
        names: Keys of FIGURES.
        folder: The output folder, created if missing.
        formats: The formats of the files.

    Yields:
        The name of each page, with its files or the reason why it was not made.

    Raises:
        UserError: A record's trial is not the one of its cell, or the folder cannot be written.
    """
    for name in names:
        kind = FIGURES[name]
        for page, data in kind.pages(source):
            if isinstance(data, CannotDraw):
                yield page, data
            else:
                trials = trials_on(page, source.study)
                yield page, write_page(kind.draw, data, folder, page, formats, trials)
