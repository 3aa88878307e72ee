"""`verdict` and `report`: the judgement of the paper by a study, as text, CSV and LaTeX, and as one HTML page."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import audit_frame, read_results
from benchmark.audit.open_protocols import with_open_protocols
from benchmark.commands.compare_weights import compare_weight_sets
from benchmark.commands.declared_options import argument, option
from benchmark.commands.option_types import path
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.wording import shown
from benchmark.errors import UserError
from benchmark.execution.stored_models import images_in
from benchmark.figures.all_figures import FIGURES, make_figures
from benchmark.figures.study_source import CannotDraw, StudySource
from benchmark.files import write_text
from benchmark.report.html import Picture, render_report
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.tables.terminal import print_markdown
from benchmark.verdict.cell_verdicts import cell_verdicts, rank_agreements, summarise
from benchmark.verdict.claim_judging import contests_frame, judge_printed, judge_runs
from benchmark.verdict.verdict_latex import render_verdicts
from benchmark.verdict.verdict_page import claims_frame, verdicts_text

# Those that are made from records alone, so that a report needs neither checkpoints nor images.
_FIGURES_OF_RECORDS = ("clustering", "cost", "curves")


@dataclass(frozen=True, kw_only=True)
class VerdictOptions:
    """The options of `verdict`."""

    study: Path = argument(type=path, metavar="OUT", help="results folder")
    others: tuple[Path, ...] = argument(
        type=path,
        nargs="*",
        metavar="OTHER",
        help="the same study under other loss weights: say instead which claims flip from OUT to these",
    )
    out: Path | None = option(
        type=path, metavar="FOLDER", help="with OTHER: also write robust.md and robust.csv into this folder"
    )
    format: str = option(choices=("text", "md"), default="text", help="md: Markdown as it is")


def verdict(options: VerdictOptions, console: Console) -> int:
    """Judge every printed number and claim of the paper by a study, write the verdicts to OUT/verdicts and print them.

    With other results folders of the study, print instead which claims flip between them.

    Returns:
        The exit status, 0.

    Raises:
        UserError: --out is given without other folders, the folder has no study or cannot be written, or as
            `compare_weight_sets`.
    """
    if options.others:
        compare_weight_sets((options.study, *options.others), options.out, console, as_is=options.format == "md")
        return 0
    if options.out:
        raise UserError("--out: goes with OTHER; the verdicts of one folder are written to OUT/verdicts")
    store = Store(options.study, console.print, look_only=True)
    study = store.read_study()
    audited = audit_frame(study.records, read_results(store, list(study.records)))
    cells = with_open_protocols(cell_verdicts(study), audited)
    agreements = rank_agreements(study)
    ours = judge_runs(study)
    claims = claims_frame(ours, judge_printed())
    frames = {
        "numbers": cells,
        "summary": summarise(cells),
        "agreements": agreements,
        "claims": claims,
        "contests": contests_frame(ours),
    }
    texts = {f"{name}.csv": csv_text(frame) for name, frame in frames.items()}
    texts |= render_verdicts(study.manifest, cells, agreements, claims)
    for name, content in texts.items():
        write_text(options.study / "verdicts" / name, content)
    text = verdicts_text(study.manifest, cells, agreements, claims)
    print_markdown(console, text, as_is=options.format == "md")
    if options.format == "text":
        console.print(f"Written: {shown(options.study)}/verdicts")
    return 0


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OwnMethods):
    """The options of `report`."""

    out: Path = argument(type=path, help="results folder; pictures that lie in its figures/ go in")


def report(options: ReportOptions, console: Console) -> int:
    """Write OUT/report.html, one page with all results of a study and their provenance.

    Returns:
        The exit status, 0.

    Raises:
        UserError: The folder has no study, or cannot be written.
    """
    store = Store(options.out, console.print, look_only=True)
    study = store.read_study()
    pictures, skipped = _pictures(store, study)
    page = render_report(study, pictures, skipped, read_results(store, list(study.records)))
    path = options.out / "report.html"
    write_text(path, page)
    console.print(f"Written: {shown(path)}, {len(page.encode()) / 1e6:.1f} MB")
    return 0


def _pictures(store: Store, study: StudyResults) -> tuple[list[Picture], list[tuple[str, str]]]:
    """The figures in OUT/figures, among them those made here from records; and which of these are not made, and why."""
    folder = store.folder / "figures"
    source = StudySource(study, store.checkpoint_path, images_in(Path(), offline=True))
    made = make_figures(source, _FIGURES_OF_RECORDS, folder)
    skipped = [(page, str(result)) for page, result in made if isinstance(result, CannotDraw)]
    rank = {kind: number for number, kind in enumerate(FIGURES)}
    pages = {path.stem: (rank[kind], path.stem) for path in folder.glob("*.png") if (kind := _kind(path.stem))}
    names = sorted(pages, key=pages.__getitem__)
    return [Picture(name, (folder / f"{name}.png").read_bytes()) for name in names], skipped


def _kind(page: str) -> str | None:
    """The figure whose name a page's begins with; None for a file that is no figure's."""
    return next((kind for kind in FIGURES if page == kind or page.startswith(f"{kind}_")), None)
