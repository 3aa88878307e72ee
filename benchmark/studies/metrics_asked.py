"""The metrics that a run computes: those of its study, more or fewer as they are asked for by name."""

import dataclasses

from benchmark.evaluation.protocol_settings import SCORED_METRICS
from benchmark.names import asked_name
from benchmark.studies.named_studies import Study

ALL = "all"
NOT = "no-"


def with_metrics(study: Study, asked: str | None) -> Study:
    """Change which metrics a study leaves out.

    Args:
        study: The study.
        asked: Names, separated by commas: "fid" adds a metric to those of the study, "no-lpips" leaves one out, "all"
            leaves none out; a later name overrides an earlier one. None: the study as it is.

    Raises:
        UserError: A name is no metric's; the message has the nearest one.
    """
    left_out = dict.fromkeys(study.metrics_left_out)
    for name in (part.strip() for part in (asked or "").split(",")):
        if name == ALL:
            left_out = {}
        elif name.lower().startswith(NOT):
            left_out[_metric(name[len(NOT) :], name)] = None
        elif name:
            left_out.pop(_metric(name, name), None)
    return dataclasses.replace(study, metrics_left_out=tuple(left_out))


def _metric(written: str, given: str) -> str:
    return asked_name("metric", written, SCORED_METRICS, f"--metrics {given}: no such metric;")
