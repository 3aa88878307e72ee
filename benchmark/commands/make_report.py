"""`verdict` and `report`: judge the paper by a study, as text, CSV and LaTeX, or as one HTML page."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import read_results
from benchmark.commands.closing_lines import decided
from benchmark.commands.compare_weights import compare_weight_sets
from benchmark.commands.declared_options import argument, option
from benchmark.commands.judged_study import REPORT, pages_of_records, write_report, write_verdicts
from benchmark.commands.option_types import path
from benchmark.commands.options import PageFormat
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.wording import shown
from benchmark.errors import UserError
from benchmark.report.study_verdicts import verdicts_of
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown
from benchmark.verdict.verdict_page import verdicts_text


@dataclass(frozen=True, kw_only=True)
class VerdictOptions(PageFormat):
    """The options of `verdict`."""

    study: Path = argument(type=path, metavar="OUT", help="results folder")
    others: tuple[Path, ...] = argument(
        type=path,
        nargs="*",
        metavar="OTHER",
        help="folders of the same study under other weight sets: list the claims whose state differs from that in OUT",
    )
    out: Path | None = option(
        type=path, metavar="FOLDER", help="with OTHER: also write robust.md and robust.csv into this folder"
    )


def verdict(options: VerdictOptions, console: Console) -> int:
    """Judge every printed number and claim of the paper by a study, write the verdicts to OUT/verdicts and print them.

    With further results folders of the study, print instead which claims flip between them.

    Returns:
        The exit status, 0.

    Raises:
        UserError: --out is given without further folders, the folder has no study or is not writable, or
            `compare_weight_sets` raises it.
    """
    if options.others:
        compare_weight_sets((options.study, *options.others), options.out, console, as_is=options.format == "md")
        return 0
    if options.out:
        raise UserError("--out: requires OTHER; the verdicts of one folder are written to OUT/verdicts")
    store = Store(options.study, console.print, look_only=True)
    study = store.read_study()
    found = verdicts_of(study, read_results(store, list(study.records)))
    write_verdicts(options.study / "verdicts", study.manifest, found)
    text = verdicts_text(study.manifest, found.cells, found.agreements, found.claims)
    print_markdown(console, text, as_is=options.format == "md")
    if options.format == "text":
        for line in (*decided(study.manifest, found), f"Written: {shown(options.study)}/verdicts"):
            console.print(line)
    return 0


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OwnMethods):
    """The options of `report`."""

    out: Path = argument(type=path, help="results folder; the report includes the pictures in its figures/")


def report(options: ReportOptions, console: Console) -> int:
    """Write OUT/report.html, one page with all results of a study and their provenance.

    Returns:
        The exit status, 0.

    Raises:
        UserError: The folder has no study or is not writable.
    """
    store = Store(options.out, console.print, look_only=True)
    study = store.read_study()
    pages = pages_of_records(store, study)
    for page, why in pages.items():
        if why:
            console.print(f"Not in the report: {page}: {why}")
    size = write_report(store.folder, study, read_results(store, list(study.records)), pages)
    console.print(f"Written: {shown(options.out)}/{REPORT}, {size / 1e6:.1f} MB")
    return 0
