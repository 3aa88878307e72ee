"""What a protocol returns: finite numbers, and a reason for every number that is missing."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Unscorable(Exception):
    """A metric has no value for these outputs; the message is the reason, one line, without machine paths."""


@dataclass(frozen=True)
class Scores:
    """`values`: metric -> finite number. `unavailable`: metric -> why it has none. `details`: plain data for the
    record (counts of images, SHA-256 of the weights). ValueError for a value that is not finite."""

    values: dict[str, float]
    unavailable: dict[str, str]
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for metric, value in self.values.items():
            if not math.isfinite(value):
                raise ValueError(f"{metric} is {value}; a score is finite or has a reason")


def collect(measures: Mapping[str, Callable[[], float]], details: dict[str, Any]) -> Scores:
    """Take each measure; one that raises Unscorable, or is not finite, goes to `unavailable` and stops no other."""
    values: dict[str, float] = {}
    unavailable: dict[str, str] = {}
    for metric, measure in measures.items():
        try:
            value = float(measure())
        except Unscorable as reason:
            unavailable[metric] = str(reason)
            continue
        if math.isfinite(value):
            values[metric] = value
        else:
            unavailable[metric] = f"computed as {value}"
    return Scores(values, unavailable, details)


def finite_of(values: Mapping[str, float], details: dict[str, Any]) -> Scores:
    """The values that are finite; of the others it is said what was computed."""
    return collect({metric: lambda value=value: value for metric, value in values.items()}, details)


def none_of(metrics: tuple[str, ...], reason: str) -> Scores:
    """No metric has a value, all for the same reason."""
    return Scores({}, dict.fromkeys(metrics, reason))
