"""Intervals, paired tests, Holm's correction and rank agreement: what verdicts rest on, as plain functions.

Sources: Student, Biometrika 6, 1908; Wilcoxon, Biometrics Bulletin 1, 1945; Holm, Scandinavian Journal of Statistics 6,
1979; Kendall, Biometrika 33, 1945 (tau-b); Efron, Annals of Statistics 7, 1979 (bootstrap).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
DRAWS = 2_000


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both ends included."""

    low: float
    high: float

    def within(self, bound: float) -> bool:
        """Whether all of it lies in [-bound, bound]."""
        return -bound <= self.low and self.high <= bound

    def outside(self, bound: float) -> bool:
        """Whether none of it lies in [-bound, bound]."""
        return self.high < -bound or bound < self.low


@dataclass(frozen=True)
class Tolerance:
    """How large a difference nobody minds: absolute, or a share of the number compared with."""

    amount: float
    relative: bool = False

    def at(self, reference: float) -> float:
        return self.amount * abs(reference) if self.relative else self.amount


@dataclass(frozen=True)
class Estimate:
    """The mean of n values; `std` (ddof 1) and the 95 % t-interval of the mean are None where n is 1."""

    n: int
    mean: float
    std: float | None
    interval: Interval | None


@dataclass(frozen=True)
class PairedTest:
    """The pairs' differences against 0, two-sided; `interval` and `p_t` are None for a single pair.

    `side`: 1 where the ranks of positive differences sum to more than those of negative ones, -1 where to less, 0 where
    to as much: what a small `p_wilcoxon` shows. The mean may lie on the other side.
    """

    estimate: Estimate
    p_wilcoxon: float
    side: int
    p_t: float | None


@dataclass(frozen=True)
class Agreement:
    """Mean Kendall tau-b over `groups` rankings, in [-1, 1]; the bootstrap interval is None with one seed."""

    tau: float
    interval: Interval | None
    groups: int


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, spread and interval of one value or more; ValueError for none."""
    if not len(values):
        raise ValueError("no value to take a mean of")
    n, mean = len(values), float(np.mean(values))
    if n == 1:
        return Estimate(n, mean, None, None)
    std = float(np.std(values, ddof=1))
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / math.sqrt(n)
    return Estimate(n, mean, std, Interval(mean - margin, mean + margin))


def difference_from_printed(ours: Estimate, printed: float, half_unit: float) -> Interval | None:
    """The 95 % interval of our mean minus a printed number; None where ours has no interval.

    The printed mean comes without a spread: it is taken as a constant, known to `half_unit` of its last digit, by
    which both ends are moved outwards.
    """
    if ours.interval is None:
        return None
    return Interval(ours.interval.low - printed - half_unit, ours.interval.high - printed + half_unit)


def _signed_ranks(differences: Sequence[float]) -> np.ndarray:
    """Of what is not zero the rank of its size, from 1, times its sign."""
    nonzero = np.array([difference for difference in differences if difference != 0])
    return stats.rankdata(np.abs(nonzero)) * np.sign(nonzero)


def signed_rank_p(differences: Sequence[float]) -> float:
    """Exact two-sided p of Wilcoxon's signed-rank test; zeros are left out, ties share their mean rank.

    scipy's exact distribution knows no ties; here all 2^n signs of the ranks at hand are counted.
    """
    signed = _signed_ranks(differences)
    doubled = np.rint(2 * np.abs(signed)).astype(int)  # whole numbers even where ranks are halves
    ways = np.ones(1)  # ways[s]: choices of signs whose positive ranks sum to s
    for rank in doubled:
        without = np.append(ways, np.zeros(rank))
        ways = without + np.append(np.zeros(rank), ways)
    positive = int(doubled[signed > 0].sum())
    extreme = min(positive, int(doubled.sum()) - positive)
    return min(1.0, 2 * float(ways[: extreme + 1].sum() / ways.sum()))


def smallest_signed_rank_p(n: int) -> float:
    """The least two-sided p of n pairs: all signs alike, 2 of 2^n; 1 for none."""
    return min(1.0, 2.0 ** (1 - n))


def paired_test(differences: Sequence[float]) -> PairedTest:
    """Signed-rank and t-test of one difference or more; ValueError for none.

    Equal differences have a p_t of 0 (1 where they are all zero), the limit of Student's test.
    """
    of_mean = estimate(differences)
    if of_mean.std is None:
        p_t = None
    elif of_mean.std == 0:
        p_t = 0.0 if of_mean.mean else 1.0
    else:
        p_t = 2 * float(stats.t.sf(abs(of_mean.mean) / of_mean.std * math.sqrt(of_mean.n), of_mean.n - 1))
    return PairedTest(of_mean, signed_rank_p(differences), int(np.sign(_signed_ranks(differences).sum())), p_t)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: the chance of any false alarm in the family is at most ALPHA below it.

    A family counts as declared: give 1.0 for a test that could not be made.
    """
    adjusted = [1.0] * len(p_values)
    floor = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = floor
    return adjusted


def powerless(pairs: Sequence[int]) -> list[bool]:
    """Per test of a family with so many pairs each (0: not made) whether no values at all could make it significant.

    Holm's p only grows with any p of the family, so its least is that of everyone's least.
    """
    return [p >= ALPHA for p in holm([smallest_signed_rank_p(n) for n in pairs])]


def tau_b(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kendall's tau-b along the last axis: x (..., m) against y (m,); NaN where either is constant or x has a NaN."""
    one, other = np.triu_indices(len(y), 1)
    signs_x, signs_y = np.sign(x[..., one] - x[..., other]), np.sign(y[one] - y[other])
    with np.errstate(invalid="ignore"):
        return (signs_x * signs_y).sum(-1) / np.sqrt((signs_x**2).sum(-1) * (signs_y**2).sum())


def rank_agreement(groups: Sequence[tuple[np.ndarray, np.ndarray]], seed: int, draws: int = DRAWS) -> Agreement | None:
    """How well the order of our means agrees with other numbers' order, over several groups of rivals.

    A group is (m rivals x n seeds, NaN where a seed has no value) and the other side's m numbers. Seeds are drawn anew
    with replacement, the same ones in every group, as one trial gives several scores; the interval is the 2.5th to the
    97.5th percentile. None where no group has an order on both sides. ValueError where groups have other seed counts.
    """
    counts = {ours.shape[1] for ours, _ in groups}
    if len(counts) > 1:
        raise ValueError(f"groups of {sorted(counts)} seeds")
    if not groups or counts == {0}:
        return None
    n = counts.pop()
    [tau] = _mean_tau(groups, np.ones((1, n)))
    if math.isnan(tau):
        return None
    defined = sum(not math.isnan(_mean_tau([group], np.ones((1, n)))[0]) for group in groups)
    if n == 1:
        return Agreement(float(tau), None, defined)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    drawn = _mean_tau(groups, times)
    low, high = np.nanpercentile(drawn, [50 * ALPHA, 100 - 50 * ALPHA])
    return Agreement(float(tau), Interval(float(low), float(high)), defined)


def _mean_tau(groups: Sequence[tuple[np.ndarray, np.ndarray]], times: np.ndarray) -> np.ndarray:
    """Per draw the mean tau-b over groups that have one; `times` (draws, n): how often a draw takes each seed."""
    taus = []
    for ours, other in groups:
        present = ~np.isnan(ours)
        with np.errstate(invalid="ignore"):
            means = (times @ np.nan_to_num(ours).T) / (times @ present.T)
        taus.append(tau_b(means, other))
    stacked = np.array(taus)
    with np.errstate(invalid="ignore"):
        return np.nansum(stacked, axis=0) / (~np.isnan(stacked)).sum(axis=0)
