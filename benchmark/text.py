"""Conversion of external text (names, reasons, notes) to safe single lines, and numbers and durations as text."""

import re
import unicodedata

# Characters with which a formula begins in a spreadsheet. OWASP's list also has the tab and the carriage return, but no
# text of `one_line` begins with white space.
FORMULA_STARTS = tuple("=+-@")

_ORNAMENT = re.compile(r"\([\u2191\u2193]\)|[$\\{}^\u2191\u2193]")  # LaTeX markup; arrows for the better direction
_HYPHEN = re.compile(r"(?<=\w)\s*[-\u2010-\u2015\u2212]\s*(?=\w)")  # "VAE-", like "VAE+", is not "VAE"
_SEPARATOR = re.compile(r"(?<!\d)[\s_.,/]+|[\s_.,/]++(?!\d)")  # "0.1" and "0.01" are two numbers


def one_line(text: str) -> str:
    """Replace every run of white space, including line breaks, by one space, and drop unprintable characters.

    A terminal would execute some of these characters, for example to set its title or colours.
    """
    words = ("".join(filter(str.isprintable, word)) for word in text.split())
    return " ".join(filter(None, words))


def first_line(error: BaseException) -> str:
    """Return the first non-empty line of an error's message, or the name of its type if all lines are empty."""
    lines = map(one_line, str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)


def error_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message."""
    kind, said = type(error).__name__, first_line(error)
    return kind if said == kind else f"{kind}: {said}"


def short_message(message: object) -> str:
    """Return an error or server message as one line of at most 300 characters, or the name of its type if empty."""
    return one_line(str(message))[:300] or type(message).__name__


def folded(name: str) -> str:
    """Normalise a name: drop case and separators and spell out Greek beta, so that 'β-VAE' equals 'Beta_VAE'."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("β", "beta")
    return _SEPARATOR.sub("", _HYPHEN.sub("_", _ORNAMENT.sub("", text)))


def number(value: float, decimals: int) -> str:
    """Format a number with fixed decimals; a result of zero has no sign."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def minutes(seconds: float) -> str:
    """Format a duration [s] for the user: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
