"""The distance of each protocol's numbers from the paper's, and the nearest protocol.

This is a finding about the paper, not a choice of protocol: verdicts use the judged protocol, which was fixed before
any study was run.
"""

import pandas as pd

from benchmark.audit.outputs import JUDGED
from benchmark.audit.readings import is_reading
from benchmark.paper.tables import PLACE, paper_numbers
from benchmark.table_specs import TABLES
from benchmark.verdict.cell_verdicts import PRINTED_TOLERANCES

ALL_METRICS = "all"
COLUMNS = ["table", "metric", "alternative", "cells", "of", "distance", "nearest"]


def distances(frame: pd.DataFrame) -> pd.DataFrame:
    """Measure how far each protocol's numbers are from the paper's printed numbers.

    Args:
        frame: The result of `audit_frame`.

    Returns:
        A frame with the columns COLUMNS and a row per table, metric and reading (`is_reading`), the nearest first:

        - `distance`: the mean over the table's printed numbers of |ours - the paper's| in tolerances
          (`PRINTED_TOLERANCES`), where ours is the mean over seeds; for the metric "all" the mean over the table's
          metrics. For metrics or data sets that an alternative does not affect, the judged protocol's distance is used;
          an alternative that affects none has no row.
        - `cells`: number of printed numbers for which the reading has a mean.
        - `of`: number of printed numbers for which the judged protocol has a mean.
        - `nearest`: whether it has all cells and no reading with all cells is nearer.
    """
    found = [_of_table(table, frame) for table in TABLES]
    rows = pd.concat([one for one in found if one is not None] or [pd.DataFrame(columns=COLUMNS)])
    rows = rows.sort_values("alternative", key=lambda names: names != JUDGED, kind="stable")  # first among equals
    return rows.sort_values(["table", "metric", "distance"], kind="stable").reset_index(drop=True)[COLUMNS]


def _of_table(table: int, frame: pd.DataFrame) -> pd.DataFrame | None:
    scores = frame[(frame["protocol"] == TABLES[table].protocol) & frame["alternative"].map(is_reading)]
    printed = paper_numbers().query("table == @table").set_index(PLACE)["value"]
    means = scores.pivot_table("value", PLACE, "alternative", aggfunc="mean", dropna=False)
    means = means.reindex(printed.index).astype(float).dropna(axis=1, how="all")
    if JUDGED not in means or means[JUDGED].isna().all():
        return None
    means = means[means[JUDGED].notna()]
    touched = set(zip(scores["alternative"], scores["dataset"], scores["metric"], strict=True))
    tolerance = pd.Series(
        [PRINTED_TOLERANCES[metric].at(value) for (_, metric, _, _), value in printed[means.index].items()], means.index
    )
    off = means.sub(printed[means.index], axis=0).abs().div(tolerance, axis=0)
    metrics = off.index.get_level_values("metric")
    own = pd.DataFrame(
        {name: [(name, dataset, metric) in touched for dataset, metric, _, _ in off.index] for name in off}, off.index
    )
    own = own.loc[:, own.any()]
    off = off[own.columns].where(own, off[JUDGED], axis=0)
    by_metric = off.groupby(metrics).agg(["mean", "count"]).stack(0, future_stack=True)
    rows = by_metric.reset_index().set_axis(["metric", "alternative", "distance", "cells"], axis=1)
    rows["of"] = rows["metric"].map(off[JUDGED].groupby(metrics).count())
    overall = (
        rows.groupby("alternative", sort=False).agg({"distance": "mean", "cells": "sum", "of": "sum"}).reset_index()
    )
    own = own.groupby(metrics).any()
    rows = rows[[own.at[metric, name] for metric, name in zip(rows["metric"], rows["alternative"], strict=True)]]
    rows = pd.concat([rows, overall.assign(metric=ALL_METRICS)]).assign(table=table)
    complete = rows[rows["cells"] == rows["of"]]
    least = complete.groupby("metric")["distance"].min()
    rows["nearest"] = (rows["cells"] == rows["of"]) & (rows["distance"] == rows["metric"].map(least))
    return rows
