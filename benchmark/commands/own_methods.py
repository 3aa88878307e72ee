"""The option `--method-file`, which several commands share."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.commands.declared_options import option
from benchmark.commands.option_types import path


@dataclass(frozen=True, kw_only=True)
class OwnMethods:
    """Methods of the user's own, which `benchmark.cli` registers before it runs the command."""

    method_file: tuple[Path, ...] = option(
        type=path,
        action="append",
        default=(),
        metavar="FILE",
        help="Python file with methods of your own, see docs/extending.md; may be repeated",
    )
