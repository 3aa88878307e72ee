"""Text that others wrote (names, reasons, notes) made fit for one line of a terminal or table."""


def one_line(text: str) -> str:
    """The text with every run of white space, line ends included, as one blank, and without what cannot be printed.

    A terminal would take some of the unprintable for commands, such as those that set its title or colours.
    """
    words = ("".join(filter(str.isprintable, word)) for word in text.split())
    return " ".join(filter(None, words))


def first_line(error: BaseException) -> str:
    """The first line of what an error says that says anything; its type where none does."""
    lines = map(one_line, str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)


def told(said: object) -> str:
    """What an error or a server says, as one line of at most 300 characters; its type where that is empty."""
    return one_line(str(said))[:300] or type(said).__name__
