"""From the records of a study to an answer for every question of `controls`: paired differences over seeds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from benchmark.controls.questions import QUESTIONS, READINGS, VAES, Contrast, Question
from benchmark.manifest import trial_keys
from benchmark.verdict.statistics import Interval, estimate

LEAST_SEEDS = 3
MEASURES = {"svm_accuracy": 1, "reconstruction_error": -1}  # 1: the more the better
_Z_TERMS = ("z_prior", "z_information", "z_tc_between", "z_tc_within", "z_dimension_kl")

Place = tuple[str, int]  # data set, latent dim
Of = tuple[str, int, str, int]  # place, method, seed


class Answer(StrEnum):
    """Whether the 95 % interval of a's advantage over b lies above zero, below it, or on both sides."""

    A_BETTER = "a better"
    B_BETTER = "b better"
    OPEN = "no difference shown"
    TOO_FEW = f"fewer than {LEAST_SEEDS} seeds"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Measured:
    """What a trial's record says. `reconstruction_error`: the share of the pixels' variance that is left. `rate`, of
    the code, and `z_rate`, the KL of the latents above it to their prior at the end of training: in nats."""

    svm_accuracy: float | None
    reconstruction_error: float | None
    rate: float | None
    z_rate: float | None
    collapsed: bool


@dataclass(frozen=True)
class Answered:
    """One contrast by one measure. Differences are a's advantage over b, whichever way the measure points.

    `differences`: place -> seed -> difference. `mean` and `interval`: of the seeds' means over the places that every
    seed has, `places` of them; a is ahead on average in `ahead`.
    """

    question: Question
    contrast: Contrast
    measure: str
    differences: Mapping[Place, Mapping[int, float]]
    answer: Answer
    mean: float | None = None
    interval: Interval | None = None
    seeds: int = 0
    places: int = 0
    ahead: int = 0


def measured(manifest: Mapping, records: Mapping[str, Mapping]) -> dict[Of, Measured]:
    """The trials of a study that came to their end, by (data set, latent dim, method, seed)."""
    found = {}
    for key in trial_keys(manifest):
        record = records.get(key)
        if record is None or record["status"] != "ok":
            continue
        trial, health = record["identity"], record["health"]
        explained = health.get("explained_variance")
        z_terms = [record["curves"][name][-1] for name in _Z_TERMS if name in record["curves"]]
        found[trial["dataset"], trial["latent_dim"], trial["method"], trial["seed"]] = Measured(
            record["metrics"].get("classification", {}).get("svm_accuracy"),
            None if explained is None else 1 - explained,
            health.get("rate"),
            sum(z_terms) if z_terms else None,
            bool(health.get("collapsed")),
        )
    return found


def answers(trials: Mapping[Of, Measured], questions: Iterable[Question] = (*QUESTIONS, READINGS)) -> list[Answered]:
    """Every contrast of every question by every measure, in their order."""
    return [
        _answered(question, contrast, measure, trials)
        for question in questions
        for contrast in question.contrasts
        for measure in MEASURES
    ]


def differences(contrast: Contrast, measure: str, trials: Mapping[Of, Measured]) -> dict[Place, dict[int, float]]:
    """a's advantage by place and seed; a pair that lacks a side, or a rate out of reach, is left out."""
    found: dict[Place, dict[int, float]] = {}
    for (dataset, latent_dim, method, seed), trial in trials.items():
        ours = getattr(trial, measure)
        if method != contrast.a or ours is None:
            continue
        if contrast.same_rate:
            others = [trials.get((dataset, latent_dim, vae, seed)) for vae in VAES]
            theirs = at_rate(trial.rate, [(other.rate, getattr(other, measure)) for other in others if other])
        else:
            other = trials.get((dataset, latent_dim, contrast.b, seed))
            theirs = getattr(other, measure) if other else None
        if theirs is not None:
            found.setdefault((dataset, latent_dim), {})[seed] = MEASURES[measure] * (ours - theirs)
    return found


def at_rate(rate: float | None, points: Iterable[tuple[float | None, float | None]]) -> float | None:
    """The value at `rate` on straight lines through (rate, value) points; None out of their reach."""
    known = sorted((x, y) for x, y in points if x is not None and y is not None)
    if rate is None or len(known) < 2 or not known[0][0] <= rate <= known[-1][0]:
        return None
    return float(np.interp(rate, *zip(*known, strict=True)))


def _answered(question: Question, contrast: Contrast, measure: str, trials: Mapping[Of, Measured]) -> Answered:
    found = differences(contrast, measure, trials)
    seeds = sorted({seed for of_seed in found.values() for seed in of_seed})
    whole = [of_seed for of_seed in found.values() if len(of_seed) == len(seeds)]
    if not whole:
        return Answered(question, contrast, measure, found, Answer.NOT_RUN)
    means = [float(np.mean([of_seed[seed] for of_seed in whole])) for seed in seeds]
    ahead = sum(np.mean(list(of_seed.values())) > 0 for of_seed in whole)
    of_mean = estimate(means)
    answer = _answer(of_mean.interval, len(seeds))
    return Answered(
        question, contrast, measure, found, answer, of_mean.mean, of_mean.interval, len(seeds), len(whole), int(ahead)
    )


def _answer(interval: Interval | None, seeds: int) -> Answer:
    if interval is None or seeds < LEAST_SEEDS:
        return Answer.TOO_FEW
    if interval.low > 0:
        return Answer.A_BETTER
    return Answer.B_BETTER if interval.high < 0 else Answer.OPEN


def answers_frame(found: Iterable[Answered]) -> pd.DataFrame:
    """A row per contrast and measure over all places (data set "all", no latent dim), then one per place."""
    rows = []
    for one in found:
        shared = {
            "question": one.question.letter,
            "a": one.contrast.a,
            "b": f"{one.contrast.b} at the same rate" if one.contrast.same_rate else one.contrast.b,
            "measure": one.measure,
        }
        low, high = (one.interval.low, one.interval.high) if one.interval else (None, None)
        rows.append(
            shared
            | {"dataset": "all", "latent_dim": None, "seeds": one.seeds, "advantage": one.mean, "low": low}
            | {"high": high, "answer": str(one.answer)}
        )
        for (dataset, latent_dim), of_seed in one.differences.items():
            of_place = estimate(list(of_seed.values()))
            ends = of_place.interval
            rows.append(
                shared
                | {"dataset": dataset, "latent_dim": latent_dim, "seeds": of_place.n, "advantage": of_place.mean}
                | {"low": ends and ends.low, "high": ends and ends.high, "answer": str(_answer(ends, of_place.n))}
            )
    return pd.DataFrame(rows).astype({"latent_dim": "Int64"})


def means_frame(trials: Mapping[Of, Measured]) -> pd.DataFrame:
    """A row per data set, latent dim and method: means over seeds of what `Measured` has, and how many collapsed."""
    rows = [
        {"dataset": dataset, "latent_dim": latent_dim, "method": method, "seed": seed, **vars(trial)}
        for (dataset, latent_dim, method, seed), trial in trials.items()
    ]
    grouped = pd.DataFrame(rows).groupby(["dataset", "latent_dim", "method"], sort=False)
    means = grouped[[*MEASURES, "rate", "z_rate"]].agg(lambda values: values.astype(float).mean())
    return means.assign(seeds=grouped["seed"].count(), collapsed=grouped["collapsed"].sum()).reset_index()
