"""`verdict OUT OTHER ...`: list the claims that flip between runs with other loss weights, and with the protocol."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import read_results
from benchmark.audit.findings import findings
from benchmark.audit.robustness import robustness
from benchmark.audit.robustness_page import render_robustness
from benchmark.commands.folders import check_out
from benchmark.commands.wording import print_written, shown
from benchmark.errors import UserError
from benchmark.files import write_texts
from benchmark.results.csv_text import csv_text
from benchmark.results.manifest import Manifest
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown


def compare_weight_sets(runs: Sequence[Path], out: Path | None, console: Console, as_is: bool = False) -> None:
    """Judge every claim on several runs of one study, and print where the states differ from the first run's.

    Args:
        runs: The results folders.
        out: The folder for robust.md and robust.csv; None writes no files.
        console: The console to print on.
        as_is: Whether to print Markdown source.

    Raises:
        UserError: There are fewer than two folders, one of them has no study, `out` cannot be written, or `robustness`
            raises it.
    """
    folders = {folder.resolve(): folder for folder in runs}.values()
    if len(folders) < 2:
        raise UserError("verdict: name a second, different results folder to compare with the first")
    if out:
        check_out("--out", out)
    stores = {folder: Store(folder, console.print, look_only=True) for folder in folders}
    studies = {folder: store.read_study() for folder, store in stores.items()}
    names = _names({folder: study.manifest for folder, study in studies.items()})
    found = robustness({names[folder]: study for folder, study in studies.items()})  # first, because it may refuse them
    audits = {
        names[folder]: findings(study, read_results(stores[folder], [*study.records]))
        for folder, study in studies.items()
    }
    text = render_robustness(
        {names[folder]: study.manifest for folder, study in studies.items()},
        found,
        {name: audit for name, audit in audits.items() if audit is not None},
    )
    print_markdown(console, text, end="", as_is=as_is)
    if out:
        print_written(write_texts(out, {"robust.md": text, "robust.csv": csv_text(found.states)}), console)


def _names(manifests: Mapping[Path, Manifest]) -> dict[Path, str]:
    """Return names for the runs: their weight sets if these all differ, otherwise their folders."""
    sets = [manifest.weight_set for manifest in manifests.values()]
    if len(set(sets)) == len(sets):
        return dict(zip(manifests, sets, strict=True))
    return {folder: str(shown(folder)) for folder in manifests}
