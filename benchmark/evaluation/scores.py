"""A protocol's result: finite values, and a reason for every missing one."""

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, SupportsFloat

from benchmark.metrics import METRICS

# How the reasons begin for metrics that a run left out, whose pretrained weights are unavailable, or whose protocol (a
# user's own) ended with an error. A later run adds such metrics without training.
NOT_ASKED = "not asked for"
WEIGHTS_UNAVAILABLE = "weights unavailable"
SCORING_FAILED = "scoring failed"


class Unscorable(Exception):
    """A metric has no value for these outputs; the message is the reason, one line, without machine paths."""


@dataclass(frozen=True)
class Scores:
    """The metrics of one trial under one protocol.

    Attributes:
        values: Metric -> finite value, in the metric's range.
        unavailable: Metric -> the reason why it has no value.
        details: Plain data for the record (numbers of images, SHA-256 of the weights).

    Raises:
        ValueError: A value is not finite or not in its metric's range.
    """

    values: dict[str, float]
    unavailable: dict[str, str]
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for metric, value in self.values.items():
            if fault := _invalid(metric, value):
                raise ValueError(f"{metric} is {fault}")

    def without(self, metrics: Collection[str]) -> "Scores":
        """Return the scores without some metrics, which get the reason NOT_ASKED."""
        if not metrics:
            return self
        reasons = {metric: f"{NOT_ASKED} (--metrics {metric})" for metric in metrics}
        kept = {metric: value for metric, value in self.values.items() if metric not in reasons}
        return Scores(kept, {**self.unavailable, **reasons}, self.details)


def collect(measures: Mapping[str, Callable[[], float]], details: dict[str, Any]) -> Scores:
    """Compute each metric; one that raises Unscorable, or is not finite or in its range, is put into `unavailable`.

    Args:
        measures: Metric -> the function that computes it.
        details: Plain data for the record.

    Raises:
        TypeError: A function returns no number.
    """
    values: dict[str, float] = {}
    unavailable: dict[str, str] = {}
    for metric, measure in measures.items():
        try:
            value = _number(metric, measure())
        except Unscorable as reason:
            unavailable[metric] = str(reason)
            continue
        if fault := _invalid(metric, value):
            unavailable[metric] = fault
        else:
            values[metric] = value
    return Scores(values, unavailable, details)


def _number(metric: str, value: object) -> float:
    """Return a value of a metric as float; text is none, even if it reads as a number."""
    if isinstance(value, SupportsFloat):
        with suppress(TypeError, ValueError, RuntimeError):  # numpy's and torch's for arrays of several values
            return float(value)
    raise TypeError(f"{metric}: its function returns {type(value).__name__} instead of one number")


def _invalid(metric: str, value: float) -> str | None:
    """Return the reason why a value is no score of the metric; None if it may be one."""
    if not math.isfinite(value):
        return f"computed as {value}"
    if metric not in METRICS or METRICS[metric].admits(value):
        return None
    return f"computed as {value:g}; the metric goes {METRICS[metric].range_text}"


def finite_of(values: Mapping[str, float], details: dict[str, Any]) -> Scores:
    """Make scores from computed values; those that are not finite or in range are put into `unavailable`."""
    return collect({metric: partial(float, value) for metric, value in values.items()}, details)


def none_of(metrics: tuple[str, ...], reason: str) -> Scores:
    """Make scores in which all metrics are unavailable, for the same reason."""
    return Scores({}, dict.fromkeys(metrics, reason))
