"""The spread of clustering scores due to training, to t-SNE's initialisation and to the choice of images."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmark.audit.clustering_protocols import RANDOM_HALVES, TSNE_STARTS
from benchmark.audit.outputs import JUDGED
from benchmark.paper.tables import PRINTED_TABLES, paper_numbers

COLUMNS = ["dataset", "metric", "source", "size", "trials", "paper_gap"]

_TRIAL = ["method", "latent_dim", "seed"]


def spread(frame: pd.DataFrame) -> pd.DataFrame:
    """Estimate how much clustering scores vary, by source of variation.

    Args:
        frame: The result of `audit_frame`.

    Returns:
        A frame with the columns COLUMNS and a row per data set, metric and source. `size` is a standard deviation
        (ddof 1, pooled over what is not varied), in the metric's units:

        - "training": over seeds, with the judged protocol's images and initialisation of t-SNE;
        - "t-SNE's start": over random initialisations, for one trial and its images;
        - "choice of images": over random halves of the test images, for one trial;
        - "choice of images, not shared": the same without the component that all trials share in a half, which
          cancels in comparisons;
        - "first - last half": not a spread, but the mean difference between the two halves' scores.

        `trials` is the number of trials used; `paper_gap` is the paper's median printed difference between HGMVAE (G or
        U) and GMVAE, for comparison.
    """
    rows = []
    clustering = frame[(frame["protocol"] == "clustering") & frame["value"].notna()]
    for (dataset, metric), part in clustering.groupby(["dataset", "metric"], sort=False):
        scores = part.assign(value=part["value"].astype(float)).pivot_table("value", _TRIAL, "alternative")
        for source, size, trials in _sources(scores):
            rows.append((dataset, metric, source, size, trials, _paper_gap(dataset, metric)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _sources(scores: pd.DataFrame) -> Iterator[tuple[str, float, int]]:
    """(source, size, trials) from scores by trial (rows) and alternative (columns)."""
    if JUDGED in scores:
        over_seeds = scores[JUDGED].dropna().groupby(level=["method", "latent_dim"])
        yield from _pooled("training", over_seeds.var(), int(over_seeds.count()[over_seeds.count() > 1].sum()))
    for source, names in (("t-SNE's start", list(TSNE_STARTS)), ("choice of images", list(RANDOM_HALVES))):
        drawn = scores.reindex(columns=names).dropna()
        yield from _pooled(source, drawn.var(axis=1), len(drawn))
        if source == "choice of images" and len(drawn) > 1:
            # The common component is estimated from the T trials themselves, which uses one of T degrees of freedom.
            own = drawn.sub(drawn.mean()).var(axis=1) * len(drawn) / (len(drawn) - 1)
            yield from _pooled(f"{source}, not shared", own, len(drawn))
    halves = scores.reindex(columns=["first half", "last half"]).dropna()
    if len(halves):
        yield "first - last half", float((halves["first half"] - halves["last half"]).mean()), len(halves)


def _pooled(source: str, variances: pd.Series, trials: int) -> Iterator[tuple[str, float, int]]:
    variances = variances.dropna()
    if len(variances):
        yield source, float(np.sqrt(variances.mean())), trials


def _paper_gap(dataset: str, metric: str) -> float | None:
    rows = paper_numbers().query("table == 1 and dataset == @dataset and metric == @metric")
    printed = rows.pivot(index="latent_dim", columns="method", values="value")
    if printed.empty:
        return None
    gaps = [(printed[method] - printed["gmvae"]).abs() for method in PRINTED_TABLES[1].methods if method != "gmvae"]
    return float(pd.concat(gaps).median())
