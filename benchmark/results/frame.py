"""Records as one long frame: a row per table, data set, metric, method, latent dimension and requested seed.

A row either has a value or gives the reason for its absence in `status` and `reason`; there are no default numbers.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.errors import UserError
from benchmark.evaluation.scores import NOT_ASKED, WEIGHTS_UNAVAILABLE
from benchmark.results.manifest import Manifest, ManifestCell
from benchmark.results.records import OK, RECORD_STATUSES, Record
from benchmark.table_specs import ALL_TABLES
from benchmark.text import one_line

if TYPE_CHECKING:
    import pandas as pd

NOT_RUN = "not run"
NO_DATA = "no data"
METRIC_UNAVAILABLE = "metric unavailable"
NOT_MEASURED = (NOT_RUN, NO_DATA, NOT_ASKED, WEIGHTS_UNAVAILABLE)  # not yet measured; not failures of training

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
    """Numbers of distinct trials of a manifest by their outcome.

    Attributes:
        ok: Trained and evaluated.
        diverged: The loss or a parameter became infinite or NaN.
        failed: Ended with an error.
        not_run: Without a record.
        no_data: Without a record, because the data set was unavailable.
    """

    ok: int
    diverged: int
    failed: int
    not_run: int
    no_data: int

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(*map(sum, zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))


@dataclass(frozen=True)
class RequestedTrial:
    """A trial that a cell requests for one seed.

    Attributes:
        key: The trial's key; None if the cell lists none for this seed.
        record: The trial's record; None if it has not run.
    """

    cell: ManifestCell
    seed: int
    key: str | None
    record: Record | None


def trials_of(cell: ManifestCell, manifest: Manifest, records: Mapping[str, Record]) -> Iterator[RequestedTrial]:
    """Iterate over a cell's trials in ascending order of seed (`Manifest.seeds_asked`).

    Args:
        cell: A cell of the manifest.
        manifest: The study's manifest.
        records: Records by key.

    Yields:
        One trial per requested seed, with its record if there is one.

    Raises:
        UserError: A record belongs to a trial other than the cell's.
    """
    for seed in manifest.seeds_asked(cell):
        key = cell.keys.get(seed)
        record = None if key is None else records.get(key)
        if record is not None:
            _check_same(record, cell, seed)
        yield RequestedTrial(cell, seed, key, record)


def _check_same(record: Record, cell: ManifestCell, seed: int) -> None:
    asked = {"dataset": cell.dataset, "method": cell.method, "latent_dim": cell.latent_dim, "seed": seed}
    for name, expected in asked.items():
        found = getattr(record.identity, name)
        if found != expected:
            raise UserError(f"record {record.key}: {name} is {found!r}, but manifest.json lists it as {expected!r}")


def outcome(record: Record | None, protocol: str, metric: str) -> tuple[float | None, str, str | None]:
    """Look up the outcome of one seed for one metric.

    Args:
        record: The trial's record; None if it has not run.
        protocol: A protocol, such as "clustering".
        metric: A metric of the protocol.

    Returns:
        Value, status and reason. The value is a finite float if the status is "ok", otherwise None; the reason is None
        for "ok" and "not run".
    """
    if record is None:
        return None, NOT_RUN, None
    if not record.ok:
        return None, record.status, record.failure
    value = record.score(protocol, metric)
    if value is not None:
        return float(value), OK, None
    reason = record.why_unavailable(protocol, metric)
    if reason is None:
        return None, METRIC_UNAVAILABLE, "the record has no such metric"
    for status in (NOT_ASKED, WEIGHTS_UNAVAILABLE):
        if reason.startswith(status):
            return None, status, one_line(reason)
    return None, METRIC_UNAVAILABLE, one_line(reason)


def long_frame(manifest: Manifest, records: Mapping[str, Record]) -> "pd.DataFrame":
    """Make the frame of all cells of a manifest, one row per metric and requested seed, in the manifest's order.

    Args:
        manifest: The study's manifest.
        records: Records by key.

    Returns:
        A frame with the columns and types of COLUMN_TYPES. `value` is missing unless `status` is "ok"; the other
        statuses are "diverged", "failed", "not run", "no data", "not asked for", "weights unavailable" and "metric
        unavailable". Several `marks` or `notes` are joined by "; ".

    Raises:
        UserError: A record belongs to a trial other than its cell's.
    """
    import pandas as pd  # imported late, because callers that only need outcomes should not wait for it

    rows = [row for cell in manifest.cells for row in _cell_rows(manifest, trials_of(cell, manifest, records))]
    return pd.DataFrame(rows, columns=list(COLUMN_TYPES), dtype=object).astype(COLUMN_TYPES)


def _cell_rows(manifest: Manifest, trials: Iterable[RequestedTrial]) -> Iterator[dict[str, Any]]:
    for trial in trials:
        cell, record = trial.cell, trial.record
        table = ALL_TABLES[cell.table]
        no_data = manifest.unavailable.get(cell.dataset)
        for metric in table.metrics:
            value, status, reason = outcome(record, table.protocol, metric)
            if no_data is not None and record is None:
                status, reason = NO_DATA, one_line(no_data)
            yield {
                "table": table.number,
                "dataset": cell.dataset,
                "metric": metric,
                "method": cell.method,
                "latent_dim": cell.latent_dim,
                "seed": trial.seed,
                "value": value,
                "status": status,
                "reason": reason,
                "key": trial.key,
                "weight_set": manifest.weight_set,
                "study": manifest.study,
                "marks": "; ".join(manifest.marks.get(cell.dataset, ())),
                "active_units": record.health.active_units if record else None,
                "explained_variance": record.health.explained_variance if record else None,
                "collapsed": record.health.collapsed if record else None,
                "notes": "; ".join(manifest.reductions),
            }


def summary(manifest: Manifest, records: Mapping[str, Record]) -> Summary:
    """Count the distinct trials of a manifest by their outcome; a trial in two tables counts once.

    Args:
        manifest: The study's manifest.
        records: Records by key.

    Raises:
        UserError: A record belongs to a trial other than its cell's.
    """
    status_of = {}
    for cell in manifest.cells:
        without = NO_DATA if cell.dataset in manifest.unavailable else NOT_RUN
        for trial in trials_of(cell, manifest, records):
            status_of[*cell.kind, trial.seed] = trial.record.status if trial.record else without
    ended = list(status_of.values())
    return Summary(*(ended.count(status) for status in (*RECORD_STATUSES, NOT_RUN, NO_DATA)))
