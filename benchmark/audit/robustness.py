"""Which claims depend on the loss weights: every claim on several runs of a study, over the trials that all have."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.errors import UserError
from benchmark.paper.claims import SECONDS
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.verdict.claim_judging import ClaimState, Judgement, seed_values
from benchmark.verdict.claim_states import BY_MEANS, common, standing

COLUMNS = ["claim", "by", "run", "state", "judged", "powerless", "flips"]
_SAME = ("study", "notes")  # of the manifests: the runs may differ in their weights alone


@dataclass(frozen=True)
class Robustness:
    """`states`: a row per claim, way of judging and run, COLUMNS. `scores`: how many scores (data set, metric, method,
    latent dim, seed) they rest on, each of which every run has."""

    states: pd.DataFrame
    scores: int


def robustness(runs: Mapping[str, StudyResults]) -> Robustness:
    """Every claim, from name -> study, on what every run has, so that a missing score flips nothing.

    `flips`: the state is not that of the first run. `judged`: how many of its contests have scores. `powerless`: so few
    seeds could show nothing. Training times, which C9 is about and which only tests judge, are each run's own; where
    they are missing it does not flip. Raises UserError for runs of other studies or images, and for runs that share no
    score.
    """
    _check_alike({name: run.manifest for name, run in runs.items()})
    values = common(*(seed_values(run.frame) for run in runs.values()))
    if not values[0]:
        raise UserError(f"{', '.join(runs)}: no score that all of them have")
    standings = {name: standing(run, of_run) for (name, run), of_run in zip(runs.items(), values, strict=True)}
    first = next(iter(standings.values()))
    rows = [
        (claim, by, name, str(now.state), now.judged, now.powerless, _flips(was, now))
        for (claim, by), was in first.items()
        if by != BY_MEANS or not _of_costs(was)
        for name, now in ((name, of_run[claim, by]) for name, of_run in standings.items())
    ]
    return Robustness(pd.DataFrame(rows, columns=COLUMNS), sum(map(len, values[0].values())))


def _of_costs(judgement: Judgement) -> bool:
    return all(contest.metric == SECONDS for contest in judgement.claim.contests)


def _flips(was: Judgement, now: Judgement) -> bool:
    lacks_costs = _of_costs(was) and ClaimState.UNDECIDED in (was.state, now.state)
    return now.state != was.state and not lacks_costs


def _check_alike(manifests: Mapping[str, Manifest]) -> None:
    """Raises UserError for runs of other studies, or on other images under one name."""
    (first, of_first), *others = manifests.items()
    for name, manifest in others:
        differing = [field for field in _SAME if getattr(manifest, field) != getattr(of_first, field)]
        images = [{name: data.digest for name, data in one.data.items()} for one in (of_first, manifest)]
        differing += [data for data in images[0].keys() & images[1].keys() if images[0][data] != images[1][data]]
        if differing:
            raise UserError(f"{first} and {name} differ in '{differing[0]}'; their weights alone may differ")
