"""The page of the questions of `controls` and their answers, as Markdown."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import pandas as pd

from benchmark.controls.answers import MEASURES, Answer, ContrastAnswer
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import WEIGHT_SETS
from benchmark.results.study_results import StudyResults
from benchmark.studies.questions import Contrast
from benchmark.tables.captions import seed_count
from benchmark.tables.pipe_table import escape_markdown, wide_table

_MEASURES = {measure.field: measure.label for measure in MEASURES.values()}
_SILENT = (Answer.TOO_FEW, Answer.PENDING, Answer.NO_PAIR, Answer.NOT_RUN)
_LEGEND = (
    "Advantage: of A over B, positive where A is better: a higher accuracy of the SVM, or {better}. "
    "It is averaged over data sets and latent dims for each seed, then over seeds, with the 95 % t-interval of that "
    "mean. The images are the same for all, so that it is one over seeds alone{zero}. Ahead: in how many of the data "
    "sets and latent dims A is better on average. Nothing is corrected for the number of questions. "
    "Where weights were chosen they were chosen for the methods themselves: their controls have them untuned."
)
_BEYOND_ZERO = {
    "better": "a smaller share of the pixels' variance left by the reconstruction",
    "zero": "; one that holds zero shows no difference",
}
_BEYOND_A_MARGIN = {"better": "a higher SSIM of reconstructions and originals", "zero": ""}
_RATES = (
    "Rate: what a sampled code tells of its image at most, in nats, by one formula for all. HGMVAE-G draws w for every "
    "code, and its rate is taken given that w, so that what the code tells of w is counted, too. Accuracy and error "
    "are those of codes without noise."
)
_WITHOUT_W = (
    "Without w: the rate less what the code tells of w, between a lower and an upper bound, from the density of each "
    "code given its own w and given others (where a component was drawn, w and the component)."
)
_AT_RATE = (
    "At its rate: methods are compared at the same rate without w, the middle of its bounds; what either bound in its "
    "place would give stands below, and is no comparison of its own. Between two VAEs the logarithm of the error, and "
    "the logit of the accuracy, are taken to lie on a line."
)


def render_answers(study: StudyResults, found: Sequence[ContrastAnswer], means: pd.DataFrame) -> str:
    """Render every question that the study answers, with its contrasts, each method's scores, and failed trials.

    Args:
        study: The study.
        found: The result of `answers`.
        means: The result of `means_frame`.

    Returns:
        Markdown with a final newline.
    """
    manifest = study.manifest
    title = f"Controls: study {manifest.study}, weight set {manifest.weight_set}, {seed_count(manifest.seeds)}"
    margins = {name: margin for one in found for name, margin in one.question.margins.items()}
    legend = _LEGEND.format(**(_BEYOND_A_MARGIN if margins else _BEYOND_ZERO))
    parts = [f"# {escape_markdown(title)}", *map(escape_markdown, manifest.notes), legend, _RATES]
    parts += [_WITHOUT_W] if _bounds_on_record(means) else []
    parts += [_margins(margins)] if margins else []
    parts += [_AT_RATE] if any(one.contrast.same_rate and one.answer is not Answer.NOT_RUN for one in found) else []
    left_out: list[str] = []
    sections: list[str] = []
    verdicts: list[list[str]] = []
    answered: set[Contrast] = set()
    by = measures_run(found)
    for question, group in groupby(found, key=lambda one: one.question):
        contrasts = list(group)
        run = {one.contrast for one in contrasts if one.answer is not Answer.NOT_RUN}
        if run - answered:  # (j) and (e) have one in common
            answered |= run
            heading = f"## ({question.letter}) {escape_markdown(question.text)}"
            sections += [heading, _contrasts(contrasts, manifest.weight_set)]
            by_measure = [_verdict([one for one in contrasts if one.measure == name]) for name in by]
            verdicts.append([f"({question.letter}) {question.text.partition('?')[0]}?", *by_measure])
        else:
            left_out.append(f"({question.letter})")
    parts += ["## In short", wide_table(["question", *(_MEASURES[name] for name in by)], verdicts)]
    parts += sections if margins else [_by_chance(found), *sections]
    if left_out:
        parts.append(f"Not answered by what this folder holds: {', '.join(left_out)}.")
    parts += ["## What every method reached", _reached(means)]
    failed = [
        [trial.dataset, trial.latent_dim, trial.method, trial.seed, record.failure]
        for record in study.own_records()
        if not record.ok and (trial := record.identity)
    ]
    if failed:
        parts += ["## Trials without a score", wide_table(["data set", "d", "method", "seed", "reason"], failed)]
    return "\n\n".join(parts) + "\n"


def measures_run(found: Iterable[ContrastAnswer]) -> list[str]:
    """Return the measures by which a contrast was answered, in the order of MEASURES."""
    run = {one.measure for one in found if one.answer is not Answer.NOT_RUN}
    return [name for name in MEASURES if name in run]


def _margins(margins: Mapping[str, float]) -> str:
    sizes = " and ".join(f"{margin:g} of {_MEASURES[name]}" for name, margin in margins.items())
    return (
        f"These questions have margins, fixed before anything was trained: {sizes}. A or B is better where the whole "
        "interval lies beyond the margin on its side, and the two are the same where all of it lies within both "
        "margins. Otherwise it is not shown either way."
    )


def _verdict(found: Sequence[ContrastAnswer]) -> str:
    """A question's answer by one measure: the differences shown, and bounds on those not shown."""
    of = {answer: [one for one in found if one.answer is answer] for answer in Answer}
    said = [_difference(one) for one in of[Answer.A_BETTER] + of[Answer.B_BETTER]]
    for answer in (Answer.OPEN, Answer.SAME, Answer.UNDECIDED):
        ends = [end for one in of[answer] if one.interval for end in (one.interval.low, one.interval.high)]
        if not ends:
            continue
        most = max(map(abs, ends))
        whose = f"in {len(of[answer])} of {len(found)} {answer}" if len(found) > 1 else str(answer)
        said.append(f"{whose}; the 95 % intervals end within {math.ceil(1000 * most) / 1000:.3f} of zero")
    said += [f"{len(of[answer])} of {len(found)}: {answer}" for answer in _SILENT if of[answer]]
    judged = [one for one in found if one.answer not in _SILENT]
    fewest = min(judged, key=lambda one: _used(one) / _of(one), default=None)
    if fewest and _used(fewest) < _of(fewest):
        said.append(f"at the least on {_used(fewest)} of {_of(fewest)} trials")
    return "; ".join(said)


def _difference(one: ContrastAnswer) -> str:
    """The difference shown by a contrast, the better side first."""
    mean = one.mean or 0.0
    size = f"by {abs(mean):.3f}"
    if one.contrast.less is not None:
        (a, b), (less_a, less_b) = _sides(dataclasses.replace(one.contrast, less=None)), _sides(one.contrast.less)
        more = "more" if mean > 0 else "less"
        return f"{a} gains {size} {more} over {b} than {less_a} over {less_b}"
    a, b = _sides(one.contrast)
    return f"{a} better than {b}, {size}" if mean > 0 else f"{b} better than {a}, {size}"


def _by_chance(found: Sequence[ContrastAnswer]) -> str:
    """The number of comparisons that show a difference, and the number expected by chance without any difference."""
    spread = [one for one in found if one.interval and one.interval.low < one.interval.high]  # equal trials have none
    judged = {(one.contrast, one.measure): one.answer for one in spread if one.answer not in _SILENT}
    differ = sum(answer is not Answer.OPEN for answer in judged.values())
    return (
        f"{differ} of {len(judged)} comparisons show a difference; if there were none, about {len(judged) / 20:.1f} "
        "would, by chance. Most share HGMVAE-G's trials, so chance differences come together, not one by one."
    )


def _contrasts(found: Sequence[ContrastAnswer], weight_set: str) -> str:
    rows = []
    for one in found:
        a, b = _sides(one.contrast, weight_set)
        at_bounds = [(f"{b}, {name} bounds", of_bound) for name, of_bound in one.at_bounds.items()]
        rows += [
            [a, against, _MEASURES[each.measure], *_advantage(each), str(each.answer), _pairs(each)]
            for against, each in [(b, one), *at_bounds]
        ]
    return wide_table(["A", "B", "by", "advantage", "ahead", "answer", "trials of A"], rows)


def _sides(contrast: Contrast, weight_set: str = "") -> tuple[str, str]:
    a = _label(contrast.a, weight_set)
    b = "a VAE at its rate" if contrast.same_rate else _label(contrast.b, weight_set)
    if contrast.less is None:
        return a, b
    less_a, less_b = _sides(contrast.less, weight_set)
    return f"{a}, less that of {less_a}", f"{b}, less that of {less_b}"


def _advantage(one: ContrastAnswer) -> tuple[str, str]:
    if one.mean is None:
        return "", ""
    ends = f" [{one.interval.low:+.4f}, {one.interval.high:+.4f}]" if one.interval else ""
    return f"{one.mean:+.4f}{ends}", f"{one.ahead} of {one.places}"


def _pairs(one: ContrastAnswer) -> str:
    """The number of a's trials behind the answer, and why others are missing."""
    reasons = [f"{times} {reason}" for reason, times in one.left_out.items()]
    outside = sum(map(len, one.differences.values())) - _used(one)
    if outside:
        reasons.append(f"{outside} outside the block of seeds and places that is complete")
    return "; ".join([f"{_used(one)} of {_of(one)}", *reasons])


def _used(one: ContrastAnswer) -> int:
    """The number of pairs behind the answer."""
    return one.seeds * one.places


def _of(one: ContrastAnswer) -> int:
    """The number of a's trials."""
    return sum(map(len, one.differences.values())) + sum(one.left_out.values())


def _reached(means: pd.DataFrame) -> str:
    bounds = _bounds_on_record(means)
    by = [name for name in _MEASURES if name in means]
    rows = [
        [
            row.dataset,
            row.latent_dim,
            _label(row.method),
            *(_number(getattr(row, name), 4) for name in by),
            _number(row.rate, 2),
            *([_span(row.rate_low, row.rate_high)] if bounds else []),
            _number(row.z_rate, 2),
            f"{row.collapsed} of {row.seeds}" if row.collapsed else "",
        ]
        for row in means.itertuples()
    ]
    without_w = ["without w"] if bounds else []
    head = ["data set", "d", "method", *(_MEASURES[name] for name in by), "rate", *without_w, "rate of z", "collapsed"]
    return wide_table(head, rows)


def _bounds_on_record(means: pd.DataFrame) -> bool:
    """Whether any method has bounds of its rate, which older results folders lack."""
    return bool(means["rate_low"].notna().any())


def _span(low: float, high: float) -> str:
    least, most = _number(low, 2), _number(high, 2)
    return least if least == most else f"{least} to {most}"


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _label(method: str, weight_set: str = "") -> str:
    """The method's label, with a note if a control changes nothing under this weight set."""
    if method not in ALL_METHODS:
        return method
    found = ALL_METHODS[method]
    base = ALL_METHODS.get(found.control_of)
    if (
        weight_set in WEIGHT_SETS
        and base
        and (found.model, found.residual_hidden, found.training) == (base.model, base.residual_hidden, base.training)
    ):
        same = found.settings(weight_set) == base.settings(weight_set)
        return f"{found.label} (with these weights the same as {base.label})" if same else found.label
    return found.label
