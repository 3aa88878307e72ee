"""One side of a comparison: the scores of a results folder or a CSV by cell and seed, and the settings behind them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.comparison.long_csv import LongRow, read_long_csv
from benchmark.errors import UserError
from benchmark.metrics import METRICS
from benchmark.paper.tables import ScorePlace
from benchmark.results.records import OK, SETUP, Record
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults

PROVENANCE = (*SETUP, "git_commit", "git_dirty")


# Statuses of scores that were read but cannot be compared.
PER_CENT = "in per cent"
IMPOSSIBLE = "outside its range"
_ROUNDED = 1e-4  # how far rounding may move a score beyond its range


class Kind(NamedTuple):
    """A trial without its seed: the part of a place that all metrics of a trial share."""

    dataset: str
    method: str
    latent_dim: int


class Spread(NamedTuple):
    """The spread of the values behind a mean: their standard deviation (ddof 1) and number."""

    std: float
    n: int


@dataclass(frozen=True)
class Score:
    """One seed's score, or a mean over seeds.

    Attributes:
        value: A finite float if and only if the status is "ok".
        status: "ok", or why there is no score.
        key: Key of the trial behind it; None if unknown.
        setup: Recorded facts on machine and software, field -> value; None if nothing is recorded, or if results do not
            repeat bit by bit there.
        spread: Spread of the values if the score is a mean over seeds; None if not given.
    """

    value: float | None
    status: str
    key: str | None
    setup: Mapping[str, str] | None = None
    spread: Spread | None = None


class Fact(NamedTuple):
    """The value of a field recorded with the scores.

    Attributes:
        field: Its dotted name.
        scope: The method or data set concerned; empty: all.
        value: The value as text.
        kind: The kind of trial concerned; None: all.
    """

    field: str
    scope: str
    value: str
    kind: Kind | None


_Row = tuple[int | None, ScorePlace, int | None, Score]  # table, cell, seed, score


@dataclass(frozen=True)
class ComparedSide:
    """One side of a comparison.

    Attributes:
        name: The path of the side.
        scores: Cell -> seed (None if a CSV has none) -> score.
        facts: The fields recorded with the scores.
        facts_complete: Whether the side is a results folder, with records.
        remarks: How names and values were interpreted, if a reader must know it.
    """

    name: str
    scores: Mapping[ScorePlace, Mapping[int | None, Score]]
    facts: tuple[Fact, ...]
    facts_complete: bool
    remarks: tuple[str, ...] = ()


def read_side(path: Path, table: int | None = None, report: Callable[[str], None] = lambda line: None) -> ComparedSide:
    """Read a results folder (manifest.json, records/) or a long CSV.

    A value outside its metric's range is discarded, with a remark.

    Args:
        path: The folder or file.
        table: Read only the cells of this table.
        report: Called with a line on each record that cannot be read.

    Raises:
        UserError: There is neither, the folder or CSV cannot be read, the table has no cells, or two tables have
            different scores for the same cell and seed (as the paper's Tables 3 and 5 do).
    """
    if path.is_dir():
        study = Store(path, report, look_only=True).read_study()
        rows = list(_folder_rows(path, study))
        facts, remarks = tuple(_facts(study)), list[str]()
    elif path.exists():
        csv_rows, remarks = read_long_csv(path)
        rows = [(row.table, _cell(row), row.seed, _csv_score(row)) for row in csv_rows]
        facts = tuple(dict.fromkeys(_label_facts(csv_rows)))
    else:
        raise UserError(f"{path}: not found; give a results folder or a CSV")
    if table is not None and not (rows := [row for row in rows if row[0] == table]):
        raise UserError(f"{path}: has no cells of table {table}; omit --table")
    scores, impossible = only_possible(_by_cell(path, rows))
    said = tuple(f"{path}: {remark}" for remark in (*remarks, *impossible))
    return ComparedSide(str(path), scores, facts, facts_complete=path.is_dir(), remarks=said)


def _folder_rows(path: Path, study: StudyResults) -> Iterator[_Row]:
    try:
        frame = study.frame
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    setups = {key: repeatable_setup(record.provenance.plain) for key, record in study.records.items()}
    for row in frame.itertuples():
        value = float(row.value) if row.status == OK else None
        yield row.table, _cell(row), row.seed, Score(value, row.status, row.key, setups.get(row.key))


def _csv_score(row: LongRow) -> Score:
    spread = Spread(row.std, row.n) if row.std is not None and row.n is not None else None
    return Score(row.value, row.status, row.key, spread=spread)


def _cell(row: Any) -> ScorePlace:
    return ScorePlace(row.dataset, row.metric, row.method, row.latent_dim)


def _by_cell(path: Path, rows: Iterable[_Row]) -> dict[ScorePlace, dict[int | None, Score]]:
    scores: dict[ScorePlace, dict[int | None, Score]] = {}
    table_of: dict[tuple[ScorePlace, int | None], int | None] = {}
    for table, cell, seed, score in rows:
        known = scores.setdefault(cell, {}).setdefault(seed, score)
        first = table_of.setdefault((cell, seed), table)
        if (known.value, known.status) != (score.value, score.status):
            raise UserError(
                f"{path}: {' '.join(map(str, cell))}: table {first} says {_said(known)}, table {table} says "
                f"{_said(score)}; compare one of them with --table"
            )
    return scores


def only_possible(
    scores: Mapping[ScorePlace, Mapping[int | None, Score]],
) -> tuple[dict[ScorePlace, dict[int | None, Score]], list[str]]:
    """Remove the values outside their metric's range.

    If most values of a metric with upper bound 1 lie above it, up to 100, all its values are treated as per cent.

    Returns:
        The scores, those removed with the status PER_CENT or IMPOSSIBLE instead of a value; and one remark per metric.
    """
    checked = {cell: dict(seeds) for cell, seeds in scores.items()}
    remarks = []
    for metric in dict.fromkeys(cell.metric for cell in scores if cell.metric in METRICS):
        places = [
            (cell, seed, score.value)
            for cell, seeds in scores.items()
            for seed, score in seeds.items()
            if cell.metric == metric and score.value is not None
        ]
        registered = METRICS[metric]
        outside = [place for place in places if not registered.admits(place[2], _ROUNDED)]
        if not outside:
            continue
        most, least = max(value for *_, value in places), min(value for *_, value in places)
        beyond = sum(abs(value) > 1 for *_, value in places)
        per_cent = registered.range[1] == 1 and max(most, -least) <= 100 and 2 * beyond > len(places)
        status, without = (PER_CENT, places) if per_cent else (IMPOSSIBLE, outside)
        for cell, seed, _ in without:
            checked[cell][seed] = replace(scores[cell][seed], value=None, status=status)
        if per_cent:
            seen = f"{least:g} to {most:g}" if least < most else f"{most:g}"
            said = f"goes {registered.range_text} and is {seen} here, apparently in per cent: divide it by 100"
        else:
            shown = ", ".join(f"{value:g} ({_place(cell, seed)})" for cell, seed, value in outside[:3])
            more = f" and {len(outside) - 3} more" if len(outside) > 3 else ""
            said = f"goes {registered.range_text} and cannot be {shown}{more}"
        remarks.append(f"{metric} {said}")
    return checked, remarks


def _place(cell: ScorePlace, seed: int | None) -> str:
    return f"{cell.dataset}, {cell.method}, d = {cell.latent_dim}" + ("" if seed is None else f", seed {seed}")


def _said(score: Score) -> str:
    return score.status if score.value is None else f"{score.value:g}"


def repeatable_setup(provenance: Mapping[str, Any]) -> dict[str, str] | None:
    """Return a record's recorded setup, field -> value; None if unrecorded or if results do not repeat on it.

    On a GPU the order of sums varies unless it was set to be deterministic.
    """
    if not all(provenance.get(field) for field in SETUP):
        return None
    repeats = provenance["device"].startswith("cpu") or provenance["numerics"].get("deterministic")
    return dict(_flat("", {field: provenance[field] for field in SETUP})) if repeats else None


def _facts(study: StudyResults) -> Iterator[Fact]:
    manifest = study.manifest
    yield Fact("study", "", manifest.study, None)
    yield Fact("seeds", "", str(manifest.seeds), None)
    yield Fact("weight_set", "", manifest.weight_set, None)
    yield Fact("notes", "", "; ".join(manifest.notes) or "none", None)
    for dataset, marks in manifest.marks.items():
        yield Fact("marks", dataset, "; ".join(marks) or "none", None)
    for record in study.records.values():
        yield from _trial_facts(record)


def _trial_facts(record: Record) -> Iterator[Fact]:
    trial = record.identity
    kind = Kind(trial.dataset, trial.method, trial.latent_dim)
    for scope, prefix, content in (
        (kind.method, "settings", trial.settings),
        (kind.method, "method_revision", trial.method_revision),
        (kind.dataset, "data", trial.data),
        ("", "training", trial.training),
        ("", "protocols", trial.protocols),
        ("", "", {field: record.provenance.plain.get(field) for field in PROVENANCE}),
    ):
        yield from (Fact(field, scope, value, kind) for field, value in _flat(prefix, content))


def _label_facts(rows: Iterable[LongRow]) -> Iterator[Fact]:
    for row in rows:
        for label, value in row.labels.items():
            scope = row.dataset if label == "marks" else ""
            yield Fact(label, scope, value or "none", None)


def _flat(name: str, content: Any) -> Iterator[tuple[str, str]]:
    """The leaves of nested objects with their dotted names."""
    if isinstance(content, Mapping):
        for part, value in content.items():
            yield from _flat(f"{name}.{part}" if name else part, value)
    else:
        yield name, _plain(content)


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
