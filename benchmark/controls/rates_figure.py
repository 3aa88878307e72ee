"""The figure of question (a): SVM accuracy or reconstruction error over the rate of the code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.controls.answers import MEASURES, DatasetDim, Measure, Point, Trials, at_rate, vae_points
from benchmark.figures.study_source import study_caption
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.look import GREY
from benchmark.plotting.style import captioned, hide_unused, legend_columns, look
from benchmark.results.manifest import Manifest
from benchmark.studies.questions import BASE, MEASURES_OF_CONTROLS

_CAPTION = (
    "Line: one seed's VAEs that have not collapsed, each with another beta. HGMVAE-G, one marker per seed: filled at "
    "the rate without w, with a stroke to the same seed's VAEs at that rate, which is its advantage in question (a); "
    "hollow at the rate given w. Grey: HGMVAE-G with one change, at the rate without w. Trials without a result are "
    "omitted. The rate is an upper bound on the information that a sampled code carries about its image."
)
_PANEL = 1.9  # height in inches


@dataclass(frozen=True)
class RatesPanel:
    """The points (rate in nats, value) for a data set and latent dim.

    Attributes:
        vaes: Seed -> the points of its VAEs, ordered by rate.
        base: Seed -> HGMVAE-G's point at the rate without w, and its point at the rate given w.
        changed: The points of HGMVAE-G's controls, at the rate without w.
    """

    vaes: dict[int, list[Point]]
    base: dict[int, tuple[Point, Point]]
    changed: list[Point]


@dataclass(frozen=True)
class RatesPage:
    """The content of the figure for one measure.

    Attributes:
        measure: The score on the vertical axis.
        panels: (data set, latent dim) -> panel, in the study's order.
        headings: The headings of the panels.
        notes: Sentences that describe the trainings.
    """

    measure: Measure
    panels: Mapping[DatasetDim, RatesPanel]
    headings: Mapping[DatasetDim, str]
    notes: tuple[str, ...]


def rate_pages(manifest: Manifest, trials: Trials) -> Iterator[tuple[str, RatesPage]]:
    """Make the figure's content for every measure for which HGMVAE-G and VAEs have values and recorded rates.

    Args:
        manifest: The study's manifest.
        trials: The result of `measured`.

    Yields:
        The name and content of each page.
    """
    for measure in map(MEASURES.__getitem__, MEASURES_OF_CONTROLS):
        panels = rate_panels(trials, measure)
        headings = {(name, dim): f"{manifest.marked_label(name)}, d = {dim}" for name, dim in panels}
        if panels:
            notes = tuple(study_caption(manifest, *dict.fromkeys(dataset for dataset, _ in panels)))
            yield f"rates_{measure.field}", RatesPage(measure, panels, headings, notes)


def rate_panels(trials: Trials, measure: Measure) -> dict[DatasetDim, RatesPanel]:
    """Make a panel for every data set and latent dim for which HGMVAE-G and VAEs have a rate and a value.

    Args:
        trials: The result of `measured`.
        measure: The score on the vertical axis.
    """
    panels: dict[DatasetDim, RatesPanel] = {}
    for (dataset, latent_dim, method, seed), trial in trials.items():
        place = dataset, latent_dim
        panel = panels.setdefault(place, RatesPanel({}, {}, []))
        if seed not in panel.vaes and (points := vae_points(trials, place, seed, measure)):
            panel.vaes[seed] = points
        if trial is None or trial.rate_of_image is None:
            continue
        value = getattr(trial, measure.field)
        if value is None:
            continue
        point = trial.rate_of_image, value
        if method == BASE and trial.rate is not None:
            panel.base[seed] = point, (trial.rate, value)
        elif method in ALL_METHODS and ALL_METHODS[method].control_of == BASE:
            panel.changed.append(point)
    return {place: panel for place, panel in panels.items() if panel.vaes and panel.base}


def rates_figure(page: RatesPage) -> Figure:
    """Draw one panel per data set and latent dim, three per row."""
    columns = min(3, len(page.panels))
    rows = -(-len(page.panels) // columns)
    title = f"Rate of the code and {page.measure.label}"
    figure, above = captioned(_PANEL * rows + 0.6, (*page.notes, _CAPTION), title)
    axes = list(above.subplots(rows, columns, squeeze=False).flatten())
    for axis, (place, panel) in zip(axes, page.panels.items(), strict=False):
        _draw(axis, panel, page.measure)
        axis.set_title(page.headings[place])
        axis.set_xlabel("rate (nats)")
    hide_unused(axes, len(page.panels))
    above.supylabel(page.measure.label, fontsize="medium")
    handles, labels = axes[0].get_legend_handles_labels()
    above.legend(handles, labels, loc="outside lower center", ncols=legend_columns(labels))
    return figure


def _draw(axis: Axes, panel: RatesPanel, measure: Measure) -> None:
    ours, theirs = look(BASE), look("vae")
    axis.plot(*_coordinates(panel.changed), ".", color=GREY, alpha=0.5, label="HGMVAE-G, changed", zorder=1)
    for points in panel.vaes.values():
        axis.plot(*_coordinates(points), f"-{theirs.marker}", color=theirs.colour, markersize=2.5, linewidth=0.7)
    axis.lines[-1].set_label("VAE")
    for seed, ((rate, value), _) in panel.base.items():
        other = at_rate(rate, panel.vaes.get(seed, []), measure)
        if other is not None:
            axis.plot([rate, rate], [value, other], color=ours.colour, linewidth=0.8)
    given = [point for _, point in panel.base.values()]
    axis.plot(*_coordinates(given), ours.marker, color=ours.colour, fillstyle="none", label="HGMVAE-G, rate given w")
    filled = [point for point, _ in panel.base.values()]
    axis.plot(*_coordinates(filled), ours.marker, color=ours.colour, label="HGMVAE-G")


def _coordinates(points: list[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
