"""Why two sides have no score in common: different names, or no values in the common cells."""

from collections import Counter

from benchmark.comparison.sides import PER_CENT, ComparedSide
from benchmark.names import may_mean
from benchmark.paper.tables import ScorePlace

_MOST = 6  # the largest number of names or statuses listed


def nothing_in_common(a: ComparedSide, b: ComparedSide) -> str:
    """Explain in one line why two sides have no score in common.

    Returns:
        Why the common cells have no values; if there are none, both sides' names on every axis without a common name.
    """
    begin = f"{a.name} and {b.name}: no score in common"
    if common := [cell for cell in a.scores if cell in b.scores]:
        states = [f"{name} has {_states(side, common)}" for name, side in (("A", a), ("B", b))]
        return f"{begin}; of the cells of both, {len(common)}, {' and '.join(states)}"
    apart = [said for axis in ScorePlace._fields if (said := _apart(axis, a, b))]
    return f"{begin}; {'; '.join(apart) or 'each has other combinations of dataset, metric, method and latent_dim'}"


def _states(side: ComparedSide, cells: list[ScorePlace]) -> str:
    counts = Counter(score.status for cell in cells for score in side.scores[cell].values())
    remedy = " (divide by 100)" if PER_CENT in counts else ""
    return ", ".join(f"{count} {status}" for status, count in counts.most_common(_MOST)) + remedy


def _apart(axis: str, a: ComparedSide, b: ComparedSide) -> str:
    """Both sides' names on an axis of a cell, with suggestions; "" if they share a name."""
    of_a, of_b = (list(dict.fromkeys(str(getattr(cell, axis)) for cell in side.scores)) for side in (a, b))
    if set(of_a) & set(of_b):
        return ""
    said = f"{axis} is {_listed(of_a)} in A, {_listed(of_b)} in B"
    if axis == "latent_dim":
        return said
    hints = [f"{name[:40]} may be {meant}" for name in of_b[:_MOST] if (meant := may_mean(axis, name, of_a))]
    return f"{said} ({', '.join(hints)})" if hints else said


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(name[:40] for name in names[:_MOST]) + more
