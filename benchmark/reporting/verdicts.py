"""Verdicts and claims for people: the claims' frame, and a Markdown summary that fits a pull request."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.reporting.text import escape_markdown
from benchmark.verdict.cells import Verdict
from benchmark.verdict.claims import Judgement

# Said by sign and word as well as by colour. The order is that of the summaries.
VERDICT_SIGNS = {
    Verdict.REPRODUCED: "✓",
    Verdict.CONTRADICTED: "✗",
    Verdict.UNDECIDED: "?",
    Verdict.NOT_COMPARABLE: "≠",
    Verdict.NOT_RUN: "–",
}


def claims_frame(ours: Sequence[Judgement], papers: Sequence[Judgement]) -> pd.DataFrame:
    """A row a claim, judged on our runs and on the paper's own numbers.

    Columns: `claim`, `says`, `ours` and `papers` (states), `why_ours` and `why_papers`, `powerless` (so few seeds could
    show nothing), `reduced`.
    """
    return pd.DataFrame(
        {
            "claim": mine.claim.name,
            "says": mine.claim.text,
            "ours": str(mine.state),
            "why_ours": mine.reason,
            "powerless": mine.powerless,
            "reduced": mine.reduced,
            "papers": str(printed.state),
            "why_papers": printed.reason,
        }
        for mine, printed in zip(ours, papers, strict=True)
    )


def verdicts_text(manifest: Mapping[str, Any], summary: pd.DataFrame, claims: pd.DataFrame) -> str:
    """The study's verdicts as Markdown: what was reduced, counts of `summarise`, and the claims."""
    lines = [f"### Study {manifest['study']}, weight set {manifest['weight_set']}, {manifest['seeds']} seeds", ""]
    if manifest["notes"]:
        lines += [f"Reduced against the paper: {escape_markdown('; '.join(manifest['notes']))}.", ""]
    header = ["numbers", *(f"{sign} {verdict}" for verdict, sign in VERDICT_SIGNS.items()), "total"]
    lines += [_row(header), _row(["---"] * len(header))]
    for row in summary.to_dict("records"):
        name = "all" if row["scope"] == "all" else f"Table {row['scope']}"
        lines.append(_row([f"{name}, {row['counting']}", *(row[verdict] for verdict in VERDICT_SIGNS), row["total"]]))
    header = ["claim", "on our runs", "on the paper's own numbers"]
    lines += ["", _row(header), _row(["---"] * len(header))]
    for claim in claims.itertuples():
        power = " (too few seeds to show anything)" if claim.powerless else ""
        lines.append(
            _row(
                [
                    f"{claim.claim} {claim.says}",
                    f"{claim.ours}{power}: {claim.why_ours}",
                    f"{claim.papers}: {claim.why_papers}",
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
