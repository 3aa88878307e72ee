"""`verdict` and `report`: what a study says of the paper, as text and CSV, and as one HTML page."""

import argparse
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markdown import Markdown

from benchmark.cards import render_card
from benchmark.commands.choices import shown
from benchmark.errata.checks import paper_errata
from benchmark.errata.printed import findings_frame
from benchmark.errors import UserError
from benchmark.execution.store import Store
from benchmark.figures.registry import FIGURES, make_figures
from benchmark.figures.source import CannotDraw, images_in, read_source
from benchmark.files import written_whole
from benchmark.methods import METHODS
from benchmark.reporting import build_tables
from benchmark.reporting.report import Picture, Report, render_report
from benchmark.reporting.verdicts import claims_frame, verdicts_text
from benchmark.verdict.cells import cell_verdicts, summarise
from benchmark.verdict.claims import contests_frame, judge_printed, judge_runs

# Made from records alone: a report needs neither checkpoints nor images.
_FIGURES_OF_RECORDS = ("clustering", "cost", "curves")


def verdict(options: argparse.Namespace, console: Console) -> int:
    """Judge every printed number and claim of the paper from a study; write it to OUT/verdicts, and print it."""
    manifest, records = _study(options.out, console)
    cells, ours, papers = cell_verdicts(manifest, records), judge_runs(manifest, records), judge_printed()
    claims = claims_frame(ours, papers)
    _write_frames(
        options.out / "verdicts",
        {"numbers": cells, "summary": summarise(cells), "claims": claims, "contests": contests_frame(ours)},
    )
    text = verdicts_text(manifest, summarise(cells), claims)
    console.print(Markdown(text) if console.is_terminal and options.format == "text" else text)
    console.print(f"Written: {shown(options.out)}/verdicts")
    return 0


def report(options: argparse.Namespace, console: Console) -> int:
    """Write OUT/report.html: verdicts, tables, claims, errata, figures, cards and provenance in one page."""
    manifest, records = _study(options.out, console)
    pictures, skipped = _pictures(options.out, console)
    page = render_report(
        Report(
            manifest=manifest,
            tables=build_tables(manifest, records),
            cells=cell_verdicts(manifest, records),
            claims=claims_frame(judge_runs(manifest, records), judge_printed()),
            errata=findings_frame(paper_errata()),
            failures=_failures(records),
            pictures=pictures,
            skipped=skipped,
            cards={METHODS[name].label: render_card(name) for name in _methods(manifest)},
            cost=_cost(records),
        )
    )
    path = options.out / "report.html"
    try:
        with written_whole(path) as part:
            part.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: could not be written ({error.strerror}); make room and run again") from None
    console.print(f"Written: {shown(path)}, {len(page.encode()) / 1e6:.1f} MB")
    return 0


def _study(folder: Path, console: Console) -> tuple[dict, dict]:
    """Manifest and records of a results folder. Raises UserError where there is none."""
    store = Store(folder, console.print, look_only=True)
    manifest = store.read_manifest()
    if manifest is None:
        raise UserError(f"{folder}: no manifest.json here; give a results folder that `run` has made")
    keys = list(dict.fromkeys(key for cell in manifest["cells"] for key in cell["keys"].values()))
    return manifest, store.read_records(keys)


def _write_frames(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    try:
        for name, frame in frames.items():
            with written_whole(folder / f"{name}.csv") as part:
                frame.to_csv(part, index=False, lineterminator="\n")
    except OSError as error:
        raise UserError(f"{folder}: could not be written ({error.strerror}); make room and run again") from None


def _pictures(out: Path, console: Console) -> tuple[list[Picture], list[tuple[str, str]]]:
    """The figures that lie in OUT/figures, and those made here from records; and why others are not there."""
    folder = out / "figures"
    source = read_source(out, None, images_in(Path(), offline=True), "cpu", console.print)
    skipped = []
    for page, result in make_figures(source, _FIGURES_OF_RECORDS, folder):
        if isinstance(result, CannotDraw):
            skipped.append((page, str(result)))
    made = sorted(folder.glob("*.png"), key=lambda path: (list(FIGURES).index(path.stem.split("_")[0]), path.stem))
    return [Picture(path.stem, path.read_bytes()) for path in made], skipped


def _methods(manifest: dict) -> list[str]:
    run = {cell["method"] for cell in manifest["cells"]}
    return [name for name in METHODS if name in run]


def _failures(records: dict) -> list[tuple[str, str, str]]:
    ended_badly = (record for record in records.values() if record["status"] != "ok")
    return [
        (
            "{dataset} {method} d={latent_dim} seed={seed}".format_map(record["identity"]),
            record["status"],
            record["reason"] or "",
        )
        for record in ended_badly
    ]


def _cost(records: dict) -> pd.DataFrame:
    """Per method and image size: trials, parameters, and the mean seconds of training, with the device."""
    rows = [
        {
            "method": METHODS[record["identity"]["method"]].label if record["identity"]["method"] in METHODS else "",
            "data set": record["identity"]["dataset"],
            "d": record["identity"]["latent_dim"],
            "parameters": record["parameters"],
            "seconds of training": record["timings"]["training_seconds"],
            "device": record["provenance"]["device"],
        }
        for record in records.values()
        if record["status"] == "ok"
    ]
    if not rows:
        return pd.DataFrame()
    by = ["data set", "d", "method", "parameters", "device"]
    grouped = pd.DataFrame(rows).groupby(by, sort=False)["seconds of training"]
    return grouped.agg(trials="count", seconds="mean").round(1).reset_index()
