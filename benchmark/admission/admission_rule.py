"""The decision by metric: admitted where the interval of the paired difference is within a share of the tolerance.

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

MARGIN = 0.25  # of a metric's tolerance, within which the interval must lie


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
        reason: Why, in words.
        pairs: How many pairs have a value on both sides.
        asked: How many pairs the study has.
        one_alone: Of how many pairs one trial alone has a value.
        neither: Of how many pairs neither trial has a value.
        configurations: How many configurations the pairs are of.
        mean: The mean of the configurations' mean differences; None without a pair.
        interval: Its 95 % interval, from `interval_over_configurations`, which decides.
        over_pairs: The 95 % t-interval of the mean over pairs, as if these were independent; None with fewer than two.
        spread: The standard deviation of a pair's difference within its configuration; None where none has two pairs.
        largest: Of the configurations' mean differences the one that is farthest from 0; None without a pair.
        largest_in: Its configuration.
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
        state, reason = AdmissionState.NOT_ADMITTED, f"of {pair_count(one_alone)} one trial alone has a value"
    elif not_measured:  # whoever may look at a part, and stop when it suits, admits too much
        state = AdmissionState.NOT_DECIDED
        reason = f"{len(pairs) - not_measured} of {pair_count(len(pairs))} are measured, and all of them decide"
    elif len(found) < len(configurations) or interval is None:
        state = AdmissionState.NOT_DECIDED
        reason = f"{len(found)} of {len(configurations)} methods and latent dims have a pair with values"
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
    """Return the 95 % t-interval of the mean difference, the mean of each configuration counting as one value.

    It takes the configurations for a sample of those that the precision is to be used for, their means for independent
    and near enough to normal. What they differ in by more than chance makes it wider, as it does not make an interval
    over pairs; how alike the pairs of a configuration are does not matter.

    Args:
        differences: By configuration those of its pairs, at least one.

    Returns:
        The interval; None with fewer than two configurations.
    """
    return estimate([estimate(pairs).mean for pairs in differences]).interval if differences else None


def spread_within_configurations(differences: Sequence[Sequence[float]]) -> float | None:
    """Return the pooled standard deviation of differences within configurations; None where none has two pairs."""
    means = [estimate(pairs).mean for pairs in differences]
    squares = [sum((one - mean) ** 2 for one in pairs) for pairs, mean in zip(differences, means, strict=True)]
    freedom = sum(len(pairs) - 1 for pairs in differences)
    return math.sqrt(sum(squares) / freedom) if freedom else None


def _by_interval(interval: Interval, spread: float | None, configurations: int) -> tuple[AdmissionState, str]:
    if interval.within(MARGIN):
        return AdmissionState.ADMITTED, f"the interval is within {MARGIN:g} of the tolerance"
    if interval.outside(MARGIN):
        return AdmissionState.NOT_ADMITTED, f"all of the interval is beyond {MARGIN:g} of the tolerance"
    reason = f"the interval reaches beyond {MARGIN:g} of the tolerance"
    if spread and interval.high - interval.low > 2 * MARGIN:
        needed = pairs_needed(spread, configurations)
        reason += f", and is wider than that: with this spread it takes about {needed} pairs"
    return AdmissionState.NOT_ADMITTED, reason


def pairs_needed(spread: float, configurations: int) -> int:
    """Return how many pairs admit a metric with a chance of about POWER if the precision makes no difference at all.

    Args:
        spread: The standard deviation of a pair's difference, in units of the tolerance.
        configurations: How many the pairs are spread over evenly, at least two.
    """
    quantiles = [t_quantile((1 + chance) / 2, configurations - 1) for chance in (CONFIDENCE, POWER)]
    return math.ceil((sum(quantiles) * spread / MARGIN) ** 2)


def pair_count(count: int) -> str:
    """Say how many pairs."""
    return f"{count} pair" if count == 1 else f"{count} pairs"
