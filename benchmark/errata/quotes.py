"""Checks of statements (benchmark.paper.statements) against the numbers of a table."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmark.errata.printed_cells import (
    Finding,
    FindingKind,
    method_label,
    printed,
    where,
    with_value,
)
from benchmark.metrics import METRICS
from benchmark.paper.statements import (
    Beats,
    BestDimension,
    BestInMost,
    ByReading,
    NumberOfDatasets,
    PercentageImprovement,
    Statement,
)
from benchmark.paper.tables import DATASET_LABELS, HALF_A_UNIT, PrintedCell


@dataclass(frozen=True)
class Outcome:
    """The result of checking one assertion against a table.

    Attributes:
        comparisons: Number of comparisons made; 0 if the table lacks the necessary cells.
        against: Kind, sentence and cells of each counter-example or remark by a person.
        holds: The sentence for an assertion without counter-examples.
        cells: The cells behind `holds`.
    """

    comparisons: int
    against: tuple[tuple[FindingKind, str, tuple[PrintedCell, ...]], ...] = ()
    holds: str = ""
    cells: tuple[PrintedCell, ...] = ()


NOT_IN_TABLE = Outcome(0)


def percentage_improvement(cells: Sequence[PrintedCell], claim: PercentageImprovement) -> Outcome:
    """Check the direction and the size of an improvement.

    A wrong direction and a wrong size are two findings; the size is then that of the reversed pair.
    """
    wanted = (claim.table, claim.dataset, claim.metric, claim.latent_dim)
    row = {c.method: c for c in cells if (c.table, c.dataset, c.metric, c.latent_dim) == wanted}
    if claim.method not in row or claim.over not in row:
        return NOT_IN_TABLE
    better, worse = row[claim.method], row[claim.over]
    stated = f"{where(better)}: {with_value(better)}, stated as the improved one,"
    gain = _goodness(better) - _goodness(worse)
    if gain == 0:
        return Outcome(1, ((FindingKind.TIE, f"{stated} only ties {with_value(worse)}.", (better, worse)),))
    against = []
    if gain < 0:
        against.append((FindingKind.CONTRADICTION, f"{stated} is worse than {with_value(worse)}.", (better, worse)))
        better, worse = worse, better
    interpretations = {"%": _share}
    if claim.metric == "svm_accuracy":
        interpretations = {" points": _points} | interpretations
    sizes = " or ".join(f"{size(better.value, worse.value):.2f}{unit}" for unit, size in interpretations.items())
    pair = f"{where(better)}: {with_value(better)} is better than {with_value(worse)} by {sizes}"
    if not any(_could_be(claim.per_cent, size, better.value, worse.value) for size in interpretations.values()):
        against.append((FindingKind.CONTRADICTION, f"{pair}, not by the stated {claim.per_cent}%.", (better, worse)))
    return Outcome(1, tuple(against), f"{pair}, as stated ({claim.per_cent}%).", (better, worse))


def _points(value: float, other: float) -> float:
    return abs(value - other) * 100


def _share(value: float, other: float) -> float:
    return abs(value - other) / abs(other) * 100 if other else math.inf


def _could_be(stated: str, size: Callable[[float, float], float], value: float, other: float) -> bool:
    """Whether unrounded numbers exist that print as all three; sizes are monotone in both, so corners are bounds."""
    sizes = [size(value + a, other + b) for a, b in product((-HALF_A_UNIT, HALF_A_UNIT), repeat=2)]
    half_a_digit = 0.5 * 10.0 ** -len(stated.partition(".")[2])
    return min(sizes) <= float(stated) + half_a_digit and float(stated) - half_a_digit <= max(sizes)


def beats(cells: Sequence[PrintedCell], claim: Beats) -> Outcome:
    """Check every comparison; each one that is lost or tied is a finding.

    With `better_of_them`, places without all the `methods` are left out.
    """
    against: list[tuple[FindingKind, str, tuple[PrintedCell, ...]]] = []
    compared: list[tuple[PrintedCell, PrintedCell]] = []
    for place in _places(cells, claim):
        own = [place[name] for name in claim.methods if name in place]
        if claim.better_of_them:
            own = [max(own, key=_goodness)] if len(own) == len(claim.methods) else []
        others = [place[name] for name in claim.over or place if name in place and name not in claim.methods]
        compared += product(own, others)
    for a, b in compared:
        gain = _goodness(a) - _goodness(b)
        if gain <= 0:
            kind, verdict = (FindingKind.CONTRADICTION, "is worse than") if gain < 0 else (FindingKind.TIE, "only ties")
            against.append((kind, f"{where(a)}: {with_value(a)} {verdict} {with_value(b)}.", (a, b)))
    names = (" or " if claim.better_of_them else " and ").join(map(method_label, claim.methods))
    rivals = " and ".join(map(method_label, claim.over)) or "every other method"
    holds = f"Table {claim.table}: {names} beats {rivals} in {len(compared)} of {len(compared)} comparisons."
    return Outcome(
        len(compared), tuple(against), holds, tuple(dict.fromkeys(cell for pair in compared for cell in pair))
    )


def _goodness(cell: PrintedCell) -> float:
    return METRICS[cell.metric].sign * cell.value


def _places(cells: Sequence[PrintedCell], claim: Beats) -> Iterable[dict[str, PrintedCell]]:
    """Method -> cell, for every place that the claim covers."""
    places: dict[tuple[str, str, int], dict[str, PrintedCell]] = {}
    for cell in cells:
        if (
            cell.table == claim.table
            and (not claim.datasets or cell.dataset in claim.datasets)
            and (not claim.metrics or cell.metric in claim.metrics)
            and (claim.from_dim is None or cell.latent_dim >= claim.from_dim)
            and (claim.below_dim is None or cell.latent_dim < claim.below_dim)
        ):
            places.setdefault((cell.dataset, cell.metric, cell.latent_dim), {})[cell.method] = cell
    return places.values()


def best_in_most(cells: Sequence[PrintedCell], claim: BestInMost) -> Outcome:
    """Count the places won; a tie is not a win, and places without one of `methods` or a rival are left out."""
    won: list[PrintedCell] = []
    ties = contested = 0
    for place in _places(cells, Beats(claim.table, claim.methods)):
        own = [cell for name, cell in place.items() if name in claim.methods]
        rivals = [cell for name, cell in place.items() if name not in claim.methods]
        if own and rivals:
            contested += 1
            best = max(own, key=_goodness)
            lead = _goodness(best) - max(map(_goodness, rivals))
            won += [best] if lead > 0 else []
            ties += lead == 0
    shares = ", ".join(f"{method_label(m)} {sum(c.method == m for c in won)}" for m in claim.methods)
    counts = f"best in {len(won)} of {contested} places ({shares}) and tied for best in {ties}"
    if 2 * len(won) > contested:
        return Outcome(contested, (), f"Table {claim.table}: {counts}, so in most.", tuple(won))
    sentence = f"Table {claim.table}: {counts}, so not in most."
    return Outcome(contested, ((FindingKind.CONTRADICTION, sentence, tuple(won)),) if contested else ())


def best_dimension(cells: Sequence[PrintedCell], claim: BestDimension) -> Outcome:
    """Check every series (data set, metric, method); one that is at least as good at another dim is a finding.

    Series without the asserted dim are left out.
    """
    series: dict[tuple[str, str, str], dict[int, PrintedCell]] = {}
    for cell in cells:
        if cell.table == claim.table and (not claim.methods or cell.method in claim.methods):
            series.setdefault((cell.dataset, cell.metric, cell.method), {})[cell.latent_dim] = cell
    complete = [dims for dims in series.values() if claim.latent_dim in dims and len(dims) > 1]
    against = []
    for dims in complete:
        stated = dims[claim.latent_dim]
        best = max((cell for cell in dims.values() if cell is not stated), key=_goodness)
        lead = _goodness(stated) - _goodness(best)
        if lead <= 0:
            kind, verdict = (FindingKind.CONTRADICTION, "is worse than") if lead < 0 else (FindingKind.TIE, "only ties")
            other = f"{printed(best.value)} at d = {best.latent_dim}"
            against.append((kind, f"{where(stated)}: {with_value(stated)} {verdict} {other}.", (stated, best)))
    holds = f"Table {claim.table}: d = {claim.latent_dim} is best in {len(complete)} of {len(complete)} series."
    return Outcome(len(complete), tuple(against), holds, tuple(dims[claim.latent_dim] for dims in complete))


def number_of_datasets(cells: Sequence[PrintedCell], claim: NumberOfDatasets) -> Outcome:
    """Count the data sets of the asserted tables, all of which must be present; the outcome has one cell per set."""
    if not set(claim.tables) <= {cell.table for cell in cells}:
        return NOT_IN_TABLE
    first = {cell.dataset: cell for cell in reversed(cells) if cell.table in claim.tables}
    found = tuple(sorted(first.values(), key=cells.index))
    labels = ", ".join(DATASET_LABELS.get(cell.dataset, cell.dataset) for cell in found)
    tables = f"Table{'s' if len(claim.tables) > 1 else ''} {', '.join(map(str, claim.tables))}"
    counted = f"{tables}: {len(found)} data set{'s' if len(found) > 1 else ''} ({labels})"
    if len(found) == claim.number:
        return Outcome(1, (), f"{counted}, as stated.", found)
    return Outcome(1, ((FindingKind.CONTRADICTION, f"{counted}, not the stated {claim.number}.", found),))


def by_reading(_: Sequence[PrintedCell], claim: ByReading) -> Outcome:
    """Return a person's remark unchanged, whatever the table."""
    return Outcome(0, ((FindingKind.BY_READING, claim.remark, ()),))


CHECKS: Mapping[type, Callable[[Sequence[PrintedCell], Any], Outcome]] = {
    PercentageImprovement: percentage_improvement,
    Beats: beats,
    BestInMost: best_in_most,
    BestDimension: best_dimension,
    NumberOfDatasets: number_of_datasets,
    ByReading: by_reading,
}


def check_statements(cells: Sequence[PrintedCell], statements: Iterable[Statement]) -> tuple[Finding, ...]:
    """Check statements and return a finding per counter-example, or one that the statement holds or is unchecked."""
    return tuple(finding for statement in statements for finding in _findings(cells, statement))


def _findings(cells: Sequence[PrintedCell], statement: Statement) -> Iterator[Finding]:
    outcome = CHECKS[type(statement.assertion)](cells, statement.assertion)
    if outcome.against:
        results = outcome.against
    elif outcome.comparisons:
        results = ((FindingKind.HOLDS, outcome.holds, outcome.cells),)
    else:
        results = ((FindingKind.UNCHECKED, "The table lacks the cells that this is about.", ()),)
    for kind, sentence, involved in results:
        yield Finding(
            check=statement.kind,
            kind=kind,
            sentence=sentence,
            cells=involved,
            comparisons=outcome.comparisons,
            statement=statement.name,
            section=statement.section,
            quotation=statement.quotation,
        )
