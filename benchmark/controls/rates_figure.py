"""The figure of question (a): what codes are good for over what they tell of their images."""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.controls.answers import Measured, Place, Trials
from benchmark.controls.methods import ALL_METHODS
from benchmark.controls.questions import BASE, VAES
from benchmark.figures.style import GREY, captioned, hide_unused, legend_columns, look

_CAPTION = (
    "A line: one seed's VAEs that have not collapsed, each with its own beta. HGMVAE-G, a seed each: filled at the "
    "rate of the image, where question (a) compares it with the line of its seed; hollow at its rate given w, which "
    "counts the noise of w. Grey: HGMVAE-G with one thing changed. Rate: what a sampled code tells of its image."
)
_PANEL = 1.9  # inches high

Point = tuple[float, float]  # rate in nats, value


@dataclass(frozen=True)
class Panel:
    """One data set and latent dim. `vaes`: seed -> points by rate. `base`: of every seed of HGMVAE-G its point at the
    rate of the image, and at that given w where it is another. `changed`: points of its controls."""

    vaes: Mapping[int, list[Point]]
    base: list[tuple[Point, Point | None]]
    changed: list[Point]


@dataclass(frozen=True)
class Page:
    """`panels`: by heading, in the study's order. `notes`: sentences on what was trained."""

    title: str
    measure: str
    panels: Mapping[str, Panel]
    notes: tuple[str, ...]


def rate_panels(trials: Trials, measure: str) -> dict[Place, Panel]:
    """Of the places that have both HGMVAE-G and VAEs with a rate and a value of `measure`, a field of Measured."""
    panels: dict[Place, Panel] = {}
    for (dataset, latent_dim, method, seed), trial in trials.items():
        point = _point(trial, measure)
        if point is None:
            continue
        panel = panels.setdefault((dataset, latent_dim), Panel({}, [], []))
        if method in VAES and not trial.collapsed:
            panel.vaes.setdefault(seed, []).append(point)
            panel.vaes[seed].sort()
        elif method == BASE:
            panel.base.append((point, None if trial.rate_bounds is None else (trial.rate, point[1])))
        elif method in ALL_METHODS and ALL_METHODS[method].control_of == BASE:
            panel.changed.append(point)
    return {place: panel for place, panel in panels.items() if panel.vaes and panel.base}


def _point(trial: Measured | None, measure: str) -> Point | None:
    value = trial and getattr(trial, measure)
    if value is None or trial.rate_of_image is None:
        return None
    return trial.rate_of_image, value


def rates_figure(page: Page) -> Figure:
    """A panel a place, three to a row."""
    columns = min(3, len(page.panels))
    rows = -(-len(page.panels) // columns)
    figure, above = captioned(_PANEL * rows + 0.6, (*page.notes, _CAPTION), page.title)
    axes = above.subplots(rows, columns, squeeze=False).flatten()
    for axis, (heading, panel) in zip(axes, page.panels.items(), strict=False):
        _draw(axis, panel)
        axis.set_title(heading)
        axis.set_xlabel("rate (nats)")
    hide_unused(axes, len(page.panels))
    above.supylabel(page.measure, fontsize="medium")
    handles, labels = axes[0].get_legend_handles_labels()
    above.legend(handles, labels, loc="outside lower center", ncols=legend_columns(labels))
    return figure


def _draw(axis: Axes, panel: Panel) -> None:
    ours, theirs = look(BASE), look("vae")
    axis.plot(*_coordinates(panel.changed), ".", color=GREY, alpha=0.5, label="HGMVAE-G, changed", zorder=1)
    for points in panel.vaes.values():
        axis.plot(*_coordinates(points), f"-{theirs.marker}", color=theirs.colour, markersize=2.5, linewidth=0.7)
    axis.lines[-1].set_label("VAE")
    if given := [point for _, point in panel.base if point is not None]:
        axis.plot(
            *_coordinates(given), ours.marker, color=ours.colour, fillstyle="none", label="HGMVAE-G, rate given w"
        )
    axis.plot(*_coordinates([point for point, _ in panel.base]), ours.marker, color=ours.colour, label="HGMVAE-G")


def _coordinates(points: list[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
