"""How often a claim's state changes if only the seeds change: the base rate for numbers of flips."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.paper.claims import CLAIMS, Claim
from benchmark.paper.tables import ScorePlace
from benchmark.streams import stream_seed
from benchmark.verdict.claim_judging import Values, judge_means
from benchmark.verdict.claim_states import claim_states, means_over_seeds

REPEATS = 100


@dataclass(frozen=True)
class FlipRate:
    """How often a claim's state differs between two repeats of a study with other seeds, in [0, 1].

    Attributes:
        as_measured: Rate if each score's true mean is the measured one.
        alike: Rate if all methods and latent dims have the same true mean in a data set and metric.
    """

    as_measured: float
    alike: float


def flip_rates(
    values: Values, claims: Sequence[Claim] = CLAIMS, repeats: int = REPEATS
) -> dict[tuple[str, str], FlipRate]:
    """Estimate how often claims flip because of the seeds alone, by judging simulated repeats of a study.

    Args:
        values: The study's scores, from which `repeated` draws the repeats.
        claims: The claims.
        repeats: Number of repeats to judge, at least 2; all pairs of them are compared.

    Returns:
        The rates by claim name and way of judging (BY_TESTS or BY_MEANS). Claims without scores are left out, and so
        are those whose scores all have one seed and therefore no spread.
    """
    spread = {(dataset, metric) for (dataset, metric, *_), of_seed in values.items() if len(of_seed) > 1}
    judged = {one.claim.name for one in judge_means(means_over_seeds(values), claims) if one.judged}
    concerned = [
        claim
        for claim in claims
        if claim.name in judged and any((one.dataset, one.metric) in spread for one in claim.contests)
    ]
    if not concerned:
        return {}
    measured, alike = (_shares(of, concerned, repeats) for of in (values, _alike(values)))
    return {place: FlipRate(measured[place], alike[place]) for place in measured}


def rate_columns(rates: Mapping[tuple[str, str], FlipRate], claim: str, by: str) -> tuple[float | None, float | None]:
    """Return both rates of a claim and way of judging, None if missing."""
    rate = rates.get((claim, by))
    return (None, None) if rate is None else (rate.as_measured, rate.alike)


def _shares(values: Values, claims: Sequence[Claim], repeats: int) -> dict[tuple[str, str], float]:
    """The share of pairs of repeats that differ in a claim's state, by claim and way of judging."""
    stream = np.random.default_rng(stream_seed("evaluation", use="flip rates"))
    states: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for _ in range(repeats):
        for place, state in claim_states(repeated(values, stream), claims).items():
            states[place][state] += 1
    return {
        place: round(1 - sum(n * (n - 1) for n in of_place.values()) / (repeats * (repeats - 1)), 4)
        for place, of_place in states.items()
    }


def _alike(values: Values) -> dict[ScorePlace, dict[int, float]]:
    """Scores with the same deviations from their means, shifted to a common mean per data set and metric."""
    of_place = {place: float(np.mean([*of_seed.values()])) for place, of_seed in values.items()}
    means: Mapping[tuple[str, str], list[float]] = defaultdict(list)
    for (dataset, metric, *_), mean in of_place.items():
        means[dataset, metric].append(mean)
    return {
        place: {seed: value - of_place[place] + float(np.mean(means[place[:2]])) for seed, value in of_seed.items()}
        for place, of_seed in values.items()
    }


def repeated(values: Values, stream: np.random.Generator) -> dict[ScorePlace, dict[int, float]]:
    """Draw the scores of a repeat of a study, normally distributed around each score's mean over its seeds.

    Each score has its observed variance over seeds (ddof 1), and the scores of one training their observed covariances;
    trainings at different places are independent.

    Args:
        values: The scores of the study.
        stream: The random generator.

    Returns:
        Scores for the same places and seeds; at a place with one seed the score is unchanged.
    """
    of_training: dict[tuple[str, str, int], list[ScorePlace]] = defaultdict(list)
    for place in values:
        dataset, _, method, latent_dim = place
        of_training[dataset, method, latent_dim].append(place)
    drawn: dict[ScorePlace, dict[int, float]] = {}
    for places in of_training.values():
        seeds = sorted(set().union(*(values[place] for place in places)))
        # A repeat's seed is a normal combination of all seeds' deviations, the same for each of its scores.
        weights = dict(zip(seeds, stream.normal(size=(len(seeds), len(seeds))), strict=True))
        for place in places:
            own = [position for position, seed in enumerate(seeds) if seed in values[place]]
            scores = np.array([values[place][seeds[position]] for position in own])
            mean = scores.mean()
            deviations = (scores - mean) / np.sqrt(max(1, len(own) - 1))
            drawn[place] = {
                seeds[position]: float(mean + weights[seeds[position]][own] @ deviations) for position in own
            }
    return {place: drawn[place] for place in values}
