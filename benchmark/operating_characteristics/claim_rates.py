"""Error rates of the judgements on claims: of each claim, and of the judgement by means alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.operating_characteristics.noise import with_noise
from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.paper.claims import CLAIMS, SECONDS, Claim
from benchmark.paper.tables import PRINTED_METRICS, paper_numbers
from benchmark.verdict.claim_effects import MARGINS, Effects, contest_effects, decide, inflation_of, part_effect

JUDGED = tuple(claim for claim in CLAIMS if claim.contests[0].metric != SECONDS)  # C9 has no printed numbers
FAMILY = "any of C1 to C8"
FIRST_FOUR = "all of C1 to C4"
NONE, HALF, PRINTED = "no difference", "half the paper's effects", "the paper is right"
NONE_WIDER = "no difference, scores vary twice as much"
G_AHEAD = "HGMVAE-G one margin better than all others"


class Truth(NamedTuple):
    """The truth of a simulation.

    Attributes:
        share: Factor on the paper's differences between methods and latent dims.
        spread: Factor on the measured spreads.
        ahead: Additional advantage of HGMVAE-G, in margins.
        claims: The claims that are judged.
    """

    share: float
    spread: float = 1.0
    ahead: float = 0.0
    claims: tuple[Claim, ...] = JUDGED


TRUTHS: Mapping[str, Truth] = {
    NONE: Truth(0.0),
    HALF: Truth(0.5),
    PRINTED: Truth(1.0),
    NONE_WIDER: Truth(0.0, spread=2.0),
    G_AHEAD: Truth(0.0, ahead=1.0, claims=tuple(claim for claim in JUDGED if claim.name in ("C1", "C4"))),
}
_BATCH = 500  # number of studies per batch, to limit memory


class PrintedPlace(NamedTuple):
    """The place of a printed number."""

    table: int
    dataset: str
    metric: str
    method: str
    latent_dim: int


def true_values(share: float, ahead: float = 0.0) -> dict[PrintedPlace, float]:
    """Return the paper's numbers with every difference within a table's data set and metric multiplied by `share`.

    Args:
        share: Factor on the differences.
        ahead: Additional advantage of HGMVAE-G, in margins.
    """
    found: dict[PrintedPlace, float] = {}
    for (table, dataset, metric), rows in paper_numbers().groupby(["table", "dataset", "metric"]):
        relative = MARGINS[metric].relative
        values = np.log(rows["value"]) if relative else rows["value"]
        shrunk = values.mean() + share * (values - values.mean())
        for method, dim, value in zip(rows["method"], rows["latent_dim"], shrunk, strict=True):
            true = float(np.exp(value) if relative else value)
            moved = ahead if method == "hgmvae_g" else 0.0
            found[PrintedPlace(table, dataset, metric, method, dim)] = _better_by(moved, metric, true)
    return found


def _better_by(margins: float, metric: str, value: float) -> float:
    """The score that is better than `value` by some margins, so that `in_margins` returns these."""
    amount = margins * MARGINS[metric].amount * PRINTED_METRICS[metric].sign
    return value * (2 + amount) / (2 - amount) if MARGINS[metric].relative else value + amount


def draw_scores(
    truth: Mapping[PrintedPlace, float], shape: tuple[int, int], stream: np.random.Generator, spread: float = 1.0
) -> dict[PrintedPlace, NDArray[np.float64]]:
    """Draw the scores of whole studies; the same trial has the same noise in every table.

    Args:
        truth: The true values.
        shape: Number of studies and of seeds.
        stream: The random generator of the noise.
        spread: Factor on the measured spreads.
    """
    trials = dict.fromkeys((place.dataset, place.method, place.latent_dim) for place in truth)
    common = {trial: spread * stream.standard_normal(shape) for trial in trials}
    own = {place[1:]: spread * stream.standard_normal(shape) for place in dict.fromkeys(truth)}
    return {
        place: with_noise(
            place.metric, place.latent_dim, value, common[place.dataset, place.method, place.latent_dim], own[place[1:]]
        )
        for place, value in truth.items()
    }


def part_effects(claim: Claim, scores: Mapping[PrintedPlace, NDArray[np.float64]]) -> Effects:
    """Return the effect of every part of a claim for every study and seed, (studies, parts, seeds)."""
    effects = {
        contest: contest_effects(
            contest, {side: scores[PrintedPlace(contest.table or 0, *place)] for side, place in contest.places.items()}
        )
        for contest in claim.contests
    }
    return Effects.stacked([part_effect(part.contests, effects) for part in claim.parts], axis=1)


def _outcomes(
    scores: Mapping[PrintedPlace, NDArray[np.float64]], claims: Sequence[Claim]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield (subject, outcome, whether it occurs in each study)."""
    means = {place: values.mean(-1, keepdims=True) for place, values in scores.items()}
    supported, against = [], []
    for claim in claims:
        bars = [part.bar for part in claim.parts]
        decision = decide(part_effects(claim, scores), bars, inflation_of(claim))
        supported.append(decision.supported)
        yield claim.name, "supported", decision.supported
        yield claim.name, "refuted", decision.refuted
        lowest = (part_effects(claim, means).by_all[..., 0] - np.array(bars)).min(-1)
        against.append(lowest <= 0)
        yield claim.name, "refuted by means alone", lowest <= 0
    if claims == JUDGED:
        yield FAMILY, "supported", np.any(supported, axis=0)
        yield FIRST_FOUR, "refuted by means alone", np.all(against[:4], axis=0)


def claim_rates(draws: int, stream: np.random.Generator) -> list[Rate]:
    """Simulate the claims under every truth in TRUTHS, with `draws` studies each."""
    rates = []
    for truth, (share, spread, ahead, claims) in TRUTHS.items():
        tables = {contest.table for claim in claims for contest in claim.contests}
        values = {place: value for place, value in true_values(share, ahead).items() if place.table in tables}
        for n in SEEDS:
            counts: Counter[tuple[str, str]] = Counter()
            for start in range(0, draws, _BATCH):
                scores = draw_scores(values, (min(_BATCH, draws - start), n), stream, spread)
                for subject, outcome, where in _outcomes(scores, claims):
                    counts[subject, outcome] += int(where.sum())
            rates += [
                Rate("claims", subject, truth, n, outcome, count / draws, draws)
                for (subject, outcome), count in counts.items()
            ]
    return rates
