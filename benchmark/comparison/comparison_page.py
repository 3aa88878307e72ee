"""A comparison of two results as Markdown, which is also readable in a terminal, and as a frame for CSV."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.comparison.compare import COMPARED, Basis, CellResult, Comparison, MethodResult, Result, State
from benchmark.comparison.setup_differences import Difference, unlike
from benchmark.metrics import METRICS
from benchmark.statistics import ALPHA, POWER
from benchmark.tables.pipe_table import escape_markdown, padded_table
from benchmark.text import number

MEANING = {
    Result.DIFFERENT: "a difference beyond chance and tolerance, or in how many trials ended without a score",
    Result.NOT_SHOWN: "neither a difference nor its absence is shown: too few seeds for the spread of these scores",
    Result.WITHIN: f"shown to differ by less than the tolerance (two one-sided tests at {ALPHA:.0%})",
    Result.EQUAL: "the same numbers but for rounding",
    Result.ONLY_A: "not requested, not run, missing or not scorable in B",
    Result.ONLY_B: "not requested, not run, missing or not scorable in A",
    Result.NOT_COMPARABLE: "a value that its metric cannot have, in per cent or outside its range: no "
    "comparison is possible",
    Result.NO_VALUE: "asked, without a score on either side",
}
BASES = {
    Basis.ROUNDING: "the same numbers seed by seed",
    Basis.SAME_TRIALS: "the same trials on the same setup, every seed held to the tolerance",
    Basis.PAIRED: "common seeds one by one, moderated t",
    Basis.SAMPLES: "both sides' seeds as two samples, moderated t",
    Basis.TOO_FEW: "one value on a side",
    Basis.NO_SCORE: "no score on one side or both",
}
_UNREPEATED = ": another processor or other code, so that seeds are compared as samples"
_HEAD = ("data set", "metric", "method", "d", "A", "B", "B - A", "95 %", "tolerance", "p (Holm)", "seeds", "basis")
_METHODS_SAY = (
    "B - A is the mean over a method's tested cells in tolerances, positive where B is better; metrics and latent dims "
    "that varied less over seeds in earlier studies count more. The smallest detectable shift would have been found "
    f"with a probability of {POWER:.0%}."
)
_SEEN_SAYS = (
    f"The smallest difference in a single cell that would have been found with a probability of {POWER:.0%}: the "
    "median over cells, and the largest."
)
_METHODS_HEAD = ("method", "result", "B - A", "95 %", "p (Holm)", "smallest seen", "cells", "without a score")


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Tabulate a comparison, one row per cell.

    Returns:
        Columns: dataset, metric, method, latent_dim, then the fields of CellResult.
    """
    rows = []
    for result in comparison.results:
        fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result) if f.name != "cell"}
        rows.append(result.cell._asdict() | fields | {"result": str(result.result), "basis": str(result.basis)})
    return pd.DataFrame(rows)


def render_comparison(comparison: Comparison, every_cell: bool = False) -> str:
    """Write a comparison as Markdown: counts, cells that differ, what is missing, and what else differs.

    Args:
        comparison: The comparison.
        every_cell: Whether to list all compared cells, not only those that differ.
    """
    shown = comparison.of(*COMPARED) if every_cell else comparison.of(Result.DIFFERENT)
    parts = [
        "### Comparison",
        f"A is {escape_markdown(comparison.a)}, B is {escape_markdown(comparison.b)}; a cell is a data set, metric, "
        "method and latent dimension.",
        _counts(comparison),
    ]
    if unalike := unlike(comparison.around):
        parts.insert(0, f"**Not like with like:** {escape_markdown('; '.join(unalike))}.")
    if comparison.remarks:
        parts += ["#### As read", _bullets(comparison.remarks)]
    if any(method.result is not Result.EQUAL for method in comparison.methods):
        parts += ["#### Methods", _METHODS_SAY, _methods(comparison.methods)]
    if shown:
        parts += ["#### Every cell compared" if every_cell else "#### Different", _cells(shown)]
    if seen := _smallest_seen(comparison.results):
        parts += ["#### What one cell could have shown", _SEEN_SAYS, seen]
    if missing := _missing(comparison):
        parts += ["#### Missing", _bullets(missing)]
    parts += ["#### What differs around them", _bullets(_around(comparison)), conclusion(comparison)]
    return "\n\n".join(parts) + "\n"


def conclusion(comparison: Comparison) -> str:
    """Return the last line: same, different or not shown, and the smallest differences that could be detected."""
    compared = comparison.of(*COMPARED)
    cells, methods = len(compared), [method for method in comparison.methods if method.shift is not None]
    said = {
        State.DIFFERENT: _differ(comparison),
        State.SAME: f"all {cells} cells are equal but for rounding",
        State.NOT_SHOWN: f"none of {cells} cells is shown to differ, but not every method is shown to be the same",
    }[comparison.state]
    if comparison.state is State.SAME and len(comparison.of(Result.EQUAL)) < cells:
        said = f"every method is shown to be within tolerance; cells compared: {cells}"
    seen = [method.smallest_seen for method in methods if method.smallest_seen is not None]
    if seen:
        ends = " to ".join(dict.fromkeys(f"{end:.2g}" for end in (min(seen), max(seen))))
        said += f"; a method's shift would have been found from {ends} tolerances on (power {POWER:.0%})"
    remarks = (
        (sum(result.basis is Basis.TOO_FEW for result in compared), "with only one value on a side show nothing"),
        (len(comparison.of(Result.NOT_COMPARABLE)), "not comparable: a value that its metric cannot have"),
        (len(comparison.of(Result.ONLY_A, Result.ONLY_B)), "on one side only and not compared"),
    )
    said += "".join(f"; {count} {remark}" for count, remark in remarks if count)
    return f"{comparison.state.capitalize()}: {said}."


def _differ(comparison: Comparison) -> str:
    cells, methods = comparison.of(Result.DIFFERENT), [m for m in comparison.methods if m.result is Result.DIFFERENT]
    of_methods = f"{len(methods)} of {len(comparison.methods)} methods"
    return f"{len(cells)} of {len(comparison.of(*COMPARED))} cells and {of_methods} differ"


def _counts(comparison: Comparison) -> str:
    rows = [(result, str(len(comparison.of(result))), meaning) for result, meaning in MEANING.items()]
    counts = _pipe_table(("result", "cells", "meaning"), [row for row in rows if row[1] != "0"])
    bases = [(basis, sum(r.basis is basis for r in comparison.results), text) for basis, text in BASES.items()]
    judged = "; ".join(f"{count} {basis} ({text})" for basis, count, text in bases if count)
    return f"{counts}\n\nJudged by: {judged}."


def _methods(methods: Iterable[MethodResult]) -> str:
    return _pipe_table(_METHODS_HEAD, [_method_row(method) for method in methods])


def _method_row(m: MethodResult) -> tuple[str, ...]:
    def shown(value: float | None, text: Callable[[float], str] = lambda value: number(value, 2)) -> str:
        return "-" if value is None else text(value)

    interval = "-" if m.low is None else f"{shown(m.low)} to {shown(m.high)}"
    without = f"{m.failed.failed_a} of {m.failed.a}, {m.failed.failed_b} of {m.failed.b}"
    without += "" if m.failed_p_holm is None else f" (p {m.failed_p_holm:.2g})"
    p = shown(m.p_holm, lambda value: f"{value:.2g}")
    return m.method, str(m.result), shown(m.shift), interval, p, shown(m.smallest_seen), str(m.tested), without


def _smallest_seen(results: Iterable[CellResult]) -> str:
    """A table with one row per metric; "" if no cell was tested."""
    seen: dict[str, list[CellResult]] = {}
    for result in results:
        if result.smallest_seen is not None:
            seen.setdefault(result.cell.metric, []).append(result)
    rows = []
    for metric, cells in seen.items():
        decimals = _decimals(metric)
        sizes = [np.array([getattr(cell, field) for cell in cells]) for field in ("smallest_seen", "tolerance")]
        numbers = (np.median(sizes[0]), np.max(sizes[0]), np.median(sizes[1]))
        rows.append((metric, str(len(cells)), *(number(float(size), decimals) for size in numbers)))
    return _pipe_table(("metric", "cells", "median", "largest", "tolerance (median)"), rows) if rows else ""


def _cells(results: Iterable[CellResult]) -> str:
    return _pipe_table(_HEAD, [_cell_row(result) for result in results])


def _decimals(metric: str) -> int:
    return METRICS[metric].decimals + 1 if metric in METRICS else 4


def _cell_row(r: CellResult) -> tuple[str, ...]:
    decimals = _decimals(r.cell.metric)

    def shown(value: float | None) -> str:
        return "-" if value is None else number(value, decimals)

    interval = "-" if r.low is None else f"{shown(r.low)} to {shown(r.high)}"
    seeds = f"{r.n_a}, {r.n_b} ({r.pairs} common)"
    basis = f"{r.basis}; {r.note}" if r.note else str(r.basis)
    names = (r.cell.dataset, r.cell.metric, r.cell.method, str(r.cell.latent_dim))
    p = "-" if r.p_holm is None else f"{r.p_holm:.2g}"
    change = shown(r.difference) + _direction(r)
    return (*names, shown(r.mean_a), shown(r.mean_b), change, interval, shown(r.tolerance), p, seeds, basis)


def _direction(r: CellResult) -> str:
    if r.result is not Result.DIFFERENT or r.difference is None or r.cell.metric not in METRICS:
        return ""
    return " (better)" if (r.difference > 0) == METRICS[r.cell.metric].higher_is_better else " (worse)"


def _missing(comparison: Comparison) -> list[str]:
    """Cells without a score on a side, similar ones grouped, then missing seeds of compared cells."""
    lines = []
    for result in (Result.ONLY_A, Result.ONLY_B, Result.NOT_COMPARABLE, Result.NO_VALUE):
        missing: list[tuple[Any, ...]] = [(*r.cell, r.note) for r in comparison.of(result)]
        # Group along one axis after another: latent dims, metrics, methods, data sets.
        for axis in (3, 1, 2, 0):
            missing = _joined(missing, axis)
        for dataset, metric, method, dim, note in missing:
            lines.append(f"{result}: {dataset}; {method}; d = {dim}; {metric}" + (f" ({note})" if note else ""))
    notes = [r.note for r in comparison.of(Result.NOT_SHOWN, Result.WITHIN, Result.EQUAL) if r.note]
    counts = {note: notes.count(note) for note in notes}
    return lines + [f"{note}: {count} cell{'s' if count > 1 else ''}" for note, count in counts.items()]


def _joined(rows: Iterable[tuple[Any, ...]], axis: int) -> list[tuple[Any, ...]]:
    """Merge rows that differ on one axis only; the merged row lists the values on that axis."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        groups.setdefault((*row[:axis], *row[axis + 1 :]), []).append(str(row[axis]))
    return [(*rest[:axis], ", ".join(found), *rest[axis:]) for rest, found in groups.items()]


def _around(comparison: Comparison) -> list[str]:
    lines = [_difference(difference) for difference in comparison.around]
    if comparison.same_trials:
        lines.append(
            f"{comparison.repeated} of {comparison.same_trials} trials that both made on the same recorded setup agree "
            "to rounding" + ("" if 2 * comparison.repeated >= comparison.same_trials else _UNREPEATED)
        )
    lines += [
        f"{name} is a CSV, which states little about settings, versions and hardware" for name in comparison.silent
    ]
    return lines if comparison.around or comparison.silent else ["nothing that was recorded", *lines]


def _difference(difference: Difference) -> str:
    scopes = f" ({', '.join(difference.scopes)})" if difference.scopes else ""
    return f"{difference.field}{scopes}: {difference.a} / {difference.b}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _pipe_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return padded_table(head, ([escape_markdown(text) for text in row] for row in rows))
