"""`robust`: which claims flip between runs of a study under other loss weights, and with the protocol."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import read_results
from benchmark.audit.findings import findings
from benchmark.audit.robustness import robustness
from benchmark.audit.robustness_page import render_robustness
from benchmark.commands.option_types import path
from benchmark.commands.option_values import shown
from benchmark.errors import UserError
from benchmark.files import write_text
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown


def robust_options(parser: argparse.ArgumentParser) -> None:
    """The options of `robust`."""
    parser.add_argument(
        "runs", type=path, nargs="+", help="results folders of one study; others are held against the first"
    )
    parser.add_argument("--out", type=path, help="also write robust.md and robust.csv into this folder")


def robust(options: argparse.Namespace, console: Console) -> int:
    """Print the page; with --out also write it, and a CSV of the states. Raises UserError for fewer than two runs."""
    folders = {folder.resolve(): folder for folder in options.runs}.values()
    if len(folders) < 2:
        raise UserError("robust: name two results folders or more, the one to compare with first")
    stores = {folder: Store(folder, console.print, look_only=True) for folder in folders}
    studies = {folder: store.read_study() for folder, store in stores.items()}
    names = _names({folder: manifest for folder, (manifest, _) in studies.items()})
    audits = {
        names[folder]: findings(*study, read_results(stores[folder], [*study[1]])) for folder, study in studies.items()
    }
    found = robustness({names[folder]: study for folder, study in studies.items()})
    text = render_robustness(
        {names[folder]: manifest for folder, (manifest, _) in studies.items()},
        found,
        {name: audit for name, audit in audits.items() if audit is not None},
    )
    print_markdown(console, text, end="")
    if options.out:
        write_text(options.out / "robust.md", text)
        write_text(options.out / "robust.csv", csv_text(found.states))
        console.print(f"Written: {shown(options.out)}/robust.md, robust.csv")
    return 0


def _names(manifests: Mapping[Path, Mapping]) -> dict[Path, str]:
    """What tells the runs apart: their sets of weights or, where these do not, their folders."""
    sets = [manifest["weight_set"] for manifest in manifests.values()]
    if len(set(sets)) == len(sets):
        return dict(zip(manifests, sets, strict=True))
    return {folder: str(shown(folder)) for folder in manifests}
