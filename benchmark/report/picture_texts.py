"""Captions of figures and their alternative texts: the data shown, with range and best value."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from benchmark.figures.all_figures import FIGURES
from benchmark.figures.pages import PageName
from benchmark.metrics import METRICS
from benchmark.results.records import OK
from benchmark.results.study_results import StudyResults
from benchmark.text import number

_METRICS_OF = {
    "clustering": ("silhouette", "calinski_harabasz", "davies_bouldin"),
    "weights": ("ssim", "ms_ssim", "lpips"),
    "frontier": ("svm_accuracy", "ssim", "fid"),
    "tsne": ("silhouette",),
    "reconstructions": ("ssim", "lpips"),
}


@dataclass(frozen=True)
class PictureText:
    """A figure in words.

    Attributes:
        kind: The figure's name, such as `curves`.
        caption: Its description.
        says: The caption followed by the data.
    """

    kind: str
    caption: str
    says: str


def picture_text(study: StudyResults, name: str) -> PictureText:
    """Describe a page of a figure from the study's numbers.

    Args:
        study: The study.
        name: Name of the page, such as `curves_mnist_d8`.
    """
    page = PageName.parse(name)
    figure = FIGURES.get(page.kind) if page else None
    if page is None or figure is None or figure.meaning is None:
        return PictureText("", name, name)
    kind, table, dim = page.kind, page.table, page.latent_dim
    places = [f"Table {table}"] if table else []
    places += [study.manifest.marked_label(page.dataset), *([f"d = {dim}"] if dim else [])]
    caption = f"{figure.meaning}: {', '.join(places)}"
    frame = study.frame
    shown = frame[(frame["dataset"] == page.dataset) & (frame["status"] == OK)]
    for column, value in (("table", table), ("latent_dim", dim)):
        shown = shown if value is None else shown[shown[column] == value]
    facts = [f"Methods: {', '.join(_labels(study, shown['method']))}"] if len(shown) else []
    facts += _losses(study, page.dataset, dim) if kind == "curves" else []
    facts += [_range(study, shown, metric) for metric in _METRICS_OF.get(kind, ()) if metric in set(shown["metric"])]
    return PictureText(kind, caption, " ".join([f"{caption}.", *(f"{fact}." for fact in facts)]))


def _labels(study: StudyResults, methods: Iterable[str]) -> list[str]:
    return [study.manifest.method_label(name) for name in dict.fromkeys(methods)]


def _range(study: StudyResults, shown: pd.DataFrame, metric: str) -> str:
    """The best and the worst mean over seeds of a metric, with their places."""
    of = METRICS[metric]
    means = shown[shown["metric"] == metric].groupby(["method", "latent_dim"])["value"].mean().sort_values()
    ends = (means.index[-1], means.index[0]) if of.higher_is_better else (means.index[0], means.index[-1])
    best, worst = (
        f"{number(means[end], of.decimals)} ({study.manifest.method_label(end[0])}, d = {end[1]})" for end in ends
    )
    return f"{of.label}: best {best}, worst {worst}"


def _losses(study: StudyResults, dataset: str, dim: int | None) -> list[str]:
    """The loss in the first and the last epoch, averaged over seeds, for every method."""
    curves: dict[str, list[list[float]]] = {}
    for record in study.own_records():
        trial, loss = record.identity, record.curves.get("loss") or [None]
        here = record.ok and (trial.dataset, trial.latent_dim) == (dataset, dim)
        if here and loss[0] is not None and loss[-1] is not None:
            curves.setdefault(trial.method, []).append([loss[0], loss[-1]])
    each = []
    for method, ends in curves.items():
        first, last = (sum(values) / len(values) for values in zip(*ends, strict=True))
        each.append(f"{study.manifest.method_label(method)} {first:.4g} to {last:.4g}")
    return [f"Loss from the first to the last epoch: {'; '.join(each)}"] if each else []
