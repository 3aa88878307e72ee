"""One self-contained HTML page of a study: the answer first, then verdicts, tables, figures, cost and provenance.

It is self-contained: pictures, styles and a short script for sorting and filtering are embedded, so that it opens
offline and can be sent as one file. Without the script it shows the same content.
"""

import base64
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from PIL import Image

from benchmark.audit.audit_files import AuditResult
from benchmark.audit.audit_page import AuditSection, audit_sections, audit_summary
from benchmark.audit.findings import findings
from benchmark.audit.own_tables import with_own_tables
from benchmark.errata.listing import listing
from benchmark.errata.table_checks import paper_errata
from benchmark.installation import LAUNCHER
from benchmark.methods.cards import render_card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.paper.claims import CLAIMS
from benchmark.report.answer_plot import answer_plot
from benchmark.report.cost import PairedTimes, cost_frame, cost_sentences
from benchmark.report.page_tables import Anchors, page_table
from benchmark.report.picture_texts import PictureText, picture_text
from benchmark.report.study_verdicts import StudyVerdicts, verdicts_of
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.tables.captions import NEAR_BEST, NEAR_BEST_LEGEND, reduced, study_facts
from benchmark.tables.health_table import HEALTH_MEANING, health_frame
from benchmark.tables.layout import ABSENT, build_tables
from benchmark.tables.trial_outcomes import shortfalls_frame
from benchmark.verdict.claim_judging import ClaimState
from benchmark.verdict.verdict_page import (
    AGREEMENT_MEANING,
    VERDICT_SIGNS,
    answer,
    can_judge,
    caveats,
    counts,
    reasons_frame,
)

CLAIM_SIGNS = {ClaimState.SUPPORTED: "✓", ClaimState.REFUTED: "✗", ClaimState.OPEN: "?"}


@dataclass(frozen=True)
class Picture:
    """A figure embedded in the page.

    Attributes:
        name: Name of the figure's page, such as `curves_mnist_d8`.
        png: The content of its PNG file.
    """

    name: str
    png: bytes

    @cached_property
    def source(self) -> str:
        """The picture as a data URL: WebP if that is smaller, as for photographs, else PNG."""
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
    times: PairedTimes | None = None,
    verdicts: StudyVerdicts | None = None,
) -> str:
    """Render the page of a study; all text that comes from data is escaped.

    Args:
        study: The study.
        pictures: The figures, in the order of the page.
        skipped: (name, reason) of figures that could not be made.
        audited: The audit's results by trial key.
        times: The measured cost of a training step, the result of `paired_times`.
        verdicts: The result of `verdicts_of`; None: computed here.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    manifest = study.manifest
    judged = verdicts or verdicts_of(study, audited)
    cells, claims = judged.cells, judged.claims
    by_number = {
        (row.table, row.dataset, row.metric, row.method, row.latent_dim): row
        for row in cells.itertuples()
        if "procedural" not in manifest.marks.get(str(row.dataset), ())
    }
    tables = build_tables(with_own_tables(study, audited))
    return environment.get_template("report.html.j2").render(
        manifest=manifest,
        study=study_facts(manifest),
        images=[manifest.marked_label(name) for name in dict.fromkeys(cell.dataset for cell in manifest.cells)],
        answer=answer(manifest, cells, claims),
        plot=answer_plot(tables),
        judged=can_judge(manifest),
        anchor=Anchors(),
        launcher=LAUNCHER,
        caveats=caveats(manifest, cells, claims),
        counts=counts(cells, judged.agreements),
        agreement_meaning=AGREEMENT_MEANING,
        signs={str(verdict): sign for verdict, sign in VERDICT_SIGNS.items()},
        reasons=reasons_frame(manifest, cells),
        claims=claims,
        claim_signs={str(state): sign for state, sign in CLAIM_SIGNS.items()},
        comparisons={claim.name: len(claim.contests) for claim in CLAIMS},
        tables=[page_table(table, by_number) for table in tables],
        near_best=NEAR_BEST,
        near_best_legend=NEAR_BEST_LEGEND,
        errata=_errata(),
        audit=_audit(study, audited),
        pictures=_by_kind([(picture_text(study, one.name), one) for one in pictures]),
        skipped=skipped,
        health=_with_values(health_frame(study)),
        health_meaning=HEALTH_MEANING,
        cost=_with_values(cost_frame(study, times)),
        cost_sentences=cost_sentences(study, times),
        shortfalls=shortfalls_frame(study),
        cards=_cards(manifest),
        runs=_runs(manifest),
    )


def _by_kind(pictures: Sequence[tuple[PictureText, Picture]]) -> list[tuple[str, list[tuple[PictureText, Picture]]]]:
    return [(kind, list(of_kind)) for kind, of_kind in itertools.groupby(pictures, key=lambda one: one[0].kind)]


def _with_values(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without columns that have no values."""
    return frame.loc[:, (frame != ABSENT).any()] if len(frame) else frame


@dataclass(frozen=True)
class _Audit:
    """The audit's findings as the page shows them; the study's reductions are at the top of the page."""

    said: list[str]
    sections: list[AuditSection]


def _audit(study: StudyResults, audited: Mapping[str, AuditResult]) -> _Audit | None:
    found = findings(study, audited)
    if found is None:
        return None
    said = [one for one in audit_summary(study.manifest, found) if one not in reduced(study.manifest)]
    return _Audit(said, audit_sections(study.manifest, found))


def _errata() -> pd.DataFrame:
    """One row per contradiction within the paper: kind, finding, and the paper's words."""
    rows = [(str(one.kind), one.sentence, "; ".join(one.sources)) for one in listing(paper_errata())]
    return pd.DataFrame(rows, columns=["kind", "found", "where it says so"])


def _cards(manifest: Manifest) -> dict[str, str]:
    """Label -> card as HTML, for the suite's methods in the study; HTML and pictures in a card are removed."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    run = {cell.method for cell in manifest.cells}
    return {method.label: markdown.render(render_card(name)) for name, method in ALL_METHODS.items() if name in run}


def _runs(manifest: Manifest) -> pd.DataFrame:
    """One row per call of `run`; values that a run did not record are empty."""
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
