"""The metrics that a run computes: those of its study, plus or minus metrics given by name."""

import dataclasses
from dataclasses import dataclass

from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import scored_metrics
from benchmark.names import asked_name
from benchmark.studies.named_studies import Study

ALL = "all"
NOT = "no-"


@dataclass(frozen=True)
class MetricsAsked:
    """The changes made by `--metrics`.

    Attributes:
        added: Metrics to compute even if the study omits them, in the order of `scored_metrics`.
        left_out: Metrics not to compute, in the same order.
    """

    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @classmethod
    def parse(cls, asked: str | None) -> "MetricsAsked":
        """Parse names separated by commas, in any order.

        Args:
            asked: "fid" adds a metric, "no-lpips" omits one, and "all" adds all metrics that are not omitted.

        Raises:
            UserError: A name is unknown (the message suggests the nearest), or a metric is both added and omitted.
        """
        names = [name for part in (asked or "").split(",") if (name := part.strip())]
        left_out = {_metric(name[len(NOT) :], name) for name in names if name.lower().startswith(NOT)}
        added = {_metric(name, name) for name in names if name != ALL and not name.lower().startswith(NOT)}
        if both := sorted(added & left_out):
            raise UserError(f"--metrics {asked}: both adds {both[0]} and leaves it out; give one of the two")
        if ALL in names:
            added = {*scored_metrics()} - left_out
        return cls(*(tuple(name for name in scored_metrics() if name in chosen) for chosen in (added, left_out)))


def with_metrics(study: Study, asked: MetricsAsked) -> Study:
    """Return the study with the metrics that it omits changed as requested."""
    kept = [name for name in study.metrics_left_out if name not in asked.added]
    return dataclasses.replace(study, metrics_left_out=tuple(dict.fromkeys([*kept, *asked.left_out])))


def _metric(written: str, given: str) -> str:
    return asked_name("metric", written, scored_metrics(), f"--metrics {given}: no such metric;")
