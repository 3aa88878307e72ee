"""`compare`: show whether two results are the same, different, or neither is shown."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.declared_options import argument, flag, option
from benchmark.commands.option_types import path
from benchmark.commands.options import PageFormat
from benchmark.commands.wording import shown
from benchmark.comparison.compare import State
from benchmark.comparison.compare import compare as compare_sides
from benchmark.comparison.comparison_page import comparison_frame, render_comparison
from benchmark.comparison.sides import read_side
from benchmark.comparison.tolerances import RESULT_TOLERANCES
from benchmark.errors import UserError
from benchmark.fields import is_number
from benchmark.files import write_text
from benchmark.names import asked_name, resolved
from benchmark.results.csv_text import csv_text
from benchmark.statistics import Tolerance
from benchmark.table_specs import TABLES
from benchmark.tables.terminal import print_markdown

STATUS = {State.SAME: 0, State.DIFFERENT: 1, State.NOT_SHOWN: 4}
_TOLERANCE = re.compile(r"(?P<metric>[^=]+)=(?P<amount>\d+\.?\d*|\.\d+)(?P<percent>%?)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class CompareOptions(PageFormat):
    """The options of `compare`."""

    a: Path = argument(type=path, metavar="A", help="results folder, or a long CSV")
    b: Path = argument(type=path, metavar="B", help="results folder, or a long CSV; differences are B - A")
    table: int | None = option(type=int, choices=[*TABLES], help="compare only the cells of this table")
    tolerance: tuple[str, ...] | None = option(
        action="append",
        metavar="METRIC=X",
        help="tolerance of a metric, such as 0.02, or 5%% of A's mean; may be repeated",
    )
    all: bool = flag(help="list every cell, not only those that differ")
    out: Path | None = option(type=path, help="also write every cell to this CSV file")


def compare(options: CompareOptions, console: Console) -> int:
    """Compare two results cell by cell; print the differences, and write all cells if requested.

    Returns:
        The exit status: 0 if the two are shown to be the same within the tolerances, 1 if something differs, 4 if
        neither is shown.

    Raises:
        UserError: A side cannot be read, the two have no score in common, a tolerance is invalid or for a metric that
            neither has, or --out is not writable.
    """
    asked = asked_tolerances(options.tolerance or ())
    _check_out(options)
    a, b = (read_side(path, options.table, console.print) for path in (options.a, options.b))
    if options.a.samefile(options.b):
        same = f"A and B are the same {'folder' if options.a.is_dir() else 'file'}"
        b = dataclasses.replace(b, remarks=(*b.remarks, same))
    metrics = {cell.metric for side in (a, b) for cell in side.scores}
    for metric in asked.keys() - metrics:
        asked_name("metric", metric, sorted(metrics), f"--tolerance {metric}: on neither side;")
    comparison = compare_sides(a, b, RESULT_TOLERANCES | asked)
    text = render_comparison(comparison, options.all)
    print_markdown(console, text, end="", as_is=options.format == "md")
    if options.out:
        write_text(options.out, csv_text(comparison_frame(comparison)))
        if options.format != "md":
            console.print(f"Every cell: {shown(options.out)}")
    return STATUS[comparison.state]


def asked_tolerances(arguments: Iterable[str]) -> dict[str, Tolerance]:
    """Parse the tolerances given by the user.

    Args:
        arguments: Texts "METRIC=0.02" (absolute) or "METRIC=5%" (of A's mean), at least 0.

    Returns:
        Metric -> tolerance.

    Raises:
        UserError: An argument has neither form, or is too large.
    """
    asked = {}
    for asked_for in arguments:
        found = _TOLERANCE.fullmatch(asked_for)
        if not found:
            raise UserError(f"--tolerance {asked_for}: write METRIC=0.02, or METRIC=5% of A's mean")
        amount = float(found["amount"])
        if not is_number(amount):
            raise UserError(f"--tolerance {asked_for[:40]}...: is too large; give a smaller one")
        tolerance = Tolerance(amount / 100, relative=True) if found["percent"] else Tolerance(amount)
        asked[resolved("metric", found["metric"])] = tolerance
    return asked


def _check_out(options: CompareOptions) -> None:
    if not options.out:
        return
    if options.out.is_dir():
        raise UserError(f"--out {options.out}: is a folder; name a CSV file")
    out = options.out.resolve()
    if any(side.resolve() in (out, *out.parents) for side in (options.a, options.b)):
        raise UserError(f"--out {options.out}: is one of the two sides or inside it; name another file")
