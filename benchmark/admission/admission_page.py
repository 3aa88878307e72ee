"""The decisions as a frame and as a page in Markdown."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from benchmark.admission.admission_rule import MARGIN, AdmissionState, MetricAdmission, pair_count
from benchmark.admission.committed_admission import SEE, holds_for
from benchmark.admission.paired_differences import PairOutcome
from benchmark.metrics import METRICS
from benchmark.results.manifest import ManifestRun
from benchmark.results.study_results import StudyResults
from benchmark.statistics import POWER, Interval
from benchmark.tables.pipe_table import escape_markdown, wide_table
from benchmark.text import number

_LEGEND = (
    "Difference: the score in {precision} minus the score in float32 for the same method, latent dimension and seed, "
    "in units of the metric's tolerance. It is averaged over the seeds of each configuration (method and latent "
    "dimension), then over configurations. Its 95 % t-interval is over configurations, so differences between methods "
    "make it wider. Admitted: the whole interval is within {margin:g} of the tolerance. Nothing is decided until all "
    "pairs and configurations have been measured. A pair in which only one trial has a value counts as a difference, "
    "whatever the other pairs show. Over pairs: the same interval as if every pair were independent, for comparison. "
    "Spread: the "
    "standard deviation of a pair's difference within its configuration. Largest: the configuration whose mean is "
    "farthest from 0. Number of pairs needed: for a probability of {power:.0%} of admission if there is no "
    "difference. The rule "
    "and its limits: {see}."
)


def admission_frame(study: StudyResults, found: Sequence[MetricAdmission]) -> pd.DataFrame:
    """Tabulate the decisions.

    Args:
        study: A study with pairs.
        found: The result of `decide`.

    Returns:
        One row per metric: what the decision applies to (`holds_for`), and the fields of MetricAdmission, with
        intervals as two columns.
    """
    of_trials = holds_for(study.paired.manifest) if study.paired else {}
    rows = []
    for one in found:
        fields = asdict(one)
        for name in ("interval", "over_pairs"):
            interval: Interval | None = getattr(one, name)
            fields[f"{name}_low"], fields[f"{name}_high"] = (interval.low, interval.high) if interval else (None, None)
            del fields[name]
        rows.append(of_trials | fields | {"state": str(one.state)})
    return pd.DataFrame(rows)


def render_admission(study: StudyResults, pairs: pd.DataFrame, found: Sequence[MetricAdmission]) -> str:
    """Render the decisions, the pairs that lack a value, and the runs that they come from.

    Args:
        study: A study with pairs.
        pairs: The result of `paired_differences`.
        found: The result of `decide`.

    Returns:
        Markdown with a final newline.
    """
    manifest = study.manifest
    precision = study.paired.manifest.precision if study.paired else ""
    trials = pairs.drop_duplicates(["dataset", "method", "latent_dim", "seed"])
    of_state = {state: [METRICS[one.metric].label for one in found if one.state is state] for state in AdmissionState}
    by_state = [f"{state.capitalize()}: {', '.join(labels) or 'none'}." for state, labels in of_state.items()]
    parts = [
        f"# Is {precision} equivalent to float32? Study {escape_markdown(manifest.study)}, {len(trials)} pairs",
        escape_markdown(" ".join(by_state)),
        *map(escape_markdown, manifest.notes),
        wide_table(
            ["metric", "", "why", "pairs", "difference", "95 %", "over pairs", "spread", "largest"],
            [
                [
                    METRICS[one.metric].label,
                    one.state,
                    one.reason,
                    f"{one.pairs} of {one.asked}",
                    _number(one.mean),
                    _ends(one.interval),
                    _ends(one.over_pairs),
                    _number(one.spread),
                    f"{_number(one.largest)} {one.largest_in}".strip(),
                ]
                for one in found
            ],
        ),
        _LEGEND.format(precision=precision, margin=MARGIN, power=POWER, see=SEE),
    ]
    if missing := _missing(pairs):
        parts += ["## Pairs without two values", "\n".join(f"- {escape_markdown(line)}" for line in missing)]
    if manifest.runs:
        parts += ["## Runs", "\n".join(map(_run_line, manifest.runs))]
    return "\n\n".join(parts) + "\n"


def _run_line(run: ManifestRun) -> str:
    return f"- `{run.command}`, commit {(run.git_commit or 'unknown')[:7]}, {run.device}, {run.date}"


def _missing(pairs: pd.DataFrame) -> list[str]:
    """Lines on pairs that lack a value; those not measured are only counted."""
    without = pairs[pairs["outcome"] != PairOutcome.BOTH]
    lines = []
    for (outcome, reason), of_reason in without.groupby(["outcome", "reason"], sort=False):
        places = list(
            dict.fromkeys(f"{row.method} d={row.latent_dim} seed={row.seed}" for row in of_reason.itertuples())
        )
        metrics = ", ".join(dict.fromkeys(METRICS[metric].label for metric in of_reason["metric"]))
        where = pair_count(len(places)) if outcome == PairOutcome.NOT_MEASURED else ", ".join(places)
        lines.append(f"{outcome} ({metrics}): {where}" + (f": {reason}" if reason else ""))
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else number(value, 2)


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f"{number(interval.low, 2)} to {number(interval.high, 2)}"
