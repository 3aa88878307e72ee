"""One self-contained HTML page of a study: its verdicts first, then tables, claims, errata, figures and provenance.

It has no script and loads nothing: pictures are embedded, so that it opens offline and can be sent as one file.
"""

import base64
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from PIL import Image

from benchmark.audit.audit_files import AuditResult, audit_frame
from benchmark.audit.audit_page import AuditSection, audit_sections, audit_summary
from benchmark.audit.findings import findings
from benchmark.audit.open_protocols import with_open_protocols
from benchmark.audit.own_tables import with_own_tables
from benchmark.errata.findings_frame import findings_frame
from benchmark.errata.table_checks import paper_errata
from benchmark.methods.cards import render_card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.tables.captions import facts, legend, metric_heading
from benchmark.tables.health_table import HEALTH_MEANING, health_frame
from benchmark.tables.layout import ABSENT, Row, Table, TableCell, build_tables, number
from benchmark.tables.trial_outcomes import cost_frame, shortfalls_frame
from benchmark.verdict.cell_verdicts import cell_verdicts, rank_agreements
from benchmark.verdict.claim_judging import ClaimState, judge_printed, judge_runs
from benchmark.verdict.verdict_page import (
    AGREEMENT_MEANING,
    POWERLESS,
    VERDICT_SIGNS,
    claims_frame,
    counts,
    face,
    reasons_frame,
)

CLAIM_SIGNS = {ClaimState.SUPPORTED: "✓", ClaimState.CONTRADICTED: "✗", ClaimState.UNDECIDED: "?"}

FIGURE_MEANINGS = {
    "clustering": "Clustering scores over the latent dim (the paper's Fig. 3)",
    "curves": "Training curves, every term of the loss",
    "cost": "Seconds of training and parameters",
    "tsne": "The planes in which clustering is scored, coloured by label (the paper's Fig. 4)",
    "reconstructions": "Test images over their reconstructions (the paper's Fig. 5a)",
    "manifold": "What lies between four images (the paper's Fig. 5b)",
    "traversals": "One latent unit moved at a time (the paper's Fig. 6)",
}


@dataclass(frozen=True)
class Picture:
    """A figure as it is embedded in the page.

    Attributes:
        name: Of the figure's page, such as `curves_mnist_d8`.
        png: The content of its PNG file.
    """

    name: str
    png: bytes

    @property
    def caption(self) -> str:
        """What it shows in words, also as its alternative text."""
        kind, _, of = self.name.partition("_")
        return ": ".join(filter(None, (FIGURE_MEANINGS.get(kind, kind), of.replace("_", " "))))

    @property
    def source(self) -> str:
        """The picture as a data URL: WebP where that is smaller, as it is for photographs by far, else PNG."""
        webp = io.BytesIO()
        with Image.open(io.BytesIO(self.png)) as image:
            image.convert("RGB").save(webp, "WEBP", quality=80)
        kind, content = min((("webp", webp.getvalue()), ("png", self.png)), key=lambda form: len(form[1]))
        return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def render_report(
    study: StudyResults,
    pictures: Sequence[Picture] = (),
    skipped: Sequence[tuple[str, str]] = (),
    audited: Mapping[str, AuditResult] = MappingProxyType({}),
) -> str:
    """Write the page of a study; every word that comes from data is escaped.

    Args:
        study: The study.
        pictures: The figures, in the order of the page.
        skipped: (name, reason) of figures that could not be made.
        audited: The audit's results, by the trials' keys.

    Raises:
        UserError: A record belongs to another trial than its cell's.
    """
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cells = with_open_protocols(cell_verdicts(study), audit_frame(study.records, audited))
    claims = claims_frame(judge_runs(study), judge_printed())
    verdicts = {(row.table, row.dataset, row.metric, row.method, row.latent_dim): row for row in cells.itertuples()}
    return environment.get_template("report.html.j2").render(
        manifest=study.manifest,
        face=face(study.manifest, cells, claims),
        counts=counts(cells, rank_agreements(study)),
        agreement_meaning=AGREEMENT_MEANING,
        signs={str(verdict): sign for verdict, sign in VERDICT_SIGNS.items()},
        reasons=reasons_frame(study.manifest, cells),
        claims=claims,
        claim_signs={str(state): sign for state, sign in CLAIM_SIGNS.items()},
        powerless=POWERLESS,
        tables=[_table(table, verdicts) for table in build_tables(with_own_tables(study, audited))],
        errata=findings_frame(paper_errata()),
        audit=_audit(study, audited),
        pictures=pictures,
        skipped=skipped,
        health=health_frame(study),
        health_meaning=HEALTH_MEANING,
        cost=cost_frame(study),
        shortfalls=shortfalls_frame(study),
        cards=_cards(study.manifest),
        runs=_runs(study.manifest),
    )


@dataclass(frozen=True)
class _Audit:
    """The audit's findings as the page shows them."""

    face: list[str]
    sections: list[AuditSection]


def _audit(study: StudyResults, audited: Mapping[str, AuditResult]) -> _Audit | None:
    found = findings(study, audited)
    if found is None:
        return None
    return _Audit(audit_summary(study.manifest, found), audit_sections(study.manifest, found))


def _cards(manifest: Manifest) -> dict[str, str]:
    """Label -> card as HTML, of the suite's methods in the study; HTML and pictures in a card are not passed on."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    run = {cell.method for cell in manifest.cells}
    return {method.label: markdown.render(render_card(name)) for name, method in ALL_METHODS.items() if name in run}


def _runs(manifest: Manifest) -> pd.DataFrame:
    """A row per call of `run`; what a run did not record is empty."""
    columns = ["date", "command", "commit", "device", "trials", "seconds"]
    rows = [
        (
            run.date or "",
            run.command or "",
            (run.git_commit or run.version or "unknown")[:10] + (" (changed)" if run.git_dirty else ""),
            run.device or "",
            "" if run.trials is None else run.trials,
            "" if run.wall_seconds is None else run.wall_seconds,
        )
        for run in manifest.runs
    ]
    return pd.DataFrame(rows, columns=columns)


def _table(table: Table, verdicts: Mapping[tuple[Any, ...], Any]) -> dict[str, Any]:
    """A table as plain data for the template: blocks of rows, with the paper's columns as columns."""
    blocks = []
    for _, of_block in itertools.groupby(table.rows, key=table.group):
        rows = list(of_block)
        names = [f"d = {c}" if table.dims_across else table.manifest.method_label(str(c)) for c in table.columns]
        blocks.append(
            {
                "heading": _block_heading(table, rows[0]),
                "columns": names,
                "rows": [
                    {
                        "name": table.manifest.method_label(row.method) if row.method else metric_heading(row.metric),
                        "cells": [_cell(table, row, column, verdicts) for column in table.columns],
                    }
                    for row in rows
                ],
            }
        )
    return {
        "number": table.paper.number,
        "face": " ".join((*facts(table), *legend(table))),
        "blocks": blocks,
        "footnotes": [(letter, text) for text, letter in table.footnotes.items()],
    }


def _block_heading(table: Table, row: Row) -> str:
    what = metric_heading(row.metric) if table.dims_across else f"d = {row.latent_dim}"
    return f"{table.manifest.marked_label(row.dataset)}, {what}"


@dataclass(frozen=True)
class _Shown:
    """A cell as the template writes it."""

    ours: str
    why: str
    best: bool = False
    collapsed: bool = False
    paper: str = ""
    verdict: str = ""  # a CSS class
    sign: str = ""
    letters: str = ""


def _cell(table: Table, row: Row, column: int | str, verdicts: Mapping[tuple[Any, ...], Any]) -> _Shown:
    cell = table.cell(row, column)
    if cell is None:
        return _Shown(ABSENT, "not part of this study")
    decimals = METRICS[row.metric].decimals
    shown = _Shown(
        _ours(cell, decimals),
        "the paper prints no such number",
        best=cell.rank == 1,
        collapsed=bool(cell.collapsed),
        letters=table.letters(cell),
    )
    judged = verdicts.get((table.paper.number, *table.key(row, column)))
    if judged is None or cell.paper is None:
        return shown
    return replace(
        shown,
        why=f"{judged.verdict}: {judged.reason}",
        paper=f"({number(judged.paper, decimals)})",
        verdict=judged.verdict.replace(" ", "-"),
        sign=VERDICT_SIGNS[judged.verdict],
    )


def _ours(cell: TableCell, decimals: int) -> str:
    if cell.mean is None:
        return cell.without_value
    spread = f" ±{number(cell.std, decimals)}" if cell.std is not None else ""
    missing = f" [{len(cell.values)}/{cell.asked}]" if len(cell.values) < cell.asked else ""
    return number(cell.mean, decimals) + spread + missing
