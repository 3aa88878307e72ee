"""The state of every claim on given scores, by tests and by means, and the seeds that sets of scores have in common."""

from collections.abc import Sequence
from typing import Any

from benchmark.paper.claims import Claim
from benchmark.paper.tables import PRINTED_TABLES
from benchmark.results.study_results import StudyResults
from benchmark.verdict.claim_judging import (
    ClaimState,
    Judgement,
    Values,
    judge_means,
    judge_values,
    state_by_tests,
)

BY_TESTS = "tests"  # with significance tests over seeds, as in `verdict`
BY_MEANS = "means"  # by the mean effect over seeds, without a test: see `judge_means`


def claim_judgements(study: StudyResults, values: Values) -> dict[tuple[str, str], Judgement]:
    """Judge every claim on the given scores and the study's own training costs.

    Returns:
        Judgements by claim name and way of judging (BY_TESTS or BY_MEANS).
    """
    by_tests = judge_values(study.manifest, values, study.costs, {}, {})
    by_means = judge_means(means_over_seeds(values))
    judgements = [(BY_TESTS, one) for one in by_tests] + [(BY_MEANS, one) for one in by_means]
    return {(one.claim.name, by): one for by, one in judgements}


def claim_states(values: Values, claims: Sequence[Claim]) -> dict[tuple[str, str], ClaimState]:
    """Return the states that `claim_judgements` gives by the contests with values (`on_run`), without single tests.

    Args:
        values: The scores by place and seed.
        claims: Claims on scores, not on training costs.
    """
    by_tests = {(claim.name, BY_TESTS): state_by_tests(claim, values) for claim in claims}
    return by_tests | {(one.claim.name, BY_MEANS): one.on_run for one in judge_means(means_over_seeds(values), claims)}


def common(*sides: Values) -> tuple[Values, ...]:
    """Restrict sets of scores to the places and seeds that they have in common."""
    places = set.intersection(*(set(side) for side in sides))
    seeds = {place: set.intersection(*(set(side[place]) for side in sides)) for place in places}
    return tuple(
        {place: {seed: side[place][seed] for seed in sorted(seeds[place])} for place in side if seeds.get(place)}
        for side in sides
    )


def means_over_seeds(values: Values) -> dict[tuple[Any, ...], float]:
    """Return means over seeds in the same form as the paper's numbers, under every table that has the place."""
    means = {place: sum(of_seed.values()) / len(of_seed) for place, of_seed in values.items()}
    return {(table, *place): mean for table in PRINTED_TABLES for place, mean in means.items()}
