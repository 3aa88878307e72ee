"""The effect of a claim in margins and the tests that decide on it, for any number of studies at once.

A margin is the largest difference that a reader would call none; each metric's was fixed from the paper's numbers and
from what the metric is used for, before any study at the paper's size was judged; so was what each contest weighs in
the mean of its part. Reasons: docs/verdicts.md.

Sources: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987 (two one-sided tests); Berger,
Technometrics 24, 1982 (a claim of several parts holds where each part's test rejects, without correction).
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

# Where each half of the seeds chooses the better of two sides for the other half, the halves' mean effects are not
# independent. Of two sides without a difference, whose means in a half have variances a and b, the difference D has a
# variance of a + b; the halves' covariance is E[max(D, 0)]^2 = (a + b) / (2 pi), an effect's variance (a + b) / 2 and
# the rival's. Their correlation is 1 / pi at most, half of it where all three vary alike, and the variance of the mean
# of both halves is larger by that share at most.
_CHOSEN_BY_THE_OTHER_HALF = math.sqrt(1 + 1 / math.pi)


def in_margins(metric: str, favoured: ArrayLike, rival: ArrayLike) -> NDArray[np.float64]:
    """Return how much better one side is than another, in margins of their metric.

    Where the margin is relative, it is a share of the mean of the two values: this treats both sides alike and needs no
    logarithm of a zero.

    Args:
        metric: Of MARGINS.
        favoured: Scores of any shape; of SECONDS, the larger is favoured.
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
    """The effect of a contest, or of a part of a claim, under every seed, in margins.

    `by_halves` and `by_all` differ only for claims about the better of several methods, which the seeds have to choose:
    chosen and compared on the same seeds, a method is favoured by chance; chosen on other seeds, it may be the worse
    one.

    Attributes:
        by_halves: Each half of the seeds has chosen for the other half: never above the better side's own on average,
            for the lower bound. (..., seeds).
        by_all: All seeds have chosen: never below it on average, for the upper bound. (..., seeds).
        favour: What choosing by one seed adds to `by_all` on average where no side is better; n seeds add this over the
            root of n. (...).
    """

    by_halves: NDArray[np.float64]
    by_all: NDArray[np.float64]
    favour: NDArray[np.float64]

    @classmethod
    def of_one_side(cls, effects: NDArray[np.float64]) -> "Effects":
        """Return effects without a choice, (..., seeds)."""
        return cls(effects, effects, np.zeros(effects.shape[:-1]))

    @classmethod
    def stacked(cls, parts: Sequence["Effects"], axis: int = 0) -> "Effects":
        """Return the effects of several parts as one, with a new axis."""
        by_halves, by_all, favour = (
            np.stack([getattr(part, field.name) for part in parts], axis) for field in fields(cls)
        )
        return cls(by_halves, by_all, favour)


def contest_effects(contest: Contest, scores: Mapping[Contender, NDArray[np.float64]]) -> Effects:
    """Return the effect of a contest under every seed.

    Args:
        contest: The contest.
        scores: Of each of its sides, (..., seeds); a single one is its own choice, as printed numbers are.
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
    """The effects, (sides, ..., seeds), of the side with the better mean of `by`, (sides, ..., other seeds)."""
    choice = by.mean(-1).argmax(0)[np.newaxis, ..., np.newaxis]
    chosen: NDArray[np.float64] = np.take_along_axis(sides, choice, axis=0)[0]
    return chosen


def contest_weight(contest: Contest) -> float:
    """Return what a contest counts in the mean of its part: one over its effect's spread from seed to seed, in margins.

    The spread is that of reduced studies and known before a claim is judged. At d = 2, where CH varies by a third from
    one training to the next, a contest says least, and counts least. Those of SECONDS weigh the same.

    Args:
        contest: The contest.
    """
    if contest.metric == SECONDS:
        return 1.0
    dims = [side.latent_dim or 0 for side in (*contest.favoured, contest.rival)]
    variance = sum(spread(contest.metric, dim) ** 2 for dim in dims) / len(dims)
    return MARGINS[contest.metric].amount / math.sqrt(2 * variance)


def part_effect(contests: Sequence[Contest], effects: Mapping[Contest, Effects]) -> Effects:
    """Return the effect of a part of a claim: the weighted mean of its contests' effects.

    Args:
        contests: Those of the part that have an effect, one or more.
        effects: Of each of them, of one shape.
    """
    weights = [contest_weight(contest) for contest in contests]
    of = Effects.stacked([effects[contest] for contest in contests])
    return Effects(*(np.average(each, axis=0, weights=weights) for each in (of.by_halves, of.by_all, of.favour)))


def inflation_of(claim: Claim) -> float:
    """Return what the standard errors of lower bounds are multiplied by where halves of the seeds choose the sides."""
    return _CHOSEN_BY_THE_OTHER_HALF if any(len(one.favoured) > 1 for one in claim.contests) else 1.0


@dataclass(frozen=True)
class Decision:
    """What the tests of a claim's parts say, for any number of studies at once.

    Attributes:
        low: The lower confidence bound of each part's effect, (..., parts): one-sided, 95 %.
        high: The upper one: one-sided, 95 % over all parts together.
        supported: Whether the claim is, (...).
        refuted: Whether the claim is, (...); never both.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    supported: NDArray[np.bool_]
    refuted: NDArray[np.bool_]


def decide(effects: Effects, bars: Sequence[float], inflation: float = 1.0) -> Decision:
    """Test a claim's effects: supported where each part exceeds its bar, refuted where one is shown not to by a margin.

    A part is refuted where its upper bound is less than a margin above the bar, even where its lower bound is above
    it: a difference that a reader would call none.

    Args:
        effects: Of every part under every seed, (..., parts, seeds), two seeds or more.
        bars: Of every part, in margins, (parts,).
        inflation: As from `inflation_of`.
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
    """What a claim's tests could have shown with these seeds and this spread.

    Attributes:
        if_as_printed: The chance of "supported" if the true effects are those of the paper's numbers; None where the
            paper prints none.
        if_none: The chance of "refuted" if there is no difference at all.
        seeds_needed: The fewest of SEEDS_TRIED at which both chances are POWER or more; None if none is enough.
    """

    if_as_printed: float | None
    if_none: float
    seeds_needed: int | None

    @property
    def enough(self) -> bool:
        """Whether both chances are POWER or more."""
        return self.if_none >= POWER and (self.if_as_printed is None or self.if_as_printed >= POWER)


def power(effects: Effects, bars: Sequence[float], inflation: float, printed: Sequence[float] | None) -> Power:
    """Simulate normal effects with the covariance of the ones observed, and decide on them.

    Args:
        effects: As observed, (parts, seeds), two seeds or more.
        bars: As for `decide`.
        inflation: As for `decide`.
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
        # In the paper's numbers one side is mostly better than the other, so that choosing adds little.
        as_printed = decide(drawn(n, printed, np.zeros(len(bars))), bars, inflation).supported.mean()
        return Power(float(as_printed), float(of_none), None)

    return replace(at(found), seeds_needed=next((n for n in SEEDS_TRIED if at(n).enough), None))
