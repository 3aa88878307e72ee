"""The scores that a study's trials lack, and the reasons."""

from collections.abc import Iterable

import pandas as pd

from benchmark.evaluation.scores import NOT_ASKED, WEIGHTS_UNAVAILABLE
from benchmark.metrics import METRICS
from benchmark.results.frame import METRIC_UNAVAILABLE
from benchmark.results.records import OK
from benchmark.results.study_results import StudyResults

SHORTFALL_COLUMNS = ["how", "reason", "trials", "data sets", "methods", "d", "scores"]
_OF_ONE_METRIC = (NOT_ASKED, WEIGHTS_UNAVAILABLE, METRIC_UNAVAILABLE)


def shortfalls_frame(study: StudyResults) -> pd.DataFrame:
    """Tabulate the trials without a score, one row per status and reason.

    Returns:
        Columns are SHORTFALL_COLUMNS, lists joined by ", ". `trials` counts a trial shared by two tables once; `scores`
        is "all" if the trial itself has no result.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    without = study.frame[study.frame["status"] != OK]
    rows = []
    for (status, reason), part in without.fillna({"reason": ""}).groupby(["status", "reason"], sort=False):
        trials = part[["dataset", "method", "latent_dim", "seed"]].drop_duplicates()
        rows.append(
            (
                status,
                reason.removeprefix(f"{status}: "),
                len(trials),
                _listed(study.manifest.dataset_label(name) for name in part["dataset"]),
                _listed(study.manifest.method_label(name) for name in part["method"]),
                _listed(sorted(part["latent_dim"])),
                _listed(METRICS[name].label for name in part["metric"]) if status in _OF_ONE_METRIC else "all",
            )
        )
    return pd.DataFrame(rows, columns=SHORTFALL_COLUMNS)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in dict.fromkeys(values))
