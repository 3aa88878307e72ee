"""What every table says on its face, as plain sentences; each renderer escapes them for itself."""

from benchmark.metrics import METRICS
from benchmark.results.manifest import Manifest
from benchmark.table_specs import TABLES
from benchmark.tables.layout import Table

MARK_MEANINGS = {
    "procedural": "drawn by program in place of the real images, so these numbers are no result",
    "subset": "a part of the data set's images",
    "unverified": "not shown to be the published images, for no known digest or published checksum matched",
}
INCOMPLETE_LEGEND = "[2/3]: incomplete, 2 of 3 seeds have a value; not ranked."
COLLAPSED_LEGEND = (
    "some of its seeds collapsed (the footnote says how many latent units are active, and which share of the pixels' "
    "variance the reconstructions explain)."
)
ABSENT = "–"  # a cell the study does not ask for


def facts(table: Table) -> list[str]:
    """Title, study, seeds, weight set, reductions, marks: one sentence each, in this order."""
    sentences = [
        f"{table.paper.title} ({_whose(table.paper.number)}).",
        f"{study_facts(table.manifest)}.",
    ]
    if not table.dims_across:
        sentences.append(f"Latent dimension {', '.join(map(str, table.latent_dims))}.")
    sentences += reduced(table.manifest)
    sentences += [
        f"{table.manifest.marked_label(dataset)}: {MARK_MEANINGS.get(mark, mark)}."
        for dataset in table.datasets
        for mark in table.manifest.marks.get(dataset, ())
    ]
    return sentences


def legend(table: Table) -> list[str]:
    """How to read a cell, save for the marks of rank, which each renderer names in its own type."""
    cells = table.cells.values()
    printed = "; in parentheses the paper's value" if any(cell.paper is not None for cell in cells) else ""
    sentences = [f"Mean ± standard deviation (ddof 1) over seeds{printed}."]
    if any(0 < len(cell.values) < cell.asked for cell in cells):
        sentences.append(INCOMPLETE_LEGEND)
    if any(cell.collapsed for cell in cells):
        sentences.append(f"†: {COLLAPSED_LEGEND}")
    if any(table.cell(row, column) is None for row in table.rows for column in table.columns):
        sentences.append(f"{ABSENT}: not part of this study.")
    return sentences


def _whose(table_number: int) -> str:
    """'Table 1 of the paper', or what it means that the paper has no such table."""
    if table_number in TABLES:
        return f"Table {table_number} of the paper"
    return f"Table {table_number}: not in the paper, scored from checkpoints by the audit"


def study_facts(manifest: Manifest) -> str:
    """'Study laptop, 3 seeds, weight set default'."""
    return f"Study {manifest.study}, {seed_count(manifest.seeds)}, weight set {manifest.weight_set}"


def reduced(manifest: Manifest) -> list[str]:
    """What the study reduced, as one sentence; none where it is the paper's."""
    return [f"Reduced against the paper: {'; '.join(manifest.reductions)}."] if manifest.notes else []


def seed_count(seeds: int) -> str:
    return f"{seeds} seed" if seeds == 1 else f"{seeds} seeds"


def metric_heading(metric: str) -> str:
    """The metric's label with an arrow towards the better, such as 'SC ↑'."""
    return f"{METRICS[metric].label} {'↑' if METRICS[metric].higher_is_better else '↓'}"
