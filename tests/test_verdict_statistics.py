"""Intervals and tests against scipy, closed forms and values computed by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import (
    ALPHA,
    Interval,
    chance_outside,
    chance_within,
    difference_from_printed,
    estimate,
    holm,
    paired_test,
    powerless,
    rank_agreement,
    smallest_signed_rank_p,
    tau_b,
)

NUMBERS = np.random.default_rng(3).normal(0.4, 1.0, 10)


def test_the_interval_of_a_mean_is_that_of_scipy():
    found = estimate(NUMBERS)
    low, high = stats.t.interval(0.95, 9, loc=NUMBERS.mean(), scale=stats.sem(NUMBERS))
    assert (found.n, found.mean, found.std) == pytest.approx((10, NUMBERS.mean(), NUMBERS.std(ddof=1)))
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))


def test_two_values_by_hand():
    """Mean 2, std sqrt(2), standard error 1, and 12.7062 is the table's t for one degree of freedom."""
    found = estimate([1.0, 3.0])
    assert found.std == pytest.approx(math.sqrt(2))
    assert found.interval.high == pytest.approx(2 + 12.7062, abs=1e-4)


def test_one_value_has_no_spread_and_none_is_an_error():
    found = estimate([0.0])
    assert (found.n, found.mean, found.std, found.interval) == (1, 0.0, None, None)
    assert difference_from_printed(found, 0.4, 0.0005, 10) is None
    with pytest.raises(ValueError, match="no value"):
        estimate([])


def test_the_difference_from_a_printed_number_is_wider_by_half_a_unit_at_either_end():
    ours = estimate([1.0, 3.0])
    found = difference_from_printed(ours, 0.5, 0.25, math.inf)
    assert found.low == pytest.approx(ours.interval.low - 0.75)
    assert found.high == pytest.approx(ours.interval.high - 0.25)
    of_two = difference_from_printed(ours, 0.5, 0.25, 2)  # a mean of two that vary as these two do
    assert of_two.high - of_two.low - 0.5 == pytest.approx(math.sqrt(2) * (found.high - found.low - 0.5))


@pytest.mark.parametrize(("repeats", "coverage"), [(10, 0.95), (math.inf, 0.856)])
def test_the_interval_covers_the_truth_95_times_in_100_if_the_printed_mean_counts_as_a_mean_of_ten(repeats, coverage):
    stream = np.random.default_rng(0)
    draws, printed = stream.normal(5.0, 2.0, (2_000, 10)), stream.normal(5.0, 2.0, (2_000, 10)).mean(1)
    intervals = [
        difference_from_printed(estimate(values), of_paper, 0.0, repeats)
        for values, of_paper in zip(draws, printed, strict=True)
    ]
    share = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert share == pytest.approx(coverage, abs=3 * math.sqrt(0.95 * 0.05 / 2_000) + 0.008)


@pytest.mark.parametrize(
    ("bound", "shift", "confidence"), [(1.5, 0.0, 0.9), (1.5, 0.8, 0.9), (0.8, 0.0, 0.9), (1.0, 3.0, 0.95)]
)
def test_the_chances_of_an_interval_are_those_of_simulated_ones(bound, shift, confidence):
    draws = np.random.default_rng(2).normal(shift, 2.0, (100_000, 10))
    reach = stats.t.ppf((1 + confidence) / 2, 9) * draws.std(1, ddof=1) / math.sqrt(10)
    means = draws.mean(1)
    error = 2 / math.sqrt(10)
    within = (np.abs(means) + reach <= bound).mean()
    outside = (np.abs(means) - reach > bound).mean()
    assert chance_within(bound, error, 9, confidence, shift) == pytest.approx(within, abs=0.005)
    assert chance_outside(bound, error, 9, confidence, shift) == pytest.approx(outside, abs=0.005)


def test_without_a_spread_the_chances_are_certain():
    shifts = (0.0, 1.0, 1.1)
    assert [chance_within(1.0, 0.0, 9, 0.9, shift) for shift in shifts] == [1.0, 1.0, 0.0]
    assert [chance_outside(1.0, 0.0, 9, 0.95, shift) for shift in shifts] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("low", "high", "within", "outside"),
    [
        (-0.1, 0.1, True, False),
        (-1.0, 1.0, True, False),
        (0.5, 1.5, False, False),
        (-2.0, 2.0, False, False),
        (1.5, 2.0, False, True),
        (-2.0, -1.5, False, True),
    ],
)
def test_an_interval_is_within_or_outside_a_bound_or_neither(low, high, within, outside):
    interval = Interval(low, high)
    assert (interval.within(1.0), interval.outside(1.0)) == (within, outside)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 20])
def test_signed_ranks_are_scipys_where_there_are_no_ties(n):
    differences = np.random.default_rng(n).normal(0.3, 1.0, n)
    assert paired_test(differences).p_wilcoxon == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


@pytest.mark.parametrize("differences", [[1, 1, -2, 3, 3, 3], [0, 2, -1, 2], [1, 1, 1, 1]])
def test_signed_ranks_with_ties_and_zeros_are_an_enumeration_of_all_signs(differences):
    nonzero = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(nonzero))
    sums = [
        sum(r for r, s in zip(ranks, signs, strict=True) if s) for signs in itertools.product((0, 1), repeat=len(ranks))
    ]
    observed = sum(r for r, d in zip(ranks, nonzero, strict=True) if d > 0)
    centre = ranks.sum() / 2
    expected = np.mean([abs(s - centre) >= abs(observed - centre) for s in sums])
    assert paired_test(differences).p_wilcoxon == pytest.approx(min(1.0, expected))


def test_without_any_difference_p_is_one():
    found = paired_test([0.0, 0.0])
    assert found.p_wilcoxon == found.p_t == 1.0


def test_the_smallest_p_is_reached_when_all_signs_agree():
    assert smallest_signed_rank_p(10) == pytest.approx(0.001953125)
    assert paired_test(np.arange(1.0, 11.0)).p_wilcoxon == smallest_signed_rank_p(10)
    assert [smallest_signed_rank_p(n) for n in (0, 1, 2, 5)] == [1.0, 1.0, 0.5, 0.0625]


def test_paired_t_is_scipys():
    found = paired_test(NUMBERS)
    assert found.p_t == pytest.approx(stats.ttest_1samp(NUMBERS, 0).pvalue)
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(NUMBERS, method="exact").pvalue)
    assert found.side == 1
    few_large = paired_test([0.0, 0.0, -0.1, -0.2, -0.3, 10.0])  # ranks 1, 2 and 3 against 4
    assert few_large.side == -1 and few_large.estimate.mean > 0
    assert [paired_test(pair).side for pair in ([0.0, 0.0], [1.0, -1.0])] == [0, 0]
    assert paired_test([0.5, 0.5]).p_t == 0.0
    assert paired_test([0.5]).p_t is None
    assert paired_test([0.5]).p_wilcoxon == 1.0


def test_holm_by_hand():
    """0.01 * 4, 0.02 * 3, 0.03 * 2, and 0.04 * 1 raised to what stands before it."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert list(holm([0.6, 0.7])) == [1.0, 1.0]
    assert holm([]).size == 0


def test_a_family_of_25_is_the_largest_that_ten_seeds_can_serve():
    assert powerless([10] * 25) == [False] * 25
    assert powerless([10] * 26) == [True] * 26
    assert powerless([3]) == powerless([0]) == [True]
    assert min(holm([smallest_signed_rank_p(10)] + [1.0] * 24)) < ALPHA
    assert min(holm([smallest_signed_rank_p(10)] + [1.0] * 25)) > ALPHA


def test_a_test_of_fewer_pairs_has_power_behind_stronger_ones():
    """9 pairs give 0.0039 at best: 14 times that is too much, but in the last place it is taken as it is."""
    assert powerless([9] * 14) == [True] * 14
    assert powerless([10] * 13 + [9]) == [False] * 14
    assert powerless([10] * 13 + [5]) == [False] * 13 + [True]


@pytest.mark.parametrize(
    ("x", "y"), [([1, 2, 3, 4], [1, 3, 2, 4]), ([1, 1, 2, 3], [4, 3, 2, 2]), ([5, 1, 4, 4, 2], [1, 1, 2, 3, 3])]
)
def test_tau_b_is_scipys(x, y):
    assert tau_b(np.array(x, float), np.array(y, float)) == pytest.approx(stats.kendalltau(x, y, variant="b").statistic)


def test_tau_b_is_not_a_number_without_an_order():
    assert math.isnan(tau_b(np.array([1.0, 1.0]), np.array([1.0, 2.0])))
    assert math.isnan(tau_b(np.array([1.0, math.nan]), np.array([1.0, 2.0])))


def test_rank_agreement_of_one_and_of_opposite_orders():
    paper = np.array([1.0, 2.0, 3.0])
    same = np.outer(paper, np.ones(4)) + np.array([0.0, 0.1, 0.2, 0.3])
    assert rank_agreement([(same, paper)]).tau == 1.0
    assert rank_agreement([(same, paper)]).interval == Interval(1.0, 1.0)  # rivals differ alike under every seed
    both = rank_agreement([(same, paper), (-same, paper)])
    assert (both.tau, both.groups) == (0.0, 2)


@pytest.mark.parametrize(("p", "low"), [(0.049, 1.0), (0.051, -1.0)])
def test_two_rivals_are_in_order_where_a_paired_one_sided_test_says_so(p, low):
    t = stats.t.isf(p, 5)
    spread = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]) * math.sqrt(5 / 6)  # a standard deviation of 1
    ours = np.array([np.arange(6.0), np.arange(6.0) + t / math.sqrt(6) + spread])
    assert stats.ttest_rel(ours[1], ours[0], alternative="greater").pvalue == pytest.approx(p)
    found = rank_agreement([(ours, np.array([0.0, 1.0]))])
    assert (found.tau, found.interval) == (1.0, Interval(low, 1.0))


@pytest.mark.parametrize(("rankings", "low"), [(1, 1.0), (2, -1.0)])
def test_the_pairs_of_all_rankings_share_the_level(rankings, low):
    spread = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]) * math.sqrt(5 / 6)
    ours = np.array([np.arange(6.0), np.arange(6.0) + stats.t.isf(0.04, 5) / math.sqrt(6) + spread])
    found = [(ours, np.array([0.0, 1.0]))] * rankings
    assert rank_agreement(found).interval == Interval(low, 1.0)
    assert rank_agreement([*found, (ours, np.ones(2))]).interval == Interval(low, 1.0)  # has no order to show


@pytest.mark.parametrize(("p", "low"), [(0.049 / 3, 1.0), (0.051 / 3, 1 / 3)])
def test_how_much_a_third_rival_varies_decides_nothing_about_two(p, low):
    """Two of three pairs are shown in any case, the third where its own test says so: (2 - 1) / 3 or (3 - 0) / 3."""
    spread = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]) * math.sqrt(5 / 6)
    shift = stats.t.isf(p, 5) / math.sqrt(6)
    for wide in (0.0, 50.0):
        ours = np.array([np.zeros(6), shift + spread, 1000 + wide * spread])
        assert stats.ttest_rel(ours[1], ours[0], alternative="greater").pvalue == pytest.approx(p)
        found = rank_agreement([(ours, np.arange(3.0))])
        assert (found.interval.low, found.interval.high) == pytest.approx((low, 1.0))


@pytest.mark.parametrize("seeds", [2, 3])
def test_bounds_hold_where_scores_are_rounded_so_that_differences_are_often_equal(seeds):
    """Accuracies on 1,000 images, eight methods whose true means are all but one: without care 4 in 10 studies hold."""
    stream = np.random.default_rng(seeds)
    order = np.arange(8.0)
    held = []
    for _ in range(300):
        rankings = np.round(0.9 + 1e-4 * order[:, None] + stream.normal(0, 0.005, (2, 8, seeds)), 3)
        held.append(rank_agreement([(ours, order) for ours in rankings]).interval.high == 1)
    assert np.mean(held) >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / 300)


def test_bounds_count_the_pairs_that_are_shown_and_leave_the_others_open():
    """Rivals 0 and 1 cannot be told apart, both are far from 2: two of three pairs are shown, (2 - 1) / 3 at least."""
    ours = np.array([[0.0, 1.0, 0.5], [0.6, 0.0, 0.5], [20.0, 20.4, 20.9]])
    found = rank_agreement([(ours, np.array([0.0, 1.0, 2.0]))])
    assert (found.interval.low, found.interval.high) == pytest.approx((1 / 3, 1.0))
    turned = rank_agreement([(ours, np.array([2.0, 2.0, 0.0]))])  # a tie on the other side: two pairs count
    assert (turned.interval.low, turned.interval.high) == pytest.approx((-2 / math.sqrt(6),) * 2)


def test_bounds_span_the_estimate_and_shrink_with_seeds():
    noise = np.random.default_rng(0).normal(0, 1, (6, 40))
    widths = []
    for seeds in (3, 10, 40):
        ours = noise[:, :seeds] + np.arange(6)[:, None]
        found = rank_agreement([(ours, np.arange(6.0))])
        assert found.tau == pytest.approx(stats.kendalltau(ours.mean(1), np.arange(6)).statistic)
        assert -1 <= found.interval.low <= found.tau <= found.interval.high <= 1
        widths.append(found.interval.high - found.interval.low)
    assert widths[0] > widths[1] > widths[2]


def test_rank_agreement_with_one_seed_with_gaps_and_with_nothing():
    paper = np.array([1.0, 2.0])
    one = rank_agreement([(np.array([[0.1], [0.3]]), paper)])
    assert (one.tau, one.interval) == (1.0, None)
    gap = rank_agreement([(np.array([[0.1, math.nan], [0.3, 0.2]]), paper)])
    assert (gap.tau, gap.interval) == (1.0, Interval(-1.0, 1.0))  # one common seed shows no order
    # By the means the first is ahead, by the seeds that both have the second.
    apart = rank_agreement([(np.array([[0.0, 0.0, 0.0, 10.0], [1.0, 1.1, 1.2, math.nan]]), paper)])
    assert (apart.tau, apart.interval) == (-1.0, Interval(-1.0, 1.0))
    assert rank_agreement([]) is None
    assert rank_agreement([(np.array([[0.1], [0.1]]), paper)]) is None
    assert rank_agreement([(np.array([[math.nan, math.nan], [0.3, 0.2]]), paper)]) is None
    with pytest.raises(ValueError, match="seeds"):
        rank_agreement([(np.zeros((2, 1)), paper), (np.zeros((2, 2)), paper)])


def test_holm_takes_many_families_at_once():
    p = np.random.default_rng(1).uniform(0, 0.2, (3, 2, 7))
    assert holm(p).shape == p.shape
    assert np.array_equal(holm(p)[2, 1], holm(p[2, 1]))
