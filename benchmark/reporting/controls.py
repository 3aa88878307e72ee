"""The questions of `controls` with their answers, as Markdown."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from benchmark.controls.answers import Answer, Answered, means_frame, measured
from benchmark.manifest import trial_keys
from benchmark.methods import ALL_METHODS
from benchmark.reporting.captions import seed_count
from benchmark.reporting.frame import failure
from benchmark.reporting.text import escape_markdown, wide_table

_MEASURES = {"svm_accuracy": "SVM accuracy", "reconstruction_error": "reconstruction error"}
_LEGEND = (
    "Advantage: of A over B, positive where A is better: a higher accuracy of a linear SVM, or a smaller share of the "
    "pixels' variance left by the reconstruction. It is averaged over data sets and latent dims for each seed, then "
    "over seeds, with the 95 % t-interval of that mean; an interval that holds zero shows no difference. Ahead: in how "
    "many of the data sets and latent dims A is better on average. Nothing is corrected for the number of questions."
)


def render_answers(manifest: Mapping[str, Any], records: Mapping[str, Mapping], found: Sequence[Answered]) -> str:
    """Every question that the study answers, with its contrasts; what every method reached; trials without a score.

    Ends with a line end.
    """
    title = f"Controls: study {manifest['study']}, weight set {manifest['weight_set']}, {seed_count(manifest['seeds'])}"
    parts = [f"# {escape_markdown(title)}", *map(escape_markdown, manifest["notes"]), _LEGEND]
    left_out = []
    for question, group in groupby(found, key=lambda one: one.question):
        contrasts = [one for one in group if one.answer is not Answer.NOT_RUN]
        if contrasts:
            parts += [f"## ({question.letter}) {escape_markdown(question.text)}", _contrasts(contrasts)]
        else:
            left_out.append(f"({question.letter})")
    if left_out:
        parts.append(f"Not answered by what this folder holds: {', '.join(left_out)}.")
    parts += ["## What every method reached", _reached(means_frame(measured(manifest, records)))]
    failed = [
        [record["identity"][axis] for axis in ("dataset", "latent_dim", "method", "seed")] + [failure(record)]
        for record in (records.get(key) for key in trial_keys(manifest))
        if record is not None and record["status"] != "ok"
    ]
    if failed:
        parts += ["## Trials without a score", wide_table(["data set", "d", "method", "seed", "reason"], failed)]
    return "\n\n".join(parts) + "\n"


def _contrasts(found: Sequence[Answered]) -> str:
    rows = []
    for one in found:
        b = "a VAE at its rate" if one.contrast.same_rate else _label(one.contrast.b)
        rows.append([_label(one.contrast.a), b, _MEASURES[one.measure], *_advantage(one), str(one.answer)])
    return wide_table(["A", "B", "by", "advantage", "ahead", "answer"], rows)


def _advantage(one: Answered) -> tuple[str, str]:
    if one.answer is Answer.NOT_RUN:
        return "", ""
    ends = f" [{one.interval.low:+.4f}, {one.interval.high:+.4f}]" if one.interval else ""
    return f"{one.mean:+.4f}{ends}", f"{one.ahead} of {one.places}"


def _reached(means: pd.DataFrame) -> str:
    rows = [
        [
            row.dataset,
            row.latent_dim,
            _label(row.method),
            *(_number(value, digits) for value, digits in _values(row)),
            f"{row.collapsed} of {row.seeds}" if row.collapsed else "",
        ]
        for row in means.itertuples()
    ]
    return wide_table(["data set", "d", "method", *_MEASURES.values(), "rate", "rate of z", "collapsed"], rows)


def _values(row: Any) -> list[tuple[float, int]]:
    return [(row.svm_accuracy, 4), (row.reconstruction_error, 4), (row.rate, 2), (row.z_rate, 2)]


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _label(method: str) -> str:
    return ALL_METHODS[method].label if method in ALL_METHODS else method
