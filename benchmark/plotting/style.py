"""The style of all figures: fonts, the looks of methods and classes, and non-overlapping captions.

Figures are made without pyplot, so no window can open and nothing has to be closed; matplotlib then draws PNG with Agg.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import text_to_path

from benchmark.methods.control_methods import ALL_METHODS, CONTROLS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.look import BLACK, BLUE, GREY, ORANGE, PURPLE, SKY, VERMILION, Look
from benchmark.text import one_line

if TYPE_CHECKING:  # older versions of matplotlib do not have it
    from matplotlib.typing import RcKeyType

WIDTH = 7.2  # inches: two columns of a journal
TEXT = 8  # points, the smallest type in print
_LINE = 1.25 * TEXT / 72  # inches
_MARGIN = 0.06  # inches around a caption
_HANDLE = 4.8  # em of a legend's column in addition to its label: handle, handle's distance, column distance
_FILLED = 0.95  # share of WIDTH filled by a line of the caption: in PNG, glyphs snap to pixels and become wider

RC: "Mapping[RcKeyType, Any]" = {
    "font.family": "DejaVu Sans",  # bundled with matplotlib, so the same everywhere (`_prefer_matplotlibs_fonts`)
    "font.size": TEXT,
    "axes.titlesize": TEXT + 1,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 5,
    "pdf.fonttype": 42,  # text that can be searched and edited
}


def _prefer_matplotlibs_fonts() -> None:
    """Make the fonts in matplotlib's package take precedence over the system's fonts of the same names.

    A system's DejaVu Sans has other glyph numbers, which changes the bytes of a PDF. It is used if matplotlib's cached
    list of fonts lacks the bundled one (findings/matplotlib_cached_fonts.sh).
    """
    own = sorted(map(str, Path(get_data_path(), "fonts", "ttf").glob("DejaVuSans*.ttf")))
    for path in own:
        fontManager.addfont(path)
    fontManager.ttflist.sort(key=lambda font: font.fname not in own)  # the first of equals is chosen


_prefer_matplotlibs_fonts()

UNKNOWN = Look(GREY, "h", ":")

# Without grey, which colour-blind readers confuse with purple. The last four were found by a search: also under
# simulated protan, deutan and tritan vision their distances to all colours are as large as those among the others.
CLASS_COLOURS = (BLUE, ORANGE, SKY, PURPLE, VERMILION, BLACK, "#682C00", "#001392", "#A21AFC", "#789151")
CLASS_MARKERS = ("o", "^", "s", "D", "v", "p", "X")
_FURTHER_MARKERS = ("*", "P", "<", ">")  # for ten classes each, after the combinations of the others
_OWN_MARKERS = (UNKNOWN.marker, *CLASS_MARKERS, *_FURTHER_MARKERS)  # of methods from files without a look


def class_look(position: int) -> Look:
    """Return the look of class number `position`, 0 to 109: 10 colours, each with 11 markers."""
    rounds, place = divmod(position, len(CLASS_COLOURS))
    further = rounds - len(CLASS_MARKERS)
    if further >= 0:
        return Look(CLASS_COLOURS[place], _FURTHER_MARKERS[further % len(_FURTHER_MARKERS)])
    return Look(CLASS_COLOURS[place], CLASS_MARKERS[(place + rounds) % len(CLASS_MARKERS)])


def look(method: str) -> Look:
    """Return the look of a method.

    By default a control is dotted, a further method dash-dotted, and methods from files are grey with a marker each.
    """
    entry = ALL_METHODS.get(method)
    if entry and entry.look:
        return entry.look
    for group, line in ((CONTROLS, ":"), (FURTHER_METHODS, "-.")):
        if method in group:
            return dataclasses.replace(class_look(list(group).index(method)), line=line)
    own = [name for name, other in ALL_METHODS.items() if other.source and not other.look]
    position = own.index(method) if method in own else 0
    return dataclasses.replace(UNKNOWN, marker=_OWN_MARKERS[position % len(_OWN_MARKERS)])


def wrapped(sentence: str) -> list[str]:
    """Break a sentence into lines no wider than a caption, by the font's metrics; a longer word gets its own line."""
    lines: list[str] = []
    for word in sentence.split():
        longer = f"{lines[-1]} {word}" if lines else word
        lines = [*lines[:-1], longer] if _points(longer) <= 72 * _FILLED * WIDTH else [*lines, word]
    return lines


def legend_columns(labels: Iterable[str]) -> int:
    """Return how many columns of a legend fit into WIDTH, given its widest label: one to five."""
    widest = max(map(_points, labels), default=0.0)
    return max(1, min(5, int(72 * _FILLED * WIDTH / (widest + _HANDLE * TEXT))))


def _points(text: str) -> float:
    """The drawn width of text, in points."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(family=RC["font.family"], size=TEXT), ismath=False
    )
    return float(width)


def literal(text: str) -> str:
    """Put text on one line and escape its dollar signs, which begin formulas, unless they are escaped already."""
    return re.sub(r"(?<!\\)\$", r"\\$", one_line(text))


def captioned(body: float, sentences: Sequence[str], title: str) -> tuple[Figure, SubFigure]:
    """Make a figure WIDTH inches wide with a caption, whose height is added to that of the body.

    The layout is matplotlib's "constrained", which keeps axes and outside legends within their subfigure.

    Args:
        body: Height of the part above the caption, in inches.
        sentences: Sentences of the caption, each on a new line.
        title: The title above the body.

    Returns:
        The figure, and the part above the caption, for axes and legend.
    """
    lines = [line for sentence in sentences for line in wrapped(literal(sentence))]
    below = len(lines) * _LINE + 2 * _MARGIN
    figure = Figure(figsize=(WIDTH, body + below), layout="constrained")
    above, caption = figure.subfigures(2, 1, squeeze=False, height_ratios=(body, below)).ravel()
    above.suptitle(literal(title), fontsize=TEXT + 2)
    caption.text(_MARGIN / WIDTH, 1 - _MARGIN / below, "\n".join(lines), va="top", fontsize=TEXT, linespacing=1.2)
    return figure, above


def hide_unused(axes: Sequence[Axes], used: int) -> None:
    """Hide the axes of a grid from number `used` on, if it has more places than panels."""
    for empty in axes[used:]:
        empty.set_axis_off()
