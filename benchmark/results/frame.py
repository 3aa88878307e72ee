"""Records to one long pandas frame: a row per table, data set, metric, method, latent dim and seed asked for.

A row either has a value or says in `status` and `reason` why it has none; there is no default number.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.errors import UserError
from benchmark.results.manifest import check_manifest
from benchmark.table_specs import ALL_TABLES
from benchmark.text import one_line

RECORD_STATUSES = ("ok", "diverged", "failed")

OK = "ok"
NOT_RUN = "not run"
NO_DATA = "no data"
WEIGHTS_UNAVAILABLE = "weights unavailable"
METRIC_UNAVAILABLE = "metric unavailable"

COLUMN_TYPES = {
    "table": "int64",
    "dataset": "object",
    "metric": "object",
    "method": "object",
    "latent_dim": "int64",
    "seed": "int64",
    "value": "Float64",
    "status": "object",
    "reason": "object",
    "key": "object",
    "weight_set": "object",
    "study": "object",
    "marks": "object",
    "active_units": "Int64",
    "explained_variance": "Float64",
    "collapsed": "boolean",
    "notes": "object",
}


@dataclass(frozen=True)
class Summary:
    """How many distinct trials of a manifest ended how; `no_data` are those whose data set could not be had."""

    ok: int
    diverged: int
    failed: int
    not_run: int
    no_data: int


def check_record(key: str, record: Mapping, cell: Mapping, seed: int) -> None:
    """Raises UserError where the record has an unknown status or is that of another trial than the cell's."""
    status = record.get("status")
    if status not in RECORD_STATUSES:
        raise UserError(f"record {key}: status is {status!r}, not one of {', '.join(RECORD_STATUSES)}")
    asked = {name: cell[name] for name in ("dataset", "method", "latent_dim")} | {"seed": seed}
    for name, expected in asked.items():
        found = record["identity"].get(name)
        if found != expected:
            raise UserError(f"record {key}: {name} is {found!r}, but manifest.json lists it as {expected!r}")


def seeds_asked(manifest: Mapping, cell: Mapping) -> tuple[int, ...]:
    """The cell's seeds, ascending; where it lists fewer than the study asks for, the lowest others join them."""
    seeds = {int(seed) for seed in cell["keys"]}
    others = (seed for seed in range(len(seeds) + manifest["seeds"]) if seed not in seeds)
    while len(seeds) < manifest["seeds"]:
        seeds.add(next(others))
    return tuple(sorted(seeds))


def failure(record: Mapping) -> str:
    """Why a trial that did not end well has no result, on one line."""
    return one_line(record.get("reason") or "") or "no reason recorded"


def outcome(record: Mapping | None, protocol: str, metric: str) -> tuple[float | None, str, str | None]:
    """One seed's (value, status, reason); the value is a finite float exactly where the status is 'ok'."""
    if record is None:
        return None, NOT_RUN, None
    if record["status"] != OK:
        return None, record["status"], failure(record)
    value = record.get("metrics", {}).get(protocol, {}).get(metric)
    if value is not None and math.isfinite(value):
        return float(value), OK, None
    if value is not None:
        return None, METRIC_UNAVAILABLE, f"the record holds {value}"
    reason = record.get("unavailable", {}).get(protocol, {}).get(metric)
    if reason is None:
        return None, METRIC_UNAVAILABLE, "the record has no such metric"
    status = WEIGHTS_UNAVAILABLE if reason.startswith(WEIGHTS_UNAVAILABLE) else METRIC_UNAVAILABLE
    return None, status, one_line(reason)


def long_frame(manifest: Mapping, records: Mapping[str, Mapping]) -> pd.DataFrame:
    """All cells of a manifest, one row per metric and seed asked for, in the manifest's order.

    Columns and types are COLUMN_TYPES. `value` is missing unless `status` is 'ok'; the other statuses are 'diverged',
    'failed', 'not run', 'no data', 'weights unavailable' and 'metric unavailable'. `marks` and `notes` are
    joined by '; '. Raises UserError for a manifest or record that does not fit.
    """
    check_manifest(manifest)
    rows = [row for cell in manifest["cells"] for row in _cell_rows(manifest, cell, records)]
    return pd.DataFrame(rows, columns=list(COLUMN_TYPES), dtype=object).astype(COLUMN_TYPES)


def _cell_rows(manifest: Mapping, cell: Mapping, records: Mapping[str, Mapping]) -> Iterator[dict]:
    table = ALL_TABLES[cell["table"]]
    dataset = cell["dataset"]
    no_data = manifest["unavailable"].get(dataset)
    for seed in seeds_asked(manifest, cell):
        key = cell["keys"].get(str(seed))
        record = records.get(key)
        if record is not None:
            check_record(key, record, cell, seed)
        health = (record or {}).get("health") or {}
        for metric in table.metrics:
            value, status, reason = outcome(record, table.protocol, metric)
            if no_data is not None and record is None:
                status, reason = NO_DATA, one_line(no_data)
            yield {
                "table": table.number,
                "dataset": dataset,
                "metric": metric,
                "method": cell["method"],
                "latent_dim": cell["latent_dim"],
                "seed": seed,
                "value": value,
                "status": status,
                "reason": reason,
                "key": key,
                "weight_set": manifest["weight_set"],
                "study": manifest["study"],
                "marks": "; ".join(manifest["marks"].get(dataset, ())),
                "active_units": health.get("active_units"),
                "explained_variance": health.get("explained_variance"),
                "collapsed": health.get("collapsed"),
                "notes": "; ".join(one_line(note) for note in manifest["notes"]),
            }


def summary(manifest: Mapping, records: Mapping[str, Mapping]) -> Summary:
    """Counts of distinct trials: one that two tables share counts once. Raises UserError as `long_frame` does."""
    check_manifest(manifest)
    status_of = {}
    for cell in manifest["cells"]:
        for seed in seeds_asked(manifest, cell):
            key = cell["keys"].get(str(seed))
            record = records.get(key)
            trial = (cell["dataset"], cell["method"], cell["latent_dim"], seed)
            if record is not None:
                check_record(key, record, cell, seed)
                status_of[trial] = record["status"]
            else:
                status_of[trial] = NO_DATA if cell["dataset"] in manifest["unavailable"] else NOT_RUN
    ended = list(status_of.values())
    return Summary(*(ended.count(status) for status in (*RECORD_STATUSES, NOT_RUN, NO_DATA)))
