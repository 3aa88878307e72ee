"""`errata`: list the contradictions within the paper, or within any table file, found from its numbers."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.declared_options import argument, option
from benchmark.commands.option_types import path
from benchmark.commands.wording import shown
from benchmark.errata.listing import listing
from benchmark.errata.printed_cells import FindingKind, read_cells
from benchmark.errata.table_checks import errata
from benchmark.errors import UserError
from benchmark.files import write_text
from benchmark.paper.statements import read_statements
from benchmark.paper.tables import printed_numbers
from benchmark.text import one_line

_SAID_LAST = (FindingKind.HOLDS, FindingKind.UNCHECKED, FindingKind.BY_READING)


@dataclass(frozen=True, kw_only=True)
class ErrataOptions:
    """The options of `errata`."""

    file: Path | None = argument(
        nargs="?", type=path, help="another table: a CSV file with the columns of results/paper/tables.csv"
    )
    out: Path | None = option(type=path, help="also write the findings to this CSV file")


def list_errata(options: ErrataOptions, console: Console) -> int:
    """Print the errors, or that there are none, then what holds, and then what only a human reader can judge.

    Returns:
        The exit status, always 0.

    Raises:
        UserError: The table file is invalid, or --out is the table file or not writable.
    """
    if options.file and options.out and options.file.resolve() == options.out.resolve():
        raise UserError(f"--out {options.out}: is the table itself; name another file")
    cells = read_cells(options.file, console.print) if options.file else printed_numbers()
    findings = errata(cells, () if options.file else read_statements())
    listed = listing(findings)
    if all(finding.kind in _SAID_LAST for finding in listed):
        console.print(f"No contradiction found in {len(cells)} number{'s' if len(cells) > 1 else ''}.")
    for kind in sorted(FindingKind, key=lambda kind: kind in _SAID_LAST):
        found = [finding for finding in listed if finding.kind == kind]
        if found:
            console.print(f"{kind}: {len(found)}")
        for finding in found:
            said = f" [{'; '.join(finding.sources)}]" if finding.sources else ""
            console.print(f"  {one_line(finding.sentence)}{said}")
    if options.out:
        # Imported late, so that a listing that is only printed does not wait for pandas.
        from benchmark.errata.findings_frame import findings_frame
        from benchmark.results.csv_text import csv_text

        write_text(options.out, csv_text(findings_frame(findings)))
        console.print(f"Written: {shown(options.out)}")
    return 0
