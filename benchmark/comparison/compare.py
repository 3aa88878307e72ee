"""Comparison of two results, A and B, cell by cell: do they differ by more than seeds and rounding do?

A cell is data set, metric, method and latent dim, whatever table it is in; the difference is B's mean minus A's.

1. Every common seed agrees to ROUNDING: `equal`.
2. All common seeds are the same trials (same identity hash) on the same recorded setup, and at least half of all such
   trials agree to ROUNDING, so that results repeat: no seed explains a difference, each must lie within the metric's
   tolerance (`noise`), else `different`.
3. Else, with two or more common seeds that are at least half of the smaller side's: paired t-test of the seeds'
   differences. Else, with two or more seeds on each side: Welch's t-test, so that a changed seed set is noise.
   `different` where p < 0.05 after Holm's correction and the 95 % interval leaves the tolerance, else `noise`.
4. Else too few seeds: the tolerance alone decides, and the result says so.

The same trials on two machines, or on a GPU, fall under 3, because training amplifies a difference in the last bit
until it is as large as that of another seed: on one machine the laptop study's trials repeat bit by bit, but two
threads instead of one moved the SVM accuracy of five by 0.003 to 0.015, where the standard deviation over seeds is
0.006.

Sources: Welch, Biometrika 34, 1947; Holm, Scandinavian Journal of Statistics 6, 1979.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy import stats

from benchmark.comparison.no_overlap import nothing_in_common
from benchmark.comparison.setup_differences import Difference, differences
from benchmark.comparison.sides import IMPOSSIBLE, PER_CENT, ComparedCell, ComparedSide, Score
from benchmark.errors import UserError
from benchmark.results.frame import METRIC_UNAVAILABLE
from benchmark.statistics import ALPHA, Interval, Tolerance, holm, paired_test

# A score is computed in float64 from float32 outputs, and a CSV may have been written with seven digits.
ROUNDING = 1e-6  # relative
NEAR_ZERO = 1e-9  # absolute, for scores that are about zero
OUTCOMES = ("diverged", "failed", METRIC_UNAVAILABLE)  # how a trial can end without a score


class Result(StrEnum):
    """The result of comparing one cell; only `different` counts as a difference."""

    DIFFERENT = "different"
    NOISE = "noise"
    EQUAL = "equal"
    ONLY_A = "only in A"
    ONLY_B = "only in B"
    NOT_COMPARABLE = "not comparable"
    NO_VALUE = "no value"


class Basis(StrEnum):
    """What the result is based on."""

    ROUNDING = "rounding"
    SAME_TRIALS = "same trials"
    PAIRED = "paired t"
    WELCH = "Welch t"
    TOO_FEW = "too few seeds"
    NO_SCORE = "no score"


# About the standard deviation of a score over seeds: the median over the cells of results/reference/laptop-cpu, which a
# test compares them with; for SSIM between its 0.0147 there and the 0.0122 of a run on another processor; for FID and
# LPIPS, which were not measured there, by analogy.
TOLERANCES = {
    "silhouette": Tolerance(0.02),
    "calinski_harabasz": Tolerance(0.08, relative=True),
    "davies_bouldin": Tolerance(0.12, relative=True),
    "svm_accuracy": Tolerance(0.0065),
    "fid": Tolerance(0.05, relative=True),
    "ssim": Tolerance(0.0135),
    "ms_ssim": Tolerance(0.005),
    "lpips": Tolerance(0.01),
}
OTHER_METRIC = Tolerance(0.02, relative=True)


@dataclass(frozen=True)
class CellResult:
    """The comparison of one cell.

    Means are over the `pairs` common seeds where the basis pairs them, else over all of a side's; None where a side has
    no value.

    Attributes:
        basis: What it is based on.
        n_a: Seeds of A with a value.
        n_b: Seeds of B with a value.
        pairs: Seeds with a value on both sides.
        note: Seeds of one side alone, and why seeds have no value.
        difference: B's mean minus A's.
        tolerance: In the metric's units.
        low: The lower end of the difference's 95 % interval.
        high: Its upper end.
        p: Of the test, uncorrected; None where none was made.
        p_holm: The same after Holm's correction over all cells tested.
    """

    cell: ComparedCell
    result: Result
    basis: Basis
    n_a: int
    n_b: int
    pairs: int
    note: str
    mean_a: float | None = None
    mean_b: float | None = None
    difference: float | None = None
    tolerance: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The comparison of two sides.

    Attributes:
        a: The name of side A.
        b: The name of side B.
        results: Of the cells of either side, in A's order, then the others.
        around: What else differs between trials of the kinds that both sides have.
        silent: The names of sides that are CSVs, which state little beside their scores.
        same_trials: How many trials both sides have made on the same recorded setup.
        repeated: How many of these have only scores that agree to ROUNDING.
        remarks: How names and values of the sides were read.
    """

    a: str
    b: str
    results: tuple[CellResult, ...]
    around: tuple[Difference, ...]
    silent: tuple[str, ...]
    same_trials: int
    repeated: int
    remarks: tuple[str, ...]

    def of(self, *wanted: Result) -> list[CellResult]:
        """Return the cells with one of these results."""
        return [result for result in self.results if result.result in wanted]


def compare(a: ComparedSide, b: ComparedSide, tolerances: Mapping[str, Tolerance] = TOLERANCES) -> Comparison:
    """Compare two sides cell by cell.

    Args:
        a: Side A.
        b: Side B.
        tolerances: By metric; another metric has OTHER_METRIC.

    Raises:
        UserError: No cell has a score on both sides, so that nothing can be compared.
    """
    cells = [*a.scores, *(cell for cell in b.scores if cell not in a.scores)]
    repeated = _repeated_trials(a, b)
    strict = 2 * sum(repeated.values()) >= len(repeated)
    results = _corrected(
        [_cell_result(cell, a.scores.get(cell, {}), b.scores.get(cell, {}), tolerances, strict) for cell in cells]
    )
    if not any(result.result in (Result.EQUAL, Result.NOISE, Result.DIFFERENT) for result in results):
        raise UserError(nothing_in_common(a, b))
    silent = tuple(side.name for side in (a, b) if not side.facts_complete)
    around = tuple(differences(a, b))
    remarks = tuple(dict.fromkeys((*a.remarks, *b.remarks)))
    return Comparison(a.name, b.name, tuple(results), around, silent, len(repeated), sum(repeated.values()), remarks)


def _repeated_trials(a: ComparedSide, b: ComparedSide) -> dict[str, bool]:
    """Key of each trial that both sides have made on the same recorded setup -> whether its scores all agree."""
    repeated: dict[str, bool] = {}
    for cell, scores in a.scores.items():
        for seed, score in scores.items():
            other = b.scores.get(cell, {}).get(seed)
            if other is None or score.key is None or score.value is None or other.value is None:
                continue
            if _same_trial(score, other):
                same = agree([score.value], [other.value])
                repeated[score.key] = repeated.get(score.key, True) and same
    return repeated


def _cell_result(
    cell: ComparedCell,
    a: Mapping[int | None, Score],
    b: Mapping[int | None, Score],
    tolerances: Mapping[str, Tolerance],
    strict: bool,
) -> CellResult:
    """The result without its correction; `strict`: results repeat, so the same trial must give the same score."""
    values_a, values_b = ({seed: s.value for seed, s in side.items() if s.value is not None} for side in (a, b))
    common = [seed for seed in values_a if seed in values_b]
    n_a, n_b = len(values_a), len(values_b)
    notes = [*_one_sided_seeds(values_a, values_b), *_without_value("A", a), *_without_value("B", b)]
    unmatched = not values_a or not values_b
    result = _unmatched(a, b, n_a, n_b) if unmatched else Result.NOISE
    found = CellResult(cell, result, Basis.NO_SCORE, n_a, n_b, len(common), "; ".join(notes))
    if unmatched:
        return found

    fewest = min(n_a, n_b)
    paired = 2 * len(common) >= fewest and (len(common) > 1 or fewest == 1)
    seeds_a, seeds_b = (common, common) if paired else (values_a, values_b)
    x, y = np.array([values_a[seed] for seed in seeds_a]), np.array([values_b[seed] for seed in seeds_b])
    tolerance = tolerances.get(cell.metric, OTHER_METRIC).at(x.mean())
    difference = float(y.mean() - x.mean())
    found = replace(found, mean_a=float(x.mean()), mean_b=float(y.mean()), difference=difference, tolerance=tolerance)

    if (paired or fewest == len(x) == len(y) == 1) and agree(x, y):
        return replace(found, result=Result.EQUAL, basis=Basis.ROUNDING)
    if strict and paired and all(_same_trial(a[seed], b[seed]) for seed in common):
        within = bool(np.all(np.abs(y - x) <= tolerance))
        return replace(found, result=Result.NOISE if within else Result.DIFFERENT, basis=Basis.SAME_TRIALS)
    if min(len(x), len(y)) < 2:
        within = abs(difference) <= tolerance
        return replace(found, result=Result.NOISE if within else Result.DIFFERENT, basis=Basis.TOO_FEW)
    if not paired:
        p, interval = welch_test(x, y)
        return replace(found, basis=Basis.WELCH, p=p, low=interval.low, high=interval.high)
    test = paired_test(y - x)
    ends = test.estimate.interval or Interval(-math.inf, math.inf)  # a single pair has none, but is TOO_FEW
    return replace(found, basis=Basis.PAIRED, p=test.p_t, low=ends.low, high=ends.high)


def agree(x: Iterable[float], y: Iterable[float]) -> bool:
    """Tell whether each pair is the same number but for rounding."""
    return all(math.isclose(one, other, rel_tol=ROUNDING, abs_tol=NEAR_ZERO) for one, other in zip(x, y, strict=True))


def welch_test(x: np.ndarray, y: np.ndarray) -> tuple[float, Interval]:
    """Test whether two samples, which may have different variances, have the same mean.

    Args:
        x: Two values or more.
        y: Two values or more.

    Returns:
        The two-sided p of Welch's t-test, and the 95 % interval of mean y - mean x.
    """
    difference = float(y.mean() - x.mean())
    shares = np.array([x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)])
    if not shares.any():  # no spread at all: any difference is certain
        return 0.0 if difference else 1.0, Interval(difference, difference)
    error = math.sqrt(shares.sum())
    freedom = float(shares.sum() ** 2 / (shares**2 / [len(x) - 1, len(y) - 1]).sum())
    reach = float(stats.t.ppf(1 - ALPHA / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(difference) / error, freedom))
    return p, Interval(difference - reach, difference + reach)


def _corrected(results: Sequence[CellResult]) -> list[CellResult]:
    """The results with `p_holm` for those tested, and `different` where it is below ALPHA beyond the tolerance."""
    tested = {position: result.p for position, result in enumerate(results) if result.p is not None}
    corrected = list(results)
    for position, p_holm in zip(tested, holm([*tested.values()]), strict=True):
        result = results[position]
        verdict = Result.DIFFERENT if p_holm < ALPHA and not _negligible(result) else Result.NOISE
        corrected[position] = replace(result, p_holm=p_holm, result=verdict)
    return corrected


def _negligible(result: CellResult) -> bool:
    """Whether all of the difference's interval lies within the tolerance."""
    if result.low is None or result.high is None or result.tolerance is None:
        return False
    return Interval(result.low, result.high).within(result.tolerance)


def _same_trial(a: Score, b: Score) -> bool:
    """Whether these are one trial, made twice with all alike that both record of their setup."""
    if a.key is None or a.key != b.key or a.setup is None or b.setup is None:
        return False
    return all(b.setup.get(field, value) == value for field, value in a.setup.items())


def _unmatched(a: Mapping[int | None, Score], b: Mapping[int | None, Score], n_a: int, n_b: int) -> Result:
    """The result where a side has no score: one that ran the cell differs from the other, one that did not lacks it."""
    if any(score.status in (PER_CENT, IMPOSSIBLE) for side in (a, b) for score in side.values()):
        return Result.NOT_COMPARABLE
    if not n_a and not n_b:
        return Result.NO_VALUE
    without = b if n_a else a
    if any(score.status in OUTCOMES for score in without.values()):
        return Result.DIFFERENT
    return Result.ONLY_A if n_a else Result.ONLY_B


def _one_sided_seeds(a: Mapping[int | None, float], b: Mapping[int | None, float]) -> list[str]:
    if not a or not b or None in a or None in b:
        return []
    sides = (("A", [seed for seed in a if seed not in b]), ("B", [seed for seed in b if seed not in a]))
    return [f"only in {name}: {_listed(seeds)}" for name, seeds in sides if seeds]


def _without_value(name: str, scores: Mapping[int | None, Score]) -> list[str]:
    by_status: dict[str, list[int | None]] = {}
    for seed, score in scores.items():
        if score.value is None:
            by_status.setdefault(score.status, []).append(seed)
    return [f"{name} {status}: {_listed(seeds)}" for status, seeds in by_status.items()]


def _listed(seeds: Iterable[int | None]) -> str:
    """Seeds in words, with consecutive numbers as "0..9"."""
    numbers = sorted(seed for seed in seeds if seed is not None)
    if not numbers:
        return "seed not numbered"
    starts = [seed for seed in numbers if seed - 1 not in numbers]
    ends = [seed for seed in numbers if seed + 1 not in numbers]
    runs = (str(first) if first == last else f"{first}..{last}" for first, last in zip(starts, ends, strict=True))
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(runs)}"
