"""The appearance of methods in figures.

Colours: Okabe & Ito, "Color Universal Design" (2008), which colour-blind readers can distinguish.
"""

from dataclasses import dataclass

# Without their yellow, too pale for lines, and their green, which would form a red/green pair.
BLACK, ORANGE, SKY, BLUE, VERMILION, PURPLE = "#000000", "#E69F00", "#56B4E9", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#777777"


@dataclass(frozen=True)
class Look:
    """A method's colour, marker and line style; the combination is unique, but the colour need not be."""

    colour: str
    marker: str
    line: str = "-"
