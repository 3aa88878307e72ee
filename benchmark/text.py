"""Foreign text (names, reasons, notes) made safe for one line of a terminal or table, and durations in words."""

# What a formula begins with in a spreadsheet. OWASP's list has the tab and the carriage return, too: white space, which
# no text of `one_line` begins with.
FORMULA_STARTS = tuple("=+-@")


def one_line(text: str) -> str:
    """Replace every run of white space, line ends included, by one blank, and drop unprintable characters.

    A terminal would execute some of the latter, such as those that set its title or colours.
    """
    words = ("".join(filter(str.isprintable, word)) for word in text.split())
    return " ".join(filter(None, words))


def first_line(error: BaseException) -> str:
    """Return the first non-empty line of an error's message; the name of its type if all are empty."""
    lines = map(one_line, str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)


def short_message(message: object) -> str:
    """Return an error or a server's message as one line of at most 300 characters; the name of its type if empty."""
    return one_line(str(message))[:300] or type(message).__name__


def minutes(seconds: float) -> str:
    """Format a duration for the user: "40 s", "12 min", "3.5 h".

    Args:
        seconds: The duration.
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
