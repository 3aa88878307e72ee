"""`errata`: the contradictions of the paper, or of any table file, found from its numbers."""

import argparse

from rich.console import Console

from benchmark.commands.option_types import path
from benchmark.commands.option_values import shown
from benchmark.errata.printed_cells import Kind, findings_frame, read_cells
from benchmark.errata.table_checks import errata, paper_errata
from benchmark.files import write_text
from benchmark.results.csv_text import csv_text
from benchmark.text import one_line

_SAID_LAST = (Kind.HOLDS, Kind.UNCHECKED, Kind.BY_READING)


def list_errata_options(parser: argparse.ArgumentParser) -> None:
    """The options of `errata`."""
    parser.add_argument(
        "file", nargs="?", type=path, help="another table: a CSV file with the columns of results/paper/tables.csv"
    )
    parser.add_argument("--out", type=path, help="also write the findings to this CSV file")


def list_errata(options: argparse.Namespace, console: Console) -> int:
    """Print what is wrong first, then what holds and what only a reader can judge; 0, whatever is found."""
    findings = errata(read_cells(options.file, console.print)) if options.file else paper_errata()
    for kind in sorted(Kind, key=lambda kind: kind in _SAID_LAST):
        found = [finding for finding in findings if finding.kind == kind]
        if found:
            console.print(f"{kind}: {len(found)}")
        for finding in found:
            said = f" [{finding.section}: “{finding.quotation}”]" if finding.quotation else ""
            console.print(f"  {one_line(finding.sentence)}{said}")
    if options.out:
        write_text(options.out, csv_text(findings_frame(findings)))
        console.print(f"Written: {shown(options.out)}")
    return 0
