"""Sentences about a table as data: a quotation and an assertion that code can hold against the numbers.

The paper's are in results/paper/statements.json: a list of objects with `name`, `section`, `quotation`, `kind` and the
fields of the kind's assertion (the dataclasses below). A statement of kind "by reading" concerns equations or text, not
numbers: what a person saw there is reported as just that.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.paper.tables import PAPER_FOLDER

STATEMENTS = PAPER_FOLDER / "statements.json"


@dataclass(frozen=True)
class PercentageImprovement:
    """`method` is better than `over` by `per_cent` (text, for its digits count) in one metric at one place.

    Read as a share of `over` or, for an accuracy, as percentage points; either may fit.
    """

    table: int
    dataset: str
    metric: str
    latent_dim: int
    method: str
    over: str
    per_cent: str


@dataclass(frozen=True)
class Beats:
    """`methods` are strictly better than `over` (empty: than every other method) at every place of the table.

    A place is a data set, metric and latent dim; empty `datasets` or `metrics` mean all, and the latent dims are those
    from `from_dim` and below `below_dim`. Every one of `methods` must win or, with `better_of_them`, the best of them,
    which may be another one from place to place.
    """

    table: int
    methods: tuple[str, ...]
    over: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    from_dim: int | None = None
    below_dim: int | None = None
    better_of_them: bool = False


@dataclass(frozen=True)
class BestInMost:
    """One of `methods` is strictly better than every other method in more than half of a table's places."""

    table: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class BestDimension:
    """In a table, every metric of every one of `methods` (empty: of all) is best at `latent_dim` alone."""

    table: int
    latent_dim: int
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberOfDatasets:
    """The tables have numbers of so many data sets."""

    tables: tuple[int, ...]
    number: int


@dataclass(frozen=True)
class ByReading:
    """What a person found in equations or text; no code has checked it."""

    remark: str


Assertion = PercentageImprovement | Beats | BestInMost | BestDimension | NumberOfDatasets | ByReading

KINDS: Mapping[str, type] = {
    "percentage_improvement": PercentageImprovement,
    "beats": Beats,
    "best_in_most": BestInMost,
    "best_dimension": BestDimension,
    "number_of_datasets": NumberOfDatasets,
    "by reading": ByReading,
}


@dataclass(frozen=True)
class Statement:
    """One sentence: a unique name, where it stands, at most some 20 words of it, and what it asserts."""

    name: str
    section: str
    quotation: str
    kind: str  # a key of KINDS
    assertion: Assertion


def read_statements(path: Path = STATEMENTS) -> tuple[Statement, ...]:
    """The statements of a JSON file, in its order.

    Raises UserError, naming the file and the statement, for what is not JSON, an unknown kind, and a field that is
    missing or unknown.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path}: not a list of objects; give one object per statement")
    return tuple(_statement(entry, f"{path}, statement {number}") for number, entry in enumerate(entries, start=1))


def _statement(entry: Mapping[str, Any], source: str) -> Statement:
    common = [field.name for field in dataclasses.fields(Statement) if field.name != "assertion"]
    kind = entry.get("kind")
    if kind not in KINDS:
        raise UserError(f"{source}: kind {kind!r} is not one of {', '.join(KINDS)}")
    fields = dataclasses.fields(KINDS[kind])
    required = [*common, *(field.name for field in fields if field.default is dataclasses.MISSING)]
    if missing := [name for name in required if name not in entry]:
        raise UserError(f"{source}: no {', '.join(missing)}, which a statement of kind {kind!r} has")
    if unknown := sorted(set(entry) - set(common) - {field.name for field in fields}):
        raise UserError(f"{source}: a statement of kind {kind!r} has no {', '.join(unknown)}; take it out")
    given = {field.name: entry[field.name] for field in fields if field.name in entry}
    assertion = KINDS[kind](
        **{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    )
    return Statement(**{name: entry[name] for name in common}, assertion=assertion)
