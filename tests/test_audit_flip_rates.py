"""How often claims flip by the seeds alone: closed forms, the draws' moments, and what has no rate."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import norm, t

from benchmark.audit.flip_rates import flip_rates, rate_columns, repeated
from benchmark.verdict.claim_effects import MARGINS
from benchmark.verdict.claim_states import BY_MEANS, BY_TESTS


def accuracy(method, scores, dataset="mnist"):
    return {(dataset, "svm_accuracy", method, 8): dict(enumerate(scores))}


def seeds(mean, spread, n):
    """N scores of this mean and standard deviation (ddof 1)."""
    moves = np.linspace(-1, 1, n)
    return mean + spread * moves / moves.std(ddof=1)


def differing(shares):
    """How often two independent draws of a state differ, from the chances of the states."""
    return 1 - sum(share**2 for share in shares)


@pytest.mark.parametrize(("gap", "n"), [(0.0, 3), (0.01, 3), (0.004, 8)])
def test_one_contest_flips_as_often_as_a_normal_difference_passes_zero_and_the_margin(gap, n):
    """C4 with one rival: refuted where HGMVAE-G is not ahead, supported where by a margin, else open."""
    spread, margin = 0.01, MARGINS["svm_accuracy"].amount
    values = accuracy("hgmvae_g", seeds(0.95 - gap, spread, n)) | accuracy("vae", seeds(0.95, spread, n))
    rate = flip_rates(values, repeats=300)["C4", BY_MEANS]
    for found, mean in ((rate.as_measured, -gap), (rate.alike, 0.0)):
        behind, short = norm.cdf([0, margin], mean, spread * sqrt(2 / n))
        # Of 300 repeats a state's share has a standard error of up to 0.03.
        assert found == pytest.approx(differing([behind, short - behind, 1 - short]), abs=0.07)


def test_a_claim_that_must_hold_over_every_rival_hardly_flips_though_nothing_differs():
    rivals = ("vae", "beta_vae", "gmvae", "swae", "wae_imq", "wae_rbf", "hgmvae_u")
    n, spread, margin = 5, 0.01, MARGINS["svm_accuracy"].amount
    values = {}
    for method in ("hgmvae_g", *rivals):
        values |= accuracy(method, seeds(0.95, spread, n)) | accuracy(method, seeds(0.3, spread, n), "cifar10")
    means = np.random.default_rng(1).normal(scale=spread / sqrt(n), size=(20_000, 1 + len(rivals), 2))
    least = (means[:, :1] - means[:, 1:]).mean(axis=2).min(axis=1)  # over the rivals, of the mean over the data sets
    shares = [(least <= 0).mean(), ((least > 0) & (least < margin)).mean(), (least >= margin).mean()]
    rate = flip_rates(values, repeats=200)["C4", BY_MEANS]
    assert rate.alike == pytest.approx(differing(shares), abs=0.07) and differing(shares) < 0.25
    assert rate.alike == pytest.approx(rate.as_measured, abs=0.05)  # they are alike as measured


def test_a_gap_far_beyond_the_spread_flips_nothing():
    values = accuracy("hgmvae_g", seeds(0.9, 0.001, 3)) | accuracy("vae", seeds(0.95, 0.001, 3))
    rates = flip_rates(values)
    assert rates.keys() == {("C4", BY_MEANS), ("C4", BY_TESTS)}
    for by in (BY_MEANS, BY_TESTS):
        assert rate_columns(rates, "C4", by) == (0, rates["C4", by].alike)
        assert rate_columns(rates, "C1", by) == (None, None)
    assert rates["C4", BY_MEANS].alike > 0.3


@pytest.mark.parametrize("ahead", [-0.5, 1.0, 1.6])
def test_by_tests_one_contest_flips_as_often_as_t_intervals_do(ahead):
    n, spread, margin = 6, 0.002, MARGINS["svm_accuracy"].amount
    values = accuracy("hgmvae_g", seeds(0.95 + ahead * margin, spread, n)) | accuracy("vae", seeds(0.95, spread, n))
    draws = np.random.default_rng(1).normal(0, spread, (2, 20_000, n))
    effects = ahead + (draws[0] - draws[1]) / margin
    bound = t.ppf(0.95, n - 1) * effects.std(axis=1, ddof=1) / sqrt(n)
    refuted = effects.mean(axis=1) + bound < 1
    supported = (effects.mean(axis=1) - bound > 0) & ~refuted
    expected = differing([refuted.mean(), supported.mean(), (~refuted & ~supported).mean()])
    assert flip_rates(values, repeats=300)["C4", BY_TESTS].as_measured == pytest.approx(expected, abs=0.07)


def test_one_seed_has_no_spread_and_no_score_no_rate():
    one = accuracy("hgmvae_g", [0.9]) | accuracy("vae", [0.95])
    assert flip_rates(one) == {}
    alone = {("mnist", "silhouette", "gmvae", 8): {0: 0.1, 1: 0.2}}  # no claim has a contest of it alone
    assert flip_rates(alone) == {}
    assert flip_rates({}) == {}


def test_repeats_have_the_mean_variance_and_covariance_of_the_scores():
    sc, ch, acc = [0.30, 0.34, 0.41, 0.33], [900.0, 1000.0, 1150.0, 870.0], [0.90, 0.91, 0.95, 0.93]
    values = {
        ("mnist", "silhouette", "gmvae", 8): dict(enumerate(sc)),
        ("mnist", "calinski_harabasz", "gmvae", 8): dict(enumerate(ch)),
        ("mnist", "silhouette", "vae", 8): dict(enumerate(sc)),
        ("mnist", "svm_accuracy", "vae", 8): {seed: acc[seed] for seed in (1, 3)},  # two seeds have no value
        ("mnist", "fid", "vae", 8): {2: 40.0},
    }
    stream = np.random.default_rng(0)
    repeats = [repeated(values, stream) for _ in range(4000)]
    assert all(
        {place: list(of) for place, of in one.items()} == {p: sorted(v) for p, v in values.items()} for one in repeats
    )
    drawn = {place: np.array([list(one[place].values()) for one in repeats]) for place in values}
    of_sc, of_ch, other, two, single = drawn.values()
    for found, measured in ((of_sc, sc), (of_ch, ch), (other, sc), (two, [acc[1], acc[3]])):
        error = np.std(measured, ddof=1) / sqrt(found.size)
        assert found.mean() == pytest.approx(np.mean(measured), abs=5 * error)
        assert found.std(axis=0, ddof=1) == pytest.approx(np.std(measured, ddof=1), rel=0.06)
    together = np.corrcoef(of_sc.ravel(), of_ch.ravel())[0, 1]
    assert together == pytest.approx(np.corrcoef(sc, ch)[0, 1], abs=0.01)
    assert np.corrcoef(of_sc.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.04)  # another training
    assert np.corrcoef(of_sc[:, 0], of_sc[:, 1])[0, 1] == pytest.approx(0, abs=0.08)  # another seed
    assert (single == 40.0).all()
