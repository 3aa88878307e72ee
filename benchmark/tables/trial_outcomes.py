"""What became of a study's trials: what they cost to train, and which have no score, each reason once."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from benchmark.metrics import METRICS
from benchmark.paper.tables import DATASET_LABELS
from benchmark.results import frame as fr

COST_COLUMNS = ["data set", "d", "method", "parameters", "device", "trials", "seconds each"]
SHORTFALL_COLUMNS = ["how", "reason", "trials", "data sets", "methods", "d", "scores"]
_OF_ONE_METRIC = (fr.WEIGHTS_UNAVAILABLE, fr.METRIC_UNAVAILABLE)


def dataset_label(manifest: Mapping[str, Any], dataset: str) -> str:
    return manifest.get("dataset_labels", {}).get(dataset) or DATASET_LABELS.get(dataset, dataset)


def marked_label(manifest: Mapping[str, Any], dataset: str) -> str:
    """The data set's label with its marks, such as 'MNIST [procedural]'."""
    return " ".join([dataset_label(manifest, dataset), *(f"[{mark}]" for mark in manifest["marks"].get(dataset, ()))])


def cost_frame(manifest: Mapping[str, Any], records: Mapping[str, Mapping]) -> pd.DataFrame:
    """Mean seconds of training of the trials that ended well and were timed; COST_COLUMNS, in the order of `records`.

    In a pack the seconds are a trial's share of the pack's.
    """
    rows = [
        (
            dataset_label(manifest, record["identity"]["dataset"]),
            record["identity"]["latent_dim"],
            manifest.get("method_labels", {}).get(record["identity"]["method"], record["identity"]["method"]),
            record["parameters"],
            record["provenance"]["device"],
            record["timings"]["training_seconds"],
        )
        for record in records.values()
        if record["status"] == fr.OK and record.get("timings", {}).get("training_seconds")
    ]
    by = COST_COLUMNS[:5]
    seconds = pd.DataFrame(rows, columns=[*by, "seconds"]).groupby(by, sort=False)["seconds"]
    return seconds.agg(**{"trials": "count", "seconds each": "mean"}).round(1).reset_index()


def shortfalls_frame(manifest: Mapping[str, Any], records: Mapping[str, Mapping]) -> pd.DataFrame:
    """Trials without a score, a row per status and reason; SHORTFALL_COLUMNS, lists joined by ', '.

    `trials` counts one that two tables share once; `scores` is "all" where the trial itself has none. Raises UserError
    as `long_frame` does.
    """
    frame = fr.long_frame(manifest, records)
    without = frame[frame["status"] != fr.OK]
    rows = []
    for (status, reason), part in without.fillna({"reason": ""}).groupby(["status", "reason"], sort=False):
        trials = part[["dataset", "method", "latent_dim", "seed"]].drop_duplicates()
        rows.append(
            (
                status,
                reason.removeprefix(f"{status}: "),
                len(trials),
                _listed(dataset_label(manifest, name) for name in part["dataset"]),
                _listed(manifest.get("method_labels", {}).get(name, name) for name in part["method"]),
                _listed(sorted(part["latent_dim"])),
                _listed(METRICS[name].label for name in part["metric"]) if status in _OF_ONE_METRIC else "all",
            )
        )
    return pd.DataFrame(rows, columns=SHORTFALL_COLUMNS)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in dict.fromkeys(values))
