"""The effect of a claim in margins, and the tests that decide it, vectorised over studies.

A margin is the largest difference that counts as negligible. Each metric's was fixed from the paper's numbers and from
the metric's use, before any study of the paper's size was judged; so was the weight of each contest in the mean of its
part. Reasons: docs/verdicts.md.

Sources: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987 (two one-sided tests); Berger,
Technometrics 24, 1982 (a claim of several parts holds if each part's test rejects, without correction).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.paper.claims import SECONDS, Claim, Contender, Contest
from benchmark.paper.tables import PRINTED_METRICS
from benchmark.statistics import ALPHA, POWER, Tolerance, t_quantile
from benchmark.streams import stream_seed
from benchmark.verdict.spreads import spread

MARGINS: Mapping[str, Tolerance] = {
    "silhouette": Tolerance(0.02),
    "calinski_harabasz": Tolerance(0.07, relative=True),
    "davies_bouldin": Tolerance(0.10, relative=True),
    "svm_accuracy": Tolerance(0.005),
    "fid": Tolerance(0.05, relative=True),
    "ssim": Tolerance(0.01),
    "ms_ssim": Tolerance(0.005),
    "lpips": Tolerance(0.005),
    SECONDS: Tolerance(0.05, relative=True),
}

# If each half of the seeds chooses the better of two sides for the other half, the halves' mean effects are correlated.
# Take two sides without a difference, whose means in a half have variances a and b. Their difference D has variance
# a + b, the halves' covariance is E[max(D, 0)]^2 = (a + b) / (2 pi), and an effect has variance (a + b) / 2 plus the
# rival's. The correlation is therefore at most 1 / pi (half of that if all three vary alike), and the variance of the
# mean of both halves is larger by at most this share.
_CHOSEN_BY_THE_OTHER_HALF = math.sqrt(1 + 1 / math.pi)


def in_margins(metric: str, favoured: ArrayLike, rival: ArrayLike) -> NDArray[np.float64]:
    """Return by how much one side is better than another, in margins of the metric.

    A relative margin refers to the mean of the two values, which treats both sides alike and needs no logarithm, so
    that zeros are allowed.

    Args:
        metric: A key of MARGINS.
        favoured: Scores of any shape; for SECONDS the larger is favoured.
        rival: Scores of the same shape.
    """
    one, other = np.asarray(favoured, dtype=np.float64), np.asarray(rival, dtype=np.float64)
    margin = MARGINS[metric]
    difference = one - other if metric == SECONDS or PRINTED_METRICS[metric].higher_is_better else other - one
    if not margin.relative:
        in_units: NDArray[np.float64] = difference / margin.amount
        return in_units
    middle = (np.abs(one) + np.abs(other)) / 2
    relative: NDArray[np.float64] = np.divide(
        difference, margin.amount * middle, out=np.zeros_like(difference), where=middle > 0
    )
    return relative


@dataclass(frozen=True)
class Effects:
    """The effect of a contest, or of a part of a claim, for every seed, in margins.

    `by_halves` and `by_all` differ only for claims about the better of several methods, which is chosen by the seeds.
    Choosing and comparing on the same seeds favours a method by chance; a choice on other seeds may pick the worse
    method.

    Attributes:
        by_halves: The method is chosen on the other half of the seeds: on average at most the better side's effect,
            for the lower bound. (..., seeds).
        by_all: The method is chosen on all seeds: on average at least the better side's effect, for the upper bound.
            (..., seeds).
        favour: The mean bias of `by_all` if one seed chooses and no side is better; with n seeds it is divided by
            sqrt(n). (...).
    """

    by_halves: NDArray[np.float64]
    by_all: NDArray[np.float64]
    favour: NDArray[np.float64]

    @classmethod
    def of_one_side(cls, effects: NDArray[np.float64]) -> "Effects":
        """Return effects that involve no choice, (..., seeds)."""
        return cls(effects, effects, np.zeros(effects.shape[:-1]))

    @classmethod
    def stacked(cls, parts: Sequence["Effects"], axis: int = 0) -> "Effects":
        """Stack the effects of several parts along a new axis."""
        by_halves, by_all, favour = (
            np.stack([getattr(part, field.name) for part in parts], axis) for field in fields(cls)
        )
        return cls(by_halves, by_all, favour)


def contest_effects(contest: Contest, scores: Mapping[Contender, NDArray[np.float64]]) -> Effects:
    """Return the effect of a contest for every seed.

    Args:
        contest: The contest.
        scores: Side -> scores, (..., seeds). With a single seed (printed numbers) that seed also chooses.
    """
    rival = scores[contest.rival]
    sides = np.stack([in_margins(contest.metric, scores[side], rival) for side in contest.favoured])
    n = sides.shape[-1]
    if len(sides) == 1 or n == 1:
        return Effects.of_one_side(sides.max(0))
    halves = sides[..., : n // 2], sides[..., n // 2 :]
    by_halves = np.concatenate([_better(halves[0], by=halves[1]), _better(halves[1], by=halves[0])], axis=-1)
    deviations = (sides - sides.mean(-1, keepdims=True)) * math.sqrt(n / (n - 1))
    return Effects(by_halves, _better(sides, by=sides), deviations.max(0).mean(-1))


def _better(sides: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """The effects, (sides, ..., seeds), of the side with the better mean in `by`, (sides, ..., other seeds)."""
    choice = by.mean(-1).argmax(0)[np.newaxis, ..., np.newaxis]
    chosen: NDArray[np.float64] = np.take_along_axis(sides, choice, axis=0)[0]
    return chosen


def contest_weight(contest: Contest) -> float:
    """Return the weight of a contest in its part's mean: the reciprocal of its spread over seeds, in margins.

    The spread was measured on reduced studies, before any claim is judged. At d = 2, where CH varies by a third between
    trainings, a contest is least informative and counts least. Contests of SECONDS all weigh the same.

    Args:
        contest: The contest.
    """
    if contest.metric == SECONDS:
        return 1.0
    dims = [side.latent_dim or 0 for side in contest.sides]
    variance = sum(spread(contest.metric, dim) ** 2 for dim in dims) / len(dims)
    return MARGINS[contest.metric].amount / math.sqrt(2 * variance)


def part_effect(contests: Sequence[Contest], effects: Mapping[Contest, Effects]) -> Effects:
    """Return the effect of a part of a claim: the weighted mean of its contests' effects.

    Args:
        contests: The part's contests that have an effect, one or more.
        effects: Contest -> effect, all of one shape.
    """
    weights = [contest_weight(contest) for contest in contests]
    of = Effects.stacked([effects[contest] for contest in contests])
    return Effects(*(np.average(each, axis=0, weights=weights) for each in (of.by_halves, of.by_all, of.favour)))


def inflation_of(claim: Claim) -> float:
    """Return the factor on the standard errors of lower bounds if halves of the seeds choose the sides (else 1)."""
    return _CHOSEN_BY_THE_OTHER_HALF if any(len(one.favoured) > 1 for one in claim.contests) else 1.0


@dataclass(frozen=True)
class Decision:
    """The test results of a claim's parts, vectorised over studies.

    Attributes:
        low: Lower confidence bound of each part's effect, (..., parts): one-sided, 95 %.
        high: Upper confidence bound, (..., parts): one-sided, 95 % jointly over the parts.
        supported: Whether the claim is supported, (...).
        refuted: Whether the claim is refuted, (...); never both.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    supported: NDArray[np.bool_]
    refuted: NDArray[np.bool_]


def decide(effects: Effects, bars: Sequence[float], inflation: float = 1.0) -> Decision:
    """Test a claim's effects: supported if every part exceeds its bar, refuted if one is shown not to, by a margin.

    A part is refuted if its upper bound is less than a margin above the bar, even if its lower bound is above the bar,
    because the difference is then negligible.

    Args:
        effects: Effects of every part for every seed, (..., parts, seeds), two seeds or more.
        bars: The bar of every part, in margins, (parts,).
        inflation: The result of `inflation_of`.
    """
    n = effects.by_all.shape[-1]
    bar = np.asarray(bars, dtype=np.float64)
    (low_mean, low_error), (high_mean, high_error) = (
        (each.mean(-1), each.std(-1, ddof=1) / math.sqrt(n)) for each in (effects.by_halves, effects.by_all)
    )
    low = low_mean - t_quantile(1 - ALPHA, n - 1) * inflation * low_error
    high = high_mean + t_quantile(1 - ALPHA / len(bar), n - 1) * high_error
    refuted = (high < bar + 1).any(-1)
    return Decision(low, high, (low > bar).all(-1) & ~refuted, refuted)


SEEDS_TRIED = (3, 5, 10, 15, 20, 30, 50, 100)
_STUDIES = 1000


@dataclass(frozen=True)
class Power:
    """The power of a claim's tests with these seeds and this spread.

    Attributes:
        if_as_printed: Probability of "supported" if the true effects are those of the paper's numbers; None if the
            paper prints none.
        if_none: Probability of "refuted" if there is no difference.
        seeds_needed: The smallest of SEEDS_TRIED for which both are POWER or more; None if none suffices.
    """

    if_as_printed: float | None
    if_none: float
    seeds_needed: int | None

    @property
    def enough(self) -> bool:
        """Whether both probabilities are POWER or more."""
        return self.if_none >= POWER and (self.if_as_printed is None or self.if_as_printed >= POWER)


def power(effects: Effects, bars: Sequence[float], inflation: float, printed: Sequence[float] | None) -> Power:
    """Estimate power by simulating normal effects with the observed covariance and deciding on them.

    Args:
        effects: The observed effects, (parts, seeds), two seeds or more.
        bars: See `decide`.
        inflation: See `decide`.
        printed: The true effects if the paper's numbers are right, in margins, (parts,).
    """
    found = effects.by_all.shape[1]
    stream = np.random.default_rng(stream_seed("evaluation", use="power of a claim"))
    draws = stream.standard_normal((_STUDIES, found, max(SEEDS_TRIED)))
    by_halves, by_all = (
        (each - each.mean(1, keepdims=True)) / math.sqrt(found - 1) @ draws  # of the covariance of `each`
        for each in (effects.by_halves, effects.by_all)
    )

    def drawn(n: int, truth: ArrayLike, favour: NDArray[np.float64]) -> Effects:
        shift = np.reshape(truth, (-1, 1))
        chosen = favour[:, np.newaxis] / math.sqrt(n)
        return Effects(by_halves[..., :n] + shift, by_all[..., :n] + shift + chosen, favour)

    def at(n: int) -> Power:
        of_none = decide(drawn(n, np.zeros(len(bars)), effects.favour), bars, inflation).refuted.mean()
        if printed is None:
            return Power(None, float(of_none), None)
        # In the paper's numbers one side is usually better than the other, so the choice adds little bias.
        as_printed = decide(drawn(n, printed, np.zeros(len(bars))), bars, inflation).supported.mean()
        return Power(float(as_printed), float(of_none), None)

    return replace(at(found), seeds_needed=next((n for n in SEEDS_TRIED if at(n).enough), None))
