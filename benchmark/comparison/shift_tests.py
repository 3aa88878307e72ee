"""Vectorised tests of shifts: of cells, whose variances are moderated across cells, and of methods' means over cells.

Scores are in units of their cell's tolerance, signed so that higher is better. Arrays may have leading axes, such as
one for simulated comparisons, followed by the cells and then, if present, the seeds, NaN for a missing score.

1. A cell's shift is the mean difference over common seeds, or the difference of both sides' means. Its standard error
   uses a moderated variance between seeds: the cell's own, shrunk towards that of its metric's other cells, the more
   strongly the more alike these are (Smyth 2004, an empirical Bayes estimate). The variance is assumed equal on both
   sides.
2. A method's shift is the mean over its cells, with weights fixed in advance (`cell_weight`). Scores of one trial are
   assumed fully correlated, scores of different trials independent. Here a cell borrows variance only from the other
   methods' cells with its metric, data set and latent dim: the most variable cells dominate the mean's error, and
   shrinking them towards less variable ones would make the error too small.
3. Holm's correction, once over the methods and once over the cells; ALPHA is divided between the two.

Sources: Smyth, Statistical Applications in Genetics and Molecular Biology 3(1), 2004 (moderated t); Satterthwaite,
Biometrics Bulletin 2, 1946; Holm, Scandinavian Journal of Statistics 6, 1979.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmark.comparison.sides import Kind
from benchmark.comparison.tolerances import cell_weight
from benchmark.paper.tables import ScorePlace
from benchmark.statistics import ALPHA, CONFIDENCE, POWER, holm

METHODS_ALPHA = 0.8 * ALPHA  # a method's mean is more informative than a cell, and few methods are compared
CELLS_ALPHA = ALPHA - METHODS_ALPHA
EQUIVALENCE = 1 - 2 * ALPHA  # confidence of the interval that corresponds to two one-sided tests at ALPHA
_NO_VARIANCE = 1e-100  # replaces 0, which has neither logarithm nor reciprocal
_LEAST_VARIANCE = 1e-5  # lower bound as a share of the median, for cells whose seeds all agree
_NEWTON_STEPS = 5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CellGroups:
    """The grouping of cells: for each cell the number of its group, from 0.

    Attributes:
        metrics: Groups of cells that borrow variance from one another in the cells' tests.
        places: Metric, data set and latent dim: groups that borrow variance from one another in the methods' tests.
        trials: Groups of cells that are scored on the same trials.
        methods: Groups of cells whose mean is a method's shift.
        method_of_trial: The method of each group in `trials`.
        method_names: The method of each group in `methods`.
        weights: The weight of each cell in its method's mean, up to a common factor.
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
        """Return the two-sided p of each shift; without any spread, 0 for a non-zero shift and 1 for zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * special.stdtr(self.freedom, -np.abs(self.shift) / self.error)
        without: Floats = np.where(self.shift == 0, 1.0, p)
        return without

    def reach(self, confidence: float) -> Floats:
        """Return half the width of the interval with this confidence."""
        half: Floats = special.stdtrit(self.freedom, (1 + confidence) / 2) * self.error
        return half

    def within(self, confidence: float = EQUIVALENCE) -> NDArray[np.bool_]:
        """Whether the interval with this confidence lies entirely within the tolerance."""
        inside: NDArray[np.bool_] = np.abs(self.shift) + self.reach(confidence) <= 1
        return inside

    def smallest_seen(self, alpha: float | Floats) -> Floats:
        """Return the shift that a two-sided test at `alpha` detects with the probability POWER."""
        quantiles = special.stdtrit(self.freedom, 1 - alpha / 2) + special.stdtrit(self.freedom, POWER)
        seen: Floats = quantiles * self.error
        return seen


@dataclass(frozen=True)
class ShiftTests:
    """The tests of a comparison.

    Attributes:
        cells: The shift of each cell.
        methods: The shift of each method.
        cells_p: p-values corrected over the cells of methods with several cells; a method's only cell has the method's.
        methods_p: p-values corrected over the methods, followed by the jointly corrected `further_p`.
        cells_alpha: The level for each of `cells_p`.
        methods_alpha: The level for `methods_p`.
        cells_level: The level of each cell's test on its own, if it came first in Holm's procedure.
        methods_level: The same for a method's test.
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
        """Whether each cell differs beyond chance and tolerance."""
        return (self.cells_p < self.cells_alpha) & ~self.cells.within(CONFIDENCE)

    @property
    def methods_differ(self) -> NDArray[np.bool_]:
        """Whether each method differs beyond chance and tolerance."""
        significant = self.methods_p[..., : self.methods.shift.shape[-1]] < self.methods_alpha
        return significant & ~self.methods.within(CONFIDENCE)


def cell_groups(cells: Sequence[ScorePlace]) -> CellGroups:
    """Return the groups of cells, numbered by first occurrence."""
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
        a: Side A's scores, (..., cells, seeds), two or more per cell; of the common seeds if they are paired.
        b: Side B's scores, likewise.
        paired: Whether each cell's seeds are compared in pairs, (cells,).
        groups: The groups of the cells.
        further_p: p-values of other tests on the methods, corrected jointly with theirs; only without leading axes.
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
    """Per cell: shift, variance between seeds on one side, factor to the variance of the shift, degrees of freedom."""
    (n_a, mean_a, squares_a), (n_b, mean_b, squares_b), (n, mean, squares) = (_moments(x) for x in (a, b, b - a))
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(paired, n - 1, n_a + n_b - 2)
        variance = np.where(paired, squares / 2, squares_a + squares_b) / freedom
        share = np.where(paired, 2 / n, 1 / n_a + 1 / n_b)
    return np.where(paired, mean, mean_b - mean_a), variance, share, freedom


def _moments(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Number, mean and sum of squared deviations of the non-missing values along the last axis."""
    there = ~np.isnan(x)
    n = there.sum(-1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, x, 0).sum(-1) / n
    return n, mean, np.where(there, (x - mean[..., None]) ** 2, 0).sum(-1)


def moderated_variances(variance: Floats, freedom: Floats, groups: Ints) -> tuple[Floats, Floats]:
    """Shrink the variances of a group's cells towards one another.

    The variances of a group are modelled as s0^2 d0 / chi^2(d0), with s0 and d0 estimated from their logarithms (Smyth
    2004, section 6.2). d0, the degrees of freedom that a cell borrows, is reduced by one standard error: too much trust
    in differing variances makes false alarms, too little only costs power. The result has at most as many degrees of
    freedom as the whole group. In a group of k cells each borrows the share 1 - 2 / k of d0, so two cells borrow
    nothing: from few variances similarity cannot be estimated, and borrowing all of d0 made 7 to 9 % false alarms in
    groups of two and three.

    Args:
        variance: Variances, (..., cells), at least 0.
        freedom: Their degrees of freedom, (..., cells).
        groups: The group of each cell, (cells,).

    Returns:
        The moderated variances and their degrees of freedom.
    """
    member = np.eye(groups.max() + 1)[groups]
    size = member.sum(0)
    half = freedom / 2
    logs = np.log(_above_zero(variance)) - special.digamma(half) + np.log(half)
    centre = logs @ member / size
    sampling = special.polygamma(1, half) @ member / size  # variance of a log variance if the true ones were equal
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
    """The variances, with zero and almost zero ones raised to a small share of the median."""
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
    """Average the shifts of each method's cells by their weights.

    Scores of one trial are treated as fully correlated, which can only enlarge the error, and those of different trials
    as independent.

    Args:
        cells: The shifts of the cells, whose errors are estimated separately for a method's different trials.
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
    freedom_of_methods = np.where(total > 0, satterthwaite, 1.0)
    return Shifts((weight * cells.shift) @ methods, np.sqrt(total), freedom_of_methods)
