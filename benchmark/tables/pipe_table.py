"""Pipe tables and escaped text in Markdown."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from benchmark.text import one_line


def escape_markdown(text: str) -> str:
    """Put text on one line of Markdown that shows it unchanged; an underscore inside a word needs no escape."""
    text = re.sub(r"([\\`*|<>])", r"\\\1", one_line(text))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def padded_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown pipe table whose columns are also aligned as plain text.

    Args:
        head: The headings.
        rows: The cells of each row, one per heading.
    """
    grid = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = ["| " + " | ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)) + " |" for line in grid]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def wide_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write values as a Markdown pipe table without padding, for columns that contain sentences.

    Args:
        names: The headings.
        rows: The values of each row, one per heading.
    """
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(escape_markdown(str(value)) for value in line) + " |" for line in lines)
