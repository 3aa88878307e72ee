"""The figure of a calibration: what every setting reaches, and which one was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from benchmark.calibration.grids import Setting
from benchmark.figures.style import BLACK, GREY, VERMILION, captioned, look
from benchmark.methods import METHODS

_COLUMNS = 4
_CAPTION = (
    "MNIST at d = 8, judged on held-out training images. A mark is a setting, numbered as in calibration.csv: filled "
    "where it is the mean of three seeds. Ring: chosen by ranks. Square: chosen without labels. Cross: collapsed.",
)


@dataclass(frozen=True)
class Panel:
    """One method. `settings`: index setting; columns svm_accuracy, reconstruction_error, usable, seeds."""

    method: str
    label: str
    settings: pd.DataFrame
    by_ranks: int | None
    label_free: int | None


def panels(
    grids: Mapping[str, tuple[Setting, ...]], settings: pd.DataFrame, choices: Mapping[str, Mapping[str, int]]
) -> tuple[Panel, ...]:
    """A panel a method, in the grids' order."""
    return tuple(
        Panel(
            method,
            METHODS[method].label,
            settings.loc[method],
            choices["ranks"].get(method),
            choices["label_free"].get(method),
        )
        for method in grids
    )


def calibration_figure(data: tuple[Panel, ...]) -> Figure:
    """Held-out SVM accuracy over held-out reconstruction error, a panel a method; all share their axes."""
    rows = -(-len(data) // _COLUMNS)
    figure, above = captioned(2.0 * rows + 0.3, _CAPTION, "Calibration")
    axes = above.subplots(rows, min(_COLUMNS, len(data)), sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat[len(data) :]:
        axis.set_axis_off()
    for axis, panel in zip(axes.flat, data, strict=False):
        axis.set_title(panel.label)
        colour = look(panel.method).colour
        for number, row in panel.settings.iterrows():
            place = row["reconstruction_error"], row["svm_accuracy"]
            if not row["usable"]:
                axis.plot(*place, "x", color=GREY)
                continue
            axis.plot(*place, "o", color=colour, markerfacecolor=colour if row["seeds"] > 1 else "none")
            axis.annotate(str(number), place, textcoords="offset points", xytext=(3, 3), fontsize=6)
            if number == panel.by_ranks:
                axis.plot(*place, "o", color=VERMILION, markersize=11, markerfacecolor="none")
            if number == panel.label_free:
                axis.plot(*place, "s", color=BLACK, markersize=11, markerfacecolor="none")
    for axis in axes[-1]:
        axis.set_xlabel("variance not explained")
    for row in axes:
        row[0].set_ylabel("SVM accuracy")
    return figure
