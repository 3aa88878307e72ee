"""Resolution of the usual spellings of data sets, metrics, methods and columns to the suite's names.

Case, spaces, hyphens and other separators do not distinguish names; any other character does ("VAE+", "CIFAR-100").
"""

import difflib
from collections.abc import Collection, Mapping, Sequence
from functools import cache

from benchmark.errors import UserError
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.paper.tables import DATASET_LABELS
from benchmark.text import folded

NAMES = ("dataset", "metric", "method")  # the columns whose values are names
# Spellings other than names and labels; for columns, the headings of the paper's tables.
_SYNONYMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "dataset": {
        "chairs": ("3D Chair", "Rendered Chairs", "chairs64"),
        "celeba": ("celeba64",),
        "fashion_mnist": ("F-MNIST",),
    },
    "metric": {
        "silhouette": ("silhouette score", "silhouette coefficient"),
        "calinski_harabasz": ("Calinski-Harabasz score", "Calinski-Harabasz index"),
        "davies_bouldin": ("Davies-Bouldin score", "Davies-Bouldin index"),
        "ssim": ("SSI",),  # Table 5, 3D Chair
    },
    "method": {
        f"hgmvae_{letter}_no_fisher": (f"{letter} w/o F_{{reg}}", f"HGMVAE-{letter} w/o F_{{reg}}")
        for letter in ("g", "u")
    },
    "column": {"metric": ("metrics",), "method": ("model",), "latent_dim": ("latent dimension", "L-dim.", "d")},
}
_COLUMNS = ("table", "dataset", "metric", "method", "latent_dim", "seed", "value", "status", "reason", "key")
_LABELS: Mapping[str, Mapping[str, str]] = {
    "dataset": DATASET_LABELS,
    "metric": {name: metric.label for name, metric in METRICS.items()},
    "column": {name: name for name in (*_COLUMNS, "study", "weight_set", "notes", "marks")},
}
_CLUSTERS = ("weights", "kmeans", "gmm")
_AMBIGUOUS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "metric": {
        "accuracy": ("svm_accuracy", *(f"{clusters}_accuracy" for clusters in _CLUSTERS)),
        "ACC": ("svm_accuracy", *(f"{clusters}_accuracy" for clusters in _CLUSTERS)),
        "NMI": tuple(f"{clusters}_nmi" for clusters in _CLUSTERS),
        "ARI": tuple(f"{clusters}_ari" for clusters in _CLUSTERS),
    },
    "method": {
        "WAE": ("wae_imq", "wae_rbf"),
        "WAE_MMD": ("wae_imq", "wae_rbf"),
        "HGMVAE": ("hgmvae_g", "hgmvae_u"),
        "w/o F_{reg}": ("hgmvae_g_no_fisher", "hgmvae_u_no_fisher"),
    },
}


def _labels(axis: str) -> Mapping[str, str]:
    """Return the label of each name; those of methods are collected at every call, because method files add some."""
    return {name: method.label for name, method in ALL_METHODS.items()} if axis == "method" else _LABELS[axis]


@cache
def _spellings(axis: str, labels: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, ...]]:
    """Map each folded spelling to the names that it may mean, given the label of every name."""
    known = {folded(written): several for written, several in _AMBIGUOUS.get(axis, {}).items()}
    for name, label in labels:
        known |= {folded(written): (name,) for written in (label, *_SYNONYMS[axis].get(name, ()))}
    return known | {folded(name): (name,) for name, _ in labels}


def meanings(axis: str, written: str) -> tuple[str, ...]:
    """Return the suite's names that a spelling may mean; a name means itself.

    Args:
        axis: "dataset", "metric", "method" or "column".
        written: A name in any spelling.

    Returns:
        One name if the spelling is known, several if it is ambiguous, none if it is unknown.
    """
    labels = _labels(axis)
    return (written,) if written in labels else _spellings(axis, tuple(labels.items())).get(folded(written), ())


def resolved(axis: str, written: str) -> str:
    """Return the suite's name if a spelling has exactly one meaning, otherwise the spelling itself."""
    found = meanings(axis, written)
    return found[0] if len(found) == 1 else written


def resolved_rows(rows: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, str]], list[str]]:
    """Resolve the names in the rows of a file.

    'WAE_MMD' beside 'WAE_RBF', as in the paper's Table 2, is the 'WAE_IMQ' of Table 3; otherwise it is ambiguous.

    Args:
        rows: Values by column name, with at least the columns NAMES.

    Returns:
        The rows with `resolved` names in the columns NAMES, and notes for the user about names that were replaced or
        are ambiguous, one per line.
    """
    known = [{**row, **{column: resolved(column, row[column]) for column in NAMES}} for row in rows]
    of_metric: dict[str, set[str]] = {}
    for row in known:
        of_metric.setdefault(row["metric"], set()).add(row["method"])
    for row in known:
        if folded(row["method"]) == "waemmd" and of_metric[row["metric"]] & {"wae_imq", "wae_rbf"} == {"wae_rbf"}:
            row["method"] = "wae_imq"
    pairs = [(column, a[column], b[column]) for column in NAMES for a, b in zip(rows, known, strict=True)]
    changed = dict.fromkeys(f"{written} as {name}" for _, written, name in pairs if written != name)
    unclear = {w: several for column, w, name in pairs if w == name and len(several := meanings(column, w)) > 1}
    notes = [
        f"{written} may be {' or '.join(several)}: treated as a separate name" for written, several in unclear.items()
    ]
    return known, ["read " + ", ".join(changed), *notes] if changed else notes


def nearest(written: str, known: Collection[str]) -> str | None:
    """Return the known name of which a spelling is most likely a misspelling; None if no name is close."""
    by_form = {folded(name): name for name in known}
    close = difflib.get_close_matches(folded(written), by_form, n=1)
    return by_form[close[0]] if close else None


def may_mean(axis: str, written: str, known: Collection[str]) -> str:
    """Suggest the known names that a spelling may mean, or else the nearest known name.

    Args:
        axis: "dataset", "metric", "method" or "column".
        written: A name in any spelling.
        known: The names that may be suggested.

    Returns:
        The names, joined by "or"; "" if there are none.
    """
    found = [name for name in meanings(axis, written) if name in known] or [nearest(written, known) or ""]
    return " or ".join(found)


def asked_name(axis: str, written: str, known: Collection[str], asked: str) -> str:
    """Return the known name that a user gave, in any spelling.

    Args:
        axis: "dataset", "metric", "method" or "column".
        written: A name in any spelling.
        known: The valid names.
        asked: The beginning of the error message, such as "--method vea: unknown;".

    Raises:
        UserError: The name is not known; the message lists the known names.
    """
    if (name := resolved(axis, written)) in known:
        return name
    meant = may_mean(axis, written, known)
    raise UserError(f"{asked} there are {', '.join(known)}{f'; did you mean {meant}?' if meant else ''}")
