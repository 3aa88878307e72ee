"""Captions and legends of tables as plain sentences; each renderer escapes them for its own format."""

from collections.abc import Iterable

from benchmark.metrics import METRICS
from benchmark.paper.tables import PRINTED_TABLES
from benchmark.results.manifest import Manifest
from benchmark.table_specs import OWN_TABLES
from benchmark.tables.layout import ABSENT, Table
from benchmark.text import one_line

MARK_MEANINGS = {
    "procedural": "generated in place of the real images, so these numbers are not results",
    "subset": "a part of the data set's images",
    "unverified": "not shown to be the published images, because no known digest or published checksum matched",
}
INCOMPLETE_LEGEND = "[2/3]: incomplete, 2 of 3 seeds have a value; not ranked."
COLLAPSED_LEGEND = (
    "some of its seeds collapsed (the footnote says how many latent units are active, and which share of the pixels' "
    "variance the reconstructions explain)."
)
NEAR_BEST = "≈"
NEAR_BEST_LEGEND = "within noise of the best (the 95 % interval of their difference, paired over seeds, contains 0)."
# The meaning of the abbreviations in metrics' labels.
_ABBREVIATIONS = {
    "SC": "silhouette coefficient",
    "CH": "Calinski-Harabasz index",
    "DB": "Davies-Bouldin index",
    "SVM": "support vector machine",
    "FID": "Fréchet inception distance",
    "SSIM": "structural similarity",
    "MS-SSIM": "multi-scale structural similarity",
    "LPIPS": "learned perceptual image patch similarity",
    "ACC": "accuracy of clusters as classes",
    "NMI": "normalised mutual information",
    "ARI": "adjusted Rand index",
    "GMM": "Gaussian mixture model",
    "MIG": "mutual information gap",
    "DCI": "disentanglement, completeness and informativeness of the code",
}


def facts(table: Table) -> list[str]:
    """Return a table's caption as sentences: title, study and its reductions, latent dimension, marks."""
    title, *others = about(table)
    return [title, f"{study_facts(table.manifest)}.", *reduced(table.manifest), *others]


def about(table: Table) -> list[str]:
    """Return the part of a table's caption that is not about the study: title, latent dimension, marks, trainings."""
    sentences = [f"{table.paper.title} ({_whose(table.paper.number)})."]
    if not table.dims_across:
        sentences.append(f"Latent dimension {', '.join(map(str, table.latent_dims))}.")
    sentences += [
        f"{table.manifest.marked_label(dataset)}: {MARK_MEANINGS.get(mark, mark)}."
        for dataset in table.datasets
        for mark in table.manifest.marks.get(dataset, ())
    ]
    sentences += [
        f"{table.manifest.method_label(method)}: trained unlike the other methods ({one_line(description)})."
        for method, description in table.manifest.method_training.items()
        if method in table.methods
    ]
    return sentences


def legend(table: Table) -> list[str]:
    """Return the sentences that explain a table's cells.

    The marks of rank are not included, because each renderer has and explains its own.
    """
    cells = table.cells.values()
    printed = "; in parentheses the paper's value" if any(cell.paper is not None for cell in cells) else ""
    sentences = [f"Mean ± standard deviation (ddof 1) over seeds{printed}."]
    sentences.append(spelled_out(table.paper.metrics))
    if table.dims_across:
        sentences.append("d: latent dimension.")
    if any(cell.near_best for cell in cells):
        sentences.append(f"{NEAR_BEST}: {NEAR_BEST_LEGEND}")
    if any(0 < len(cell.values) < cell.asked for cell in cells):
        sentences.append(INCOMPLETE_LEGEND)
    if any(cell.collapsed for cell in cells):
        sentences.append(f"†: {COLLAPSED_LEGEND}")
    if any(table.cell(row, column) is None for row in table.rows for column in table.columns):
        sentences.append(f"{ABSENT}: not part of this study.")
    return sentences


def spelled_out(metrics: Iterable[str]) -> str:
    """Return a sentence that spells out the abbreviations in metrics' labels and explains the arrows."""
    return f"{'; '.join([*abbreviations(metrics), '↑: higher is better', '↓: lower is better'])}."


def abbreviations(metrics: Iterable[str]) -> list[str]:
    """Return the abbreviations in metrics' labels, each once and spelled out, such as 'SC: silhouette coefficient'."""
    words = dict.fromkeys(word for metric in metrics for word in METRICS[metric].label.split())
    return [f"{word}: {_ABBREVIATIONS[word]}" for word in words if word in _ABBREVIATIONS]


def _whose(table_number: int) -> str:
    """'Table 1 of the paper', or that the table is not in the paper, and where the audit's values come from."""
    if table_number in PRINTED_TABLES:
        return f"Table {table_number} of the paper"
    by_audit = ", scored from checkpoints by the audit" if table_number in OWN_TABLES else ""
    return f"Table {table_number}: not in the paper{by_audit}"


def study_facts(manifest: Manifest) -> str:
    """Return a study's name, seeds and weights, such as 'Study laptop, 3 seeds, weight set default'."""
    return f"Study {manifest.study}, {seed_count(manifest.seeds)}, weight set {manifest.weight_set}"


def reduced(manifest: Manifest) -> list[str]:
    """Return the study's reductions relative to the paper as one sentence; empty if there are none."""
    return [f"Reduced against the paper: {'; '.join(manifest.reductions)}."] if manifest.notes else []


def seed_count(seeds: int) -> str:
    """Return a number of seeds in words, such as '3 seeds'."""
    return f"{seeds} seed" if seeds == 1 else f"{seeds} seeds"


def metric_heading(metric: str) -> str:
    """Return the metric's label with an arrow for the better direction, such as 'SC ↑'."""
    return f"{METRICS[metric].label} {'↑' if METRICS[metric].higher_is_better else '↓'}"
