"""The state of every claim on scores of whatever origin, by tests and by means, and what several origins share."""

import pandas as pd

from benchmark.paper.tables import PRINTED_TABLES
from benchmark.results.study_results import StudyResults
from benchmark.verdict.claim_judging import Judgement, Values, judge_printed, judge_values

BY_TESTS = "tests"  # as `verdict` judges our runs
BY_MEANS = "means"  # whose mean over seeds is the better, without asking whether other seeds would say the same


def standing(study: StudyResults, values: Values) -> dict[tuple[str, str], Judgement]:
    """(claim, BY_TESTS or BY_MEANS) -> judgement, on these scores and the study's own training costs."""
    by_tests = judge_values(study.manifest, values, study.costs, absent={})
    judgements = [(BY_TESTS, one) for one in by_tests] + [(BY_MEANS, one) for one in judge_printed(_means(values))]
    return {(one.claim.name, by): one for by, one in judgements}


def common(*sides: Values) -> tuple[Values, ...]:
    """All sides without the seeds that any of them lacks."""
    places = set.intersection(*(set(side) for side in sides))
    seeds = {place: set.intersection(*(set(side[place]) for side in sides)) for place in places}
    return tuple(
        {place: {seed: side[place][seed] for seed in sorted(seeds[place])} for place in side if seeds.get(place)}
        for side in sides
    )


def _means(values: Values) -> pd.DataFrame:
    """Means over seeds in the form of the paper's numbers; every table of the paper may ask for each of them."""
    means = pd.DataFrame(
        [(*place, sum(of.values()) / len(of)) for place, of in values.items()],
        columns=["dataset", "metric", "method", "latent_dim", "value"],
    )
    return means.merge(pd.DataFrame({"table": list(PRINTED_TABLES)}), how="cross")
