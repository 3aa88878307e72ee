"""Tests of many shifts at once, on arrays: of cells that lend each other their variance, and of a method's cells.

All scores are in units of their cell's tolerance, signed so that more is better. Every array may have leading axes,
such as one for simulated comparisons; then come the cells, then, where there are any, the seeds, NaN where one has no
score.

1. A cell's shift is the mean difference of common seeds, or of both sides' seeds. The standard error takes the variance
   between seeds as moderated: the cell's own, drawn towards that of its metric's other cells, the more, the more alike
   these are (Smyth 2004, an empirical Bayes estimate). Seeds are taken to vary alike on both sides.
2. A method's shift is the mean over its cells, with weights that are fixed beforehand (`cell_weight`). Scores of one
   trial are taken to move together, scores of different trials on their own. Here a cell borrows from the other
   methods' cells at its metric, data set and latent dim alone: what varies most makes most of the mean's error, and
   drawn towards what varies less the error would be too small.
3. Holm's correction, once over the methods and once over the cells; ALPHA is shared out between the two.

Sources: Smyth, Statistical Applications in Genetics and Molecular Biology 3(1), 2004 (moderated t); Satterthwaite,
Biometrics Bulletin 2, 1946; Holm, Scandinavian Journal of Statistics 6, 1979.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmark.comparison.sides import ComparedCell, Kind
from benchmark.comparison.tolerances import cell_weight
from benchmark.statistics import ALPHA, CONFIDENCE, POWER, holm

METHODS_ALPHA = 0.8 * ALPHA  # a method's mean tells more than a cell, and few methods are compared
CELLS_ALPHA = ALPHA - METHODS_ALPHA
EQUIVALENCE = 1 - 2 * ALPHA  # the confidence of the interval that two one-sided tests at ALPHA amount to
_NO_VARIANCE = 1e-100  # in the place of 0, which has neither logarithm nor reciprocal
_LEAST_VARIANCE = 1e-5  # of the median's, for cells whose seeds all agree
_NEWTON_STEPS = 5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CellGroups:
    """Which cells belong together: for each cell the number of its group, from 0.

    Attributes:
        metrics: Cells whose tests borrow strength from one another.
        places: Metric, data set and latent dim: cells that borrow from one another in the methods' tests.
        trials: Cells that are scored on the same trials.
        methods: Cells whose mean is a method's shift.
        method_of_trial: The method of each group of `trials`.
        method_names: The method of each group of `methods`.
        weights: What each cell counts in its method's mean, by any common factor.
    """

    metrics: Ints
    places: Ints
    trials: Ints
    methods: Ints
    method_of_trial: Ints
    method_names: tuple[str, ...]
    weights: Floats


@dataclass(frozen=True)
class Shifts:
    """Estimated shifts.

    Attributes:
        shift: B minus A.
        error: Its standard error.
        freedom: The degrees of freedom of the error.
    """

    shift: Floats
    error: Floats
    freedom: Floats

    def p(self) -> Floats:
        """Return the two-sided p of each shift; where there is no spread, 0 for any shift and 1 for none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * special.stdtr(self.freedom, -np.abs(self.shift) / self.error)
        without: Floats = np.where(self.shift == 0, 1.0, p)
        return without

    def reach(self, confidence: float) -> Floats:
        """Return half the width of the interval of this confidence."""
        half: Floats = special.stdtrit(self.freedom, (1 + confidence) / 2) * self.error
        return half

    def within(self, confidence: float = EQUIVALENCE) -> NDArray[np.bool_]:
        """Tell whether all of the interval of this confidence lies within the tolerance."""
        inside: NDArray[np.bool_] = np.abs(self.shift) + self.reach(confidence) <= 1
        return inside

    def smallest_seen(self, alpha: float | Floats) -> Floats:
        """Return the shift that a two-sided test at `alpha` finds with the probability POWER."""
        quantiles = special.stdtrit(self.freedom, 1 - alpha / 2) + special.stdtrit(self.freedom, POWER)
        seen: Floats = quantiles * self.error
        return seen


@dataclass(frozen=True)
class ShiftTests:
    """The tests of a comparison.

    Attributes:
        cells: The shift of each cell.
        methods: The shift of each method.
        cells_p: Corrected over the cells of methods that have several; of a method's only cell, the method's.
        methods_p: Corrected over the methods; then those of `further_p`, corrected with them.
        cells_alpha: The level that each of `cells_p` is held to.
        methods_alpha: That of `methods_p`.
        cells_level: The level of each cell's test alone, if it were the first of Holm's procedure.
        methods_level: That of a method's.
    """

    cells: Shifts
    methods: Shifts
    cells_p: Floats
    methods_p: Floats
    cells_alpha: Floats
    methods_alpha: float
    cells_level: Floats
    methods_level: float

    @property
    def cells_differ(self) -> NDArray[np.bool_]:
        """Which cells differ beyond chance and tolerance."""
        return (self.cells_p < self.cells_alpha) & ~self.cells.within(CONFIDENCE)

    @property
    def methods_differ(self) -> NDArray[np.bool_]:
        """Which methods do."""
        significant = self.methods_p[..., : self.methods.shift.shape[-1]] < self.methods_alpha
        return significant & ~self.methods.within(CONFIDENCE)


def cell_groups(cells: Sequence[ComparedCell]) -> CellGroups:
    """Return the groups of cells, numbered in the order of their first cell."""
    trials = [Kind(cell.dataset, cell.method, cell.latent_dim) for cell in cells]
    methods = [cell.method for cell in cells]
    names = list(dict.fromkeys(methods))
    return CellGroups(
        metrics=_numbered([cell.metric for cell in cells]),
        places=_numbered([(cell.metric, cell.dataset, cell.latent_dim) for cell in cells]),
        trials=_numbered(trials),
        methods=_numbered(methods),
        method_of_trial=np.array([names.index(trial.method) for trial in dict.fromkeys(trials)], dtype=np.int64),
        method_names=tuple(names),
        weights=np.array([cell_weight(cell.metric, cell.latent_dim) for cell in cells]),
    )


def _numbered(keys: Sequence[object]) -> Ints:
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([order[key] for key in keys], dtype=np.int64)


def run_shift_tests(
    a: Floats, b: Floats, paired: NDArray[np.bool_], groups: CellGroups, further_p: Sequence[float] = ()
) -> ShiftTests:
    """Test every cell and every method.

    Args:
        a: Side A's scores, (..., cells, seeds); two or more per cell, of common seeds where they are paired.
        b: Side B's, likewise.
        paired: Whether a cell's seeds are compared one by one, (cells,).
        groups: The groups of the cells.
        further_p: Of other tests on the methods, to be corrected with theirs; only without leading axes.
    """
    shift, variance, share, freedom = _estimates(a, b, paired)

    def borrowing(among: Ints) -> Shifts:
        moderated, total = moderated_variances(variance, freedom, among)
        return Shifts(shift, np.sqrt(moderated * share), total)

    cells, methods = borrowing(groups.metrics), method_shifts(borrowing(groups.places), groups)

    alone = np.bincount(groups.methods)[groups.methods] == 1
    methods_alpha = ALPHA if alone.all() else METHODS_ALPHA
    family = methods.p()
    if further_p:
        family = np.append(family, further_p)
    methods_p = holm(family)
    cells_p = methods_p[..., groups.methods]
    cells_p[..., ~alone] = holm(cells.p()[..., ~alone])
    cells_alpha = np.where(alone, methods_alpha, CELLS_ALPHA)
    tests = np.where(alone, family.shape[-1], max(1, (~alone).sum()))
    return ShiftTests(
        cells,
        methods,
        cells_p,
        methods_p,
        cells_alpha,
        methods_alpha,
        cells_level=cells_alpha / tests,
        methods_level=methods_alpha / family.shape[-1],
    )


def _estimates(a: Floats, b: Floats, paired: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, Floats]:
    """Per cell its shift, the variance of one seed on one side, that of the shift as a multiple, and its freedom."""
    (n_a, mean_a, squares_a), (n_b, mean_b, squares_b), (n, mean, squares) = (_moments(x) for x in (a, b, b - a))
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(paired, n - 1, n_a + n_b - 2)
        variance = np.where(paired, squares / 2, squares_a + squares_b) / freedom
        share = np.where(paired, 2 / n, 1 / n_a + 1 / n_b)
    return np.where(paired, mean, mean_b - mean_a), variance, share, freedom


def _moments(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Number, mean and sum of squared deviations of the values along the last axis that are there."""
    there = ~np.isnan(x)
    n = there.sum(-1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, x, 0).sum(-1) / n
    return n, mean, np.where(there, (x - mean[..., None]) ** 2, 0).sum(-1)


def moderated_variances(variance: Floats, freedom: Floats, groups: Ints) -> tuple[Floats, Floats]:
    """Draw the variances of a group's cells towards one another.

    The variances of a group are modelled as s0^2 d0 / chi^2(d0) each, with s0 and d0 estimated from their logarithms
    (Smyth 2004, section 6.2). d0, how many degrees of freedom a cell borrows, is taken one standard error low: too much
    trust in variances that differ makes false alarms, too little only costs power. No cell has more degrees of
    freedom in the end than its group has. Of a group of k cells each borrows the share 1 - 2 / k of that, two nothing:
    how alike a few are is hardly known, and all of it made 7 to 9 % of false alarms in groups of two and three.

    Args:
        variance: (..., cells), at least 0.
        freedom: Degrees of freedom of each, (..., cells).
        groups: The group of each cell.

    Returns:
        The moderated variances and their degrees of freedom.
    """
    member = np.eye(groups.max() + 1)[groups]
    size = member.sum(0)
    half = freedom / 2
    logs = np.log(_above_zero(variance)) - special.digamma(half) + np.log(half)
    centre = logs @ member / size
    sampling = special.polygamma(1, half) @ member / size  # variance of a log variance if the true ones were alike
    excess = special.polygamma(3, half) @ member / size / sampling**2
    others = np.maximum(size - 1, 1)
    found = ((logs - centre[..., groups]) ** 2 @ member) / others
    differing = found - sampling + sampling * np.sqrt(2 / others + excess / size)  # trigamma(d0 / 2)

    alike = differing <= 0
    prior_half = _inverse_trigamma(np.where(alike, 1.0, differing))
    prior_freedom = np.where(alike, np.inf, 2 * prior_half)
    prior = np.where(
        alike, variance @ member / size, np.exp(centre + special.digamma(prior_half) - np.log(prior_half))
    )[..., groups]
    in_group = (freedom @ member)[..., groups]
    share = np.maximum(1 - 2 / size, 0)[groups]
    borrowed = share * np.minimum(prior_freedom[..., groups], in_group - freedom)
    return (borrowed * prior + freedom * variance) / (borrowed + freedom), borrowed + freedom


def _above_zero(variance: Floats) -> Floats:
    """The variances with those that are zero, or almost, raised to a small share of the median."""
    least = _LEAST_VARIANCE * np.median(variance, axis=-1, keepdims=True)
    return np.maximum(variance, np.maximum(least, _NO_VARIANCE))


def _inverse_trigamma(y: Floats) -> Floats:
    """Solve trigamma(x) = y > 0 for x by Newton's method on 1 / trigamma (Smyth 2004, appendix)."""
    x = np.where(y > 1, 1 / np.sqrt(y), 0.5 + 1 / y)
    for _ in range(_NEWTON_STEPS):
        trigamma = special.polygamma(1, x)
        x = x + trigamma * (1 - trigamma / y) / special.polygamma(2, x)
    return x


def method_shifts(cells: Shifts, groups: CellGroups) -> Shifts:
    """Average the shifts of each method's cells, by their weights.

    Scores of one trial count as fully correlated, which can only make the error larger; those of different trials as
    independent.

    Args:
        cells: The shifts of the cells; errors of different trials of a method are estimated on their own.
        groups: The groups of the cells.

    Returns:
        A shift per method, with Satterthwaite's degrees of freedom.
    """
    trials, methods = (np.eye(g.max() + 1)[g] for g in (groups.trials, groups.methods))
    of_trials = np.eye(methods.shape[1])[groups.method_of_trial]
    weight = groups.weights / (groups.weights @ methods)[groups.methods]
    squared = ((weight * cells.error) @ trials) ** 2
    freedom = cells.freedom @ trials / trials.sum(0)
    total = squared @ of_trials
    with np.errstate(invalid="ignore"):
        satterthwaite = total**2 / ((squared**2 / freedom) @ of_trials)
    least = np.where(total > 0, satterthwaite, 1.0)
    return Shifts((weight * cells.shift) @ methods, np.sqrt(total), least)
