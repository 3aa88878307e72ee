"""Error rates of `compare`, by the tests that the command makes.

Simulated is a comparison of two runs of one study, each with seeds of its own: Tables 1 and 2 of the laptop study on
MNIST, 35 cells of eight methods. Scores vary as they did there (`results/reference/laptop-ten-seeds`, which a test
compares them with): normal where a metric's tolerance is absolute, lognormal where it is a share of the mean.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmark.comparison.compare import TOLERANCES, State
from benchmark.comparison.failures import Ended, failures_p
from benchmark.comparison.shift_tests import METHODS_ALPHA, cell_groups, run_shift_tests
from benchmark.comparison.sides import ComparedCell
from benchmark.metrics import METRICS
from benchmark.operating_characteristics.rates import SEEDS, Rate

_CLUSTERED = ("gmvae", "hgmvae_g", "hgmvae_u")
_CLASSIFIED = ("vae", "beta_vae", "gmvae", "swae", "wae_imq", "wae_rbf", "hgmvae_g", "hgmvae_u")
# Standard deviations over seeds, in tolerances: metric -> latent dim -> of each method in the order above.
SPREADS: Mapping[str, Mapping[int, tuple[float, ...]]] = {
    "silhouette": {2: (1.80, 1.94, 2.77), 8: (0.92, 0.75, 0.91), 32: (2.05, 0.97, 1.08)},
    "calinski_harabasz": {2: (3.50, 3.32, 3.39), 8: (0.84, 0.80, 1.29), 32: (1.86, 1.24, 1.56)},
    "davies_bouldin": {2: (3.44, 1.99, 5.11), 8: (1.33, 1.22, 0.80), 32: (2.42, 1.46, 2.49)},
    "svm_accuracy": {8: (0.97, 0.78, 0.75, 0.80, 0.60, 0.92, 0.66, 0.94)},
}
# Of the scores of one trial, in the order of SPREADS, signed so that better goes with better: means over the trials.
CORRELATIONS = np.array(
    [
        [1.00, 0.86, 0.74, 0.26],
        [0.86, 1.00, 0.58, 0.11],
        [0.74, 0.58, 1.00, 0.40],
        [0.26, 0.11, 0.40, 1.00],
    ]
)
CELLS = {
    ComparedCell("mnist", metric, method, latent_dim): spread
    for metric, dims in SPREADS.items()
    for latent_dim, spreads in dims.items()
    for method, spread in zip(_CLASSIFIED if metric == "svm_accuracy" else _CLUSTERED, spreads, strict=True)
}
_GROUPS = cell_groups([*CELLS])
_SUBJECT = f"{len(CELLS)} cells of {len(_GROUPS.method_names)} methods"
_AT_ONCE = 500  # comparisons, so that memory stays small
_MOST_DRAWS, _MOST_POWER_DRAWS = 8_000, 1_000  # false alarms are rare, so that their rate takes more

Floats = NDArray[np.float64]


def _no_shift(draws: int, rng: np.random.Generator) -> Floats:
    return np.zeros((draws, len(CELLS)))


def _method_shift(tolerances: float) -> Callable[[int, np.random.Generator], Floats]:
    """Shifts of all cells of one method, another in each comparison."""

    def shifts(draws: int, rng: np.random.Generator) -> Floats:
        method = rng.integers(len(_GROUPS.method_names), size=(draws, 1))
        return np.where(_GROUPS.methods == method, -tolerances, 0.0)

    return shifts


def _cell_shift(tolerances: float, metric: str) -> Callable[[int, np.random.Generator], Floats]:
    """A shift of one cell of the metric, another in each comparison."""
    places = [place for place, cell in enumerate(CELLS) if cell.metric == metric]

    def shifts(draws: int, rng: np.random.Generator) -> Floats:
        return np.where(np.arange(len(CELLS)) == rng.choice(places, size=(draws, 1)), -tolerances, 0.0)

    return shifts


# Truth -> shifts in tolerances, of as many comparisons as are drawn: (draws, cells).
TRUTHS: Mapping[str, Callable[[int, np.random.Generator], Floats]] = {
    "no difference": _no_shift,
    "a method worse by 1 tolerance": _method_shift(1),
    "a method worse by 2 tolerances": _method_shift(2),
    "a method worse by 5 tolerances": _method_shift(5),
    **{f"one cell's {METRICS[metric].label} worse by 10 tolerances": _cell_shift(10, metric) for metric in SPREADS},
}


def comparison_rates(draws: int, rng: np.random.Generator) -> list[Rate]:
    """Simulate how often a comparison ends as different and how often as the same.

    Args:
        draws: Comparisons to draw for each rate; at most 8,000 are drawn, and 1,000 where something differs.
        rng: The stream.

    Returns:
        For every truth and number of seeds a rate of either outcome; then how often a method is found that diverges in
        nine of ten trainings of one kind on one side and never on the other.
    """
    rates = []
    for truth, shifts in TRUTHS.items():
        of_truth = min(draws, _MOST_DRAWS if shifts is _no_shift else _MOST_POWER_DRAWS)
        for seeds, stream in zip(SEEDS, rng.spawn(len(SEEDS)), strict=True):
            counts = np.zeros(2)
            for start in range(0, of_truth, _AT_ONCE):
                count = min(_AT_ONCE, of_truth - start)
                counts += _outcomes(shifts(count, stream), seeds, stream).sum(0)
            for state, of_state in zip((State.DIFFERENT, State.SAME), counts, strict=True):
                rates.append(Rate("compare", _SUBJECT, truth, seeds, str(state), of_state / of_truth, of_truth))
    diverging = "a method diverges in 9 of 10 trainings"
    rates += [Rate("compare", _SUBJECT, diverging, n, str(State.DIFFERENT), _failures_found(n), 0) for n in SEEDS]
    return rates


def _outcomes(shift: Floats, seeds: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each comparison ends as different, and whether as the same: (draws, 2)."""
    a, b = (_scores(len(shift), seeds, rng) for _ in range(2))
    b += (shift * _UNITS)[..., None]
    scale = np.where(_RELATIVE, np.abs(a.mean(-1)), 1.0) * np.abs(_UNITS)
    signed = (scale * np.sign(_UNITS))[..., None]
    tests = run_shift_tests(a / signed, b / signed, np.zeros(len(CELLS), dtype=bool), _GROUPS)
    different = tests.cells_differ.any(-1) | tests.methods_differ.any(-1)
    return np.stack([different, tests.methods.within().all(-1) & ~different], axis=-1)


_TOLERANCES = [TOLERANCES[cell.metric] for cell in CELLS]
_RELATIVE = np.array([tolerance.relative for tolerance in _TOLERANCES])
# A cell's tolerance around a mean of 1, negative where less is better.
_UNITS = np.array(
    [t.amount * (1 if METRICS[c.metric].higher_is_better else -1) for t, c in zip(_TOLERANCES, CELLS, strict=True)]
)
_STD = np.array([*CELLS.values()]) * np.abs(_UNITS)
_METRIC = np.array([[*SPREADS].index(cell.metric) for cell in CELLS])


def _scores(draws: int, seeds: int, rng: np.random.Generator) -> Floats:
    """Scores with a mean of 1: (draws, cells, seeds)."""
    shape = (draws, _GROUPS.trials.max() + 1, seeds)
    of_trials = rng.multivariate_normal(np.zeros(len(SPREADS)), CORRELATIONS, size=shape)
    better = of_trials[:, _GROUPS.trials, :, _METRIC]  # (cells, draws, seeds)
    noise = np.moveaxis(better, 0, 1) * np.sign(_UNITS)[:, None]
    log_variance = np.log1p(_STD**2)[:, None]
    lognormal = np.exp(np.sqrt(log_variance) * noise - log_variance / 2)
    scores: Floats = np.where(_RELATIVE[:, None], lognormal, 1 + _STD[:, None] * noise)
    return scores


def _failures_found(seeds: int, probability: float = 0.9) -> float:
    """The chance that failures with this probability of all seeds of one kind of trial, on one side, are found."""
    failed = np.arange(seeds + 1)
    tests = len(_GROUPS.method_names) + 1  # the shifts of the methods, and these failures
    p = np.array([failures_p([Ended(seeds, 0, seeds, int(k))]) for k in failed])
    chances = stats.binom.pmf(failed, seeds, probability)
    return float(chances[p * tests < METHODS_ALPHA].sum())
