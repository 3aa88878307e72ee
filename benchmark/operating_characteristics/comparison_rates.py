"""Error rates of `compare`, by simulation through its tests.

Comparisons of two runs of one study are simulated: Tables 1 and 2 of the laptop study on MNIST, all 35 cells of eight
methods or the ten cells of one, with different or common seeds. Scores vary as they did there
(`results/reference/laptop-ten-seeds`, with which a test compares them): normal if a metric's tolerance is absolute,
lognormal if it is a share of the mean. Common seeds are compared in pairs but drawn independently, because another
machine turns the same seed into another training.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmark.comparison.compare import State
from benchmark.comparison.failures import Ended, failures_p
from benchmark.comparison.shift_tests import METHODS_ALPHA, CellGroups, cell_groups, run_shift_tests
from benchmark.comparison.tolerances import RESULT_TOLERANCES
from benchmark.metrics import METRICS
from benchmark.operating_characteristics.rates import SEEDS, Rate
from benchmark.paper.tables import ScorePlace

_CLUSTERED = ("gmvae", "hgmvae_g", "hgmvae_u")
_CLASSIFIED = ("vae", "beta_vae", "gmvae", "swae", "wae_imq", "wae_rbf", "hgmvae_g", "hgmvae_u")
# Standard deviations over seeds, in tolerances: metric -> latent dim -> value of each method in the order above.
METHOD_SPREADS: Mapping[str, Mapping[int, tuple[float, ...]]] = {
    "silhouette": {2: (1.80, 1.94, 2.77), 8: (0.92, 0.75, 0.91), 32: (2.05, 0.97, 1.08)},
    "calinski_harabasz": {2: (3.50, 3.32, 3.39), 8: (0.84, 0.80, 1.29), 32: (1.86, 1.24, 1.56)},
    "davies_bouldin": {2: (3.44, 1.99, 5.11), 8: (1.33, 1.22, 0.80), 32: (2.42, 1.46, 2.49)},
    "svm_accuracy": {8: (0.97, 0.78, 0.75, 0.80, 0.60, 0.92, 0.66, 0.94)},
}
# Correlations of the scores of one trial, in the order of METHOD_SPREADS, signed by better direction: trial means.
CORRELATIONS = np.array(
    [
        [1.00, 0.86, 0.74, 0.26],
        [0.86, 1.00, 0.58, 0.11],
        [0.74, 0.58, 1.00, 0.40],
        [0.26, 0.11, 0.40, 1.00],
    ]
)
CELLS = {
    ScorePlace("mnist", metric, method, latent_dim): spread
    for metric, dims in METHOD_SPREADS.items()
    for latent_dim, spreads in dims.items()
    for method, spread in zip(_CLASSIFIED if metric == "svm_accuracy" else _CLUSTERED, spreads, strict=True)
}
_AT_ONCE = 500  # comparisons per batch, to limit memory
_MOST_DRAWS, _MOST_POWER_DRAWS = 8_000, 1_000  # false alarms are rare, so their rate needs more

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """The cells and seeds of simulated comparisons.

    Attributes:
        cells: The cells, with their standard deviations over seeds in tolerances.
        paired: Whether both sides have the same seeds.
    """

    cells: Mapping[ScorePlace, float]
    paired: bool

    @cached_property
    def groups(self) -> CellGroups:
        """The groups of the cells."""
        return cell_groups([*self.cells])

    @property
    def subject(self) -> str:
        """The design in words."""
        methods = len(self.groups.method_names)
        return f"{len(self.cells)} cells of {methods} method{'s' if methods > 1 else ''}"


# Maps a design and a number of comparisons to the shifts of the cells in tolerances, (draws, cells).
ShiftsOf = Callable[[Design, int, np.random.Generator], Floats]


def _no_shift(design: Design, draws: int, rng: np.random.Generator) -> Floats:
    return np.zeros((draws, len(design.cells)))


def _method_shift(tolerances: float) -> ShiftsOf:
    """A shift of all cells of one method, which varies between comparisons."""

    def shifts(design: Design, draws: int, rng: np.random.Generator) -> Floats:
        method = rng.integers(len(design.groups.method_names), size=(draws, 1))
        return np.where(design.groups.methods == method, -tolerances, 0.0)

    return shifts


def _cell_shift(tolerances: float, metric: str) -> ShiftsOf:
    """A shift of one cell of the metric, which varies between comparisons."""

    def shifts(design: Design, draws: int, rng: np.random.Generator) -> Floats:
        places = [place for place, cell in enumerate(design.cells) if cell.metric == metric]
        return np.where(np.arange(len(design.cells)) == rng.choice(places, size=(draws, 1)), -tolerances, 0.0)

    return shifts


_EIGHT = Design(CELLS, paired=False)
_ONE = {cell: spread for cell, spread in CELLS.items() if cell.method == "hgmvae_g"}
_FURTHER = {
    "common seeds": Design(CELLS, paired=True),
    "one method": Design(_ONE, paired=False),
    "one method, common seeds": Design(_ONE, paired=True),
}
_OF_METHODS: Mapping[str, ShiftsOf] = {
    "no difference": _no_shift,
    **{f"a method worse by {by} tolerance{'s' if by > 1 else ''}": _method_shift(by) for by in (1, 2)},
}
TRUTHS: Mapping[str, tuple[Design, ShiftsOf]] = {
    **{truth: (_EIGHT, shifts) for truth, shifts in _OF_METHODS.items()},
    "a method worse by 5 tolerances": (_EIGHT, _method_shift(5)),
    **{
        f"one cell's {METRICS[metric].label} worse by 10 tolerances": (_EIGHT, _cell_shift(10, metric))
        for metric in METHOD_SPREADS
    },
    **{f"{truth} ({of})": (design, shifts) for of, design in _FURTHER.items() for truth, shifts in _OF_METHODS.items()},
}


def comparison_rates(draws: int, rng: np.random.Generator) -> list[Rate]:
    """Simulate how often a comparison results in "different" and how often in "same".

    Args:
        draws: Number of comparisons to draw per rate, limited to 8,000, or 1,000 if there is a true difference.
        rng: The random generator.

    Returns:
        A rate of either outcome for every truth and number of seeds; then how often a method is detected that diverges
        in nine of ten trainings of one kind on one side and never on the other.
    """
    rates = []
    for truth, (design, shifts) in TRUTHS.items():
        of_truth = min(draws, _MOST_DRAWS if shifts is _no_shift else _MOST_POWER_DRAWS)
        for seeds, stream in zip(SEEDS, rng.spawn(len(SEEDS)), strict=True):
            counts = np.zeros(2)
            for start in range(0, of_truth, _AT_ONCE):
                count = min(_AT_ONCE, of_truth - start)
                counts += outcomes(design, shifts(design, count, stream), seeds, stream).sum(0)
            for state, of_state in zip((State.DIFFERENT, State.SAME), counts, strict=True):
                rates.append(Rate("compare", design.subject, truth, seeds, str(state), of_state / of_truth, of_truth))
    diverging = "a method diverges in 9 of 10 trainings"
    return rates + [
        Rate("compare", _EIGHT.subject, diverging, n, str(State.DIFFERENT), _failures_found(n), 0) for n in SEEDS
    ]


def outcomes(design: Design, shift: Floats, seeds: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw comparisons and judge them.

    Args:
        design: The cells and seeds.
        shift: By how much B is better, in tolerances, (draws, cells).
        seeds: Number of seeds per side.
        rng: The random generator.

    Returns:
        Whether each comparison results in "different", and whether in "same", (draws, 2).
    """
    tolerances = [RESULT_TOLERANCES[cell.metric] for cell in design.cells]
    units = np.array([of.amount * METRICS[cell.metric].sign for of, cell in zip(tolerances, design.cells, strict=True)])
    relative = np.array([tolerance.relative for tolerance in tolerances])
    a, b = (_scores(design, units, relative, (len(shift), seeds), rng) for _ in range(2))
    b += (shift * units)[..., None]
    scale = np.where(relative, np.abs(a.mean(-1)), 1.0) * units
    paired = np.full(len(design.cells), design.paired)
    tests = run_shift_tests(a / scale[..., None], b / scale[..., None], paired, design.groups)
    different = tests.cells_differ.any(-1) | tests.methods_differ.any(-1)
    return np.stack([different, tests.methods.within().all(-1) & ~different], axis=-1)


def _scores(
    design: Design, units: Floats, relative: NDArray[np.bool_], shape: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Scores with mean 1 and tolerances `units`, negative if lower is better: (draws, cells, seeds)."""
    draws, seeds = shape
    metrics = [[*METHOD_SPREADS].index(cell.metric) for cell in design.cells]
    trials = design.groups.trials
    of_trials = rng.multivariate_normal(
        np.zeros(len(METHOD_SPREADS)), CORRELATIONS, size=(draws, trials.max() + 1, seeds)
    )
    better = np.moveaxis(of_trials[:, trials, :, metrics], 0, 1)
    noise = better * np.sign(units)[:, None]
    std = (np.array([*design.cells.values()]) * np.abs(units))[:, None]
    log_variance = np.log1p(std**2)
    lognormal = np.exp(np.sqrt(log_variance) * noise - log_variance / 2)
    scores: Floats = np.where(relative[:, None], lognormal, 1 + std * noise)
    return scores


def _failures_found(seeds: int) -> float:
    """The probability of detecting failures of 90 % of the seeds of one kind of trial on one side."""
    failed = np.arange(seeds + 1)
    tests = len(_EIGHT.groups.method_names) + 1  # the shifts of the methods, and these failures
    p = np.array([failures_p([Ended(seeds, 0, seeds, int(k))]) for k in failed])
    chances = stats.binom.pmf(failed, seeds, 0.9)
    return float(chances[p * tests < METHODS_ALPHA].sum())
