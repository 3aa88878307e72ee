"""Commands and paths as messages and provenance name them, without the folders of this machine."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmark.installation import PROGRAM


def command_line() -> str:
    """Return this process' command as a user would type it, with absolute paths cut to their last part."""
    arguments = [re.sub(r"(^|=)[/~].*/(?=[^/])", r"\1", argument) for argument in sys.argv[1:]]
    return shlex.join([*PROGRAM, *arguments])


def shown(path: Path) -> Path:
    """Return a path relative to the current folder where it lies in it, else as it is."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def print_written(files: Sequence[Path], console: Console) -> None:
    """Print which files of one folder have been written."""
    console.print(f"Written: {shown(files[0].parent)}/{', '.join(file.name for file in files)}")
