"""The cost of training every method: seconds and parameters."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
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
from benchmark.plotting.style import captioned, look

_REFERENCE = "vae"


@dataclass(frozen=True)
class MethodCost:
    """The training cost of one method.

    Attributes:
        label: Its name in the figure.
        seconds: Training time of each seed in seconds, (seeds,).
        parameters: Number of the model's parameters.
    """

    method: str
    label: str
    seconds: np.ndarray
    parameters: int

    @property
    def mean(self) -> float:
        """The mean seconds."""
        return float(self.seconds.mean())

    @property
    def std(self) -> float:
        """The standard deviation of the seconds (ddof 1); NaN for one seed."""
        return float(self.seconds.std(ddof=1)) if len(self.seconds) > 1 else math.nan


@dataclass(frozen=True)
class Cost:
    """The costs for one data set and latent dim.

    Attributes:
        bills: One per method.
        reference: The VAE's mean seconds; None if it is not among the methods.
    """

    title: str
    bills: tuple[MethodCost, ...]
    reference: float | None
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Cost | CannotDraw]]:
    """Collect a page for each data set and latent dim."""
    for (dataset, dim), found in by_page(kinds(source)).items():
        yield f"cost_{dataset}_d{dim}", _data(source, dataset, dim, found)


def _data(source: StudySource, dataset: str, dim: int, found: list[TrialKind]) -> Cost | CannotDraw:
    costs = {
        kind.method: [cost for record in kind.results if (cost := record.training_cost) is not None] for kind in found
    }
    bills = tuple(
        MethodCost(method, method_label(source, method), np.array([cost.seconds for cost in of]), of[0].parameters)
        for method, of in costs.items()
        if of
    )
    if not bills:
        return no_result(source, dataset, f"{dataset} at d = {dim}")
    timed = [record for kind in found for record in kind.results if record.training_cost]
    devices = sorted({record.provenance.device or "unknown" for record in timed})
    reference = next((bill.mean for bill in bills if bill.method == _REFERENCE), None)
    caption = [
        "Filled: mean over seeds; bar: one standard deviation (ddof 1) to either side; hollow: each seed"
        + (", right: multiples of the VAE's mean." if reference else "."),
        f"Training alone, on {', '.join(devices)}; a pack's time is divided among its seeds, and other trials may "
        "have run at the same time.",
        *study_caption(source.study.manifest, dataset),
        *left_out(source, found),
    ]
    return Cost(
        f"Cost of training on {source.study.manifest.marked_label(dataset)}, d = {dim}",
        bills,
        reference,
        tuple(caption),
    )


def draw(data: Cost) -> Figure:
    """Draw two panels, seconds and parameters, with one row per method; axes start at zero."""
    figure, body = captioned(0.24 * len(data.bills) + 1.1, data.caption, data.title)
    seconds, parameters = body.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for row, bill in enumerate(data.bills):
        style = look(bill.method)
        seconds.plot(
            bill.seconds,
            np.full(len(bill.seconds), row),
            color=style.colour,
            marker=style.marker,
            linestyle="",
            fillstyle="none",
            markersize=4,
            markeredgewidth=0.6,
        )
        seconds.errorbar(bill.mean, row, xerr=bill.std, color=style.colour, marker=style.marker, capsize=3)
        parameters.plot(bill.parameters / 1e6, row, color=style.colour, marker=style.marker)
    rows = np.arange(len(data.bills))
    seconds.set_yticks(rows, [bill.label for bill in data.bills])
    seconds.set_ylim(len(rows) - 0.5, -0.5)
    if data.reference:
        multiples = seconds.secondary_yaxis("right")
        multiples.set_yticks(rows, [f"{bill.mean / data.reference:.2f}×" for bill in data.bills])
        multiples.tick_params(length=0)
        multiples.spines["right"].set_visible(False)
    for axes, name in ((seconds, "seconds of training"), (parameters, "parameters / 10⁶")):
        axes.set_xlim(0, 1.05 * axes.get_xlim()[1])
        axes.set_xlabel(name)
        axes.grid(axis="y", linewidth=0.4, color="#DDDDDD")
        axes.set_axisbelow(True)
    return figure
