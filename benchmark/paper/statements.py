"""Sentences about a table as data: a quotation, and an assertion that code can check against the numbers.

The paper's sentences are in results/paper/statements.json: a list of objects with `name`, `section`, `quotation`,
`kind` and the fields of the kind's assertion (the dataclasses below). A statement of kind "by reading" concerns
equations or text, not numbers: it is a person's remark, and reported as such.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.paper.tables import PAPER_FOLDER

STATEMENTS = PAPER_FOLDER / "statements.json"


@dataclass(frozen=True)
class PercentageImprovement:
    """The assertion that `method` is better than `over` by `per_cent` in one cell of a table.

    Attributes:
        table: The table's number.
        dataset: The cell's data set.
        metric: The cell's metric.
        latent_dim: The cell's latent dim.
        method: The better method.
        over: The method that it is compared with.
        per_cent: The improvement in per cent, as text, because its number of digits matters. It is compared with the
            difference relative to `over` and, for an accuracy, also in percentage points; either may match.
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
    """The assertion that `methods` are strictly better than `over` in every cell (data set, metric, d) of a table.

    Attributes:
        table: The table's number.
        methods: Each of them must win or, with `better_of_them`, the best of them.
        over: The methods that they are compared with; empty: all others.
        datasets: The data sets concerned; empty: all.
        metrics: The metrics concerned; empty: all.
        from_dim: The smallest latent dim concerned (inclusive); None: no bound.
        below_dim: Exclusive upper bound of the latent dims concerned; None: no bound.
        better_of_them: Whether only the best of `methods`, which may differ between cells, must win.
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
    """The assertion that one of `methods` is strictly better than all others in more than half of a table's places."""

    table: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class BestDimension:
    """The assertion that every metric of each of `methods` (empty: of all) in a table is best at `latent_dim` alone."""

    table: int
    latent_dim: int
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberOfDatasets:
    """The assertion that the tables together cover `number` data sets."""

    tables: tuple[int, ...]
    number: int


@dataclass(frozen=True)
class ByReading:
    """A person's remark on equations or text, which no code checks."""

    remark: str


Assertion = PercentageImprovement | Beats | BestInMost | BestDimension | NumberOfDatasets | ByReading

KINDS: Mapping[str, type[Assertion]] = {
    "percentage_improvement": PercentageImprovement,
    "beats": Beats,
    "best_in_most": BestInMost,
    "best_dimension": BestDimension,
    "number_of_datasets": NumberOfDatasets,
    "by reading": ByReading,
}


@dataclass(frozen=True)
class Statement:
    """One sentence of the paper.

    Attributes:
        name: A unique name.
        section: Its section in the paper.
        quotation: Up to about 20 words of it.
        kind: A key of KINDS.
        assertion: Its assertion, as data.
    """

    name: str
    section: str
    quotation: str
    kind: str
    assertion: Assertion


def read_statements(path: Path = STATEMENTS) -> tuple[Statement, ...]:
    """Read the statements of a JSON file, in the file's order.

    Raises:
        UserError: The file is not JSON, a kind is unknown, or a field is missing or unknown.
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
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"{source}: kind {kind!r} is not one of {', '.join(KINDS)}")
    fields = dataclasses.fields(KINDS[kind])
    required = [*common, *(field.name for field in fields if field.default is dataclasses.MISSING)]
    if missing := [name for name in required if name not in entry]:
        raise UserError(f"{source}: no {', '.join(missing)}, which a statement of kind {kind!r} needs")
    if unknown := sorted(set(entry) - set(common) - {field.name for field in fields}):
        raise UserError(f"{source}: a statement of kind {kind!r} has no field {', '.join(unknown)}; remove it")
    given = {field.name: entry[field.name] for field in fields if field.name in entry}
    make: Callable[..., Assertion] = KINDS[kind]
    assertion = make(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
    return Statement(**{name: entry[name] for name in common}, assertion=assertion)
