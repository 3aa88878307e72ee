"""Scores over the rate of the code, for several values of each method's weight, to compare methods at equal rates."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from benchmark.methods.control_methods import SWEEPS, Sweep
from benchmark.plotting.style import captioned, legend_columns, look
from benchmark.table_specs import ALL_TABLES
from benchmark.tables.captions import metric_heading

_SCORES = ("svm_accuracy", "ssim", "fid")
_HEIGHT = 2.6  # inches


@dataclass(frozen=True)
class MethodCurve:
    """The scores of a method for V values of its weight, in ascending order.

    Attributes:
        label: The methods of the paper that lie on the curve.
        rates: Rates in nats, means over seeds, (V,); NaN if the encoder is deterministic or no seed has a result.
        means: Score -> means over seeds, (V,); NaN if no seed has a value.
        stds: Score -> standard deviations (ddof 1), (V,); NaN if fewer than two seeds have a value.
        own: Method of the paper on the curve -> its position among the V.
    """

    label: str
    rates: np.ndarray
    means: Mapping[str, np.ndarray]
    stds: Mapping[str, np.ndarray]
    own: Mapping[str, int]


@dataclass(frozen=True)
class Frontier:
    """The curves for one data set and latent dim.

    Attributes:
        scores: The scores that at least one method has.
        curves: Sweep -> curve.
    """

    title: str
    scores: tuple[str, ...]
    curves: Mapping[Sweep, MethodCurve]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Frontier | CannotDraw]]:
    """Collect a page for each data set and latent dim where at least two methods are swept and scored on accuracy."""
    for (dataset, dim), found in by_page(kinds(source)).items():
        of_method = {kind.method: kind for kind in found}
        swept = [sweep for sweep in SWEEPS if any(name in of_method for name in sweep.controls)]
        tables = {cell.table for cell in source.study.manifest.cells if cell.kind[::2] == (dataset, dim)}
        if len(swept) > 1 and "svm_accuracy" in {score for table in tables for score in ALL_TABLES[table].metrics}:
            yield f"frontier_{dataset}_d{dim}", _data(source, dataset, dim, of_method, swept)


def _data(
    source: StudySource, dataset: str, dim: int, of_method: Mapping[str, TrialKind], swept: list[Sweep]
) -> Frontier | CannotDraw:
    curves = {sweep: _curve(source, sweep, of_method) for sweep in swept}
    scores = tuple(name for name in _SCORES if any(np.isfinite(one.means[name]).any() for one in curves.values()))
    if not scores:
        return no_result(source, dataset, f"{dataset} at d = {dim}")
    caption = [
        "Curve: one method over the weight of its KL or distance, mean over seeds; bar: one standard deviation (ddof "
        "1) to either side. Large: at the study's own weights. The rate is an upper bound on the information that a "
        "sampled code carries about its image; for HGMVAE, given its drawn w. Right: methods whose encoders have no "
        "noise, and so no rate.",
        *study_caption(source.study.manifest, dataset),
        *left_out(source, [of_method[name] for sweep in swept for name in sweep.methods if name in of_method]),
    ]
    title = f"Scores over the rate of the code: {source.study.manifest.marked_label(dataset)}, d = {dim}"
    return Frontier(title, scores, curves, tuple(caption))


def _curve(source: StudySource, sweep: Sweep, of_method: Mapping[str, TrialKind]) -> MethodCurve:
    weight_set = source.study.manifest.weight_set
    there = (name for name in sweep.methods if name in of_method)
    order = sorted(there, key=lambda name: sweep.value_of(name, weight_set))
    results = [of_method[name].results for name in order]
    scores = {
        name: [[of[name] for one in records for of in one.metrics.values() if name in of] for records in results]
        for name in _SCORES
    }
    rates = [[one.health.rate for one in records if one.health.rate is not None] for records in results]
    return MethodCurve(
        " and ".join(method_label(source, name) for name in sweep.bases if name in of_method),
        _means(rates),
        {name: _means(of) for name, of in scores.items()},
        {
            name: np.array([np.std(one, ddof=1) if len(one) > 1 else math.nan for one in of])
            for name, of in scores.items()
        },
        {name: order.index(name) for name in sweep.bases if name in of_method},
    )


def _means(groups: list[list[float]]) -> np.ndarray:
    return np.array([np.mean(one) if one else math.nan for one in groups])


def draw(data: Frontier) -> Figure:
    """Draw a panel per score over the rate, with the methods that have no rate beside it."""
    figure, body = captioned(_HEIGHT + 0.5, data.caption, data.title)
    with_rate = [sweep for sweep, curve in data.curves.items() if np.isfinite(curve.rates).any()]
    without = [sweep for sweep in data.curves if sweep not in with_rate]
    panels = body.subplots(1, 2 * len(data.scores), width_ratios=(4, 1) * len(data.scores), squeeze=False)[0]
    for at, score in enumerate(data.scores):
        over_rate, beside = panels[2 * at : 2 * at + 2]
        beside.sharey(over_rate)
        for sweep in with_rate:
            _plot(over_rate, data.curves[sweep], sweep, score, data.curves[sweep].rates)
        for place, sweep in enumerate(without):
            _plot(beside, data.curves[sweep], sweep, score, np.full(len(data.curves[sweep].rates), float(place)))
        over_rate.set_title(metric_heading(score))
        over_rate.set_xlabel("rate (nats)")
        beside.set(xticks=[], xlim=(-0.7, max(len(without), 1) - 0.3))
        beside.tick_params(left=False, labelleft=False)
        beside.spines["left"].set_visible(False)
    handles = [container for axes in panels[:2] for container in axes.containers]
    labels = [str(container.get_label()) for container in handles]
    body.legend(handles, labels, loc="outside lower center", ncols=legend_columns(labels))
    return figure


def _plot(axes: Axes, curve: MethodCurve, sweep: Sweep, score: str, at: np.ndarray) -> None:
    """Add a curve, even one without values, so that it is in the legend."""
    style = look(sweep.bases[0])
    axes.errorbar(
        at,
        curve.means[score],
        curve.stds[score],
        label=curve.label,
        color=style.colour,
        linestyle=style.line,
        marker=".",
        markersize=4,
        linewidth=0.9,
        elinewidth=0.6,
    )
    for method, position in curve.own.items():
        axes.plot(at[position], curve.means[score][position], color=style.colour, marker=look(method).marker)
