"""The decision per metric: admitted if the interval of the paired difference lies within a share of the tolerance.

Sources: Donner and Klar, Design and Analysis of Cluster Randomization Trials in Health Research, 2000 (a t-interval
over the means of clusters); Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987 (a 95 % interval
within a margin is two one-sided tests at 2.5 %).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from benchmark.admission.paired_differences import CONFIGURATION, PairOutcome
from benchmark.statistics import CONFIDENCE, POWER, Interval, estimate, t_quantile

MARGIN = 0.25  # share of a metric's tolerance within which the interval must lie


class AdmissionState(StrEnum):
    """Whether trials in another precision count as those in float32 for a metric."""

    ADMITTED = "admitted"
    NOT_ADMITTED = "not admitted"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True)
class MetricAdmission:
    """The decision on one metric.

    Differences are the other precision minus float32, in units of the metric's tolerance. A configuration is a data
    set, method and latent dim.

    Attributes:
        metric: The metric.
        state: The decision.
        reason: The reason for the decision, in words.
        pairs: Number of pairs with a value on both sides.
        asked: Number of pairs in the study.
        one_alone: Number of pairs of which only one trial has a value.
        neither: Number of pairs of which neither trial has a value.
        configurations: Number of configurations among the pairs.
        mean: The mean of the configurations' mean differences; None without a pair.
        interval: Its 95 % interval from `interval_over_configurations`, which decides.
        over_pairs: The 95 % t-interval of the mean over pairs, as if they were independent; None with fewer than two.
        spread: The standard deviation of differences within configurations; None if none has two pairs.
        largest: The configuration mean that is farthest from 0; None without a pair.
        largest_in: The configuration of `largest`.
    """

    metric: str
    state: AdmissionState
    reason: str
    pairs: int
    asked: int
    one_alone: int
    neither: int
    configurations: int
    mean: float | None
    interval: Interval | None
    over_pairs: Interval | None
    spread: float | None
    largest: float | None
    largest_in: str


def decide(pairs: pd.DataFrame) -> list[MetricAdmission]:
    """Decide on every metric.

    Args:
        pairs: The result of `paired_differences`.

    Returns:
        A decision per metric, in the order of their first rows.
    """
    return [_decided(str(metric), of_metric) for metric, of_metric in pairs.groupby("metric", sort=False)]


def _decided(metric: str, pairs: pd.DataFrame) -> MetricAdmission:
    configurations = {
        "{} {} d={}".format(*place): of_place.loc[of_place["outcome"] == PairOutcome.BOTH, "difference"].tolist()
        for place, of_place in pairs.groupby(CONFIGURATION, sort=False)
    }
    found = {place: differences for place, differences in configurations.items() if differences}
    means = {place: estimate(differences).mean for place, differences in found.items()}
    every = [difference for differences in found.values() for difference in differences]
    largest = max(means, key=lambda place: abs(means[place]), default="")
    interval = interval_over_configurations(list(found.values()))
    spread = spread_within_configurations(list(found.values()))
    one_alone = int((pairs["outcome"] == PairOutcome.ONE_ALONE).sum())
    not_measured = int((pairs["outcome"] == PairOutcome.NOT_MEASURED).sum())
    if one_alone:
        state, reason = AdmissionState.NOT_ADMITTED, f"only one trial has a value in {pair_count(one_alone)}"
    elif not_measured:  # deciding on a part, and stopping when convenient, would admit too much
        state = AdmissionState.NOT_DECIDED
        reason = f"{len(pairs) - not_measured} of {pair_count(len(pairs))} are measured; the decision needs all of them"
    elif len(found) < len(configurations) or interval is None:
        state = AdmissionState.NOT_DECIDED
        reason = (
            f"{len(found)} of {len(configurations)} configurations (method and latent dimension) have "
            "a pair with values"
        )
    else:
        state, reason = _by_interval(interval, spread, len(found))
    return MetricAdmission(
        metric,
        state,
        reason,
        len(every),
        len(pairs),
        one_alone,
        int((pairs["outcome"] == PairOutcome.NEITHER).sum()),
        len(found),
        estimate(list(means.values())).mean if means else None,
        interval,
        estimate(every).interval if every else None,
        spread,
        means.get(largest),
        largest,
    )


def interval_over_configurations(differences: Sequence[Sequence[float]]) -> Interval | None:
    """Return the 95 % t-interval of the mean difference, with each configuration's mean as one value.

    Configurations are treated as a sample of those for which the precision will be used, their means as independent and
    approximately normal. Real differences between configurations widen this interval, unlike one over pairs; the
    correlation of pairs within a configuration does not matter.

    Args:
        differences: The differences of each configuration's pairs, at least one each.

    Returns:
        The interval; None with fewer than two configurations.
    """
    return estimate([estimate(pairs).mean for pairs in differences]).interval if differences else None


def spread_within_configurations(differences: Sequence[Sequence[float]]) -> float | None:
    """Return the pooled standard deviation of differences within configurations; None if none has two pairs."""
    means = [estimate(pairs).mean for pairs in differences]
    squares = [sum((one - mean) ** 2 for one in pairs) for pairs, mean in zip(differences, means, strict=True)]
    freedom = sum(len(pairs) - 1 for pairs in differences)
    return math.sqrt(sum(squares) / freedom) if freedom else None


def _by_interval(interval: Interval, spread: float | None, configurations: int) -> tuple[AdmissionState, str]:
    if interval.within(MARGIN):
        return AdmissionState.ADMITTED, f"the interval is within {MARGIN:g} of the tolerance"
    if interval.outside(MARGIN):
        return AdmissionState.NOT_ADMITTED, f"the whole interval is beyond {MARGIN:g} of the tolerance"
    reason = f"the interval extends beyond {MARGIN:g} of the tolerance"
    if spread and interval.high - interval.low > 2 * MARGIN:
        needed = pairs_needed(spread, configurations)
        reason += f" and is wider than that: with this spread about {needed} pairs are needed"
    return AdmissionState.NOT_ADMITTED, reason


def pairs_needed(spread: float, configurations: int) -> int:
    """Return the number of pairs that admits a metric with probability of about POWER if the precision has no effect.

    Args:
        spread: The standard deviation of a pair's difference, in units of the tolerance.
        configurations: Number of configurations, at least two, over which the pairs are spread evenly.
    """
    quantiles = [t_quantile((1 + chance) / 2, configurations - 1) for chance in (CONFIDENCE, POWER)]
    return math.ceil((sum(quantiles) * spread / MARGIN) ** 2)


def pair_count(count: int) -> str:
    """Return the number of pairs as text."""
    return f"{count} pair" if count == 1 else f"{count} pairs"
