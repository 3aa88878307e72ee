"""Confidence intervals, paired tests, Holm's correction and rank agreement: the statistics behind the verdicts.

Sources: Student, Biometrika 6, 1908; Wilcoxon, Biometrics Bulletin 1, 1945; Holm, Scandinavian Journal of Statistics 6,
1979; Kendall, Biometrika 33, 1945 (tau-b); Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987
(equivalence by two one-sided tests).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, stdtr, stdtrit

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
POWER = 0.8  # for the numbers of seeds or pairs, and the smallest detectable differences, that are stated
_POINTS = 400  # number of points in numerical means over the distribution of a standard deviation


@dataclass(frozen=True)
class Interval:
    """The closed interval [low, high]."""

    low: float
    high: float

    def within(self, bound: float) -> bool:
        """Return whether the whole interval is in [-bound, bound]."""
        return -bound <= self.low and self.high <= bound

    def outside(self, bound: float) -> bool:
        """Return whether no part of the interval is in [-bound, bound]."""
        return self.high < -bound or bound < self.low


@dataclass(frozen=True)
class Tolerance:
    """The largest difference that counts as agreement.

    Attributes:
        amount: The difference, in the metric's units or, if `relative`, as a fraction of the reference.
        relative: Whether the tolerance is proportional to the reference.
    """

    amount: float
    relative: bool = False

    def at(self, reference: float) -> float:
        """Return the tolerance around a reference value, in the metric's units."""
        return self.amount * abs(reference) if self.relative else self.amount


@dataclass(frozen=True)
class Estimate:
    """The mean of n values.

    Attributes:
        n: Number of values.
        mean: Their mean.
        std: Their standard deviation (ddof 1); None if n is 1.
        interval: The 95 % t-interval of the mean; None if n is 1.
    """

    n: int
    mean: float
    std: float | None
    interval: Interval | None


@dataclass(frozen=True)
class PairedTest:
    """Two-sided tests of paired differences against 0.

    Attributes:
        estimate: The mean difference.
        p_wilcoxon: p value of the exact signed-rank test.
        side: Sign of the sum of signed ranks (-1, 0 or 1), the direction that a small `p_wilcoxon` shows. The mean may
            have the opposite sign.
        p_t: p value of Student's t-test; None for a single pair.
    """

    estimate: Estimate
    p_wilcoxon: float
    side: int
    p_t: float | None


@dataclass(frozen=True)
class Agreement:
    """Mean rank correlation over several groups.

    Attributes:
        tau: Mean Kendall tau-b, in [-1, 1].
        interval: Bounds on the tau of the true means with at least 95 % confidence; None with one seed.
        groups: Number of groups for which tau-b is defined.
    """

    tau: float
    interval: Interval | None
    groups: int


def t_quantile(probability: float, df: float) -> float:
    """Return a quantile of Student's t distribution, as `scipy.stats.t.ppf` but without its 0.2 ms per call.

    Args:
        probability: The probability, in (0, 1).
        df: Degrees of freedom, positive.
    """
    return float(stdtrit(df, probability))


def estimate(values: Sequence[float]) -> Estimate:
    """Estimate the mean of at least one value.

    Raises:
        ValueError: There are no values.
    """
    if not len(values):
        raise ValueError("no values to average")
    n, mean = len(values), float(np.mean(values))
    if n == 1:
        return Estimate(n, mean, None, None)
    std = float(np.std(values, ddof=1))
    margin = t_quantile((1 + CONFIDENCE) / 2, n - 1) * std / math.sqrt(n)
    return Estimate(n, mean, std, Interval(mean - margin, mean + margin))


def difference_from_printed(
    ours: Estimate, printed: float, half_unit: float, repeats: float, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return the confidence interval of our mean minus a printed mean; None if ours has no interval.

    The printed mean has no stated spread, so its values are assumed to vary as ours do. With infinitely many values it
    is a constant.

    Args:
        ours: Our mean.
        printed: The printed mean.
        half_unit: Half a unit of its last printed digit; both ends of the interval are moved outwards by it.
        repeats: Number of values behind the printed mean; may be infinite.
        confidence: Confidence level of the two-sided interval.
    """
    if ours.std is None:
        return None
    t = t_quantile((1 + confidence) / 2, ours.n - 1)
    margin = t * ours.std * math.sqrt(1 / ours.n + 1 / repeats) + half_unit
    difference = ours.mean - printed
    return Interval(difference - margin, difference + margin)


@lru_cache
def _spread_ratios(df: int) -> NDArray[np.float64]:
    """Return equally probable ratios of a sample's standard deviation to the true one."""
    middles = (np.arange(_POINTS) + 0.5) / _POINTS
    ratios: NDArray[np.float64] = np.sqrt(stats.chi2.ppf(middles, df) / df)
    return ratios


def chance_within(bound: float, error: float, df: int, confidence: float, shift: float = 0.0) -> float:
    """Return the probability that a t-interval is entirely within [-bound, bound].

    With a confidence of 90 % this is the power of the two one-sided tests at 5 % (Schuirmann 1987).

    Args:
        bound: The largest difference that counts as negligible.
        error: The true standard error of the estimate; the estimated standard error varies around it.
        df: Degrees of freedom of the estimated standard error.
        confidence: Confidence level of the two-sided interval.
        shift: The true difference.
    """
    if error == 0:
        return float(abs(shift) <= bound)
    room = bound / error - t_quantile((1 + confidence) / 2, df) * _spread_ratios(df)
    inside = ndtr(room - shift / error) - ndtr(-room - shift / error)
    return float(np.maximum(inside, 0).mean())


def chance_outside(bound: float, error: float, df: int, confidence: float, shift: float = 0.0) -> float:
    """Return the probability that a t-interval is entirely outside [-bound, bound]; see `chance_within`."""
    if error == 0:
        return float(abs(shift) > bound)
    reach = bound / error + t_quantile((1 + confidence) / 2, df) * _spread_ratios(df)
    return float((ndtr(-reach - shift / error) + ndtr(-reach + shift / error)).mean())


def _signed_ranks(differences: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signed ranks of the non-zero differences by absolute value, from 1; ties share their mean rank."""
    nonzero = np.array([difference for difference in differences if difference != 0], dtype=np.float64)
    ranks: NDArray[np.float64] = stats.rankdata(np.abs(nonzero))
    return ranks * np.sign(nonzero)


def _signed_rank_p(signed: NDArray[np.float64]) -> float:
    """Return the exact two-sided p of Wilcoxon's test by counting all 2^n signs; scipy's does not support ties."""
    doubled = np.rint(2 * np.abs(signed)).astype(int)  # integers even if tied ranks are halves
    ways = np.ones(1)  # ways[s]: number of sign choices whose positive ranks sum to s
    for rank in doubled:
        without = np.append(ways, np.zeros(rank))
        ways = without + np.append(np.zeros(rank), ways)
    positive = int(doubled[signed > 0].sum())
    extreme = min(positive, int(doubled.sum()) - positive)
    return min(1.0, 2 * float(ways[: extreme + 1].sum() / ways.sum()))


def smallest_signed_rank_p(n: int) -> float:
    """Return the smallest two-sided p possible with n pairs: all signs equal, 2 of 2^n; 1 for no pair."""
    return min(1.0, 2.0 ** (1 - n))


def paired_test(differences: Sequence[float]) -> PairedTest:
    """Apply the signed-rank test and the t-test to at least one difference.

    If all differences are equal, p_t is 0 (1 if they are all zero), the limit of Student's test.

    Raises:
        ValueError: There are no differences.
    """
    of_mean = estimate(differences)
    if of_mean.std is None:
        p_t = None
    elif of_mean.std == 0:
        p_t = 0.0 if of_mean.mean else 1.0
    else:
        p_t = 2 * float(stdtr(of_mean.n - 1, -abs(of_mean.mean) / of_mean.std * math.sqrt(of_mean.n)))
    ranks = _signed_ranks(differences)
    return PairedTest(of_mean, _signed_rank_p(ranks), int(np.sign(ranks.sum())), p_t)


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust the p values of a family of tests by Holm's method, which bounds the family-wise error rate.

    Args:
        p_values: One for every declared test, 1.0 for a test that could not be made; the family is the last axis.

    Returns:
        The adjusted p values in the same order, each in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = p.argsort(axis=-1, kind="stable")
    stepped = np.take_along_axis(p, order, -1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0), -1)
    return adjusted


def powerless(pairs: Sequence[int]) -> list[bool]:
    """Return for each test of a family whether no data at all could make it significant.

    An adjusted p never decreases when any p of the family increases, so all tests are taken at their smallest p.

    Args:
        pairs: Number of pairs of each test; 0 for a test that was not made.
    """
    return [bool(p >= ALPHA) for p in holm([smallest_signed_rank_p(n) for n in pairs])]


def tau_b(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute Kendall's tau-b along the last axis.

    Args:
        x: Any number of rankings, (..., m).
        y: The ranking with which they are compared, (m,).

    Returns:
        Correlations in [-1, 1], (...); NaN if either ranking is constant or x contains NaN.
    """
    one, other = np.triu_indices(len(y), 1)
    signs_x, signs_y = np.sign(x[..., one] - x[..., other]), np.sign(y[one] - y[other])
    with np.errstate(invalid="ignore"):
        correlations: NDArray[np.float64] = (signs_x * signs_y).sum(-1) / np.sqrt(
            (signs_x**2).sum(-1) * (signs_y**2).sum()
        )
    return correlations


def rank_agreement(groups: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Agreement | None:
    """Measure how well the order of our means agrees with the order of other numbers, over several groups of rivals.

    The bounds of a group count the pairs of rivals whose order our seeds show, and count all other pairs as agreeing or
    as disagreeing. The order of a pair is shown by a one-sided t-test of its differences over common seeds, with
    Bonferroni's correction over the pairs of all groups. The bounds therefore hold with at least 95 % confidence,
    however close the true means are and whichever rivals vary more. A percentile bootstrap's do not, because resampled
    seeds can only blur an order.

    Args:
        groups: For each group, the scores of m rivals under n seeds, (m, n), NaN if a seed has no value, and the m
            numbers to compare with, (m,).

    Returns:
        The agreement; None if no group has an order on both sides.

    Raises:
        ValueError: The groups differ in their number of seeds.
    """
    counts = {ours.shape[1] for ours, _ in groups}
    if len(counts) > 1:
        raise ValueError(f"groups of {sorted(counts)} seeds")
    if not groups or counts == {0}:
        return None
    taus = np.array([tau_b(_means(ours), other) for ours, other in groups])
    ordered = [group for group, tau in zip(groups, taus, strict=True) if not math.isnan(tau)]
    if not ordered:
        return None
    tau = float(np.nanmean(taus))
    if counts == {1}:
        return Agreement(tau, None, len(ordered))
    pairs = sum(len(other) * (len(other) - 1) // 2 for _, other in ordered)
    bounds = np.array([_tau_bounds(ours, other, ALPHA / pairs) for ours, other in ordered])
    low, high = bounds.mean(axis=0)
    return Agreement(tau, Interval(float(min(low, tau)), float(max(high, tau))), len(ordered))


def _means(ours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each rival over its seeds; NaN if it has no value."""
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = np.nansum(ours, axis=1) / (~np.isnan(ours)).sum(axis=1)
    return means


def _tau_bounds(ours: NDArray[np.float64], other: NDArray[np.float64], alpha: float) -> tuple[float, float]:
    """Return the smallest and largest tau-b of true means that are consistent with all pairs shown at level `alpha`.

    A pair whose differences are all equal is assigned the smallest positive variance of any pair. Scores such as an
    accuracy are rounded, so two equal differences do not show that a third would be the same.
    """
    one, two = np.triu_indices(len(other), 1)
    differences = ours[one] - ours[two]
    there = ~np.isnan(differences)
    n = there.sum(axis=1)
    mean = np.where(there, differences, 0).sum(axis=1) / np.maximum(n, 1)
    squares = (np.where(there, differences - mean[:, None], 0) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a pair with fewer than two common seeds is not shown
        variance = squares / (n - 1) / n
        floor = np.min(variance, where=variance > 0, initial=np.inf)
        variance = np.where((variance == 0) & np.isfinite(floor), floor, variance)
        needed = stdtrit(n - 1, 1 - alpha) * np.sqrt(variance)
    shown = (n > 1) & (np.abs(mean) > needed)
    signs = np.sign(other[one] - other[two])
    untied = math.sqrt(len(one) * (signs**2).sum())
    counted, open_pairs = (np.sign(mean) * signs)[shown].sum(), (signs**2)[~shown].sum()
    return float((counted - open_pairs) / untied), float((counted + open_pairs) / untied)
