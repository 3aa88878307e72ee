"""The claims whose state depends on the loss weights: every claim judged on several runs of one study."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.audit.flip_rates import flip_rates, rate_columns
from benchmark.errors import UserError
from benchmark.paper.claims import SECONDS
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.verdict.claim_judging import ClaimState, Judgement, seed_values
from benchmark.verdict.claim_states import BY_MEANS, claim_judgements, common

COLUMNS = ["claim", "by", "run", "state", "judged", "flips", "by_seeds", "by_seeds_alike"]
_SAME = ("study", "notes")  # fields of the manifests that must be equal: runs may differ only in their loss weights


@dataclass(frozen=True)
class Robustness:
    """The states of every claim in several runs.

    Attributes:
        states: A row per claim, way of judging (`by`) and run, with the columns COLUMNS: the claim's `state` by the
            contests that have scores, the number of these (`judged`), whether the state differs from that of the first
            run (`flips`), and how often it would differ between two runs with different seeds only (`flip_rates` of the
            first run; may be missing): with the measured means (`by_seeds`), or without any difference
            (`by_seeds_alike`).
        scores: Number of scores (data set, metric, method, latent dim, seed) used, all of which every run has.
    """

    states: pd.DataFrame
    scores: int


def robustness(runs: Mapping[str, StudyResults]) -> Robustness:
    """Judge every claim on the scores that all runs have, so that a missing score causes no flip.

    C9 is about training times, which are judged by tests alone and separately for each run; it does not flip if a run
    has none.

    Args:
        runs: The runs of one study by name; the others are compared with the first.

    Raises:
        UserError: The runs belong to different studies or images, or have no score in common.
    """
    _check_alike({name: run.manifest for name, run in runs.items()})
    values = common(*(seed_values(run.frame) for run in runs.values()))
    if not values[0]:
        raise UserError(f"{', '.join(runs)}: no score in common")
    standings = {name: claim_judgements(run, of_run) for (name, run), of_run in zip(runs.items(), values, strict=True)}
    first = next(iter(standings.values()))
    rates = flip_rates(values[0])
    rows = [
        (claim, by, name, str(now.on_run), now.judged, _flips(was, now), *rate_columns(rates, claim, by))
        for (claim, by), was in first.items()
        if by != BY_MEANS or not _of_costs(was)
        for name, now in ((name, of_run[claim, by]) for name, of_run in standings.items())
    ]
    return Robustness(pd.DataFrame(rows, columns=COLUMNS), sum(map(len, values[0].values())))


def _of_costs(judgement: Judgement) -> bool:
    return all(contest.metric == SECONDS for contest in judgement.claim.contests)


def _flips(was: Judgement, now: Judgement) -> bool:
    lacks_costs = _of_costs(was) and ClaimState.OPEN in (was.on_run, now.on_run)
    return now.on_run != was.on_run and not lacks_costs


def _check_alike(manifests: Mapping[str, Manifest]) -> None:
    """Raise UserError for runs of different studies, or of a data set with different images."""
    (first, of_first), *others = manifests.items()
    for name, manifest in others:
        differing = [field for field in _SAME if getattr(manifest, field) != getattr(of_first, field)]
        images = [{name: data.digest for name, data in one.data.items()} for one in (of_first, manifest)]
        differing += [data for data in images[0].keys() & images[1].keys() if images[0][data] != images[1][data]]
        if differing:
            raise UserError(f"{first} and {name} differ in '{differing[0]}'; their weights alone may differ")
