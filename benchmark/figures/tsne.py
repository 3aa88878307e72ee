"""The paper's Fig. 4: the t-SNE planes on which the clustering scores are computed, coloured by label."""

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from threadpoolctl import threadpool_limits

from benchmark.evaluation.clustering import tsne_plane
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.protocol_settings import REFERENCE_TSNE
from benchmark.evaluation.tsne_engines import missing_library
from benchmark.execution.process_plan import usable_cores
from benchmark.figures.study_source import CannotDraw, StudySource, TrialKind, kinds, method_label, study_caption
from benchmark.figures.trained_models import dataset_of, trained
from benchmark.methods.look import Look
from benchmark.plotting.style import TEXT, WIDTH, captioned, class_look
from benchmark.results.study_results import StudyResults
from benchmark.table_specs import ALL_TABLES
from benchmark.text import one_line

_PROTOCOL = "clustering"


@dataclass(frozen=True)
class Plane:
    """The t-SNE plane of one trial.

    Attributes:
        points: Coordinates, (n, 2).
        labels: Class labels, (n,).
        silhouette: The score in the trial's record; None if it has none.
    """

    points: np.ndarray
    labels: np.ndarray
    silhouette: float | None
    seed: int


@dataclass(frozen=True)
class Planes:
    """The planes of one data set.

    Attributes:
        methods: Method labels, in the order of the rows.
        dims: The latent dims of the columns, ascending.
        planes: (method label, latent dim) -> its plane, or why it has none.
    """

    title: str
    methods: tuple[str, ...]
    dims: tuple[int, ...]
    planes: Mapping[tuple[str, int], Plane | CannotDraw]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Planes | CannotDraw]]:
    """Collect a page for each data set of Table 1, or of Table 4 if the study has no Table 1."""
    manifest = source.study.manifest
    cells = [cell for cell in manifest.cells if ALL_TABLES[cell.table].protocol == _PROTOCOL]
    if not cells:
        yield "tsne", CannotDraw("the study has none of Tables 1 and 4")
        return
    first = min(cell.table for cell in cells)
    chosen = manifest.with_cells(cell for cell in cells if cell.table == first)
    found = kinds(dataclasses.replace(source, study=StudyResults(chosen, source.study.records)))
    for dataset in dict.fromkeys(kind.dataset for kind in found):
        yield f"tsne_{dataset}", _data(source, dataset, [kind for kind in found if kind.dataset == dataset])


def _data(source: StudySource, dataset: str, found: list[TrialKind]) -> Planes | CannotDraw:
    places = [(method_label(source, kind.method), kind.latent_dim) for kind in found]
    # t-SNE releases the GIL. The libraries' thread limit applies to the whole process, so it is set around the pool.
    with threadpool_limits(limits=1), ThreadPoolExecutor(usable_cores()) as pool:
        made = pool.map(lambda kind: _plane_or_reason(source, kind), found)
        planes = dict(zip(places, made, strict=True))
    drawn = [plane for plane in planes.values() if isinstance(plane, Plane)]
    if not drawn:
        return CannotDraw(next(str(reason) for reason in planes.values()))
    absent = [
        f"{method} d = {dim} ({reason})" for (method, dim), reason in planes.items() if isinstance(reason, CannotDraw)
    ]
    seeds = ", ".join(str(seed) for seed in sorted({plane.seed for plane in drawn}))
    caption = [
        f"t-SNE of the codes of {len(drawn[0].points):,} test images, as the scores use it; one model per method "
        f"(seed {seeds}: the lowest with a checkpoint). SC: silhouette over all images. Numbers: each class's median, "
        "unless they overlap.",
        *study_caption(source.study.manifest, dataset),
        *([f"Not shown: {'; '.join(absent)}."] if absent else []),
    ]
    methods = tuple(dict.fromkeys(method for method, _ in planes))
    dims = tuple(sorted({dim for _, dim in planes}))
    return Planes(
        f"Test images in latent space: {source.study.manifest.marked_label(dataset)}",
        methods,
        dims,
        planes,
        tuple(caption),
    )


def _plane_or_reason(source: StudySource, kind: TrialKind) -> Plane | CannotDraw:
    try:
        return _plane(source, kind)
    except CannotDraw as reason:
        return reason


def _plane(source: StudySource, kind: TrialKind) -> Plane:
    """The plane, computed as by the protocol in the trial's record."""
    model = trained(source, kind)
    settings = model.record.identity.protocols[_PROTOCOL]
    dataset = dataset_of(source, model.record.identity)
    if dataset.y_test is None:
        raise CannotDraw(f"{dataset.name}: has no labels")
    engine = settings.get("tsne", REFERENCE_TSNE)
    if reason := missing_library(engine):
        raise CannotDraw(reason)
    rows = stratified_subset(dataset.y_test, settings["n_images"])
    try:
        points = tsne_plane(model.encode(dataset.x_test[rows]), settings["perplexity"], engine)
    except ValueError as error:
        raise CannotDraw(f"t-SNE failed: {one_line(str(error))}") from error
    silhouette = model.record.score(_PROTOCOL, "silhouette")
    return Plane(points, dataset.y_test[rows], silhouette, model.seed)


def draw(data: Planes) -> Figure:
    """Draw one row per method and one column per latent dim, at most WIDTH wide (many dims make small panels)."""
    side = min(WIDTH / len(data.dims), 3.0)
    figure, body = captioned(len(data.methods) * (side + 0.15) + 0.8, data.caption, data.title)
    grid = body.subplots(len(data.methods), len(data.dims), squeeze=False)
    planes = [plane for plane in data.planes.values() if isinstance(plane, Plane)]
    names = np.unique(np.concatenate([plane.labels for plane in planes])).tolist()
    looks = {name: class_look(place) for place, name in enumerate(names)}
    for row, method in enumerate(data.methods):
        grid[row, 0].set_ylabel(textwrap.fill(method, 14))
        for axes, dim in zip(grid[row], data.dims, strict=True):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_box_aspect(1)
            axes.set_aspect("equal", adjustable="datalim")
            axes.spines[:].set_visible(True)
            plane = data.planes.get((method, dim))
            if isinstance(plane, Plane):
                _draw_plane(axes, plane, looks, side)
            axes.set_title(_heading(dim if row == 0 else None, plane))
    handles = [
        Line2D([], [], linestyle="", marker=style.marker, color=style.colour, markersize=4) for style in looks.values()
    ]
    if len(names) <= 20:
        body.legend(handles, [str(name) for name in names], loc="outside lower center", ncols=10, handletextpad=0.1)
    return figure


def _heading(dim: int | None, plane: Plane | CannotDraw | None) -> str:
    parts = [f"d = {dim}"] if dim is not None else []
    if isinstance(plane, Plane) and plane.silhouette is not None:
        parts.append(f"SC {plane.silhouette:.2f}".replace("-", "−"))
    return "\n".join(parts)


def _draw_plane(axes: Axes, plane: Plane, looks: Mapping[Any, Look], side: float) -> None:
    # Area in square points, smaller in a small panel (`side` is in inches) or with many points.
    size = float(np.clip(900 * side**2 / len(plane.labels), 0.8, 12))
    for name, style in looks.items():
        points = plane.points[plane.labels == name]
        axes.scatter(points[:, 0], points[:, 1], s=size, color=style.colour, marker=style.marker, linewidths=0)
    halo = [patheffects.withStroke(linewidth=2, foreground="white")]
    room = 1.5 * TEXT / 72 / side * np.ptp(plane.points, 0).max()  # space for a number, in units of the plane
    placed: list[np.ndarray] = []
    for name in np.unique(plane.labels).tolist():
        centre = np.median(plane.points[plane.labels == name], 0)
        if any(np.linalg.norm(centre - other) < room for other in placed):
            continue
        placed.append(centre)
        axes.annotate(str(name), centre, ha="center", va="center", fontsize=TEXT, weight="bold", path_effects=halo)
