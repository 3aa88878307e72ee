"""Checks of a printed table's consistency, and the paper's errata.

The checks in CHECKS need only the table; benchmark.errata.quotes checks sentences against it.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import combinations

from benchmark.data.specs import DATASETS
from benchmark.errata.printed_cells import Finding, FindingKind, method_label, printed, where, with_value
from benchmark.errata.quotes import check_statements
from benchmark.metrics import METRICS
from benchmark.paper.statements import Statement, read_statements
from benchmark.paper.tables import DATASET_LABELS, PrintedCell, printed_numbers

SHORTEST_COPY = 3  # numbers; two methods often share two of three decimals by chance


def impossible_values(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Find values outside the range of their metric."""
    for cell in cells:
        low, high = METRICS[cell.metric].range
        if not low <= cell.value <= high:
            bound = f"below {printed(low)}" if cell.value < low else f"above {printed(high)}"
            sentence = f"{where(cell)}: {with_value(cell)} is {bound}, which the metric cannot be."
            yield Finding("impossible value", FindingKind.IMPOSSIBLE, sentence, (cell,), len(cells))


def repeated_cells(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Compare the cells that two tables share: one finding per cell that differs, and one for those that agree."""
    of_table: dict[int, dict[tuple[str, str, str, int], PrintedCell]] = defaultdict(dict)
    for cell in cells:
        of_table[cell.table][cell.place] = cell
    for one, other in combinations(sorted(of_table), 2):
        pairs = [(cell, of_table[other][place]) for place, cell in of_table[one].items() if place in of_table[other]]
        differing = [(a, b) for a, b in pairs if a.value != b.value]
        for a, b in differing:
            sentence = f"{where(a)}: {with_value(a)}, but {printed(b.value)} in Table {other}."
            yield Finding("repeated cell", FindingKind.CONTRADICTION, sentence, (a, b), len(pairs))
        agreeing = tuple(a for a, b in pairs if a.value == b.value)
        if agreeing:
            sentence = f"Tables {one} and {other} share {len(pairs)} cells; {len(agreeing)} of them agree."
            yield Finding("repeated cell", FindingKind.HOLDS, sentence, agreeing, len(pairs))


def copied_blocks(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Find pairs of blocks within a table with the same numbers, at least SHORTEST_COPY of them.

    A block is a method's metrics at one data set and latent dim, or its latent dims at one data set and metric.
    """
    yield from _copies(
        cells,
        block=lambda cell: (cell.table, cell.dataset, cell.method, cell.latent_dim),
        position=lambda cell: cell.metric,
        heading=lambda cell: f"{_dataset_and_method(cell)} at d = {cell.latent_dim}",
        entry=lambda cell: f"{METRICS[cell.metric].label} {printed(cell.value)}",
    )
    yield from _copies(
        cells,
        block=lambda cell: (cell.table, cell.dataset, cell.method, cell.metric),
        position=lambda cell: cell.latent_dim,
        heading=lambda cell: f"{METRICS[cell.metric].label} of {_dataset_and_method(cell)}",
        entry=lambda cell: f"{printed(cell.value)} at d = {cell.latent_dim}",
    )


def _dataset_and_method(cell: PrintedCell) -> str:
    return f"{DATASET_LABELS.get(cell.dataset, cell.dataset)} {method_label(cell.method)}"


def _copies(
    cells: Sequence[PrintedCell],
    block: Callable[[PrintedCell], tuple[int, str, str, int | str]],
    position: Callable[[PrintedCell], Hashable],
    heading: Callable[[PrintedCell], str],
    entry: Callable[[PrintedCell], str],
) -> Iterator[Finding]:
    blocks: dict[tuple[int, str, str, int | str], dict[Hashable, PrintedCell]] = defaultdict(dict)
    for cell in cells:
        blocks[block(cell)][position(cell)] = cell
    pairs = [(a, b) for (one, a), (other, b) in combinations(blocks.items(), 2) if one[0] == other[0]]
    for a, b in pairs:
        shared = [key for key in a if key in b]
        if len(shared) >= SHORTEST_COPY and all(a[key].value == b[key].value for key in shared):
            first, second = a[shared[0]], b[shared[0]]
            entries = ", ".join(entry(a[key]) for key in shared)
            sentence = (
                f"Table {first.table}: {heading(first)} and {heading(second)} have the same {len(shared)} values, "
                f"digit for digit ({entries})."
            )
            involved = tuple(cell for key in shared for cell in (a[key], b[key]))
            yield Finding("copied block", FindingKind.SUSPECT, sentence, involved, len(pairs))


def below_constant_answer(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Find accuracies below 1 - 1/classes, for the data sets whose number of classes the suite knows.

    Answering "no" to every question scores this mean one-vs-rest accuracy whatever the classes' sizes, because each
    image is wrong in just one of as many questions as there are classes.
    """
    accuracies = [c for c in cells if c.metric == "svm_accuracy" and c.dataset in DATASETS]
    for cell in accuracies:
        classes = DATASETS[cell.dataset].n_classes
        if classes is not None and cell.value < 1 - 1 / classes:
            sentence = (
                f"{where(cell)}: {with_value(cell)} read as averaged one-vs-rest accuracy is below the "
                f"{printed(1 - 1 / classes)} of a constant answer to {classes} classes."
            )
            yield Finding("below a constant answer", FindingKind.SUSPECT, sentence, (cell,), len(accuracies))


CHECKS: tuple[Callable[[Sequence[PrintedCell]], Iterator[Finding]], ...] = (
    impossible_values,
    repeated_cells,
    copied_blocks,
    below_constant_answer,
)


def errata(cells: Sequence[PrintedCell], statements: Iterable[Statement] = ()) -> tuple[Finding, ...]:
    """Return the findings of CHECKS on the cells, then those of `check_statements` on the statements."""
    return tuple(finding for check in CHECKS for finding in check(cells)) + check_statements(cells, statements)


def paper_errata() -> tuple[Finding, ...]:
    """Return the findings on the paper's own 392 numbers and the sentences of results/paper/statements.json."""
    return errata(printed_numbers(), read_statements())
