"""`verdict` and `report`: what a study says of the paper, as text, CSV and LaTeX, and as one HTML page."""

import argparse
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import audit_frame, read_results
from benchmark.audit.open_protocols import with_open_protocols
from benchmark.commands.option_types import path
from benchmark.commands.option_values import shown
from benchmark.execution.stored_models import images_in
from benchmark.figures.all_figures import FIGURES, make_figures
from benchmark.figures.study_source import CannotDraw, read_source
from benchmark.files import write_text
from benchmark.report.html import Picture, render_report
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown
from benchmark.verdict.cell_verdicts import cell_verdicts, rank_agreements, summarise
from benchmark.verdict.claim_judging import contests_frame, judge_printed, judge_runs
from benchmark.verdict.verdict_latex import render_verdicts
from benchmark.verdict.verdict_page import claims_frame, verdicts_text

# Made from records alone: a report needs neither checkpoints nor images.
_FIGURES_OF_RECORDS = ("clustering", "cost", "curves")


def verdict_options(parser: argparse.ArgumentParser) -> None:
    """The options of `verdict`."""
    parser.add_argument("out", type=path, help="results folder")
    parser.add_argument("--format", choices=("text", "md"), default="text", help="md: Markdown as it is")


def verdict(options: argparse.Namespace, console: Console) -> int:
    """Judge every printed number and claim of the paper from a study; write it to OUT/verdicts, and print it."""
    store = Store(options.out, console.print, look_only=True)
    manifest, records = store.read_study()
    audited = audit_frame(records, read_results(store, list(records)))
    cells = with_open_protocols(cell_verdicts(manifest, records), audited)
    agreements = rank_agreements(manifest, records)
    ours = judge_runs(manifest, records)
    claims = claims_frame(ours, judge_printed())
    frames = {
        "numbers": cells,
        "summary": summarise(cells),
        "agreements": agreements,
        "claims": claims,
        "contests": contests_frame(ours),
    }
    texts = {f"{name}.csv": csv_text(frame) for name, frame in frames.items()}
    texts |= render_verdicts(manifest, cells, agreements, claims)
    for name, content in texts.items():
        write_text(options.out / "verdicts" / name, content)
    text = verdicts_text(manifest, cells, agreements, claims)
    print_markdown(console, text, as_is=options.format == "md")
    if options.format == "text":
        console.print(f"Written: {shown(options.out)}/verdicts")
    return 0


def report_options(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument("out", type=path, help="results folder; pictures that lie in its figures/ go in")


def report(options: argparse.Namespace, console: Console) -> int:
    """Write OUT/report.html: one page with all that the study says, and from what."""
    store = Store(options.out, console.print, look_only=True)
    manifest, records = store.read_study()
    pictures, skipped = _pictures(options.out)
    page = render_report(manifest, records, pictures, skipped, read_results(store, list(records)))
    path = options.out / "report.html"
    write_text(path, page)
    console.print(f"Written: {shown(path)}, {len(page.encode()) / 1e6:.1f} MB")
    return 0


def _pictures(out: Path) -> tuple[list[Picture], list[tuple[str, str]]]:
    """The figures that lie in OUT/figures, and those made here from records; and why others are not there."""
    folder = out / "figures"
    source = read_source(out, None, images_in(Path(), offline=True), "cpu", report=lambda line: None)  # said already
    made = make_figures(source, _FIGURES_OF_RECORDS, folder)
    skipped = [(page, str(result)) for page, result in made if isinstance(result, CannotDraw)]
    pages = {path.stem: path for path in folder.glob("*.png") if _kind(path.stem)}
    order = sorted(pages, key=lambda name: (list(FIGURES).index(_kind(name)), name))
    return [Picture(name, pages[name].read_bytes()) for name in order], skipped


def _kind(page: str) -> str | None:
    """The figure that a page's name begins with; None for a file that no figure has made."""
    return next((kind for kind in FIGURES if page == kind or page.startswith(f"{kind}_")), None)
