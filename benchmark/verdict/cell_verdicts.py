"""Verdict on each of the paper's 392 printed numbers, by comparison with ours.

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
    ScorePlace,
    paper_numbers,
    printed_numbers,
)
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.statistics import (
    ALPHA,
    Estimate,
    Tolerance,
    chance_within,
    difference_from_printed,
    estimate,
    rank_agreement,
)
from benchmark.studies.notes import is_on_extent, is_on_protocol
from benchmark.table_specs import TABLES
from benchmark.tables.layout import TableCell, build_tables

LEAST_CHANCE = 0.2  # if the chance of being reproduced is lower, a number that was not reproduced is no evidence
OPEN_PROTOCOL = "the paper leaves the protocol open, and it decides"


class Verdict(StrEnum):
    """The verdict on one printed number."""

    REPRODUCED = "reproduced"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    OUT_OF_REACH = "out of reach"
    NOT_COMPARABLE = "not comparable"
    NOT_RUN = "not run"


# The largest difference between our number and the paper's that counts as agreement. Each is less than the paper's own
# median difference between HGMVAE and GMVAE, so that a rival's number is not "reproduced", and more than the
# uncertainty of ten seeds (0.72 of the median standard deviation on results/reference/laptop-cpu). It is relative to
# the paper's number if the metric has no upper bound. FID and LPIPS were not measured there: a tenth, and the same as
# MS-SSIM. A cell that varies more than the median may still be out of reach; its chance shows this.
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
    "asked": "int64",  # seeds that the study asks for; 0 if it has no such cell
    "mean": "Float64",
    "std": "Float64",  # ddof 1
    "low": "Float64",  # 95 % interval of the mean
    "high": "Float64",
    "difference": "Float64",  # ours minus the paper's, in the metric's units
    "difference_low": "Float64",  # its 95 % interval, if the paper's mean of ten varies as ours does
    "difference_high": "Float64",
    "difference_in_spreads": "Float64",  # in units of our std
    "difference_percent": "Float64",  # of the paper's number
    "tolerance": "float64",  # in the metric's units
    "chance": "Float64",  # that an exact replication is reproduced, given our spread and max(our seeds, ten)
    "verdict": "object",
    "if_exact": "object",  # the verdict if the paper's mean had no sampling error
    "reason": "object",  # never empty
    "our_rank": "Int64",  # 1 is best, equal numbers share a rank (1, 1, 3)
    "paper_rank": "int64",
    "ranking_holds": "boolean",  # missing if a rival's mean is missing or incomplete
}
_RIVALS = ["table", "dataset", "metric", "latent_dim"]

# Departures from the paper that all studies share because the paper does not specify the procedure. They make no number
# less comparable than another.
STANDING_DEPARTURES = (
    "Pixels are in [0, 1]; the paper says that its data have a global mean of 0 after processing, and not how.",
)
_PROTOCOLS = {table.protocol for table in TABLES.values()}


def other_trials(manifest: Manifest, protocols: Collection[str], metrics: Iterable[str]) -> tuple[str, ...]:
    """List why a study's trials are not the paper's, images and loss weights aside.

    Fewer seeds or latent dims are not a reason, because the trials that were run are comparable. Neither is a precision
    that is admitted for the metrics.

    Args:
        manifest: The study's manifest.
        protocols: The judged protocols; notes on others are ignored.
        metrics: The metrics for which the precision of training must be admitted.
    """
    others = _PROTOCOLS - {*protocols}
    notes = precision_notes(manifest, metrics).reductions
    return tuple(note for note in notes if not (is_on_protocol(note, others) or is_on_extent(note)))


def other_weights(manifest: Manifest) -> tuple[str, ...]:
    """Return which loss weights a study uses other than those that count as the paper's; empty if there are none."""
    return () if manifest.weight_set == "default" else (f"weights: {manifest.weight_set}",)


def departures(manifest: Manifest, dataset: str, protocol: str, metric: str) -> tuple[str, ...]:
    """List why a study's trials are not the paper's: reduced settings, marks of the data set, other loss weights.

    Args:
        manifest: The study's manifest.
        dataset: The data set whose marks count.
        protocol: The judged protocol; notes on others are ignored.
        metric: The metric for which the precision of training must be admitted.

    Returns:
        The reasons; empty if the trials are the paper's.
    """
    marks = (f"data: {mark}" for mark in manifest.marks.get(dataset, ()))
    return (*other_trials(manifest, (protocol,), (metric,)), *marks, *other_weights(manifest))


def cell_verdicts(study: StudyResults) -> pd.DataFrame:
    """Judge every printed number, in the paper's order.

    A number counts as run even if the study has it only under another table (Tables 1 and 4, 3 and 5 share trials).

    Args:
        study: The study's results.

    Returns:
        One row per number; columns and types are COLUMN_TYPES. Our values are given whatever the verdict, and are
        missing if we have none.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    ours: dict[ScorePlace, dict[int, TableCell]] = {}
    for table in build_tables(study):
        for key, of_table in table.cells.items():
            ours.setdefault(key, {})[table.paper.number] = of_table
    rows: list[dict[str, Any]] = []
    first_table: dict[tuple[Any, ...], int] = {}
    for printed in printed_numbers():
        place = printed.place
        by_table = ours.get(place, {})
        cell = by_table.get(printed.table) or next(iter(by_table.values()), None)
        first = first_table.setdefault((*place, printed.value), printed.table)
        reasons = departures(study.manifest, printed.dataset, TABLES[printed.table].protocol, printed.metric)
        if "procedural" in study.manifest.marks.get(printed.dataset, ()):
            cell, absent = None, "procedural images are not compared with the paper's"
        else:
            absent = "the study does not have this cell"
        rows.append(
            place._asdict()
            | {"table": printed.table, "repeats_table": None if first == printed.table else first}
            | _judged(cell, printed.value, PRINTED_TOLERANCES[printed.metric], reasons, absent)
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
    """The judged part of a row; `absent` is the reason if there is no cell."""
    bound = tolerance.at(paper)
    row = {"paper": paper, "tolerance": bound, "n": 0, "asked": cell.asked if cell else 0}
    if cell is None:
        return row | {"verdict": str(Verdict.NOT_RUN), "reason": absent}
    missing = "; ".join(cell.notes)
    if not cell.values:
        return row | {"verdict": str(Verdict.NOT_RUN), "reason": missing or str(cell.state)}
    mean = estimate(cell.values)
    difference = difference_from_printed(mean, paper, HALF_A_UNIT, SEEDS_OF_THE_PAPER)
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


def chance_of_reproducing(std: float, n: int, bound: float) -> float:
    """Return the probability that an exact replication of a number is called reproduced.

    Args:
        std: The standard deviation over seeds, assumed for our values and the paper's.
        n: Our number of seeds; raised to the paper's if less.
        bound: The tolerance, in the metric's units.
    """
    n = max(n, SEEDS_OF_THE_PAPER)
    error = std * math.sqrt(1 / n + 1 / SEEDS_OF_THE_PAPER)
    return chance_within(bound - HALF_A_UNIT, error, n - 1, 1 - 2 * ALPHA)


def verdict_on(
    mean: Estimate, paper: float, bound: float, asked: int, repeats: float = SEEDS_OF_THE_PAPER
) -> tuple[Verdict, str]:
    """Judge a number whose trials are the paper's.

    Reproduced: two one-sided tests at 5 %, that is, the 90 % interval of the difference lies within the tolerance.
    Contradicted: the 95 % interval lies beyond it.

    Args:
        mean: Our values.
        paper: The paper's number.
        bound: The tolerance, in the metric's units.
        asked: How many seeds the study asks for.
        repeats: See `difference_from_printed`.

    Returns:
        The verdict (reproduced, contradicted, undecided or out of reach) and the reason.
    """
    difference = difference_from_printed(mean, paper, HALF_A_UNIT, repeats)
    narrow = difference_from_printed(mean, paper, HALF_A_UNIT, repeats, 1 - 2 * ALPHA)
    if mean.std is None or difference is None or narrow is None:
        return Verdict.UNDECIDED, "a single value has no interval"
    if mean.n < asked:
        # The seeds that did not fail are a biased sample, and a mean over the first seeds alone is optional stopping.
        return Verdict.UNDECIDED, f"{asked - mean.n} of {asked} seeds have no value"
    if difference.outside(bound):
        return Verdict.CONTRADICTED, "all of the difference's interval is beyond the tolerance"
    if narrow.within(bound) and mean.n >= SEEDS_OF_THE_PAPER:
        return Verdict.REPRODUCED, "all of the difference's interval is within the tolerance"
    chance = chance_of_reproducing(mean.std, mean.n, bound)
    if chance < LEAST_CHANCE:
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
    """Set the ranks of both sides in place, by the means as printed; ours only if every rival has all its seeds."""
    sign = PRINTED_METRICS[rivals[0]["metric"]].sign
    paper = stats.rankdata([-sign * row["paper"] for row in rivals], method="min")
    whole = all(row["n"] == row["asked"] > 0 for row in rivals)
    ours = stats.rankdata([-sign * round(row["mean"], PRINTED_DECIMALS) for row in rivals], "min") if whole else None
    for position, row in enumerate(rivals):
        row["paper_rank"] = int(paper[position])
        row["our_rank"] = None if ours is None else int(ours[position])
        row["ranking_holds"] = None if ours is None else bool(ours[position] == paper[position])


def summarise(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts: two rows per scope, one for `printed` numbers and one for `distinct` cells.

    A distinct cell counts in the first table that prints it.

    Args:
        verdicts: The result of `cell_verdicts`.

    Returns:
        Columns: `scope` ("all", or the table's number as text), `counting` ("printed" or "distinct"), one per Verdict,
        `total`, `ranked` (numbers with a rank on both sides) and `ranking_holds` (numbers with the same rank on both
        sides).
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
        UserError: A record's trial is not the one of its cell.
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
