"""The figure of the readings under way: F and the loss step by step, the SVM's accuracy epoch by epoch."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.controls.methods import ALL_METHODS
from benchmark.figures.style import captioned, look

_CAPTION = (
    "A line is a seed; a cross is its last finite loss where training diverged. F before its weight, in the form that "
    "the reading has, on a logarithmic axis; the loss on one that is linear between -100 and 100, logarithmic beyond."
)
_LINEAR_UP_TO = 100


@dataclass(frozen=True)
class Page:
    """`steps` and `epochs`: as in Trace, with columns method and seed before them. `diverged`: (method, seed) of those
    that did. `notes`: what was trained, and judged on what."""

    steps: pd.DataFrame
    epochs: pd.DataFrame
    diverged: frozenset[tuple[str, int]]
    notes: tuple[str, ...]


def trace_figure(page: Page) -> Figure:
    """Three panels; a colour per method, a line per seed."""
    figure, above = captioned(3.2, (f"{'; '.join(page.notes)}.", _CAPTION), "Readings of the Fisher term F under way")
    of_fisher, of_loss, of_accuracy = axes = above.subplots(1, 3)
    handles = {}
    for (method, seed), steps in page.steps.groupby(["method", "seed"], sort=False):
        ends = (method, seed) in page.diverged
        _line(of_fisher, steps, "step", "fisher", method, ends)
        handles[ALL_METHODS[method].label] = _line(of_loss, steps, "step", "loss", method, ends)
    for (method, _), epochs in page.epochs.groupby(["method", "seed"], sort=False):
        _line(of_accuracy, epochs, "epoch", "svm_accuracy", method, False, marker="o")
    of_fisher.set_yscale("log")
    of_loss.set_yscale("symlog", linthresh=_LINEAR_UP_TO)
    of_accuracy.xaxis.get_major_locator().set_params(integer=True)
    for axis, title, below in zip(axes, ("F", "loss", "SVM accuracy"), ("step", "step", "epoch"), strict=True):
        axis.set_title(title)
        axis.set_xlabel(below)
    above.legend(handles.values(), handles, loc="outside lower center", ncols=4)
    return figure


def _line(axis: Axes, rows: pd.DataFrame, x: str, y: str, method: str, ends: bool, **style):
    colour = look(method).colour
    [line] = axis.plot(rows[x], rows[y], color=colour, linewidth=0.8, markersize=2.5, **style)
    if ends:
        axis.plot(rows[x].iloc[-1:], rows[y].iloc[-1:], "x", color=colour)
    return line
