"""Comparison of two results, A and B: the same, different, or neither shown.

A cell is a data set, metric, method and latent dim, in whatever table; its difference is B's mean minus A's.

1. If every common seed agrees to ROUNDING: `equal`.
2. If all common seeds are the same trials (same identity hash) on the same recorded setup, and at least half of all
   such trials agree to ROUNDING, results repeat, and no seed can explain a difference: `within tolerance` if each is
   within the metric's tolerance, else `different`.
3. Otherwise, with two seeds or more on each side, the tests of `benchmark.comparison.shift_tests`: of every cell, and
   of every method's mean over its cells in tolerances. Seeds are paired if two or more are common and these are at
   least half of the smaller side's; otherwise two samples are compared. `different` if the corrected p is below its
   level and the 95 % interval extends beyond the tolerance; `within tolerance` if the 90 % interval lies within it (two
   one-sided tests at 5 %); else `not shown either way`.
4. With fewer seeds: `not shown either way`.

A method is also `different` if more of its trials ended without a score on one side (`failures_p`).

The results are different if a cell or a method is, the same if every method is shown to be; otherwise neither is shown.

The same trials on two machines, or on a GPU, fall under 3, because training amplifies a difference in the last bit
until it is as large as that between seeds. On one machine the laptop study's trials repeat bit by bit, but two threads
instead of one changed the SVM accuracy of five trials by 0.003 to 0.015, where the standard deviation over seeds is
0.006.

Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987 (two one-sided tests); others are given
with the tests.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from benchmark.comparison.failures import OUTCOMES, Ended, ended_trials, failures_p
from benchmark.comparison.no_overlap import nothing_in_common
from benchmark.comparison.setup_differences import Difference, differences
from benchmark.comparison.shift_tests import Floats, ShiftTests, cell_groups, run_shift_tests
from benchmark.comparison.sides import IMPOSSIBLE, PER_CENT, ComparedSide, Score
from benchmark.comparison.tolerances import OTHER_METRIC, RESULT_TOLERANCES
from benchmark.errors import UserError
from benchmark.metrics import METRICS
from benchmark.paper.tables import ScorePlace
from benchmark.results.records import OK
from benchmark.statistics import ALPHA, CONFIDENCE, Tolerance, holm

# A score is computed in float64 from float32 outputs, and a CSV may have been written with seven digits.
ROUNDING = 1e-6  # relative
NEAR_ZERO = 1e-9  # absolute, for scores close to zero
_MOST_VALUES = 1_000  # the largest number of values that represent a mean


class Result(StrEnum):
    """The result of comparing one cell or one method."""

    DIFFERENT = "different"
    NOT_SHOWN = "not shown either way"
    WITHIN = "within tolerance"
    EQUAL = "equal"
    ONLY_A = "only in A"
    ONLY_B = "only in B"
    NOT_COMPARABLE = "not comparable"
    NO_VALUE = "no value"


# In order of importance.
COMPARED = (Result.DIFFERENT, Result.NOT_SHOWN, Result.WITHIN, Result.EQUAL)


class Basis(StrEnum):
    """What a cell's result is based on."""

    ROUNDING = "rounding"
    SAME_TRIALS = "same trials"
    PAIRED = "paired seeds"
    SAMPLES = "two samples"
    TOO_FEW = "too few seeds"
    NO_SCORE = "no score"


class State(StrEnum):
    """What a comparison shows as a whole."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_SHOWN = "not shown either way"


@dataclass(frozen=True)
class CellResult:
    """The comparison of one cell.

    Means are over the `pairs` common seeds if the basis pairs them, else over all of a side's; None if a side has no
    value.

    Attributes:
        basis: What the result is based on.
        n_a: Number of A's seeds with a value.
        n_b: Number of B's seeds with a value.
        pairs: Number of seeds with a value on both sides.
        note: Seeds that only one side has, and why seeds have no value.
        difference: B's mean minus A's.
        tolerance: The tolerance in the metric's units.
        low: Lower end of the difference's 95 % interval.
        high: Upper end of that interval.
        p: Uncorrected p of the test; None if none was made.
        p_holm: p after Holm's correction; that of the method if it has no other cell.
        smallest_seen: The smallest difference that the test detects with a probability of 80 %.
    """

    cell: ScorePlace
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
    smallest_seen: float | None = None


@dataclass(frozen=True)
class MethodResult:
    """The comparison of all cells of a method; numbers are None if no cell was tested.

    Attributes:
        tested: Number of cells averaged.
        shift: The mean of B's minus A's scores, in tolerances; positive is better.
        low: Lower end of its 95 % interval.
        high: Its upper end.
        p_holm: p of its test after Holm's correction.
        smallest_seen: The smallest shift that the test detects with a probability of 80 %.
        failed: Number of trials that ended on each side, and how many of them had no score.
        failed_p_holm: p of the exact test of these, with the same correction; None if none failed.
    """

    method: str
    result: Result
    tested: int
    failed: Ended
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    p_holm: float | None = None
    smallest_seen: float | None = None
    failed_p_holm: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The comparison of two sides.

    Attributes:
        a: The name of side A.
        b: The name of side B.
        results: Results of the cells of either side, A's first in A's order.
        methods: Results of the methods with a compared cell, or with trials that ended on both sides.
        around: Other differences between trials of the kinds that both sides have.
        silent: Names of the sides that are CSVs, which record little besides their scores.
        same_trials: Number of trials that both sides have run on the same recorded setup.
        repeated: Number of these whose scores all agree to ROUNDING.
        remarks: How names and values of the sides were interpreted.
    """

    a: str
    b: str
    results: tuple[CellResult, ...]
    methods: tuple[MethodResult, ...]
    around: tuple[Difference, ...]
    silent: tuple[str, ...]
    same_trials: int
    repeated: int
    remarks: tuple[str, ...]

    def of(self, *wanted: Result) -> list[CellResult]:
        """Return the cells with one of these results."""
        return [result for result in self.results if result.result in wanted]

    @property
    def state(self) -> State:
        """The overall result."""
        if self.of(Result.DIFFERENT) or any(method.result is Result.DIFFERENT for method in self.methods):
            return State.DIFFERENT
        shown = all(method.result is not Result.NOT_SHOWN for method in self.methods)
        return State.SAME if shown else State.NOT_SHOWN


@dataclass(frozen=True)
class _Sample:
    """The scores of a cell to be tested, A's and B's, as pairs if `paired`."""

    a: Floats
    b: Floats
    paired: bool


def compare(a: ComparedSide, b: ComparedSide, tolerances: Mapping[str, Tolerance] = RESULT_TOLERANCES) -> Comparison:
    """Compare two sides.

    Args:
        a: Side A.
        b: Side B.
        tolerances: Metric -> tolerance; other metrics use OTHER_METRIC.

    Raises:
        UserError: No cell has a score on both sides, so that nothing can be compared.
    """
    cells = [*a.scores, *(cell for cell in b.scores if cell not in a.scores)]
    repeated = _repeated_trials(a, b)
    strict = bool(repeated) and 2 * sum(repeated.values()) >= len(repeated)
    found = [_cell_result(cell, a.scores.get(cell, {}), b.scores.get(cell, {}), tolerances, strict) for cell in cells]
    if not any(result.mean_a is not None and result.mean_b is not None for result, _ in found):
        raise UserError(nothing_in_common(a, b))
    results, methods = _tested(found, ended_trials(a, b))
    silent = tuple(side.name for side in (a, b) if not side.facts_complete)
    around = tuple(differences(a, b))
    remarks = tuple(dict.fromkeys((*a.remarks, *b.remarks)))
    repeats = len(repeated), sum(repeated.values())
    return Comparison(a.name, b.name, tuple(results), tuple(methods), around, silent, *repeats, remarks)


def _repeated_trials(a: ComparedSide, b: ComparedSide) -> dict[str, bool]:
    """Key of each trial that both sides have run on the same recorded setup -> whether its scores all agree."""
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
    cell: ScorePlace,
    a: Mapping[int | None, Score],
    b: Mapping[int | None, Score],
    tolerances: Mapping[str, Tolerance],
    strict: bool,
) -> tuple[CellResult, _Sample | None]:
    """The result as far as it needs no test, and the sample to be tested.

    With `strict`, results repeat, so that the same trial must give the same score.
    """
    values_a, values_b = ({seed: s.value for seed, s in side.items() if s.value is not None} for side in (a, b))
    common = [seed for seed in values_a if seed in values_b]
    n_a, n_b = len(values_a), len(values_b)
    notes = [*_one_sided_seeds(values_a, values_b), *_without_value("A", a), *_without_value("B", b)]
    unmatched = not values_a or not values_b
    result = _unmatched(a, b, n_a, n_b) if unmatched else Result.NOT_SHOWN
    found = CellResult(cell, result, Basis.NO_SCORE, n_a, n_b, len(common), "; ".join(notes))
    if strict and any(_one_failed(a[seed], b[seed]) for seed in a.keys() & b.keys()):
        return replace(found, result=Result.DIFFERENT, basis=Basis.SAME_TRIALS), None
    if unmatched:
        return found, None

    fewest = min(n_a, n_b)
    means = any(score.spread for side in (a, b) for score in side.values())
    paired = not means and 2 * len(common) >= fewest and (len(common) > 1 or fewest == 1)
    seeds_a, seeds_b = (common, common) if paired else (values_a, values_b)
    x, y = _values(a, seeds_a), _values(b, seeds_b)
    tolerance = tolerances.get(cell.metric, OTHER_METRIC).at(x.mean())
    difference = float(y.mean() - x.mean())
    found = replace(found, mean_a=float(x.mean()), mean_b=float(y.mean()), difference=difference, tolerance=tolerance)
    if means:
        found = replace(found, n_a=len(x), n_b=len(y))

    one_by_one = paired or (len(x) == len(y) and (means or fewest == len(x) == 1))
    if one_by_one and agree(x, y):
        return replace(found, result=Result.EQUAL, basis=Basis.ROUNDING), None
    if strict and paired and all(_same_trial(a[seed], b[seed]) for seed in common):
        within = bool(np.all(np.abs(y - x) <= tolerance))
        return replace(found, result=Result.WITHIN if within else Result.DIFFERENT, basis=Basis.SAME_TRIALS), None
    if min(len(x), len(y)) < 2:
        return replace(found, basis=Basis.TOO_FEW), None
    return replace(found, basis=Basis.PAIRED if paired else Basis.SAMPLES), _Sample(x, y, paired)


def _values(scores: Mapping[int | None, Score], seeds: Iterable[int | None]) -> Floats:
    """The values of the given seeds; a mean is replaced by as many values with the same mean and spread."""
    values: list[float] = []
    for score in map(scores.__getitem__, seeds):
        assert score.value is not None
        if score.spread is None:
            values.append(score.value)
        else:
            steps = np.linspace(-1, 1, min(score.spread.n, _MOST_VALUES))
            values += [*(score.value + score.spread.std * steps / steps.std(ddof=1))]
    return np.array(values)


def agree(x: Iterable[float], y: Iterable[float]) -> bool:
    """Whether all pairs are equal up to rounding."""
    return all(math.isclose(one, other, rel_tol=ROUNDING, abs_tol=NEAR_ZERO) for one, other in zip(x, y, strict=True))


def _tested(
    found: Sequence[tuple[CellResult, _Sample | None]], ended: Mapping[str, list[Ended]]
) -> tuple[list[CellResult], list[MethodResult]]:
    """The results of all cells, and of the methods."""
    results = [result for result, _ in found]
    samples = {position: sample for position, (_, sample) in enumerate(found) if sample}
    failing = {method: failures_p(kinds) for method, kinds in ended.items() if any(kind.failed for kind in kinds)}
    tests, names = None, list[str]()
    if samples:
        groups = cell_groups([results[position].cell for position in samples])
        names = [*groups.method_names]
        units = np.array([_signed_unit(results[position]) for position in samples])
        seeds = max(len(values) for sample in samples.values() for values in (sample.a, sample.b))
        a, b = (
            _padded([getattr(sample, side) for sample in samples.values()], seeds) / units[:, None] for side in "ab"
        )
        paired = np.array([sample.paired for sample in samples.values()])
        tests = run_shift_tests(a, b, paired, groups, [*failing.values()])
        for place, position in enumerate(samples):
            results[position] = _with_test(results[position], tests, place, units[place])
    alpha = tests.methods_alpha if tests else ALPHA
    corrected = tests.methods_p[len(names) :] if tests else holm([*failing.values()])
    failed_p = dict(zip(failing, map(float, corrected), strict=True))
    for position, result in enumerate(results):
        unshown = result.result is Result.NOT_SHOWN and result.basis is Basis.NO_SCORE
        if unshown and failed_p.get(result.cell.method, 1.0) < alpha:
            results[position] = replace(result, result=Result.DIFFERENT)

    of_methods: dict[str, list[CellResult]] = {}
    for result in results:
        if result.result in COMPARED:
            of_methods.setdefault(result.cell.method, []).append(result)
    methods = []
    for method, cells in of_methods.items():
        kinds = ended.get(method, [])
        one = _method_result(method, cells, kinds)
        if tests and method in names:
            one = _with_shift(one, tests, names.index(method))
        methods.append(_with_failures(one, kinds, failed_p.get(method), alpha))
    return results, methods


def _signed_unit(result: CellResult) -> float:
    """The tolerance, at least what counts as rounding; negative if lower is better."""
    assert result.tolerance is not None and result.mean_a is not None
    unit = max(result.tolerance, ROUNDING * abs(result.mean_a), NEAR_ZERO)
    better = result.cell.metric not in METRICS or METRICS[result.cell.metric].higher_is_better
    return unit if better else -unit


def _padded(rows: Sequence[Floats], length: int) -> Floats:
    padded = np.full((len(rows), length), np.nan)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = row
    return padded


def _with_test(result: CellResult, tests: ShiftTests, place: int, unit: float) -> CellResult:
    """The result of the tested cell number `place`, with its test."""
    assert result.difference is not None
    reach = float(tests.cells.reach(CONFIDENCE)[place]) * abs(unit)
    return replace(
        result,
        result=_shown(bool(tests.cells_differ[place]), bool(tests.cells.within()[place])),
        low=result.difference - reach,
        high=result.difference + reach,
        p=float(tests.cells.p()[place]),
        p_holm=float(tests.cells_p[place]),
        smallest_seen=float(tests.cells.smallest_seen(tests.cells_level)[place]) * abs(unit),
    )


def _shown(differs: bool, within: bool) -> Result:
    return Result.DIFFERENT if differs else Result.WITHIN if within else Result.NOT_SHOWN


def _method_result(method: str, cells: Sequence[CellResult], kinds: Sequence[Ended]) -> MethodResult:
    """The part of a method's result that needs no test of its mean."""
    untested = [cell.result for cell in cells if cell.p is None]
    if all(cell.result is Result.EQUAL for cell in cells):
        result = Result.EQUAL
    else:
        result = min([*untested, Result.WITHIN], key=COMPARED.index)
    ended = Ended(*(sum(getattr(kind, field) for kind in kinds) for field in ("a", "failed_a", "b", "failed_b")))
    return MethodResult(method, result, len(cells) - len(untested), ended)


def _with_shift(result: MethodResult, tests: ShiftTests, place: int) -> MethodResult:
    """The result with the test of the method's mean, which is test number `place`."""
    shift = float(tests.methods.shift[place])
    reach = float(tests.methods.reach(CONFIDENCE)[place])
    shown = _shown(bool(tests.methods_differ[place]), bool(tests.methods.within()[place]))
    return replace(
        result,
        result=min(result.result, shown, key=COMPARED.index),
        shift=shift,
        low=shift - reach,
        high=shift + reach,
        p_holm=float(tests.methods_p[place]),
        smallest_seen=float(tests.methods.smallest_seen(tests.methods_level)[place]),
    )


def _with_failures(result: MethodResult, kinds: Sequence[Ended], p_holm: float | None, alpha: float) -> MethodResult:
    """The result with the test of the numbers of trials that ended without a score."""
    if p_holm is None:
        return result
    shown = result.result
    if p_holm < alpha:
        shown = Result.DIFFERENT
    elif shown is not Result.DIFFERENT and not all(kind.alike() for kind in kinds):
        shown = Result.NOT_SHOWN
    return replace(result, result=shown, failed_p_holm=p_holm)


def _same_trial(a: Score, b: Score) -> bool:
    """Whether both are the same trial, run twice on setups whose records agree."""
    if a.key is None or a.key != b.key or a.setup is None or b.setup is None:
        return False
    return all(b.setup.get(field, value) == value for field, value in a.setup.items())


def _one_failed(a: Score, b: Score) -> bool:
    """Whether the same trial, run twice on the same setup, ended without a score exactly once."""
    return _same_trial(a, b) and {OK} < {a.status, b.status} <= {OK, *OUTCOMES}


def _unmatched(a: Mapping[int | None, Score], b: Mapping[int | None, Score], n_a: int, n_b: int) -> Result:
    """The result if a side has no score: discarded scores, none at all, ended without a score, or on one side only."""
    if any(score.status in (PER_CENT, IMPOSSIBLE) for side in (a, b) for score in side.values()):
        return Result.NOT_COMPARABLE
    if not n_a and not n_b:
        return Result.NO_VALUE
    without = b if n_a else a
    if any(score.status in OUTCOMES for score in without.values()):
        return Result.NOT_SHOWN
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
    """A list of seeds as text, with consecutive numbers as "0..9"."""
    numbers = sorted(seed for seed in seeds if seed is not None)
    if not numbers:
        return "a row without a seed"
    starts = [seed for seed in numbers if seed - 1 not in numbers]
    ends = [seed for seed in numbers if seed + 1 not in numbers]
    runs = (str(first) if first == last else f"{first}..{last}" for first, last in zip(starts, ends, strict=True))
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(runs)}"
