"""Judgement of the claims of benchmark.paper.claims on our runs and on the paper's own numbers.

Rules and their reasons: docs/verdicts.md.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from benchmark.admission.committed_admission import precision_notes
from benchmark.paper.claims import ALL, CLAIMS, SECONDS, Claim, Contender, Contest, Part
from benchmark.paper.tables import PLACE, PRINTED_METRICS, ScorePlace, printed_numbers
from benchmark.results.frame import NOT_MEASURED
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.statistics import ALPHA, PairedTest, holm, paired_test, powerless
from benchmark.table_specs import TABLES
from benchmark.verdict.cell_verdicts import other_trials, other_weights
from benchmark.verdict.claim_effects import (
    Decision,
    Effects,
    Power,
    contest_effects,
    decide,
    in_margins,
    inflation_of,
    part_effect,
    power,
)

Values = Mapping[ScorePlace, Mapping[int, float]]  # seed -> value
PrintedValues = Mapping[tuple[Any, ...], float]  # (table, *ScorePlace) -> value
_LEFT_OUT = 0.1  # the largest share of seeds that may lack a value, because failures are not random


class ClaimState(StrEnum):
    """The state of a claim."""

    SUPPORTED = "supported"
    REFUTED = "refuted"  # shown negligible or reversed
    OPEN = "open"


class ContestOutcome(StrEnum):
    """The outcome of a contest, or of a unit of several, for the favoured side."""

    WON = "won"
    LOST = "lost"
    OPEN = "open"  # not significant; a tie as printed
    MISSING = "missing"  # a side has no value


@dataclass(frozen=True)
class ContestResult:
    """The outcome of a contest, with its test.

    Positive differences favour the claim; those of SECONDS are of natural logarithms. For the paper's own numbers there
    is no test, spread or p-value.

    Attributes:
        outcome: Whether the favoured side has won.
        chosen: The favoured side that was compared.
        n: Number of pairs tested: seeds with a value on both sides that were not used to choose a favoured side (C9:
            places).
        difference: The mean difference.
        in_spreads: The difference in units of the two sides' pooled standard deviation over seeds.
        test: The tests of the paired differences.
        p_holm: Holm-corrected p of the signed-rank test, which decides.
        p_t_holm: Holm-corrected p of the t-test, for information only.
        powerless: Whether so few pairs can never be significant in this family.
        reason: Why a side is missing, or why there is no test.
    """

    contest: Contest
    outcome: ContestOutcome
    chosen: Contender | None = None
    n: int = 0
    difference: float | None = None
    in_spreads: float | None = None
    test: PairedTest | None = None
    p_holm: float | None = None
    p_t_holm: float | None = None
    powerless: bool = False
    reason: str = ""


@dataclass(frozen=True)
class PartEffect:
    """The effect of one part of a claim, the weighted mean over its contests, in margins.

    Attributes:
        run: Number of its contests that have values.
        effect: The mean over seeds, or the effect of the printed numbers.
        low: Lower confidence bound; None with fewer than two seeds.
        high: Upper confidence bound; None with fewer than two seeds.
        printed: The effect in the paper's numbers over the same contests; None if it prints none.
        by_seed: The effect of every seed; None for printed numbers.
    """

    part: Part
    run: int
    effect: float
    low: float | None = None
    high: float | None = None
    printed: float | None = None
    by_seed: Effects | None = None


@dataclass(frozen=True)
class Judgement:
    """A claim judged on one set of numbers.

    Attributes:
        on_run: The state judged only by the contests that have values.
        lacking: What is missing for a state other than OPEN: contests with values, or seeds.
        notes: Notes on metrics for which the precision of training is admitted.
        reduced: Why the claim's trials are not the paper's ("reduced: ..."), in which case the state is about this
            study only; else empty.
        contests: The outcomes of its contests.
        parts: The effects of its parts that have contests with values.
        n: Number of seeds behind the effects (C9: places).
    """

    claim: Claim
    on_run: ClaimState
    lacking: tuple[str, ...]
    notes: tuple[str, ...]
    reduced: str
    contests: tuple[ContestResult, ...]
    parts: tuple[PartEffect, ...]
    n: int

    @property
    def state(self) -> ClaimState:
        """The state by all contests: OPEN if anything is lacking."""
        return ClaimState.OPEN if self.lacking else self.on_run

    @property
    def reason(self) -> str:
        """The deciding effect, what is lacking, the contests' outcomes, and the notes."""
        return "; ".join((*_said(self), *self.lacking, _counted(self.contests), *self.notes))

    @property
    def judged(self) -> int:
        """The number of contests that have values on both sides."""
        return sum(one.outcome is not ContestOutcome.MISSING for one in self.contests)

    @property
    def deciding(self) -> PartEffect | None:
        """The part that refutes the claim or, if none does, whose bound exceeds the bar least; None without values."""

        def above(one: PartEffect) -> float:
            bound = one.high if self.on_run is ClaimState.REFUTED else one.low
            return (one.effect if bound is None else bound) - one.part.bar

        return min(self.parts, key=above, default=None)


def judge_runs(study: StudyResults) -> list[Judgement]:
    """Judge every claim on our runs.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    by_place = study.frame.groupby(PLACE, sort=False)
    absent = {ScorePlace(*place): ", ".join(dict.fromkeys(rows["status"])) for place, rows in by_place}
    pending = {ScorePlace(*place): set(rows.loc[rows["status"].isin(NOT_MEASURED), "seed"]) for place, rows in by_place}
    return judge_values(study.manifest, seed_values(study.frame), study.costs, absent, pending)


def seed_values(frame: pd.DataFrame) -> dict[ScorePlace, dict[int, float]]:
    """Return the scores of a long frame by place and seed, without places that have no score."""
    return {
        ScorePlace(*place): dict(zip(rows["seed"], rows["value"].astype(float), strict=True))
        for place, rows in frame.dropna(subset="value").groupby(PLACE, sort=False)
    }


def judge_values(
    manifest: Manifest,
    values: Values,
    costs: pd.DataFrame,
    absent: Mapping[ScorePlace, str],
    pending: Mapping[ScorePlace, Set[int]],
    claims: Sequence[Claim] = CLAIMS,
) -> list[Judgement]:
    """Judge every claim on scores from any protocol.

    Args:
        manifest: The study's manifest, which says what was reduced.
        values: The scores by place and seed.
        costs: Training times, the result of `training_costs`.
        absent: Place without a score -> the reason.
        pending: Place -> seeds whose score is still to be measured. Other seeds without a score will not get one.
        claims: The claims.
    """
    printed = _printed_effects(_on_paper(), claims)
    judgements = []
    for claim in claims:
        of_costs = any(contest.metric == SECONDS for contest in claim.contests)
        ended = [
            _on_costs(contest, costs) if of_costs else _on_seeds(contest, values, absent) for contest in claim.contests
        ]
        contests = _corrected(ended)
        run = [one.contest for one in contests if one.outcome is not ContestOutcome.MISSING]
        effects = _cost_effects(run, costs) if of_costs else _seed_effects(run, values)
        asked = 0 if of_costs else manifest.seeds
        to_come = set().union(*(pending.get(place, ()) for contest in run for place in contest.places.values()))
        judgements.append(_judgement(claim, contests, effects, asked, len(to_come), printed, manifest))
    return judgements


def judge_printed() -> list[Judgement]:
    """Judge every claim on the paper's numbers, which are means without a spread.

    The states show whether a claim agrees with the tables, not whether it would hold for other seeds.
    """
    return judge_means(_on_paper())


def judge_means(values: PrintedValues, claims: Sequence[Claim] = CLAIMS) -> list[Judgement]:
    """Judge every claim on means without a spread, as `judge_printed` does on printed numbers.

    A claim is supported if it is a margin or more above every bar, and refuted if it is not above one of them.
    """
    effects = _printed_effects(values, claims)
    return [
        _judgement_on_print(claim, tuple(_on_print(contest, values) for contest in claim.contests), effects)
        for claim in claims
    ]


def _on_paper() -> dict[tuple[Any, ...], float]:
    return {(one.table, *one.place): one.value for one in printed_numbers()}


def _printed_effects(values: PrintedValues, claims: Sequence[Claim]) -> dict[Contest, Effects]:
    """The effect of every contest for which there are printed numbers, treated as a single seed."""
    effects = {}
    for contest in dict.fromkeys(contest for claim in claims for contest in claim.contests):
        if scores := _printed_scores(contest, values):
            effects[contest] = contest_effects(contest, {side: np.array([score]) for side, score in scores.items()})
    return effects


def _printed_scores(contest: Contest, values: PrintedValues) -> dict[Contender, float]:
    """The printed number of each side; empty if one of them is not printed."""
    keys = {side: (contest.table, *place) for side, place in contest.places.items()}
    return {side: values[key] for side, key in keys.items()} if values.keys() >= {*keys.values()} else {}


def state_by_tests(claim: Claim, values: Values) -> ClaimState:
    """Return the state that `judge_values` gives a claim by its contests with values, without testing each of them.

    Args:
        claim: A claim on scores, not on training costs.
        values: The scores by place and seed.
    """
    run = [contest for contest in claim.contests if _common_seeds(values, contest.places.values())]
    effects = _seed_effects(run, values)
    of_parts = {part: part_effect(here, effects) for part, here in _run_of(claim, effects).items()}
    return ClaimState.OPEN if _seeds(of_parts) < 2 else _state_of(_decision(claim, of_parts))


def _seed_effects(contests: Sequence[Contest], values: Values) -> dict[Contest, Effects]:
    """The effect of every contest, for the seeds that have a value at all of its places."""
    sides = {contest: contest.places for contest in contests}
    places = {place for of_contest in sides.values() for place in of_contest.values()}
    seeds = _common_seeds(values, places)
    if not seeds:
        return {}
    scores = {place: np.array([values[place][seed] for seed in seeds]) for place in places}
    return {
        contest: contest_effects(contest, {side: scores[place] for side, place in of_contest.items()})
        for contest, of_contest in sides.items()
    }


def _cost_effects(contests: Sequence[Contest], costs: pd.DataFrame) -> dict[Contest, Effects]:
    """The same as `_seed_effects`, with places (data set and latent dim) instead of seeds."""
    methods = {contest: contest.favoured[0].method for contest in contests}
    ratios = costs.groupby(["dataset", "latent_dim", "method"])["ratio"].mean().unstack()
    whole = ratios[list(methods.values())].dropna() if methods else ratios
    return {
        contest: Effects.of_one_side(in_margins(SECONDS, whole[method].to_numpy(), np.ones(len(whole))))
        for contest, method in methods.items()
    }


def _common_seeds(values: Values, places: Iterable[ScorePlace]) -> list[int]:
    """The seeds that have a value at all of the places, ascending; none without places."""
    seeds = [{*values.get(place, ())} for place in places]
    return sorted(set.intersection(*seeds)) if seeds else []


def _on_seeds(contest: Contest, values: Values, absent: Mapping[ScorePlace, str]) -> ContestResult:
    """The contest with its uncorrected test; its outcome is OPEN or MISSING."""
    places = contest.places
    if without := [place for place in places.values() if not values.get(place)]:
        reasons = dict.fromkeys(absent.get(place, "not in the study") for place in without)
        return ContestResult(contest, ContestOutcome.MISSING, reason=", ".join(reasons))
    seeds = _common_seeds(values, places.values())
    if not seeds:
        return ContestResult(contest, ContestOutcome.MISSING, reason="no seed in common")
    scores = {
        side: PRINTED_METRICS[contest.metric].sign * np.array([values[place][s] for s in seeds])
        for side, place in places.items()
    }
    chosen, tested = contest.favoured[0], slice(None)
    if len(contest.favoured) > 1:
        half = len(seeds) // 2
        if not half:
            return ContestResult(
                contest, ContestOutcome.OPEN, powerless=True, reason="one seed cannot both choose a side and test it"
            )
        chosen, tested = max(contest.favoured, key=lambda side: scores[side][:half].mean()), slice(half, None)
    one, other = scores[chosen][tested], scores[contest.rival][tested]
    test = paired_test(one - other)
    spread = math.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2) if len(one) > 1 else 0.0
    difference = test.estimate.mean
    in_spreads = difference / spread if spread else None
    return ContestResult(contest, ContestOutcome.OPEN, chosen, len(one), difference, in_spreads, test)


def _on_costs(contest: Contest, costs: pd.DataFrame) -> ContestResult:
    """A contest tested across places, with one log ratio per place, the mean over its seeds.

    Seeds are not independent measurements here: they are trained one after another beside other load on the machine.
    """
    [side] = contest.favoured
    own = costs[costs["method"] == side.method]
    if own.empty:
        return ContestResult(
            contest, ContestOutcome.MISSING, reason=f"no {side.method} and VAE trained alike on one machine"
        )
    of_place = np.log(own["ratio"].astype(float)).groupby([own["dataset"], own["latent_dim"]]).mean()
    test = paired_test(of_place.to_numpy())
    return ContestResult(contest, ContestOutcome.OPEN, side, len(of_place), test.estimate.mean, test=test)


def _on_print(contest: Contest, values: PrintedValues) -> ContestResult:
    printed = _printed_scores(contest, values)
    if not printed:
        return ContestResult(contest, ContestOutcome.MISSING, reason="not printed")
    scores = {side: PRINTED_METRICS[contest.metric].sign * score for side, score in printed.items()}
    chosen = max(contest.favoured, key=scores.__getitem__)
    difference = scores[chosen] - scores[contest.rival]
    if not difference:
        return ContestResult(contest, ContestOutcome.OPEN, chosen, difference=0.0, reason="a tie as printed")
    return ContestResult(
        contest, ContestOutcome.WON if difference > 0 else ContestOutcome.LOST, chosen, difference=difference
    )


def _corrected(ended: Sequence[ContestResult]) -> list[ContestResult]:
    """The contests with Holm-corrected p-values within their declared families, and their outcomes."""
    corrected = list(ended)
    for family in dict.fromkeys(one.contest.family for one in ended):
        members = [position for position, one in enumerate(ended) if one.contest.family == family]
        tests = [ended[position].test for position in members]
        ranked = holm([test.p_wilcoxon if test else 1.0 for test in tests])
        student = holm([1.0 if test is None or test.p_t is None else test.p_t for test in tests])
        without_power = powerless([test.estimate.n if test else 0 for test in tests])
        for position, p, p_t, weak in zip(members, ranked, student, without_power, strict=True):
            one = ended[position]
            if one.test and one.difference is not None:
                won = ContestOutcome.WON if one.difference > 0 else ContestOutcome.LOST
                agree = one.test.side * one.difference > 0  # a few large differences can reverse the sign of the mean
                corrected[position] = replace(
                    one,
                    outcome=won if agree and p < ALPHA else ContestOutcome.OPEN,
                    reason=one.reason if agree or p >= ALPHA else "ranks and mean disagree",
                    p_holm=p,
                    p_t_holm=None if one.test.p_t is None else p_t,
                    powerless=weak,
                )
    return corrected


def _run_of(claim: Claim, effects: Mapping[Contest, Effects]) -> dict[Part, list[Contest]]:
    """The contests with effects of each part, without parts that have none."""
    run = {part: [one for one in part.contests if one in effects] for part in claim.parts}
    return {part: here for part, here in run.items() if here}


def _seeds(of_parts: Mapping[Part, Effects]) -> int:
    return next((one.by_all.shape[-1] for one in of_parts.values()), 0)


def _decision(claim: Claim, of_parts: Mapping[Part, Effects]) -> Decision:
    return decide(Effects.stacked([*of_parts.values()]), [part.bar for part in of_parts], inflation_of(claim))


def _state_of(decision: Decision) -> ClaimState:
    return _state(bool(decision.supported), bool(decision.refuted))


def _judgement(
    claim: Claim,
    contests: Sequence[ContestResult],
    effects: Mapping[Contest, Effects],
    asked: int,
    to_come: int,
    printed: Mapping[Contest, Effects],
    manifest: Manifest,
) -> Judgement:
    """Judge a claim from the effects of its contests for every seed.

    Args:
        claim: The claim.
        contests: The outcomes of its contests.
        effects: The effects of the contests that were run.
        asked: Number of seeds that the study asks for; 0 if the effects are not over seeds.
        to_come: How many of them still lack a score in a contest that was run but is not finished.
        printed: The effects in the paper's numbers.
        manifest: The study's manifest.
    """
    run = _run_of(claim, effects)
    of_parts = {part: part_effect(here, effects) for part, here in run.items()}
    n = _seeds(of_parts)
    of_print = [_mean_effect(here, printed) if printed.keys() >= set(here) else None for here in run.values()]
    on_run, bounds = ClaimState.OPEN, [(None, None)] * len(run)
    if n > 1:
        decision = _decision(claim, of_parts)
        bounds = list(zip(decision.low.tolist(), decision.high.tolist(), strict=True))
        on_run = _state_of(decision)
    parts = tuple(
        PartEffect(part, len(run[part]), float(effect.by_halves.mean()), *ends, of_paper, effect)
        for part, effect, ends, of_paper in zip(run, of_parts.values(), bounds, of_print, strict=True)
    )
    missing = sum(one.outcome is ContestOutcome.MISSING for one in contests)
    lacking = []
    if missing:
        lacking.append(f"{len(contests) - missing} of {len(contests)} comparisons were run")
    if n < 2:
        lacking.append(f"{n} of 2 {'seeds' if asked else 'places'} that a test needs")
    elif to_come:
        lacking.append(f"{to_come} of {asked} seeds are not measured everywhere yet")
    elif asked - n > _LEFT_OUT * asked:
        lacking.append(f"{asked - n} of {asked} seeds have no value somewhere")
    notes = precision_notes(manifest, _metrics(claim)).admitted
    return Judgement(claim, on_run, tuple(lacking), notes, _reduced(manifest, claim), tuple(contests), parts, n)


def power_of(judgement: Judgement) -> Power | None:
    """Return the power of a claim's tests with its seeds; None with fewer than two seeds and for printed numbers."""
    effects = [one.by_seed for one in judgement.parts if one.by_seed]
    if not effects or judgement.n < 2:
        return None
    printed = [one.printed for one in judgement.parts if one.printed is not None]
    bars = [one.part.bar for one in judgement.parts]
    known = printed if len(printed) == len(bars) else None
    return power(Effects.stacked(effects), bars, inflation_of(judgement.claim), known)


def _judgement_on_print(
    claim: Claim, contests: tuple[ContestResult, ...], effects: Mapping[Contest, Effects]
) -> Judgement:
    """Judge a claim by printed numbers: supported a margin above every bar, refuted if not above one of them."""
    run = _run_of(claim, effects)
    parts = tuple(PartEffect(part, len(here), _mean_effect(here, effects)) for part, here in run.items())
    above = [one.effect - one.part.bar for one in parts]
    on_run = _state(bool(above) and min(above) >= 1, bool(above) and min(above) <= 0)
    missing = sum(one.outcome is ContestOutcome.MISSING for one in contests)
    lacking = (f"{len(contests) - missing} of {len(contests)} comparisons have numbers",) if missing else ()
    return Judgement(claim, on_run, lacking, (), "", contests, parts, 0)


def _mean_effect(contests: Sequence[Contest], effects: Mapping[Contest, Effects]) -> float:
    """The effect of a part by numbers that are not over seeds."""
    return float(part_effect(contests, effects).by_all.mean())


def _state(supported: bool, refuted: bool) -> ClaimState:
    return ClaimState.SUPPORTED if supported else ClaimState.REFUTED if refuted else ClaimState.OPEN


def _counted(contests: Iterable[ContestResult]) -> str:
    """The units by outcome, and why contests are missing or untested."""
    units: dict[str, list[ContestOutcome]] = {}
    for one in contests:
        units.setdefault(one.contest.unit, []).append(one.outcome)
    count = Counter(map(_unit_outcome, units.values()))
    counted = (
        f"{count[ContestOutcome.WON]} of {len(units)} won, {count[ContestOutcome.LOST]} lost, "
        f"{count[ContestOutcome.OPEN]} open, {count[ContestOutcome.MISSING]} missing"
    )
    if reasons := dict.fromkeys(one.reason for one in contests if one.reason):
        counted += f" ({'; '.join(reasons)})"
    return counted


def _said(judgement: Judgement) -> list[str]:
    """The effect of the deciding part, with its bounds, in words."""
    least = judgement.deciding
    if least is None:
        return []
    where = (
        "" if len(judgement.claim.parts) == 1 else f", the least of {len(judgement.parts)} parts ({least.part.name})"
    )
    bounds = "" if least.low is None or least.high is None else f" [{least.low:+z.1f}, {least.high:+z.1f}]"
    bar = f", to be above {least.part.bar:+.0f}" if least.part.bar else ""
    return [f"effect {least.effect:+z.1f} margins{bounds}{bar}{where}"]


def _unit_outcome(outcomes: Iterable[ContestOutcome]) -> ContestOutcome:
    for outcome in (ContestOutcome.LOST, ContestOutcome.MISSING, ContestOutcome.OPEN):
        if outcome in outcomes:
            return outcome
    return ContestOutcome.WON


def _reduced(manifest: Manifest, claim: Claim) -> str:
    """The `departures` of all contests of a claim, each once."""
    datasets = {contest.dataset for contest in claim.contests}
    protocols = {TABLES[contest.table].protocol for contest in claim.contests if contest.table}
    marks = (
        f"{name}: {mark}"
        for name, marks in manifest.marks.items()
        for mark in marks
        if name in datasets or ALL in datasets
    )
    found = (*other_trials(manifest, protocols, _metrics(claim)), *marks, *other_weights(manifest))
    return f"reduced: {'; '.join(found)}" if found else ""


def _metrics(claim: Claim) -> list[str]:
    return [*dict.fromkeys(contest.metric for contest in claim.contests)]
