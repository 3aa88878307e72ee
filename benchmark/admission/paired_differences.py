"""Paired differences per metric: the second precision minus the first, in units of tolerances."""

from collections.abc import Mapping
from enum import StrEnum

import pandas as pd

from benchmark.results.frame import NOT_MEASURED
from benchmark.results.study_results import StudyResults
from benchmark.statistics import Tolerance

CONFIGURATION = ["dataset", "method", "latent_dim"]
_PLACE = [*CONFIGURATION, "seed", "metric"]


class PairOutcome(StrEnum):
    """The outcome of a pair of trials for one metric."""

    BOTH = "both have a value"
    ONE_ALONE = "one alone has a value"
    NEITHER = "neither has a value"
    NOT_MEASURED = "not measured on both sides yet"


def paired_differences(study: StudyResults, tolerances: Mapping[str, Tolerance]) -> pd.DataFrame:
    """Compare the two trials of every pair.

    A trial that diverged, failed or lacks the score through its own fault has no value; one that was not run, or was
    not scored because a network was missing, is not measured.

    Args:
        study: The study; if it has no pairs the result is empty.
        tolerances: Metric -> tolerance; other metrics are left out.

    Returns:
        A row per data set, method, latent dim, seed and metric: `value` and `paired_value`, of the first and the second
        precision; `difference`, the second minus the first, in units of the metric's tolerance (a relative tolerance
        refers to the configuration's mean in the first precision); `outcome`, one of PairOutcome; and `reason`, why a
        value is missing. Missing numbers are NaN.

    Raises:
        UserError: A record's trial is not the one of the manifest.
    """
    both = [_scores(study.frame)]
    both.append(_scores(study.paired.frame) if study.paired else both[0].iloc[:0])
    pairs = both[0].merge(both[1], on=_PLACE, suffixes=("", "_paired"), validate="one_to_one")
    pairs = pairs[pairs["metric"].isin(tolerances)].rename(columns={"value_paired": "paired_value"})
    means = pairs.groupby([*CONFIGURATION, "metric"])["value"].transform("mean")
    unit = [tolerances[metric].at(mean) for metric, mean in zip(pairs["metric"], means, strict=True)]
    pairs["difference"] = (pairs["paired_value"] - pairs["value"]) / pd.Series(unit, pairs.index, dtype=float)
    pairs["outcome"] = [
        _outcome(row.status, row.status_paired, pd.notna(row.value), pd.notna(row.paired_value))
        for row in pairs.itertuples()
    ]
    pairs["reason"] = [_reason(row.reason, row.reason_paired) for row in pairs.itertuples()]
    return pairs[[*_PLACE, "value", "paired_value", "difference", "outcome", "reason"]].reset_index(drop=True)


def _scores(frame: pd.DataFrame) -> pd.DataFrame:
    """The compared columns, once for every metric of a trial, whichever tables have it."""
    scores = frame.drop_duplicates(_PLACE)[[*_PLACE, "value", "status", "reason"]]
    return scores.astype({"value": "float64"})


def _outcome(status: str, paired_status: str, value: bool, paired_value: bool) -> str:
    if status in NOT_MEASURED or paired_status in NOT_MEASURED:
        return PairOutcome.NOT_MEASURED
    if value and paired_value:
        return PairOutcome.BOTH
    return PairOutcome.ONE_ALONE if value or paired_value else PairOutcome.NEITHER


def _reason(*reasons: str | None) -> str:
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
