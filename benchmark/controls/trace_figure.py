"""The figure of how readings of the Fisher term train: F and the loss by step, SVM accuracy by epoch."""

import dataclasses
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.look import Look
from benchmark.plotting.style import CLASS_COLOURS, captioned, class_look, legend_columns

_CAPTION = (
    "One line per seed; a cross marks the last finite loss if training diverged. F is shown without its weight, in "
    "the form that the reading uses, on a logarithmic axis; the loss on an axis that is linear within 10,000 of zero "
    "and logarithmic beyond."
)
_LINEAR_UP_TO = 10_000


@dataclass(frozen=True)
class TracePage:
    """The content of the figure.

    Attributes:
        steps: See `Trace`; preceded by the columns method and seed.
        epochs: See `Trace`; preceded by the columns method and seed.
        diverged: (method, seed) of the trainings that diverged.
        notes: Sentences on the trainings and the images that they were scored on.
    """

    steps: pd.DataFrame
    epochs: pd.DataFrame
    diverged: frozenset[tuple[str, int]]
    notes: tuple[str, ...]


def trace_figure(page: TracePage) -> Figure:
    """Draw three panels, for F, the loss and SVM accuracy, with one colour per method and one line per seed."""
    figure, above = captioned(
        3.8, (f"{'; '.join(page.notes)}.", _CAPTION), "Readings of the Fisher term F during training"
    )
    of_fisher, of_loss, of_accuracy = axes = above.subplots(1, 3)
    looks = {
        method: dataclasses.replace(class_look(place), line="-" if place < len(CLASS_COLOURS) else ":")
        for place, method in enumerate(page.steps["method"].unique())
    }
    handles = {}
    for (method, seed), steps in page.steps.groupby(["method", "seed"], sort=False):
        ends = (method, seed) in page.diverged
        _line(of_fisher, steps, "step", "fisher", looks[method], ends)
        handles[ALL_METHODS[method].label] = _line(of_loss, steps, "step", "loss", looks[method], ends)
    for (method, _), epochs in page.epochs.groupby(["method", "seed"], sort=False):
        _line(of_accuracy, epochs, "epoch", "svm_accuracy", looks[method], False)
    of_fisher.set_yscale("log")
    of_loss.set_yscale("symlog", linthresh=_LINEAR_UP_TO)
    of_loss.yaxis.get_major_locator().set_params(numticks=6)
    of_accuracy.xaxis.get_major_locator().set_params(integer=True)
    for axis, title, below in zip(axes, ("F", "loss", "SVM accuracy"), ("step", "step", "epoch"), strict=True):
        axis.set_title(title)
        axis.set_xlabel(below)
    above.legend(handles.values(), handles, loc="outside lower center", ncols=legend_columns(handles))
    return figure


def _line(axis: Axes, rows: pd.DataFrame, x: str, y: str, style: Look, ends: bool) -> Line2D:
    [line] = axis.plot(rows[x], rows[y], style.line, color=style.colour, linewidth=0.8)
    if ends:
        axis.plot(rows[x].iloc[-1:], rows[y].iloc[-1:], "x", color=style.colour)
    return line
