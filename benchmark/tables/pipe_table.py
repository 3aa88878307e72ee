"""Markdown of plain values."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from benchmark.text import one_line


def escape_markdown(text: str) -> str:
    """The text on one line as Markdown that shows it unchanged; an underscore inside a word needs nothing."""
    text = re.sub(r"([\\`*|<>])", r"\\\1", one_line(text))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def wide_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A pipe table of plain values that is not padded, for columns that hold sentences."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(escape_markdown(str(value)) for value in line) + " |" for line in lines)
