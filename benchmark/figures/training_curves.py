"""Training curves: every term of the loss over epochs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.figures.study_source import (
    CannotDraw,
    StudySource,
    TrialKind,
    by_page,
    kinds,
    left_out,
    method_label,
    no_result,
    study_caption,
)
from benchmark.plotting.style import captioned, hide_unused, legend_columns, look

_COLUMNS = 3
_LOG_FROM = 20.0  # the axis is logarithmic if the ratio of the largest to the smallest value is at least this


@dataclass(frozen=True)
class Curve:
    """One term of one method's loss.

    Attributes:
        label: Its name in the figure.
        seeds: Curves of the seeds with a result, (seeds, epochs); NaN where not finite.
    """

    method: str
    label: str
    seeds: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """The mean over seeds, (epochs,); NaN if a seed has no value, because other means are not comparable."""
        return np.asarray(self.seeds.mean(0))


@dataclass(frozen=True)
class Curves:
    """The curves for one data set and latent dim.

    Attributes:
        terms: Term -> its curves, `loss` first.
    """

    title: str
    terms: Mapping[str, list[Curve]]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Curves | CannotDraw]]:
    """Collect a page for each data set and latent dim."""
    for (dataset, dim), found in by_page(kinds(source)).items():
        yield f"curves_{dataset}_d{dim}", _data(source, dataset, dim, found)


def _data(source: StudySource, dataset: str, dim: int, found: list[TrialKind]) -> Curves | CannotDraw:
    terms: dict[str, list[Curve]] = {}
    for kind in found:
        records = kind.results
        for term in dict.fromkeys(term for record in records for term in record.curves):
            rows = _rows([record.curves.get(term, []) for record in records])
            terms.setdefault(term, []).append(Curve(kind.method, method_label(source, kind.method), rows))
    if not terms:
        return no_result(source, dataset, f"{dataset} at d = {dim}")
    caption = [
        "Thick: mean over seeds; thin: each seed. Means over an epoch's batches, of terms without their weights and "
        "of the loss with them.",
        "Methods scale their terms differently (a card per method says how): compare a method with itself.",
        *study_caption(source.study.manifest, dataset),
        *left_out(source, found),
    ]
    return Curves(f"Training on {source.study.manifest.marked_label(dataset)}, d = {dim}", terms, tuple(caption))


def _rows(curves: Sequence[Sequence[float | None]]) -> np.ndarray:
    """Curves as an array (curves, epochs of the longest); shorter ones are padded with NaN."""
    epochs = list(zip_longest(*curves))
    return np.array(epochs, dtype=float).reshape(len(epochs), len(curves)).T


def draw(data: Curves) -> Figure:
    """Draw one panel per term with one line per method."""
    rows = -(-len(data.terms) // _COLUMNS)
    columns = legend_columns(labels := {curve.label for curves in data.terms.values() for curve in curves})
    figure, body = captioned(1.9 * rows + 0.5 + 0.2 * -(-len(labels) // columns), data.caption, data.title)
    panels = list(body.subplots(rows, _COLUMNS, squeeze=False).ravel())
    handles = {}
    for axes, (term, curves) in zip(panels, data.terms.items(), strict=False):
        for curve in curves:
            handles[curve.label] = _draw_curve(axes, curve)
        _scale(axes, np.concatenate([curve.seeds.ravel() for curve in curves]))
        axes.set_title(term.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    hide_unused(panels, len(data.terms))
    body.legend(handles.values(), handles, loc="outside lower center", ncols=columns)
    return figure


def _draw_curve(axes: Axes, curve: Curve) -> Line2D:
    style = look(curve.method)
    epochs = 1 + np.arange(curve.seeds.shape[1])
    for seed in curve.seeds:
        axes.plot(epochs, seed, color=style.colour, linewidth=0.4, alpha=0.7)
    [line] = axes.plot(
        epochs, curve.mean, color=style.colour, linestyle=style.line, marker=style.marker, markersize=3.5
    )
    return line


def _scale(axes: Axes, values: np.ndarray) -> None:
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > _LOG_FROM * values.min():
        axes.set_yscale("log")
