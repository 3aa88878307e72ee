"""One self-contained HTML page of a study: its verdicts on top, the tables, claims, errata, figures and provenance.

It holds no script and loads nothing: pictures are inside, so it opens offline and can be sent as one file.
"""

import base64
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt

from benchmark.paper import METRICS
from benchmark.reporting.captions import facts, legend, metric_heading
from benchmark.reporting.tables import Row, Table, TableCell, number
from benchmark.reporting.verdicts import VERDICT_SIGNS

CLAIM_SIGNS = {"supported": "✓", "contradicted": "✗", "undecided": "?"}


@dataclass(frozen=True)
class Picture:
    """A figure as it stands in the page: PNG bytes, and its name as the text for who cannot see it."""

    name: str
    png: bytes

    @property
    def source(self) -> str:
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Report:
    """What the page shows.

    `cells`, `claims` and `errata`: frames of benchmark.verdict. `failures`: (trial, status, reason). `skipped`: figures
    that could not be made, with the reason. `cards`: a method's label -> its card in Markdown.
    """

    manifest: Mapping[str, Any]
    tables: Sequence[Table]
    cells: pd.DataFrame
    claims: pd.DataFrame
    errata: pd.DataFrame
    failures: Sequence[tuple[str, str, str]] = ()
    pictures: Sequence[Picture] = ()
    skipped: Sequence[tuple[str, str]] = ()
    cards: Mapping[str, str] = field(default_factory=dict)
    cost: pd.DataFrame = field(default_factory=pd.DataFrame)


def render_report(report: Report) -> str:
    """The page as text; every word that comes from data is escaped."""
    environment = Environment(
        loader=PackageLoader("benchmark.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    verdicts = {
        (row.table, row.dataset, row.metric, row.method, row.latent_dim): row for row in report.cells.itertuples()
    }
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return environment.get_template("report.html.j2").render(
        report=report,
        counts=_counts(report.cells),
        signs={str(verdict): sign for verdict, sign in VERDICT_SIGNS.items()},
        claim_signs=CLAIM_SIGNS,
        tables=[_table(table, verdicts) for table in report.tables],
        cards={label: markdown.render(card) for label, card in report.cards.items()},
    )


def _counts(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a table, and one of all: how many of its printed numbers have which verdict."""
    rows = []
    for name, part in (*((f"Table {n}", part) for n, part in cells.groupby("table")), ("All", cells)):
        found = part["verdict"].value_counts()
        rows.append({"name": name, "numbers": len(part), **{str(v): int(found.get(v, 0)) for v in VERDICT_SIGNS}})
    return rows


def _table(table: Table, verdicts: Mapping[tuple, Any]) -> dict[str, Any]:
    """A table as plain data for the template: blocks of rows, the paper's columns across."""
    blocks = []
    for _, rows in itertools.groupby(table.rows, key=table.group):
        rows = list(rows)
        names = [f"d = {c}" if table.dims_across else table.method_heading(c) for c in table.columns]
        blocks.append(
            {
                "heading": _block_heading(table, rows[0]),
                "columns": names,
                "rows": [
                    {
                        "name": table.method_heading(row.method) if table.dims_across else metric_heading(row.metric),
                        "cells": [_cell(table, row, column, verdicts) for column in table.columns],
                    }
                    for row in rows
                ],
            }
        )
    footnotes = [(letter, text) for text, letter in table.footnotes.items()]
    return {
        "number": table.paper.number,
        "face": " ".join((*facts(table), *legend(table))),
        "blocks": blocks,
        "footnotes": footnotes,
    }


def _block_heading(table: Table, row: Row) -> str:
    what = metric_heading(row.metric) if table.dims_across else f"d = {row.latent_dim}"
    return f"{table.dataset_heading(row.dataset)}, {what}"


def _cell(table: Table, row: Row, column: int | str, verdicts: Mapping[tuple, Any]) -> dict[str, Any]:
    cell = table.cell(row, column)
    if cell is None:
        return {"ours": "", "paper": "", "verdict": "", "sign": "", "why": "not part of this study", "letters": ""}
    verdict = verdicts.get((table.paper.number, *table.key(row, column)))
    name = verdict.verdict if verdict else ""
    decimals = METRICS[row.metric].decimals
    return {
        "ours": _ours(cell, decimals),
        "best": cell.rank == 1,
        "collapsed": bool(cell.collapsed),
        "paper": "" if cell.paper is None else number(cell.paper, decimals),
        "verdict": name.replace(" ", "-"),
        "sign": VERDICT_SIGNS.get(name, ""),
        "why": f"{name}: {verdict.reason}" if verdict else "the paper prints no such number",
        "letters": table.letters(cell),
    }


def _ours(cell: TableCell, decimals: int) -> str:
    if not cell.values:
        return str(cell.state)
    spread = f" ±{number(cell.std, decimals)}" if cell.std is not None else ""
    missing = f" [{len(cell.values)}/{cell.asked}]" if len(cell.values) < cell.asked else ""
    return number(cell.mean, decimals) + spread + missing
