"""Answers to the questions of `controls`: differences between methods, paired by seed, from a study's records."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, combinations
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from benchmark.results.records import Record
from benchmark.results.study_results import StudyResults
from benchmark.statistics import Interval, estimate
from benchmark.studies.questions import MEASURES_OF_CONTROLS, QUESTIONS, READINGS, VAES, Contrast, Question

LEAST_SEEDS = 3
MISSING, NO_RESULT, OUT_OF_REACH = "not run", "without a result", "rate out of the VAEs' reach"
NO_RATE = "rate of the image not on record"
_BOUNDS = ("rate_low", "rate_high")
_Z_TERMS = ("z_prior", "z_information", "z_tc_between", "z_tc_within", "z_dimension_kl")

DatasetDim = tuple[str, int]  # data set, latent dim
Point = tuple[float, float]  # rate in nats, value
Of = tuple[str, int, str, int]  # data set, latent dim, method, seed


@dataclass(frozen=True)
class Measure:
    """A score by which methods are compared.

    `at_rate` interpolates `scaled` values linearly between two rates, as the error of an ideal code would be.

    Attributes:
        field: The field of `Measured`.
        label: Its displayed name.
        sign: 1 if higher is better, else -1.
        scaled: Maps a score, a share in [0, 1], to the scale of interpolation.
        unscaled: The inverse of `scaled`.
    """

    field: str
    label: str
    sign: int
    scaled: Callable[[float], float]
    unscaled: Callable[[float], float]


MEASURES = {
    measure.field: measure
    for measure in (
        Measure("svm_accuracy", "SVM accuracy", 1, lambda share: logit(np.clip(share, 1e-6, 1 - 1e-6)), expit),
        Measure("reconstruction_error", "reconstruction error", -1, lambda share: np.log(max(share, 1e-6)), np.exp),
        Measure("ssim", "SSIM", 1, lambda share: logit(np.clip(share, 1e-6, 1 - 1e-6)), expit),
    )
}


class Answer(StrEnum):
    """The position of the 95 % interval of a's advantage over b, or why there is none.

    Without a margin: above zero, below it or containing it. With one: above the margin, below its negative, between the
    two, or none of these.
    """

    A_BETTER = "A better"
    B_BETTER = "B better"
    OPEN = "no difference shown"
    SAME = "the same within the margin"
    UNDECIDED = "not shown either way"
    TOO_FEW = f"fewer than {LEAST_SEEDS} seeds"
    PENDING = "not decided: trials are not run"
    NO_PAIR = "no pair with a result"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Measured:
    """The values in a trial's record; None if missing.

    Attributes:
        svm_accuracy: SVM accuracy, in [0, 1].
        reconstruction_error: The unexplained share of the pixels' variance.
        rate: The rate of the code, in nats.
        z_rate: The KL divergence of the latents z, which lie above the code, from their prior at the end of training,
            in nats.
        collapsed: Whether the model collapsed.
        rate_bounds: A lower and an upper bound, in nats, of the rate minus the information that the code carries about
            the draws that it is conditioned on besides its image (w).
        ssim: SSIM of reconstructions and originals.
    """

    svm_accuracy: float | None
    reconstruction_error: float | None
    rate: float | None
    z_rate: float | None
    collapsed: bool
    rate_bounds: tuple[float, float] | None = None
    ssim: float | None = None

    @property
    def rate_of_image(self) -> float | None:
        """The midpoint of `rate_bounds`, in nats; None if the record is older than the bounds."""
        return None if self.rate_bounds is None else sum(self.rate_bounds) / 2


ENDED = Measured(None, None, None, None, False)  # a trial without a result: diverged or failed
Trials = Mapping[Of, Measured | None]  # None: not run
_Item = TypeVar("_Item")
_Row = tuple[str, int | None, int, float | None, Interval | None, Answer]  # data set, d, seeds, mean, its interval


@dataclass(frozen=True)
class ContrastAnswer:
    """The answer of one measure to one contrast.

    All differences are a's advantage over b, positive if a is better, whether higher or lower scores are better. A
    place is a data set and latent dim.

    Attributes:
        question: The question that the contrast belongs to.
        contrast: The contrast.
        measure: A key of MEASURES.
        differences: Place -> seed -> difference.
        left_out: Reason -> number of a's trials that have no difference for this reason.
        answer: The answer.
        mean: The mean over seeds of their means over places; None if there is no pair.
        interval: The 95 % t-interval of that mean over seeds; None if there is none.
        seeds: Number of seeds used for the answer.
        places: Number of places used for the answer, each available for all of the seeds.
        ahead: Number of these places where a is better on average.
        at_bounds: For a contrast at the same rate, the answers with the "lower" and with the "upper" bound of every
            rate instead of the midpoint; else empty.
    """

    question: Question
    contrast: Contrast
    measure: str
    differences: Mapping[DatasetDim, Mapping[int, float]]
    left_out: Mapping[str, int]
    answer: Answer
    mean: float | None = None
    interval: Interval | None = None
    seeds: int = 0
    places: int = 0
    ahead: int = 0
    at_bounds: "Mapping[str, ContrastAnswer]" = field(default_factory=dict)


def measured(study: StudyResults) -> dict[Of, Measured | None]:
    """Collect the values in a study's records.

    Returns:
        (data set, latent dim, method, seed) -> the values in the trial's record; ENDED for a trial without a result,
        None for one that was not run.
    """
    return {
        (cell.dataset, cell.latent_dim, cell.method, seed): _measured(study.records.get(key))
        for cell in study.manifest.cells
        for seed, key in cell.keys.items()
    }


def _measured(record: Record | None) -> Measured | None:
    if record is None:
        return None
    if not record.ok:
        return ENDED
    health = record.health
    last = [record.curves[name][-1] for name in _Z_TERMS if record.curves.get(name)]
    z_terms = [term for term in last if term is not None]
    return Measured(
        record.score("classification", "svm_accuracy"),
        None if health.explained_variance is None else 1 - health.explained_variance,
        health.rate,
        sum(z_terms) if z_terms and len(z_terms) == len(last) else None,
        bool(health.collapsed),
        health.rate_bounds,
        record.score("reconstruction", "ssim"),
    )


def answers(trials: Trials, questions: Iterable[Question] = (*QUESTIONS, READINGS)) -> list[ContrastAnswer]:
    """Answer every contrast of every question by each of the question's measures, in order.

    Args:
        trials: The result of `measured`.
        questions: The questions.
    """
    return [
        _with_bounds(_answered(question, contrast, measure, trials), trials)
        for question in questions
        for contrast in question.contrasts
        for measure in question.measures
    ]


def _with_bounds(one: ContrastAnswer, trials: Trials) -> ContrastAnswer:
    if not one.contrast.same_rate:
        return one
    ends = {"lower": _at_bound(trials, min), "upper": _at_bound(trials, max)}
    at_bounds = {name: _answered(one.question, one.contrast, one.measure, end) for name, end in ends.items()}
    return replace(one, at_bounds=at_bounds)


def _at_bound(trials: Trials, bound: Callable[[tuple[float, float]], float]) -> Trials:
    """The trials with one bound of every rate, `min` or `max`, instead of both."""

    def at_bound(trial: Measured | None) -> Measured | None:
        if trial is None or trial.rate_bounds is None:
            return trial
        return replace(trial, rate_bounds=(bound(trial.rate_bounds),) * 2)

    return {of: at_bound(trial) for of, trial in trials.items()}


def differences(
    contrast: Contrast, measure: str, trials: Trials
) -> tuple[dict[DatasetDim, dict[int, float]], dict[str, int]]:
    """Compute the advantage of a contrast's method a over b for each of a's trials.

    Args:
        contrast: The contrast.
        measure: A key of MEASURES.
        trials: The result of `measured`.

    Returns:
        The advantage, (data set, latent dim) -> seed -> difference, positive if a is better; and reason -> number of
        a's trials that have no difference for this reason.
    """
    found: dict[DatasetDim, dict[int, float]] = {}
    left_out: Counter[str] = Counter()
    for dataset, latent_dim, method, seed in trials:
        if method != contrast.a:
            continue
        advantage = _advantage(contrast, MEASURES[measure], trials, (dataset, latent_dim), seed)
        if isinstance(advantage, str):
            left_out[advantage] += 1
        else:
            found.setdefault((dataset, latent_dim), {})[seed] = advantage
    return found, dict(left_out)


def _advantage(contrast: Contrast, measure: Measure, trials: Trials, place: DatasetDim, seed: int) -> float | str:
    """The advantage of a over b for one seed and place, or why there is none."""
    one = trials.get((*place, contrast.a, seed))
    if contrast.same_rate:
        theirs = _of_vaes_at(None if one is None else one.rate_of_image, trials, place, seed, measure)
    else:
        theirs = _value(trials.get((*place, contrast.b, seed)), measure)
    ours = _value(one, measure)
    if isinstance(ours, str) or isinstance(theirs, str):
        why_none = [value for value in (ours, theirs) if isinstance(value, str)]
        return MISSING if MISSING in why_none else why_none[0]
    advantage = measure.sign * (ours - theirs)
    if contrast.less is None:
        return advantage
    other = _advantage(contrast.less, measure, trials, place, seed)
    return other if isinstance(other, str) else advantage - other


def _value(trial: Measured | None, measure: Measure) -> float | str:
    """A trial's value, or why there is none."""
    if trial is None:
        return MISSING
    value = getattr(trial, measure.field)
    return NO_RESULT if value is None else value


def _of_vaes_at(rate: float | None, trials: Trials, place: DatasetDim, seed: int, measure: Measure) -> float | str:
    """The value of the seed's VAEs at `rate`, or why there is none."""
    run = [vae for name in VAES if (vae := trials.get((*place, name, seed))) is not None]
    if len(run) < 2:
        return MISSING
    points = vae_points(trials, place, seed, measure)
    if rate is None or len(points) < 2:
        scored = [vae for vae in run if not vae.collapsed and not isinstance(_value(vae, measure), str)]
        return NO_RESULT if len(scored) < 2 else NO_RATE
    found = at_rate(rate, points, measure)
    return OUT_OF_REACH if found is None else found


def vae_points(trials: Trials, place: DatasetDim, seed: int, measure: Measure) -> list[Point]:
    """Collect the points of a seed's VAEs that have not collapsed, for interpolation by `at_rate`.

    Args:
        trials: The result of `measured`.
        place: The data set and latent dim.
        seed: The seed.
        measure: The measure of the values.

    Returns:
        (`rate_of_image`, value) of each VAE that has both, ordered by rate.
    """
    found = (trials.get((*place, name, seed)) for name in VAES)
    values = [(vae.rate_of_image, _value(vae, measure)) for vae in found if vae is not None and not vae.collapsed]
    return sorted((rate, value) for rate, value in values if rate is not None and not isinstance(value, str))


def at_rate(rate: float, points: Iterable[Point], measure: Measure) -> float | None:
    """Interpolate a score at a rate, linearly between (rate, scaled value) points.

    Args:
        rate: The rate in nats.
        points: (rate, value) points in any order.
        measure: The score; its `scaled` values are interpolated.

    Returns:
        The value; None if the rate is outside the range of the points, or if there are fewer than two points.
    """
    known = sorted((x, measure.scaled(y)) for x, y in points)
    if len(known) < 2 or not known[0][0] <= rate <= known[-1][0]:
        return None
    return float(measure.unscaled(np.interp(rate, [x for x, _ in known], [y for _, y in known])))


def _answered(question: Question, contrast: Contrast, measure: str, trials: Trials) -> ContrastAnswer:
    found, left_out = differences(contrast, measure, trials)
    seeds, places = _whole_block(found)
    if not places:
        nothing = Answer.NO_PAIR if left_out.keys() - {MISSING} else Answer.NOT_RUN
        return ContrastAnswer(question, contrast, measure, found, left_out, nothing)
    block = np.array([[found[place][seed] for seed in seeds] for place in places])
    of_mean = estimate(block.mean(axis=0).tolist())
    decided = _answer(of_mean.interval, len(seeds), question.margins.get(measure))
    return ContrastAnswer(
        question,
        contrast,
        measure,
        found,
        left_out,
        Answer.PENDING if _pending(contrast, trials) else decided,
        of_mean.mean,
        of_mean.interval,
        len(seeds),
        len(places),
        int((block.mean(axis=1) > 0).sum()),
    )


def _pending(contrast: Contrast, trials: Trials) -> bool:
    """Whether a trial of the contrast has not been run; answering from the others would be optional stopping."""
    places = {(dataset, latent_dim) for dataset, latent_dim, method, _ in trials if method == contrast.a}
    return any(
        trial is None and method in contrast.methods() and (dataset, latent_dim) in places
        for (dataset, latent_dim, method, _), trial in trials.items()
    )


def _whole_block(found: Mapping[DatasetDim, Mapping[int, float]]) -> tuple[tuple[int, ...], list[DatasetDim]]:
    """The complete block of seeds and places with the most pairs, with LEAST_SEEDS seeds or more if possible."""
    every = sorted({seed for of_seed in found.values() for seed in of_seed})
    if len(every) <= len(found):  # only subsets of the shorter side: 30 seeds have too many to try
        blocks = [
            (seeds, [place for place, of_seed in found.items() if of_seed.keys() >= set(seeds)])
            for seeds in _subsets(every)
        ]
    else:
        blocks = [
            (tuple(seed for seed in every if all(seed in found[place] for place in places)), list(places))
            for places in _subsets(list(found))
        ]
    usable = [(seeds, places) for seeds, places in blocks if seeds and places]
    return max(usable, key=_worth, default=((), []))


def _subsets(of: Sequence[_Item]) -> Iterator[tuple[_Item, ...]]:
    """All non-empty subsets, small ones first."""
    return chain.from_iterable(combinations(of, size) for size in range(1, len(of) + 1))


def _worth(block: tuple[tuple[int, ...], list[DatasetDim]]) -> tuple[bool, int, int]:
    seeds, places = block
    return len(seeds) >= LEAST_SEEDS, len(seeds) * len(places), len(seeds)


def _answer(interval: Interval | None, seeds: int, margin: float | None) -> Answer:
    if interval is None or seeds < LEAST_SEEDS:
        return Answer.TOO_FEW
    if margin is not None and interval.within(margin):
        return Answer.SAME
    if interval.low > (margin or 0):
        return Answer.A_BETTER
    if interval.high < -(margin or 0):
        return Answer.B_BETTER
    return Answer.OPEN if margin is None else Answer.UNDECIDED


def answers_frame(found: Iterable[ContrastAnswer]) -> pd.DataFrame:
    """Tabulate the answers.

    Args:
        found: The result of `answers`.

    Returns:
        For every contrast and measure a row over all places (data set "all", no latent dim), then a row per place: the
        number of seeds, a's mean advantage with its 95 % interval, and the answer.
    """
    rows = []
    for one in found:
        places: list[_Row] = [("all", None, one.seeds, one.mean, one.interval, one.answer)]
        for place, of_seed in one.differences.items():
            of_place = estimate(list(of_seed.values()))
            decided = _answer(of_place.interval, of_place.n, one.question.margins.get(one.measure))
            answer = Answer.PENDING if one.answer is Answer.PENDING else decided
            places.append((*place, of_place.n, of_place.mean, of_place.interval, answer))
        rows += [
            {
                "question": one.question.letter,
                **one.contrast.sides(),
                "measure": one.measure,
                "dataset": dataset,
                "latent_dim": latent_dim,
                "seeds": seeds,
                "advantage": mean,
                "low": interval and interval.low,
                "high": interval and interval.high,
                "answer": str(answer),
            }
            for dataset, latent_dim, seeds, mean, interval, answer in places
        ]
    return pd.DataFrame(rows).astype({"latent_dim": "Int64"})


def means_frame(trials: Trials, measures: Sequence[str] = MEASURES_OF_CONTROLS) -> pd.DataFrame:
    """Average the values in the records over seeds.

    Args:
        trials: The result of `measured`, with at least one trial that has a result.
        measures: Keys of MEASURES.

    Returns:
        A row per data set, latent dim and method: the means of the measures and rates, the number of seeds with a
        result, and the number that collapsed. The bounds of the rate are missing if a seed has none.
    """
    rows = [
        {"dataset": dataset, "latent_dim": latent_dim, "method": method, "seed": seed, **vars(trial)}
        | dict(zip(_BOUNDS, trial.rate_bounds or (None, None), strict=True))
        for (dataset, latent_dim, method, seed), trial in trials.items()
        if trial not in (None, ENDED)
    ]
    grouped = pd.DataFrame(rows).groupby(["dataset", "latent_dim", "method"], sort=False)
    means = grouped[[*measures, "rate", "z_rate"]].agg(lambda values: values.astype(float).mean())
    bounds = grouped[[*_BOUNDS]].agg(lambda values: values.astype(float).mean(skipna=False))
    return means.join(bounds).assign(seeds=grouped["seed"].count(), collapsed=grouped["collapsed"].sum()).reset_index()
