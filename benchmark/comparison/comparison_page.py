"""A comparison of two results as Markdown, which also reads well in a terminal, and as a frame for a CSV."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from benchmark.comparison.compare import Basis, CellResult, Comparison, Result
from benchmark.comparison.setup_differences import Difference
from benchmark.metrics import METRICS
from benchmark.statistics import ALPHA
from benchmark.tables.layout import number
from benchmark.tables.pipe_table import escape_markdown

MEANING = {
    Result.DIFFERENT: "beyond noise and tolerance, or a score on one side where the other's trials ended without one",
    Result.NOISE: f"within the tolerance, or no difference shown at {ALPHA:.0%} (which is no proof that there is none)",
    Result.EQUAL: "the same numbers but for rounding",
    Result.ONLY_A: "not asked, not run, missing or not scorable in B",
    Result.ONLY_B: "not asked, not run, missing or not scorable in A",
    Result.NOT_COMPARABLE: "a value that its metric cannot have, in per cent or outside its range: nothing can be said",
    Result.NO_VALUE: "asked, without a score on either side",
}
BASES = {
    Basis.ROUNDING: "the same numbers seed by seed",
    Basis.SAME_TRIALS: "the same trials on the same setup, every seed held to the tolerance",
    Basis.PAIRED: "paired t-test over common seeds",
    Basis.WELCH: "Welch's t-test, for want of common seeds",
    Basis.TOO_FEW: "too few seeds to tell noise: the tolerance alone",
    Basis.NO_SCORE: "no score on one side or both",
}
_UNREPEATED = ": another processor or other code, so that seeds are compared as samples"
_HEAD = ("data set", "metric", "method", "d", "A", "B", "B - A", "95 %", "tolerance", "p (Holm)", "seeds", "basis")


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Tabulate a comparison, a row per cell.

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
        every_cell: List all cells that were compared instead of those that differ.
    """
    different = comparison.of(Result.DIFFERENT)
    shown = comparison.of(Result.DIFFERENT, Result.NOISE, Result.EQUAL) if every_cell else different
    parts = [
        "### Comparison",
        f"A is {escape_markdown(comparison.a)}, B is {escape_markdown(comparison.b)}; a cell is data set, metric, "
        "method and latent dim.",
        _counts(comparison),
    ]
    if comparison.remarks:
        parts += ["#### As read", _bullets(comparison.remarks)]
    if shown:
        parts += ["#### Every cell compared" if every_cell else "#### Different", _cells(shown)]
    if missing := _missing(comparison):
        parts += ["#### Missing", _bullets(missing)]
    parts += ["#### What differs around them", _bullets(_around(comparison)), conclusion(comparison)]
    return "\n\n".join(parts) + "\n"


def conclusion(comparison: Comparison) -> str:
    """Return the last line: whether there is a difference, and what the correction for many tests held back."""
    different = comparison.of(Result.DIFFERENT)
    compared = comparison.of(Result.DIFFERENT, Result.NOISE, Result.EQUAL)
    verdict = f"{len(different)} of {len(compared)} cells differ"
    if not different:
        verdict = f"No difference beyond noise and tolerance; cells compared: {len(compared)}"
    tested = [result for result in compared if result.p is not None]
    held_back = [r for r in tested if r.p is not None and r.p_holm is not None and r.p < ALPHA <= r.p_holm]
    holm = f"; Holm's correction over {len(tested)} tests" if tested else ""
    holm += f" held back {len(held_back)} with an uncorrected p below {ALPHA}" if held_back else ""
    few = sum(result.basis is Basis.TOO_FEW for result in compared)
    few_said = f"; {few} judged by the tolerance alone: too few seeds" if few else ""
    apart = len(comparison.of(Result.NOT_COMPARABLE))
    apart_said = f"; {apart} not comparable: a value that its metric cannot have" if apart else ""
    return f"{verdict}{holm}{few_said}{apart_said}."


def _counts(comparison: Comparison) -> str:
    rows = [(result, str(len(comparison.of(result))), meaning) for result, meaning in MEANING.items()]
    counts = _pipe_table(("result", "cells", "meaning"), [row for row in rows if row[1] != "0"])
    bases = [(basis, sum(r.basis is basis for r in comparison.results), text) for basis, text in BASES.items()]
    judged = "; ".join(f"{count} {basis} ({text})" for basis, count, text in bases if count)
    return f"{counts}\n\nJudged by: {judged}."


def _cells(results: Iterable[CellResult]) -> str:
    return _pipe_table(_HEAD, [_cell_row(result) for result in results])


def _cell_row(r: CellResult) -> tuple[str, ...]:
    decimals = METRICS[r.cell.metric].decimals + 1 if r.cell.metric in METRICS else 4

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
    """Cells without a score on a side, similar ones grouped; then, of cells compared, the seeds without one."""
    lines = []
    for result in (Result.ONLY_A, Result.ONLY_B, Result.NOT_COMPARABLE, Result.NO_VALUE):
        missing: list[tuple[Any, ...]] = [(*r.cell, r.note) for r in comparison.of(result)]
        # Group along one axis after the other: latent dims, metrics, methods, data sets.
        for axis in (3, 1, 2, 0):
            missing = _joined(missing, axis)
        for dataset, metric, method, dim, note in missing:
            lines.append(f"{result}: {dataset}; {method}; d = {dim}; {metric}" + (f" ({note})" if note else ""))
    notes = [r.note for r in comparison.of(Result.NOISE, Result.EQUAL) if r.note]
    counts = {note: notes.count(note) for note in notes}
    return lines + [f"{note}: {count} cell{'s' if count > 1 else ''}" for note, count in counts.items()]


def _joined(rows: Iterable[tuple[Any, ...]], axis: int) -> list[tuple[Any, ...]]:
    """The rows with those that differ on one axis alone merged into one, which lists the values on that axis."""
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
    lines += [f"{name} is a CSV, which states little of settings, versions and hardware" for name in comparison.silent]
    return lines if comparison.around or comparison.silent else ["nothing that is recorded", *lines]


def _difference(difference: Difference) -> str:
    scopes = f" ({', '.join(difference.scopes)})" if difference.scopes else ""
    return f"{difference.field}{scopes}: {difference.a} / {difference.b}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _pipe_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    grid = [[escape_markdown(text) for text in line] for line in (head, *rows)]
    widths = [max(len(line[at]) for line in grid) for at in range(len(head))]
    lines = ["| " + " | ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)) + " |" for line in grid]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
