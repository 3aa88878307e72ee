"""Caveats and texts that present verdicts and claims, and a summary in Markdown for a pull request."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.admission.committed_admission import precision_notes
from benchmark.paper.tables import DATASET_LABELS, PRINTED_METRICS, PRINTED_TABLES, SEEDS_OF_THE_PAPER
from benchmark.results.manifest import Manifest
from benchmark.table_specs import TABLES
from benchmark.tables.captions import MARK_MEANINGS, reduced, seed_count
from benchmark.tables.pipe_table import escape_markdown, wide_table
from benchmark.text import number
from benchmark.training.training_settings import precision_note
from benchmark.verdict.cell_verdicts import (
    OPEN_PROTOCOL,
    STANDING_DEPARTURES,
    Verdict,
    departures,
    summarise,
)
from benchmark.verdict.decided_counts import decided_counts

# Verdicts are shown by sign and word as well as by colour. The order is that of the summaries.
VERDICT_SIGNS: Mapping[str, str] = {
    Verdict.REPRODUCED: "✓",
    Verdict.CONTRADICTED: "✗",
    Verdict.UNDECIDED: "?",
    Verdict.OUT_OF_REACH: "∘",
    Verdict.NOT_COMPARABLE: "≠",
    Verdict.NOT_RUN: "–",
}
REDUCED = "reduced"
SAME_IMAGES = (
    "Intervals are over seeds: every seed is scored on the same images, so they do not cover another draw of images."
)
AGREEMENT_MEANING = (
    "Order: how far our order of the methods is the paper's, Kendall's τ (1 the same, 0 unrelated, -1 reversed), mean "
    "over data sets, scores and d, with the least and the largest that our seeds leave possible, at 95 % or more."
)
_MARK_WARNINGS = {
    "procedural": "Drawn images in place of {names}: numbers say nothing about the methods.",
    "subset": "{names}: a subset of the images.",
    "unverified": f"{{names}}: {MARK_MEANINGS['unverified']}.",
}


def reasons_frame(manifest: Manifest, cells: pd.DataFrame) -> pd.DataFrame:
    """Tabulate why printed numbers could not be judged, each reason once.

    Args:
        manifest: The study's manifest.
        cells: The result of `cell_verdicts`.

    Returns:
        Columns: `verdict` (not comparable or not run, with its sign), `reason`, `numbers` (how many), `where` (tables
        and data sets).
    """
    found: dict[tuple[str, str], list[str]] = {}
    for row in cells[cells["verdict"].isin([Verdict.NOT_COMPARABLE, Verdict.NOT_RUN])].itertuples():
        reason = row.reason
        if row.verdict == Verdict.NOT_COMPARABLE:  # without the notes on single seeds, which are the tables' footnotes
            reason = "; ".join(_why_not_comparable(manifest, row))
        where = f"Table {row.table} {manifest.dataset_label(row.dataset)}"
        found.setdefault((row.verdict, reason), []).append(where)
    rows = [
        (f"{VERDICT_SIGNS[verdict]} {verdict}", reason, len(where), ", ".join(dict.fromkeys(where)))
        for (verdict, reason), where in sorted(found.items())
    ]
    return pd.DataFrame(rows, columns=["verdict", "reason", "numbers", "where"])


def why_not_comparable(manifest: Manifest, cells: pd.DataFrame) -> tuple[str, ...]:
    """Summarise why numbers of a study are not comparable.

    Args:
        manifest: The study's manifest.
        cells: The result of `cell_verdicts`.

    Returns:
        A single reason if the study is reduced, because it applies to all; else each reason once, such as
        "weights: published". Empty if no number is `not comparable`.
    """
    rows = cells[cells["verdict"] == Verdict.NOT_COMPARABLE].itertuples()
    reasons = dict.fromkeys(why for row in rows for why in _why_not_comparable(manifest, row))
    if reasons.keys() & {*manifest.reductions}:
        return (REDUCED,)
    precision = precision_note(manifest.precision)  # without its long decisions on single metrics
    return tuple(dict.fromkeys(precision if why.startswith(precision) else why for why in reasons))


def _why_not_comparable(manifest: Manifest, row: Any) -> tuple[str, ...]:
    return departures(manifest, row.dataset, TABLES[row.table].protocol, row.metric) or (OPEN_PROTOCOL,)


def is_drawn(manifest: Manifest) -> bool:
    """Whether the images of all data sets are procedural, so that no number says anything about the paper."""
    datasets = {cell.dataset for cell in manifest.cells}
    return bool(datasets) and all("procedural" in manifest.marks.get(name, ()) for name in datasets)


def has_papers_images(manifest: Manifest) -> bool:
    """Whether a study has a data set for which the paper prints numbers, not only a user's own images."""
    return any(cell.dataset in DATASET_LABELS for cell in manifest.cells)


def can_judge(manifest: Manifest) -> bool:
    """Whether a study's numbers say anything about the paper."""
    return has_papers_images(manifest) and not is_drawn(manifest)


def answer(manifest: Manifest, cells: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Summarise in one sentence how much of the paper a study decides, why not more, and which study can.

    Args:
        manifest: The study's manifest.
        cells: The result of `cell_verdicts`.
        claims: The result of `claims_frame`.
    """
    if is_drawn(manifest):
        return "Nothing about the paper: all images of this study are procedural, so it shows only that the suite runs."
    if not has_papers_images(manifest):
        return "The methods compared on images of your own; their scores are in the tables."
    verdicts, decided = cells["verdict"].value_counts(), decided_counts(cells, claims)
    alone = " for this study alone" if decided.claims and claims["reduced"].any() else ""
    found = (
        f"{decided.all_numbers} of the paper’s {len(cells)} numbers decided{_listed(decided.numbers)}, "
        f"{len(claims) - decided.all_claims} of its {len(claims)} claims open{_listed(decided.claims)}{alone}"
    )
    few, whys = manifest.seeds < SEEDS_OF_THE_PAPER, why_not_comparable(manifest, cells)
    is_reduced, void = whys == (REDUCED,), ""
    if whys and not is_reduced:
        void = f"{verdicts[Verdict.NOT_COMPARABLE]} numbers that are not comparable ({', '.join(whys)})"
    if few and is_reduced:
        why = f"{seed_count(manifest.seeds)} of a reduced study; {SEEDS_OF_THE_PAPER} at full size (study “paper”)"
    elif few:
        why = f"{manifest.seeds} of the paper’s {SEEDS_OF_THE_PAPER} seeds; all {SEEDS_OF_THE_PAPER}"
    elif is_reduced:
        why = "a reduced study; one at full size (study “paper”)"
    else:
        there_are = f"; there are {void}" if void else ""
        return f"{found}; {verdicts.get(Verdict.NOT_RUN, 0)} numbers were not run{there_are}."
    rest = "the rest" if decided.all_numbers or decided.all_claims else "them"
    return f"{found}: {why} can decide {rest}{f', but for {void}' if void else ''}."


def _listed(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{count} {state}' for state, count in counts.items())})" if counts else ""


def caveats(manifest: Manifest, cells: pd.DataFrame, claims: pd.DataFrame) -> list[str]:
    """List the caveats that a reader needs before any number: images, seeds, reductions, and what they invalidate.

    Args:
        manifest: The study's manifest.
        cells: The result of `cell_verdicts`.
        claims: The result of `claims_frame`.

    Returns:
        The caveats as sentences.
    """
    by_mark: dict[str, list[str]] = {}
    for dataset, marks in manifest.marks.items():
        for mark in marks:
            by_mark.setdefault(mark, []).append(manifest.dataset_label(dataset))
    sentences = [
        _MARK_WARNINGS.get(mark, "{names}: {mark}.").format(names=", ".join(names), mark=mark)
        for mark, names in by_mark.items()
    ]
    if is_drawn(manifest):
        return sentences
    if not has_papers_images(manifest):
        return [*sentences, *reduced(manifest)]
    if manifest.seeds < SEEDS_OF_THE_PAPER:
        sentences.append(
            f"{seed_count(manifest.seeds)}, the paper has {SEEDS_OF_THE_PAPER}: too few to call a number reproduced."
        )
    sentences += reduced(manifest)
    if manifest.weight_set != "default":
        sentences.append(f"Loss weights: {manifest.weight_set}.")
    sentences += [f"{note[0].upper()}{note[1:]}." for note in precision_notes(manifest, PRINTED_METRICS).admitted]
    if void := int((cells["verdict"] == Verdict.NOT_COMPARABLE).sum()):
        sentences.append(
            f"Therefore {void} of the paper's {len(cells)} numbers are not comparable: ours neither reproduce nor "
            "contradict them, whatever they are."
        )
    if claims["reduced"].any():
        sentences.append("The claims' states are about this study alone.")
    judged = cells[cells["verdict"].isin([Verdict.REPRODUCED, Verdict.CONTRADICTED])]
    if otherwise := int((judged["if_exact"] != judged["verdict"]).sum()):
        sentences.append(
            f"{otherwise} of {len(judged)} verdicts rest on the assumption that the paper's mean varies as ours would."
        )
    sentences += [SAME_IMAGES, *STANDING_DEPARTURES]
    return sentences


def counts(cells: pd.DataFrame, agreements: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the verdicts: one row per table, then all printed numbers, then all distinct ones.

    Args:
        cells: The result of `cell_verdicts`.
        agreements: The result of `rank_agreements`.

    Returns:
        Rows with `name`, `total`, a count per verdict, and `order` (the agreement of the methods' order, as text).
    """
    summary = summarise(cells)
    printed = summary[summary["counting"] == "printed"]
    order = {str(row.table): _agreement(row) for row in agreements.itertuples()}
    names = {**{str(table): f"Table {table}" for table in PRINTED_TABLES}, "all": "All as printed"}
    rows = {row["scope"]: row for row in printed.to_dict("records")}
    found = [rows[scope] | {"name": name, "order": order.get(scope, "")} for scope, name in names.items()]
    [distinct] = summary[(summary["scope"] == "all") & (summary["counting"] == "distinct")].to_dict("records")
    return [*found, distinct | {"name": "All, repeats once", "order": ""}]


def _agreement(row: Any) -> str:
    if pd.isna(row.tau):
        return "no ranking"
    interval = "" if pd.isna(row.low) else f" [{number(row.low, 2)}, {number(row.high, 2)}]"
    return f"{number(row.tau, 2)}{interval}, {row.rankings} of {row.of} rankings"


def verdicts_text(manifest: Manifest, cells: pd.DataFrame, agreements: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Write a study's verdicts as Markdown: caveats, counts and agreement per table, reasons, and the claims.

    Args:
        manifest: The study's manifest.
        cells: The result of `cell_verdicts`.
        agreements: The result of `rank_agreements`.
        claims: The result of `claims_frame`.
    """
    title = f"Study {manifest.study}, weight set {manifest.weight_set}, {seed_count(manifest.seeds)}"
    of_counts = [
        [row["name"], *(row[verdict] for verdict in VERDICT_SIGNS), row["total"], row["order"]]
        for row in counts(cells, agreements)
    ]
    of_claims = []
    for claim in claims.itertuples():
        ours, papers = (
            "; ".join(filter(None, (f"{claim.ours}: {claim.why_ours}", claim.power))),
            f"{claim.papers}: {claim.why_papers}",
        )
        of_claims.append([f"{claim.claim} {claim.says}", ours, papers])
    signs = (f"{sign} {verdict}" for verdict, sign in VERDICT_SIGNS.items())
    reasons = reasons_frame(manifest, cells)[["verdict", "numbers", "reason", "where"]]
    parts = [
        f"### {escape_markdown(title)}",
        escape_markdown(" ".join(caveats(manifest, cells, claims))),
        wide_table(["numbers", *signs, "total", "order"], of_counts),
        AGREEMENT_MEANING,
        wide_table(["verdict", "numbers", "why", "where"], reasons.itertuples(index=False)),
        wide_table(["claim", "on our runs", "on the paper's own numbers"], of_claims),
    ]
    return "\n\n".join(parts) + "\n"
