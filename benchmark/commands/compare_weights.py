"""`verdict OUT OTHER ...`: which claims flip between runs of a study under other loss weights, and with protocols."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import read_results
from benchmark.audit.findings import findings
from benchmark.audit.robustness import robustness
from benchmark.audit.robustness_page import render_robustness
from benchmark.commands.wording import shown
from benchmark.errors import UserError
from benchmark.files import write_text
from benchmark.results.csv_text import csv_text
from benchmark.results.manifest import Manifest
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown


def judge_robustly(runs: Sequence[Path], out: Path | None, console: Console, as_is: bool = False) -> None:
    """Hold results folders of one study against the first of them.

    Args:
        runs: The folders.
        out: Where robust.md and robust.csv go; None: nowhere.
        console: Where the page is printed.
        as_is: Print it as Markdown.

    Raises:
        UserError: For fewer than two folders.
    """
    folders = {folder.resolve(): folder for folder in runs}.values()
    if len(folders) < 2:
        raise UserError("verdict: name another results folder than the first to hold against it")
    stores = {folder: Store(folder, console.print, look_only=True) for folder in folders}
    studies = {folder: store.read_study() for folder, store in stores.items()}
    names = _names({folder: study.manifest for folder, study in studies.items()})
    audits = {
        names[folder]: findings(study, read_results(stores[folder], [*study.records]))
        for folder, study in studies.items()
    }
    found = robustness({names[folder]: study for folder, study in studies.items()})
    text = render_robustness(
        {names[folder]: study.manifest for folder, study in studies.items()},
        found,
        {name: audit for name, audit in audits.items() if audit is not None},
    )
    print_markdown(console, text, end="", as_is=as_is)
    if out:
        write_text(out / "robust.md", text)
        write_text(out / "robust.csv", csv_text(found.states))
        console.print(f"Written: {shown(out)}/robust.md, robust.csv")


def _names(manifests: Mapping[Path, Manifest]) -> dict[Path, str]:
    """What tells the runs apart: their sets of weights or, where these do not, their folders."""
    sets = [manifest.weight_set for manifest in manifests.values()]
    if len(set(sets)) == len(sets):
        return dict(zip(manifests, sets, strict=True))
    return {folder: str(shown(folder)) for folder in manifests}
