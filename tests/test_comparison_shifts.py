"""The tests behind `compare` against independent calculations, and its error rates by a short simulation."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from benchmark.comparison.failures import Ended, ended_trials, failures_p
from benchmark.comparison.shift_tests import Shifts, cell_groups, method_shifts, moderated_variances, run_shift_tests
from benchmark.comparison.sides import ComparedSide, Score, read_side
from benchmark.comparison.tolerances import RESULT_TOLERANCES, cell_weight
from benchmark.metrics import METRICS
from benchmark.operating_characteristics.comparison_rates import CELLS, CORRELATIONS, METHOD_SPREADS, TRUTHS, outcomes
from benchmark.paper.tables import ScorePlace
from benchmark.statistics import ALPHA

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
RATES = REFERENCE / "operating-characteristics" / "error_rates.csv"


def moderated_by_hand(variances, freedom):
    """Smyth 2004, section 6.2, for one group of cells with the same freedom, and one standard error added."""
    half, k = freedom / 2, len(variances)
    logs = np.log(variances) - special.digamma(half) + np.log(half)
    sampling = special.polygamma(1, half)
    error = sampling * np.sqrt(2 / (k - 1) + special.polygamma(3, half) / sampling**2 / k)
    trigamma = logs.var(ddof=1) - sampling + error
    d0, s0 = np.inf, variances.mean()
    if trigamma > 0:
        d0 = 2 * optimize.brentq(lambda x: special.polygamma(1, x) - trigamma, 1e-3, 1e6)
        s0 = np.exp(logs.mean() + special.digamma(d0 / 2) - np.log(d0 / 2))
    borrowed = (1 - 2 / k) * min(d0, (k - 1) * freedom)
    return (borrowed * s0 + freedom * variances) / (borrowed + freedom), borrowed + freedom


@pytest.mark.parametrize("spread", [0.05, 0.5, 1.0, 3.0])
def test_variances_are_moderated_as_by_hand(spread):
    draw = np.random.default_rng(4)
    groups = [np.exp(draw.normal(0, spread, 9)) * stats.chi2(8).rvs(9, random_state=draw) / 8 for _ in range(2)]
    found, freedom = moderated_variances(np.concatenate(groups), np.full(18, 8.0), np.repeat([0, 1], 9))
    for at, variances in enumerate(groups):
        expected, total = moderated_by_hand(variances, 8.0)
        assert found[9 * at : 9 * at + 9] == pytest.approx(expected, rel=1e-9)
        assert freedom[9 * at : 9 * at + 9] == pytest.approx(total, rel=1e-9)


def test_alike_variances_are_pooled_unlike_ones_are_not_and_one_or_two_are_their_own():
    alike = stats.chi2(4).rvs(40, random_state=np.random.default_rng(0)) / 4
    unlike = alike * np.exp(np.random.default_rng(1).normal(0, 3, 40))
    of_alike, freedom = moderated_variances(alike, np.full(40, 4.0), np.zeros(40, dtype=int))
    assert of_alike.std() < 0.3 * alike.std() and (freedom > 16).all()
    of_unlike, freedom = moderated_variances(unlike, np.full(40, 4.0), np.zeros(40, dtype=int))
    assert np.corrcoef(np.log(of_unlike), np.log(unlike))[0, 1] > 0.95 and (freedom < 5).all()
    for groups in ([0, 1], [0, 0]):  # two are too few to know how alike they are
        own, freedom = moderated_variances(np.array([2.0, 3.0]), np.array([4.0, 6.0]), np.array(groups))
        assert (own.tolist(), freedom.tolist()) == ([2.0, 3.0], [4.0, 6.0])


def test_cells_without_any_spread_borrow_it():
    variances, freedom = moderated_variances(np.array([0.0, 1.0, 1.2, 0.9]), np.full(4, 4.0), np.zeros(4, dtype=int))
    assert 0 < variances[0] < variances[1] and np.isfinite(freedom).all()
    nothing, _ = moderated_variances(np.zeros(3), np.full(3, 4.0), np.zeros(3, dtype=int))
    assert nothing == pytest.approx(np.zeros(3), abs=1e-90)


def one_method(*places):
    """Cells of one method: (metric, latent dim)."""
    return cell_groups([ScorePlace("mnist", metric, "vae", dim) for metric, dim in places])


def shifts(shift, error, freedom):
    return Shifts(np.array(shift), np.array(error), np.array(freedom))


def test_a_methods_mean_takes_trials_as_independent_and_scores_of_one_as_moving_together():
    cells = shifts([1.0, 3.0], [0.3, 0.4], [10.0, 20.0])
    apart = method_shifts(cells, one_method(("silhouette", 8), ("silhouette", 16)))
    assert (apart.shift[0], apart.error[0]) == pytest.approx((2.0, 0.25))  # sqrt(0.3^2 + 0.4^2) / 2
    assert apart.freedom[0] == pytest.approx((0.09 + 0.16) ** 2 / (0.09**2 / 10 + 0.16**2 / 20))
    together = method_shifts(cells, one_method(("their own", 8), ("another", 8)))
    assert (together.shift[0], together.error[0]) == pytest.approx((2.0, 0.35))  # (0.3 + 0.4) / 2
    weighted = method_shifts(cells, one_method(("silhouette", 2), ("silhouette", 8)))
    assert weighted.shift[0] == pytest.approx((0.017 * 1.0 + 0.044 * 3.0) / 0.061)  # their spreads are 0.044 and 0.017


def test_a_cell_weighs_one_over_its_measured_spread_in_tolerances():
    weights = {
        ("silhouette", 2): 0.02 / 0.044,
        ("calinski_harabasz", 2): 0.08 / 0.363,
        ("davies_bouldin", 8): 0.12 / 0.133,
    }
    weights |= {("svm_accuracy", 64): 0.0065 / 0.0053, ("silhouette", 256): 0.02 / 0.029, ("their own", 2): 1.0}
    assert {cell: cell_weight(*cell) for cell in weights} == pytest.approx(weights)


def test_a_methods_error_takes_the_variance_of_its_own_place_and_a_cells_that_of_its_metric():
    """One method: its cells borrow from one another, its mean from none, so that the widest place stays as wide."""
    draw = np.random.default_rng(3)
    a, b = draw.normal(0, 1, (2, 4, 5)) * np.array([4.0, 1.0, 1.0, 1.0])[:, None]
    groups = one_method(*(("their own", dim) for dim in (2, 4, 8, 16)))
    tests = run_shift_tests(a, b, np.ones(4, dtype=bool), groups)
    variances = (b - a).var(-1, ddof=1) / 5
    assert tests.methods.error[0] == pytest.approx(np.sqrt(variances.sum()) / 4)
    assert tests.methods.freedom[0] == pytest.approx(4 * variances.sum() ** 2 / (variances**2).sum())
    assert tests.cells.error[0] < 0.95 * np.sqrt(variances[0]) and (tests.cells.freedom > 4).all()


def test_a_shift_of_the_smallest_size_seen_is_found_four_times_in_five():
    [seen] = shifts([0.0], [1.0], [12.0]).smallest_seen(0.01)
    power = stats.nct.sf(stats.t.isf(0.005, 12), 12, seen)
    assert power == pytest.approx(0.8, abs=0.02)


def test_missing_seeds_and_pairs_are_those_of_scipys_tests():
    draw = np.random.default_rng(2)
    a, b = draw.normal(0, 1, (2, 6)), draw.normal(0, 1, (2, 6))
    a[0, 4:] = np.nan  # four pairs are left
    b[1, 5] = np.nan
    groups = cell_groups([ScorePlace("mnist", "silhouette", "vae", 2), ScorePlace("mnist", "fid", "swae", 2)])
    tests = run_shift_tests(a, b, np.array([True, False]), groups)
    expected = [stats.ttest_rel(b[0, :4], a[0, :4]).pvalue, stats.ttest_ind(b[1, :5], a[1]).pvalue]
    assert tests.cells.p() == pytest.approx(expected, rel=1e-9)
    least, other = sorted(expected)
    assert sorted(tests.methods_p) == pytest.approx([min(1, 2 * least), min(1, max(other, 2 * least))])
    assert tests.methods_alpha == ALPHA and (tests.cells_alpha == ALPHA).all()  # no cell has a test of its own


def test_cells_share_the_level_of_their_tests_and_methods_that_of_theirs_with_those_of_failures():
    cells = [ScorePlace("mnist", "their own", method, dim) for method in ("vae", "swae") for dim in (2, 4, 8, 16)]
    a, b = np.random.default_rng(0).normal(size=(2, 8, 5))
    tests = run_shift_tests(a, b, np.ones(8, dtype=bool), cell_groups(cells), further_p=[0.5, 0.5])
    assert tests.cells_level == pytest.approx([0.01 / 8] * 8)
    assert tests.methods_level == pytest.approx(0.04 / 4)


@pytest.mark.parametrize("metrics", [("fid", "ssim"), ("ssim", "fid")])
def test_a_trial_that_lacks_one_of_its_scores_has_failed_whichever_comes_last(metrics):
    def side(name, fid):
        of = {"fid": fid, "ssim": Score(0.5, "ok", None)}
        scores = {ScorePlace("mnist", metric, "vae", 128): {0: of[metric]} for metric in metrics}
        return ComparedSide(name, scores, facts=(), facts_complete=False)

    without, whole = side("A", Score(None, "metric unavailable", None)), side("B", Score(90.0, "ok", None))
    assert ended_trials(without, whole) == {"vae": [Ended(1, 1, 1, 0)]}


@pytest.mark.parametrize("kind", [Ended(10, 0, 10, 9), Ended(5, 2, 7, 4), Ended(3, 0, 3, 3), Ended(4, 4, 4, 4)])
def test_failures_of_one_kind_are_fishers_test(kind):
    table = [[kind.failed_a, kind.a - kind.failed_a], [kind.failed_b, kind.b - kind.failed_b]]
    assert failures_p([kind]) == pytest.approx(stats.fisher_exact(table).pvalue)


def test_failures_of_several_kinds_are_counted_over_all_ways_to_share_them_out():
    kinds = [Ended(4, 1, 4, 3), Ended(3, 0, 5, 2)]
    ways: dict[int, int] = {}
    failing = (itertools.combinations(range(kind.a + kind.b), kind.failed_a + kind.failed_b) for kind in kinds)
    for chosen in itertools.product(*failing):
        of_b = sum(sum(trial >= kind.a for trial in one) for one, kind in zip(chosen, kinds, strict=True))
        ways[of_b] = ways.get(of_b, 0) + 1
    extreme = sum(count for count in ways.values() if count <= ways[5])
    assert failures_p(kinds) == pytest.approx(extreme / sum(ways.values()))


def test_the_simulated_spreads_and_correlations_are_those_measured():
    residuals = {}
    for cell, seeds in read_side(REFERENCE / "laptop-ten-seeds").scores.items():
        values = np.array([score.value for score in seeds.values() if score.value is not None])
        if len(values) == 10:
            tolerance = RESULT_TOLERANCES[cell.metric].at(values.mean())
            assert CELLS[cell] == pytest.approx(values.std(ddof=1) / tolerance, abs=0.006)
            better = 1 if METRICS[cell.metric].higher_is_better else -1
            residuals[cell] = better * (values - values.mean()) / values.std()
    assert residuals.keys() == CELLS.keys()
    for (i, one), (j, other) in itertools.combinations(enumerate(METHOD_SPREADS), 2):
        pairs = [(cell, cell._replace(metric=other)) for cell in CELLS if cell.metric == one]
        measured = [np.mean(residuals[a] * residuals[b]) for a, b in pairs if b in residuals]
        assert CORRELATIONS[i, j] == pytest.approx(np.mean(measured), abs=0.006)
    assert np.linalg.eigvalsh(CORRELATIONS).min() > 0


IMAGES = ("ssim", "ms_ssim", "lpips")
LATENTS = ("silhouette", "calinski_harabasz", "davies_bouldin")
OF_VAE = [
    (dataset, *of) for dataset in ("mnist", "celeba") for of in [("svm_accuracy", 8), *((m, 128) for m in IMAGES)]
]


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("methods", "places"),
    [
        ("a", OF_VAE),
        ("ab", OF_VAE),
        ("a", [("mnist", metric, 2**power) for power in range(1, 8) for metric in LATENTS]),
        ("a", [(dataset, metric, 8) for dataset in "pqrs" for metric in ("svm_accuracy", *IMAGES)]),
        ("a", [("mnist", "silhouette", 4), ("mnist", "silhouette", 8)]),
        ("ab", [("mnist", "svm_accuracy", 8)]),
        ("abc", [("mnist", "svm_accuracy", 8)]),
    ],
)
def test_few_methods_with_three_seeds_give_no_more_false_alarms_than_promised(methods, places, paired):
    """Scores of one standard deviation each, those of a trial correlated by 0.8."""
    cells = [ScorePlace(dataset, metric, name, dim) for name in methods for dataset, metric, dim in places]
    groups, draws, draw = cell_groups(cells), 1_500, np.random.default_rng(8)
    of_trials = draw.normal(size=(2, draws, groups.trials.max() + 1, 3))[:, :, groups.trials]
    a, b = np.sqrt(0.8) * of_trials + np.sqrt(0.2) * draw.normal(size=of_trials.shape)
    tests = run_shift_tests(a, b, np.full(len(cells), paired), groups)
    different = tests.cells_differ.any(-1) | tests.methods_differ.any(-1)
    assert different.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)


@pytest.fixture(scope="module")
def committed():
    rates = pd.read_csv(RATES)
    return rates[rates["judgement"] == "compare"].set_index(["truth", "outcome", "seeds"])["rate"]


def test_false_alarms_and_power_are_as_promised(committed):
    """Of whole comparisons; the standard error of a false alarm's rate, from 8,000 draws, is 0.0024."""
    for seeds in (3, 5, 10, 20):
        for of in ("", " (common seeds)", " (one method)", " (one method, common seeds)"):
            assert committed[f"no difference{of}", "different", seeds] <= 0.05
            assert committed[f"a method worse by 1 tolerance{of}", "same", seeds] <= 0.05
    assert committed["a method worse by 2 tolerances", "different", 5] >= 0.75
    assert committed["a method worse by 2 tolerances (one method, common seeds)", "different", 3] >= 0.75
    assert committed["a method worse by 5 tolerances", "different", 3] >= 0.95
    assert committed["one cell's SVM accuracy worse by 10 tolerances", "different", 3] >= 0.95
    assert committed["a method diverges in 9 of 10 trainings", "different", 10] >= 0.95


@pytest.mark.parametrize(
    ("truth", "outcome", "seeds"),
    [
        ("no difference", 0, 3),
        ("no difference", 0, 5),
        ("no difference", 1, 20),
        ("a method worse by 2 tolerances", 0, 5),
        ("one cell's SC worse by 10 tolerances", 0, 5),
        ("no difference (one method, common seeds)", 0, 3),
        ("a method worse by 2 tolerances (one method, common seeds)", 0, 3),
    ],
)
def test_a_short_simulation_comes_to_the_committed_rates(committed, truth, outcome, seeds):
    draw = np.random.default_rng(7)
    draws = 400
    design, shifts_of = TRUTHS[truth]
    rate = outcomes(design, shifts_of(design, draws, draw), seeds, draw)[:, outcome].mean()
    expected = committed[truth, ("different", "same")[outcome], seeds]
    assert rate == pytest.approx(expected, abs=3.3 * np.sqrt(expected * (1 - expected) / draws))
