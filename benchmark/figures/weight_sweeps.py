"""Reconstruction scores over each method's swept weight, with the paper's numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from benchmark.figures.study_source import CannotDraw, StudySource, kinds, left_out, method_label, study_caption
from benchmark.methods.control_methods import SWEEPS, Sweep
from benchmark.paper.tables import ScorePlace
from benchmark.plotting.style import captioned, look
from benchmark.tables.captions import metric_heading
from benchmark.tables.layout import Table, build_tables

_PANEL = 1.55  # height in inches
_PRINTED = ". Horizontal line: the paper's number (dashed: beta-VAE's), matched where the curve crosses it"


@dataclass(frozen=True)
class SweepScores:
    """The scores of the methods of a sweep on one metric, for V ascending values of the swept setting.

    Attributes:
        values: Values of the setting, (V,).
        mean: Means over seeds, (V,); NaN if no seed has a value.
        std: Standard deviations (ddof 1), (V,); NaN if fewer than two seeds have a value.
        own: Method of the paper on the curve -> its value of the setting under the study's weights.
        printed: Method of the paper on the curve -> the paper's number, if it prints one.
    """

    values: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    own: Mapping[str, float]
    printed: Mapping[str, float]


@dataclass(frozen=True)
class SweepsPage:
    """The sweeps for one data set and latent dim.

    Attributes:
        scores: Sweep -> metric -> its scores, with the same metrics for all.
        labels: Method of the paper -> its label in the figure.
    """

    title: str
    scores: Mapping[Sweep, Mapping[str, SweepScores]]
    labels: Mapping[str, str]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, SweepsPage | CannotDraw]]:
    """Collect a page for each data set and latent dim of Table 3; empty if the study sweeps no weight."""
    for table in build_tables(source.study):
        for dataset in table.datasets if table.paper.number == 3 else ():
            for dim in table.latent_dims:
                if page := _data(source, table, dataset, dim):
                    yield f"weights_{dataset}_d{dim}", page


def _data(source: StudySource, table: Table, dataset: str, dim: int) -> SweepsPage | None:
    scores = {
        sweep: {metric: _scores(source, table, dataset, dim, sweep, metric) for metric in table.paper.metrics}
        for sweep in SWEEPS
        if any(method in table.methods for method in sweep.controls)
    }
    there = [
        metric for metric in table.paper.metrics if any(np.isfinite(of[metric].mean).any() for of in scores.values())
    ]
    if not there:
        return None
    methods = {method for sweep in scores for method in sweep.methods}
    shown = [kind for kind in kinds(source) if (kind.dataset, kind.latent_dim) == (dataset, dim)]
    printed = any(one.printed for of in scores.values() for one in of.values())
    caption = [
        "Curve: one method over its one weight, mean over seeds; band: one standard deviation (ddof 1) to either "
        f"side. Large: the method at the study's own weights{_PRINTED if printed else ''}.",
        "beta and the decoder variance weight every KL against half the squared error; reg_weight weights the "
        "distance.",
        *study_caption(source.study.manifest, dataset),
        *left_out(source, [kind for kind in shown if kind.method in methods]),
    ]
    return SweepsPage(
        f"Scores over each method's one weight: {source.study.manifest.marked_label(dataset)}, d = {dim}",
        {sweep: {metric: of[metric] for metric in there} for sweep, of in scores.items()},
        {method: method_label(source, method) for sweep in scores for method in sweep.bases},
        tuple(caption),
    )


def _scores(source: StudySource, table: Table, dataset: str, dim: int, sweep: Sweep, metric: str) -> SweepScores:
    cells = {method: table.cells.get(ScorePlace(dataset, metric, method, dim)) for method in sweep.methods}
    weight_set = source.study.manifest.weight_set
    values = {method: sweep.value_of(method, weight_set) for method, cell in cells.items() if cell}
    order = sorted(values, key=values.__getitem__)

    def column(field: str) -> np.ndarray:
        found = [getattr(cells[method], field) for method in order]
        return np.array([np.nan if value is None else value for value in found], dtype=float)

    return SweepScores(
        np.array([values[method] for method in order]),
        column("mean"),
        column("std"),
        {method: values[method] for method in sweep.bases if method in values},
        {method: cell.paper for method in sweep.bases if (cell := cells[method]) and cell.paper is not None},
    )


def draw(data: SweepsPage) -> Figure:
    """Draw one row per sweep and one column per metric, with a logarithmic axis for the weight."""
    metrics = list(next(iter(data.scores.values())))
    figure, body = captioned(_PANEL * len(data.scores) + 0.4, data.caption, data.title)
    panels = body.subplots(len(data.scores), len(metrics), squeeze=False, sharey="col")
    for axes, metric in zip(panels[0], metrics, strict=True):
        axes.set_title(metric_heading(metric))
    for row, (sweep, of_metric) in zip(panels, data.scores.items(), strict=True):
        for axes, scores in zip(row, of_metric.values(), strict=True):
            colour = look(sweep.bases[0]).colour
            band = scores.mean - scores.std, scores.mean + scores.std
            axes.fill_between(scores.values, *band, color=colour, alpha=0.18, linewidth=0)
            axes.plot(scores.values, scores.mean, color=colour, marker=".", markersize=4)
            for method, value in scores.own.items():
                at = scores.mean[scores.values == value]
                axes.plot([value] * len(at), at, color=colour, marker=look(method).marker, linestyle="")
            for method, value in scores.printed.items():
                axes.axhline(value, color=colour, linestyle=look(method).line, linewidth=0.7)
            axes.set_xscale("log")
            axes.set_xlabel(sweep.setting)
        row[0].set_ylabel("\n".join(data.labels[method] for method in sweep.bases))
    return figure
