"""The paper's Fig. 3: silhouette, Calinski-Harabasz and Davies-Bouldin over the latent dim."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.figures.study_source import (
    CannotDraw,
    StudySource,
    kinds,
    left_out,
    method_label,
    no_result,
    study_caption,
)
from benchmark.methods.look import GREY
from benchmark.paper.tables import ScorePlace
from benchmark.plotting.style import captioned, legend_columns, look
from benchmark.tables.captions import metric_heading
from benchmark.tables.layout import Table, build_tables

_PROTOCOL = "clustering"
_APART = 0.07  # offset between neighbouring methods' points, in octaves of d


@dataclass(frozen=True)
class Line:
    """The scores of one method on one metric over D latent dims.

    Attributes:
        label: Its name in the figure.
        mean: Means over seeds, (D,); NaN if no seed has a value.
        std: Standard deviations (ddof 1), (D,); NaN if fewer than two seeds have a value.
        paper: The paper's numbers, (D,); NaN if it prints none.
    """

    method: str
    label: str
    mean: np.ndarray
    std: np.ndarray
    paper: np.ndarray


@dataclass(frozen=True)
class ClusteringPage:
    """The scores of one table on one data set.

    Attributes:
        dims: The latent dims, ascending.
        lines: Metric -> its lines, both in the paper's order.
    """

    title: str
    dims: tuple[int, ...]
    lines: dict[str, list[Line]]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, ClusteringPage | CannotDraw]]:
    """Collect a page for each data set of each clustering table over latent dims (1 and 4)."""
    tables = [table for table in build_tables(source.study) if table.dims_across and table.paper.protocol == _PROTOCOL]
    if not tables:
        yield "clustering", CannotDraw("the study has none of Tables 1 and 4")
    for table in tables:
        for dataset in table.datasets:
            name = f"clustering_table{table.paper.number}_{dataset}"
            yield name, _data(source, table, dataset)


def _data(source: StudySource, table: Table, dataset: str) -> ClusteringPage | CannotDraw:
    lines = {
        metric: [
            line for method in table.methods if (line := _line(source, table, dataset, metric, method)) is not None
        ]
        for metric in table.paper.metrics
    }
    if not any(np.isfinite(line.mean).any() for metric in lines.values() for line in metric):
        return no_result(source, dataset, f"{dataset} in Table {table.paper.number}")
    shown = [kind for kind in kinds(source, _PROTOCOL) if kind.dataset == dataset and kind.method in table.methods]
    collapsed = [
        f"{method_label(source, method)} d = {dim} ({cell.collapsed} of {len(cell.values)})"
        for (name, metric, method, dim), cell in table.cells.items()
        if name == dataset and metric == table.paper.metrics[0] and cell.collapsed
    ]
    caption = [
        "SC: silhouette, CH: Calinski-Harabasz, DB: Davies-Bouldin, of the true labels in the t-SNE plane. Filled: "
        "mean over seeds; band: one standard deviation (ddof 1) to either side. "
        + ("Hollow: the paper's values. " if _any_of_the_paper(lines) else "")
        + "Markers are shifted sideways so that methods do not overlap.",
        *study_caption(source.study.manifest, dataset),
        *left_out(source, shown),
        *([f"With collapsed seeds: {'; '.join(collapsed)}."] if collapsed else []),
    ]
    title = f"{table.paper.title}: {source.study.manifest.marked_label(dataset)}"
    return ClusteringPage(title, table.latent_dims, lines, tuple(caption))


def _line(source: StudySource, table: Table, dataset: str, metric: str, method: str) -> Line | None:
    cells = [table.cells.get(ScorePlace(dataset, metric, method, dim)) for dim in table.latent_dims]
    if not any(cells):
        return None

    def values(field: str) -> np.ndarray:
        found = [getattr(cell, field) if cell else None for cell in cells]
        return np.array([np.nan if value is None else value for value in found])

    return Line(method, method_label(source, method), values("mean"), values("std"), values("paper"))


def draw(data: ClusteringPage) -> Figure:
    """Draw a panel per metric with d on a log2 axis; lines have gaps where values are missing."""
    figure, body = captioned(3.3, data.caption, data.title)
    for axes, (metric, lines) in zip(body.subplots(1, len(data.lines)), data.lines.items(), strict=True):
        for place, line in enumerate(lines):
            style = look(line.method)
            dims = np.array(data.dims) * 2 ** (_APART * (place - (len(lines) - 1) / 2))
            axes.fill_between(
                dims, line.mean - line.std, line.mean + line.std, color=style.colour, alpha=0.18, linewidth=0
            )
            axes.plot(dims, line.mean, color=style.colour, marker=style.marker, linestyle=style.line, label=line.label)
            axes.plot(
                dims, line.paper, color=style.colour, marker=style.marker, linestyle="", fillstyle="none", zorder=1.5
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(data.dims, [str(dim) for dim in data.dims], minor=False)
        axes.set_xlabel("latent dimension d")
        axes.set_title(metric_heading(metric))
    handles, labels = axes.get_legend_handles_labels()
    if _any_of_the_paper(data.lines):
        for label, filling in (("filled: ours", GREY), ("hollow: the paper's", "none")):
            handles.append(Line2D([], [], color=GREY, marker="o", linestyle="", markerfacecolor=filling))
            labels.append(label)
    body.legend(handles, labels, loc="outside lower center", ncols=legend_columns(labels))
    return figure


def _any_of_the_paper(lines: Mapping[str, Sequence[Line]]) -> bool:
    return any(np.isfinite(line.paper).any() for of_metric in lines.values() for line in of_metric)
