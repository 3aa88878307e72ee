"""Wording of commands and paths in messages and provenance, without this machine's folders."""

import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmark.installation import PROGRAM


def command_line() -> str:
    """Return this process's command as a user would type it, with absolute paths reduced to their last component.

    A byte that is not UTF-8 becomes "?", because no JSON file with it could be read again.
    """
    arguments = [re.sub(r"(^|=)[/~].*/(?=[^/])", r"\1", argument) for argument in sys.argv[1:]]
    return shlex.join([*PROGRAM, *arguments]).encode(errors="replace").decode()


def shown(path: Path) -> Path:
    """Return a path relative to the current folder if it is inside it; otherwise, or if that is gone, unchanged."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except (ValueError, FileNotFoundError):
        return path


def quoted(path: Path) -> str:
    """Return a path, as `shown`, in the form in which a shell passes it to a command as one argument.

    A path that begins with a dash gets ./ before it, and one with a character that is not printable, such as a newline,
    is written $'...'.
    """
    text = str(shown(path))
    if text.startswith("-"):
        text = f"./{text}"
    if text.isprintable():
        return shlex.quote(text)
    written = (c if c.isprintable() and c not in "'\\" else _escaped(c) for c in text)
    return f"$'{''.join(written)}'"


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def print_written(files: Sequence[Path], console: Console) -> None:
    """Print which files have been written into a folder."""
    console.print(f"Written: {shown(files[0].parent)}/{', '.join(file.name for file in files)}")
