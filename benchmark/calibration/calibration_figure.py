"""The figure of a calibration: the scores of every setting, with the chosen ones marked."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from benchmark.calibration.candidates import Setting
from benchmark.calibration.selection import CalibrationOutcome
from benchmark.methods.look import BLACK, GREY, VERMILION
from benchmark.methods.registry import METHODS
from benchmark.plotting.style import captioned, look

_COLUMNS = 4
_CAPTION = (
    "Each mark is a setting, numbered as in calibration.csv; filled: mean of three seeds. Ring: chosen by ranks. "
    "Square: chosen without labels. Cross: not usable because a seed collapsed or diverged. Settings whose accuracy "
    "or error is among the worst fifth of all are outside the plot; their numbers are in its corner."
)
_WORST = 0.2


@dataclass(frozen=True)
class CalibrationPanel:
    """The settings of one method and their scores.

    Attributes:
        method: The method.
        label: Its displayed name.
        settings: Index: the setting's number in its grid; columns svm_accuracy, reconstruction_error, usable, seeds.
        by_ranks: The setting chosen by the criterion "ranks"; None if there is none.
        label_free: The setting chosen by the criterion "label_free"; None if there is none.
    """

    method: str
    label: str
    settings: pd.DataFrame
    by_ranks: int | None
    label_free: int | None


@dataclass(frozen=True)
class CalibrationPage:
    """The content of the figure.

    Attributes:
        panels: One panel per method.
        notes: Sentences on the trainings and the images that they were scored on.
    """

    panels: tuple[CalibrationPanel, ...]
    notes: tuple[str, ...]


def panels(grids: Mapping[str, tuple[Setting, ...]], found: CalibrationOutcome) -> tuple[CalibrationPanel, ...]:
    """Make a panel per method, in the order of the grids.

    Args:
        grids: The settings tried, by method.
        found: The calibration's outcome.
    """
    return tuple(
        CalibrationPanel(
            method,
            METHODS[method].label,
            found.settings.loc[method],
            found.choices["ranks"].get(method),
            found.choices["label_free"].get(method),
        )
        for method in grids
    )


def calibration_figure(page: CalibrationPage) -> Figure:
    """Draw SVM accuracy over reconstruction error, with one panel per method.

    All panels share axes that show the better four fifths of both scores. A setting without a score has no mark.
    """
    rows = -(-len(page.panels) // _COLUMNS)
    sentences = (f"MNIST at d = 8; {'; '.join(page.notes)}.", _CAPTION)
    figure, above = captioned(2.0 * rows + 0.3, sentences, "Calibration")
    axes = above.subplots(rows, min(_COLUMNS, len(page.panels)), sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat[len(page.panels) :]:
        axis.set_axis_off()
    every = pd.concat([panel.settings for panel in page.panels])
    highest_error = every["reconstruction_error"].quantile(1 - _WORST)
    lowest_accuracy = every["svm_accuracy"].quantile(_WORST)
    for axis, panel in zip(axes.flat, page.panels, strict=False):
        axis.set_title(panel.label)
        colour = look(panel.method).colour
        beyond = []
        for number, row in panel.settings.iterrows():
            if row["reconstruction_error"] > highest_error or row["svm_accuracy"] < lowest_accuracy:
                beyond.append(str(number))
                continue
            place = row["reconstruction_error"], row["svm_accuracy"]
            axis.annotate(str(number), place, textcoords="offset points", xytext=(3, 3), fontsize=6)
            if not row["usable"]:
                axis.plot(*place, "x", color=GREY)
                continue
            axis.plot(*place, "o", color=colour, markerfacecolor=colour if row["seeds"] > 1 else "none")
            if number == panel.by_ranks:
                axis.plot(*place, "o", color=VERMILION, markersize=11, markerfacecolor="none")
            if number == panel.label_free:
                axis.plot(*place, "s", color=BLACK, markersize=11, markerfacecolor="none")
        if beyond:
            corner = f"beyond: {', '.join(beyond)}"
            axis.text(0.97, 0.03, corner, transform=axis.transAxes, fontsize=6, ha="right", va="bottom")
    for axis in axes[-1]:
        axis.set_xlabel("variance not explained")
    for row in axes:
        row[0].set_ylabel("SVM accuracy")
    return figure
