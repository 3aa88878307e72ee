"""Comparison of each of the paper's 392 printed numbers with ours: reproduced, contradicted, not shown, or not judged.

Rules and their reasons: docs/verdicts.md.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import pandas as pd
from scipy import stats

from benchmark.admission.committed_admission import precision_notes
from benchmark.paper.tables import (
    HALF_A_UNIT,
    PLACE,
    PRINTED_DECIMALS,
    PRINTED_METRICS,
    PRINTED_TABLES,
    SEEDS_OF_THE_PAPER,
    paper_numbers,
)
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.statistics import (
    ALPHA,
    CONFIDENCE,
    Estimate,
    Interval,
    Tolerance,
    chance_within,
    difference_from_printed,
    estimate,
    rank_agreement,
)
from benchmark.studies.notes import is_on_extent, is_on_protocol
from benchmark.table_specs import TABLES
from benchmark.tables.layout import CellKey, TableCell, build_tables

OUT_OF_REACH = 0.2  # the chance of being reproduced below which it says nothing that a number was not
OPEN_PROTOCOL = "the paper leaves the protocol open, and it decides"


class Verdict(StrEnum):
    """What our runs say of one printed number."""

    REPRODUCED = "reproduced"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    OUT_OF_REACH = "out of reach"
    NOT_COMPARABLE = "not comparable"
    NOT_RUN = "not run"


# How far our number may be from the paper's and still agree with it. Each is less than the paper's own median
# difference between HGMVAE and GMVAE, or it would hide what the paper is about, and more than the uncertainty of ten
# seeds (0.72 of the median standard deviation on results/reference/laptop-cpu). Relative to the paper's number where a
# metric has no upper end. FID and LPIPS were not measured there: a tenth, and as MS-SSIM. A cell that varies more than
# the median one may be out of reach all the same, which its chance tells.
PRINTED_TOLERANCES: Mapping[str, Tolerance] = {
    "silhouette": Tolerance(0.03),
    "calinski_harabasz": Tolerance(0.10, relative=True),
    "davies_bouldin": Tolerance(0.15, relative=True),
    "svm_accuracy": Tolerance(0.007),
    "fid": Tolerance(0.10, relative=True),
    "ssim": Tolerance(0.02),
    "ms_ssim": Tolerance(0.01),
    "lpips": Tolerance(0.01),
}

COLUMN_TYPES = {
    "table": "int64",
    "dataset": "object",
    "metric": "object",
    "method": "object",
    "latent_dim": "int64",
    "repeats_table": "Int64",  # the earlier table that prints the same number for the same cell, if any
    "paper": "float64",
    "n": "int64",  # seeds with a value
    "asked": "int64",  # seeds that the study asks for; 0 where it lacks the cell
    "mean": "Float64",
    "std": "Float64",  # ddof 1
    "low": "Float64",  # 95 % interval of the mean
    "high": "Float64",
    "difference": "Float64",  # ours minus the paper's, in the metric's units
    "difference_low": "Float64",  # its 95 % interval, the paper's mean of ten varying as ours would
    "difference_high": "Float64",
    "difference_in_spreads": "Float64",  # in units of our std
    "difference_percent": "Float64",  # of the paper's number
    "tolerance": "float64",  # in the metric's units
    "chance": "Float64",  # that an exact replication is reproduced, from our spread, with our seeds or ten if more
    "verdict": "object",
    "if_exact": "object",  # the verdict if the paper's mean had no sampling error
    "reason": "object",  # never empty
    "our_rank": "Int64",  # 1 is best, equal numbers share a rank (1, 1, 3)
    "paper_rank": "int64",
    "ranking_holds": "boolean",  # missing where a rival's mean is missing or incomplete
}
_RIVALS = ["table", "dataset", "metric", "latent_dim"]

# What every study does otherwise than the paper says, so that it makes no number of a study less comparable than
# another's: the paper leaves how open.
STANDING_DEPARTURES = (
    "Pixels are in [0, 1]; the paper says that its data have a global mean of 0 after processing, and not how.",
)
_PROTOCOLS = {table.protocol for table in TABLES.values()}


def other_trials(manifest: Manifest, protocols: Collection[str], metrics: Iterable[str]) -> tuple[str, ...]:
    """List why a study's trials are not the paper's, but for its images and loss weights.

    Fewer seeds or latent dims are no reason: what was run is comparable. Nor is a precision that is admitted for the
    metrics.

    Args:
        manifest: The study's manifest.
        protocols: Those that are judged; a note on another one does not count.
        metrics: For which the precision of training must be admitted.
    """
    others = _PROTOCOLS - {*protocols}
    notes = precision_notes(manifest, metrics).reductions
    return tuple(note for note in notes if not (is_on_protocol(note, others) or is_on_extent(note)))


def other_weights(manifest: Manifest) -> tuple[str, ...]:
    """Return which loss weights a study has in place of those that count as the paper's; empty where it has these."""
    return () if manifest.weight_set == "default" else (f"weights: {manifest.weight_set}",)


def departures(manifest: Manifest, dataset: str, protocol: str, metric: str) -> tuple[str, ...]:
    """List why a study's trials are not the paper's: reduced settings, marks of the data set, other loss weights.

    Args:
        manifest: The study's manifest.
        dataset: Only the marks of this data set count.
        protocol: As in `other_trials`.
        metric: As in `other_trials`.

    Returns:
        The reasons; empty where the trials are the paper's.
    """
    marks = (f"data: {mark}" for mark in manifest.marks.get(dataset, ()))
    return (*other_trials(manifest, (protocol,), (metric,)), *marks, *other_weights(manifest))


def cell_verdicts(study: StudyResults) -> pd.DataFrame:
    """Judge every printed number, in the paper's order.

    A number that the study has under another table counts as run (Tables 1 and 4, 3 and 5 share trials).

    Args:
        study: The study.

    Returns:
        One row per number; columns and types are COLUMN_TYPES. Our values are given whatever the verdict, and missing
        where we have none.

    Raises:
        UserError: A record belongs to another trial than its cell's.
    """
    ours: dict[CellKey, dict[int, TableCell]] = {}
    for table in build_tables(study):
        for key, of_table in table.cells.items():
            ours.setdefault(key, {})[table.paper.number] = of_table
    rows: list[dict[str, Any]] = []
    first_table: dict[tuple[Any, ...], int] = {}
    for printed in paper_numbers().itertuples():
        place = (printed.dataset, printed.metric, printed.method, printed.latent_dim)
        by_table = ours.get(place, {})
        cell = by_table.get(printed.table) or next(iter(by_table.values()), None)
        first = first_table.setdefault((*place, printed.value), printed.table)
        reasons = departures(study.manifest, printed.dataset, TABLES[printed.table].protocol, printed.metric)
        if "procedural" in study.manifest.marks.get(printed.dataset, ()):
            cell, absent = None, "images drawn by program are not compared with the paper's"
        else:
            absent = "the study does not have this cell"
        rows.append(
            dict(zip(PLACE, place, strict=True))
            | {"table": printed.table, "repeats_table": None if first == printed.table else first}
            | _judged(cell, float(printed.value), PRINTED_TOLERANCES[printed.metric], reasons, absent)
        )
        if rows[-1]["n"]:
            admitted = precision_notes(study.manifest, [printed.metric]).admitted
            rows[-1]["reason"] = "; ".join((rows[-1]["reason"], *admitted))
    for rivals in _groups_of_rivals(rows):
        _rank(rivals)
    return pd.DataFrame(rows, columns=list(COLUMN_TYPES), dtype=object).astype(COLUMN_TYPES)


def _judged(
    cell: TableCell | None, paper: float, tolerance: Tolerance, reasons: tuple[str, ...], absent: str
) -> dict[str, Any]:
    """The judged part of a row; `absent` is the reason where there is no cell."""
    bound = tolerance.at(paper)
    row = {"paper": paper, "tolerance": bound, "n": 0, "asked": cell.asked if cell else 0}
    if cell is None:
        return row | {"verdict": str(Verdict.NOT_RUN), "reason": absent}
    missing = "; ".join(cell.notes)
    if not cell.values:
        return row | {"verdict": str(Verdict.NOT_RUN), "reason": missing or str(cell.state)}
    mean = estimate(cell.values)
    difference = difference_from_paper(mean, paper)
    verdict, reason = verdict_on(mean, paper, bound, cell.asked)
    if_exact, _ = verdict_on(mean, paper, bound, cell.asked, repeats=math.inf)
    if reasons:
        verdict, if_exact, reason = Verdict.NOT_COMPARABLE, Verdict.NOT_COMPARABLE, "; ".join(reasons)
    return row | {
        "n": mean.n,
        "mean": mean.mean,
        "std": mean.std,
        "low": mean.interval and mean.interval.low,
        "high": mean.interval and mean.interval.high,
        "difference": mean.mean - paper,
        "difference_low": difference and difference.low,
        "difference_high": difference and difference.high,
        "difference_in_spreads": (mean.mean - paper) / mean.std if mean.std else None,
        "difference_percent": 100 * (mean.mean - paper) / abs(paper) if paper else None,
        "chance": None if mean.std is None else chance_of_reproducing(mean.std, mean.n, bound),
        "verdict": str(verdict),
        "if_exact": str(if_exact),
        "reason": "; ".join(filter(None, (reason, missing))),
    }


def difference_from_paper(
    mean: Estimate, paper: float, repeats: float = SEEDS_OF_THE_PAPER, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return the interval of our mean minus the paper's number; None where our mean has no interval.

    Args:
        mean: Our values.
        paper: The paper's number.
        repeats: How many values the paper's number is the mean of, each assumed to vary as ours do; if infinite, it is
            a constant.
        confidence: That of the interval.
    """
    return difference_from_printed(mean, paper, HALF_A_UNIT, repeats, confidence)


def chance_of_reproducing(std: float, n: int, bound: float) -> float:
    """Return the chance that an exact replication of a number is called reproduced.

    Args:
        std: The standard deviation over seeds, of ours and of the paper's values.
        n: Our seeds; fewer than the paper's count as the paper's.
        bound: The tolerance, in the metric's units.
    """
    n = max(n, SEEDS_OF_THE_PAPER)
    error = std * math.sqrt(1 / n + 1 / SEEDS_OF_THE_PAPER)
    return chance_within(bound - HALF_A_UNIT, error, n - 1, 1 - 2 * ALPHA)


def verdict_on(
    mean: Estimate, paper: float, bound: float, asked: int, repeats: float = SEEDS_OF_THE_PAPER
) -> tuple[Verdict, str]:
    """Judge a number whose trials are the paper's.

    Reproduced is an equivalence test, two one-sided tests at 5 %, which is that the 90 % interval lies within the
    tolerance; contradicted is that the 95 % interval lies beyond it.

    Args:
        mean: Our values.
        paper: The paper's number.
        bound: The tolerance, in the metric's units.
        asked: How many seeds the study asks for.
        repeats: As for `difference_from_paper`.

    Returns:
        Reproduced, contradicted, undecided or out of reach, and why.
    """
    difference = difference_from_paper(mean, paper, repeats)
    narrow = difference_from_paper(mean, paper, repeats, 1 - 2 * ALPHA)
    if mean.std is None or difference is None or narrow is None:
        return Verdict.UNDECIDED, "one value has no interval"
    if mean.n < asked:
        # A mean over the seeds that did not fail is that of a biased sample, and one over the first of them a peek.
        return Verdict.UNDECIDED, f"{asked - mean.n} of {asked} seeds have no value"
    if difference.outside(bound):
        return Verdict.CONTRADICTED, "all of the difference's interval is beyond the tolerance"
    if narrow.within(bound) and mean.n >= SEEDS_OF_THE_PAPER:
        return Verdict.REPRODUCED, "all of the difference's interval is within the tolerance"
    chance = chance_of_reproducing(mean.std, mean.n, bound)
    if chance < OUT_OF_REACH:
        return Verdict.OUT_OF_REACH, f"varies so much that an exact replication had a chance of {100 * chance:.0f} %"
    if narrow.within(bound):
        return Verdict.UNDECIDED, f"within the tolerance, but {mean.n} of {SEEDS_OF_THE_PAPER} seeds"
    return Verdict.UNDECIDED, "the difference's interval lies partly within the tolerance, partly beyond"


def _groups_of_rivals(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in _RIVALS), []).append(row)
    yield from groups.values()


def _rank(rivals: list[dict[str, Any]]) -> None:
    """Set the ranks of both sides in place, of means as printed; ours only where every rival has all its seeds."""
    sign = -1 if PRINTED_METRICS[rivals[0]["metric"]].higher_is_better else 1
    paper = stats.rankdata([sign * row["paper"] for row in rivals], method="min")
    whole = all(row["n"] == row["asked"] > 0 for row in rivals)
    ours = stats.rankdata([sign * round(row["mean"], PRINTED_DECIMALS) for row in rivals], "min") if whole else None
    for position, row in enumerate(rivals):
        row["paper_rank"] = int(paper[position])
        row["our_rank"] = None if ours is None else int(ours[position])
        row["ranking_holds"] = None if ours is None else bool(ours[position] == paper[position])


def summarise(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts: two rows per scope, one for `printed` numbers and one for `distinct` cells.

    A distinct cell counts in the first table that prints it.

    Args:
        verdicts: A frame of `cell_verdicts`.

    Returns:
        Columns: `scope` ("all", or the table's number as text), `counting` ("printed" or "distinct"), one per Verdict,
        `total`, `ranked` (the numbers that have a rank on both sides) and `ranking_holds` (those of them whose rank is
        the paper's).
    """
    rows: list[dict[str, Any]] = []
    for scope in ("all", *PRINTED_TABLES):
        for counting in ("printed", "distinct"):
            part = verdicts if scope == "all" else verdicts[verdicts["table"] == scope]
            part = part if counting == "printed" else part[part["repeats_table"].isna()]
            by_verdict: dict[str, Any] = {str(verdict): int((part["verdict"] == verdict).sum()) for verdict in Verdict}
            ranks = {"ranked": int(part["ranking_holds"].count()), "ranking_holds": int(part["ranking_holds"].sum())}
            rows.append({"scope": str(scope), "counting": counting} | by_verdict | {"total": len(part)} | ranks)
    return pd.DataFrame(rows)


def rank_agreements(study: StudyResults) -> pd.DataFrame:
    """Measure per table how well our order of the methods agrees with the paper's.

    A ranking is a data set, metric and latent dim for which two or more of the paper's methods were run; the measure is
    Kendall's tau-b, averaged over a table's rankings.

    Returns:
        Columns: `table`, `tau` in [-1, 1], `low` and `high` (bounds with 95 % confidence or more; missing with one
        seed), `rankings` (how many were run), `of` (how many the paper has), `seeds`.

    Raises:
        UserError: A record belongs to another trial than its cell's.
    """
    real = study.frame[~study.frame["marks"].str.contains("procedural")]
    found = real.dropna(subset="value").drop_duplicates([*PLACE, "seed"])
    values = found.pivot(index=PLACE, columns="seed", values="value").astype(float)
    rows = []
    for table, printed in paper_numbers().groupby("table"):
        rankings = [ranking.set_index(PLACE)["value"] for _, ranking in printed.groupby(_RIVALS)]
        run = [ranking[ranking.index.isin(values.index)] for ranking in rankings]
        groups = [(values.loc[ranking.index].to_numpy(), ranking.to_numpy()) for ranking in run if len(ranking) > 1]
        agreement = rank_agreement(groups)
        interval = agreement and agreement.interval
        rows.append(
            {
                "table": table,
                "tau": agreement and agreement.tau,
                "low": interval and interval.low,
                "high": interval and interval.high,
                "rankings": agreement.groups if agreement else 0,
                "of": len(rankings),
                "seeds": values.shape[1],
            }
        )
    numbers = dict.fromkeys(("tau", "low", "high"), "Float64")
    counts = dict.fromkeys(("table", "rankings", "of", "seeds"), "int64")
    return pd.DataFrame(rows, dtype=object).astype(numbers | counts)
