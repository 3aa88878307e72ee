"""How a command and a path are said, without this machine's folders."""

import re
import shlex
import sys
from pathlib import Path

from benchmark.installation import PROGRAM


def command_line() -> str:
    """The command as a user would type it."""
    arguments = [re.sub(r"(^|=)[/~].*/(?=[^/])", r"\1", argument) for argument in sys.argv[1:]]
    return shlex.join([*PROGRAM, *arguments])


def shown(path: Path) -> Path:
    """A path as short as it can be said from here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
