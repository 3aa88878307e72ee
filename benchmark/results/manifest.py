"""A study's manifest: the cells of its tables and the trials behind each.

The study writes it before its first trial; the tables are made from it and the records alone. Every type keeps the JSON
from which it was parsed as `plain`, including fields that this version does not know. Only `plain` is written back to a
file, and it is never changed.
"""

import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.errors import UserError
from benchmark.fields import (
    NONE,
    Check,
    fields,
    invalid_field,
    is_boolean,
    is_file_name,
    is_nonnegative,
    is_text,
    list_of,
    object_of,
    or_none,
    whole,
)
from benchmark.paper.tables import DATASET_LABELS
from benchmark.results.records import Json
from benchmark.table_specs import ALL_TABLES
from benchmark.text import one_line
from benchmark.training.training_settings import TrainingSettings, precision_note

SCHEMA = 1
MOST_SEEDS = 10_000  # per study; every seed is smaller

_SEED = re.compile(r"0|[1-9][0-9]{0,3}")
_DATA: Mapping[str, Check] = {"source": is_text, "digest": is_text, "n_train": whole(), "n_test": whole()}
_KEYS = object_of(is_file_name, name=lambda seed: is_text(seed) and _SEED.fullmatch(seed) is not None)
_RUN: Mapping[str, Check] = {
    **dict.fromkeys(("date", "command", "device"), is_text),
    "git_commit": or_none(is_text),
    "version": is_text,
    "git_dirty": or_none(is_boolean),
    "trials": whole(),
    "wall_seconds": is_nonnegative,
    "versions": object_of(is_text),
}
_FIELDS: Mapping[str, Check] = {
    "study": is_text,
    "seeds": whole(0, MOST_SEEDS),
    "weight_set": is_text,
    "notes": list_of(is_text),
    "marks": object_of(list_of(is_text)),
    "unavailable": object_of(is_text),
    "data": object_of(fields(_DATA)),
    "runs": list_of(fields(NONE, _RUN)),
    "cells": list_of(fields(NONE)),
}
_OPTIONAL: Mapping[str, Check] = {
    **dict.fromkeys(("method_labels", "method_training", "dataset_labels"), object_of(is_text)),
    "basis": fields(NONE, {"device": is_text, "training": fields(NONE)}),
    "paired_training": fields({"precision": is_text}),
}
_CELL: Mapping[str, Check] = {
    "table": whole(),
    "dataset": is_file_name,  # because files of figures are named after it
    "method": is_file_name,
    "latent_dim": whole(1),
    "keys": _KEYS,
}
_OF_PAIRS: Mapping[str, Check] = {"paired_keys": _KEYS}
REMEDY = "move it away and run again (records are kept)"


@dataclass(frozen=True)
class ManifestCell:
    """A cell of one table: a data set, method and latent dimension.

    Attributes:
        keys: The keys of its trials, by seed.
        plain: The JSON from which it was parsed.
    """

    table: int
    dataset: str
    method: str
    latent_dim: int
    keys: Mapping[int, str]
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "ManifestCell":
        """Make a cell from its JSON, which the caller must have checked."""
        keys = {int(seed): key for seed, key in plain["keys"].items()}
        return cls(plain["table"], plain["dataset"], plain["method"], plain["latent_dim"], keys, plain)

    def in_table(self, table: int) -> "ManifestCell":
        """Return a cell of another table with the same trials."""
        return ManifestCell.parse({**self.plain, "table": table})

    @property
    def place(self) -> tuple[int, str, str, int]:
        """Table, data set, method and latent dimension, which no other cell of the manifest has."""
        return self.table, *self.kind

    @property
    def kind(self) -> tuple[str, str, int]:
        """Data set, method and latent dimension, which identify the cell's trials in every table."""
        return self.dataset, self.method, self.latent_dim


@dataclass(frozen=True)
class ManifestData:
    """The images of one data set that a study used.

    Attributes:
        source: Where they came from.
        digest: SHA-256 of the prepared data set.
        n_train: Number of training images used.
        n_test: Number of test images used.
    """

    source: str
    digest: str
    n_train: int
    n_test: int


@dataclass(frozen=True)
class ManifestRun:
    """A completed call of `run`; fields that it did not record are None or empty.

    Attributes:
        date: When it ended, in UTC.
        command: The command line.
        device: Description of the device.
        git_commit: The commit of the code.
        git_dirty: Whether the checkout had uncommitted changes.
        version: Version of an installed package, which has no commit.
        trials: Number of trials that it ran.
        wall_seconds: Wall-clock time [s].
        versions: Versions of libraries, by name.
    """

    date: str | None
    command: str | None
    device: str | None
    git_commit: str | None
    git_dirty: bool | None
    version: str | None
    trials: int | None
    wall_seconds: float | None
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """A study in the form from which its tables are made.

    Attributes:
        seeds: Number of seeds that it requests.
        weight_set: Name of the weight set.
        notes: Differences from the paper's setting.
        marks: Data set -> marks of its images ("procedural", "subset", "unverified").
        unavailable: Data set -> why it was unavailable.
        method_labels: Method -> its name in tables.
        method_training: Method of the user's own with training settings of its own -> what differs, in words.
        dataset_labels: Data set -> its name in tables.
        data: Data set -> the images that were used.
        basis: Device, training settings and revisions shared by its trials; None in older manifests.
        paired_training: Training settings of the second trial of every pair; None without pairs.
        runs: The calls of `run` that made the results.
        cells: The cells of its tables.
        plain: The JSON from which it was parsed.
    """

    study: str
    seeds: int
    weight_set: str
    notes: tuple[str, ...]
    marks: Mapping[str, tuple[str, ...]]
    unavailable: Mapping[str, str]
    method_labels: Mapping[str, str]
    method_training: Mapping[str, str]
    dataset_labels: Mapping[str, str]
    data: Mapping[str, ManifestData]
    basis: Json | None
    paired_training: Json | None
    runs: tuple[ManifestRun, ...]
    cells: tuple[ManifestCell, ...]
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, content: Any) -> "Manifest":
        """Check parsed JSON and make a manifest from it.

        Raises:
            UserError: The content has another schema, lacks a field, has an invalid one or a cell twice, or names an
                unknown table.
        """
        if not isinstance(content, Mapping):
            raise UserError(f"manifest.json: not a manifest; {REMEDY}")
        if content.get("schema") != SCHEMA:
            raise UserError(
                f"manifest.json: schema is {reprlib.repr(content.get('schema'))}, this version reads {SCHEMA}; {REMEDY}"
            )
        _check_fields("", content, _FIELDS, _OPTIONAL)
        cells: dict[tuple[int, str, str, int], ManifestCell] = {}
        for position, cell in enumerate(content["cells"]):
            where = f"cells[{position}] "
            _check_fields(where, cell, _CELL, _OF_PAIRS)
            if cell["table"] not in ALL_TABLES:
                known = ", ".join(map(str, ALL_TABLES))
                raise UserError(f"manifest.json: {where}names table {cell['table']}, not one of {known}; {REMEDY}")
            parsed = ManifestCell.parse(cell)
            if parsed.place in cells:  # its seeds would count twice
                raise UserError(f"manifest.json: {where}is there twice ({', '.join(map(str, parsed.place))}); {REMEDY}")
            cells[parsed.place] = parsed
        return cls(
            content["study"],
            content["seeds"],
            content["weight_set"],
            tuple(content["notes"]),
            {name: tuple(marks) for name, marks in content["marks"].items()},
            content["unavailable"],
            content.get("method_labels", {}),
            content.get("method_training", {}),
            content.get("dataset_labels", {}),
            {name: ManifestData(*(data[part] for part in _DATA)) for name, data in content["data"].items()},
            content.get("basis"),
            content.get("paired_training"),
            tuple(_run(run) for run in content["runs"]),
            tuple(cells.values()),
            content,
        )

    def updated(self, **changes: Any) -> "Manifest":
        """Return a copy of the manifest with other contents, given as plain JSON, in some fields.

        Raises:
            UserError: The contents are invalid in a manifest.
        """
        return Manifest.parse({**self.plain, **changes})

    def with_cells(self, cells: Iterable[ManifestCell]) -> "Manifest":
        """Return a copy of the manifest with these cells."""
        return self.updated(cells=[cell.plain for cell in cells])

    @property
    def precision(self) -> str:
        """The precision in which its trials are trained."""
        training = (self.basis or {}).get("training", {})
        return str(training.get("precision", TrainingSettings.precision))

    @property
    def reductions(self) -> tuple[str, ...]:
        """The notes, each on one line."""
        return tuple(map(one_line, self.notes))

    def of_pairs(self) -> "Manifest | None":
        """Return the manifest of a study that comprises only the second trial of every pair; None without pairs."""
        if self.paired_training is None:
            return None
        plain = {name: part for name, part in self.plain.items() if name != "paired_training"}
        note = precision_note(self.paired_training["precision"])
        cells = [{**cell.plain, "keys": cell.plain.get("paired_keys", {})} for cell in self.cells]
        basis = {**(self.basis or {}), "training": self.paired_training}
        return Manifest.parse({**plain, "basis": basis, "notes": [*self.notes, note], "cells": cells})

    def trial_keys(self) -> list[str]:
        """Return the keys of all trials, each once, in the order of the cells."""
        return list(dict.fromkeys(key for cell in self.cells for key in cell.keys.values()))

    def seeds_asked(self, cell: ManifestCell) -> tuple[int, ...]:
        """Return the requested seeds of a cell in ascending order.

        If the cell lists fewer seeds than the study requests, the smallest unused numbers are added.
        """
        seeds = set(cell.keys)
        others = (seed for seed in range(len(seeds) + self.seeds) if seed not in seeds)
        while len(seeds) < self.seeds:
            seeds.add(next(others))
        return tuple(sorted(seeds))

    def dataset_label(self, dataset: str) -> str:
        """Return the data set's name in tables."""
        return self.dataset_labels.get(dataset) or DATASET_LABELS.get(dataset, dataset)

    def marked_label(self, dataset: str) -> str:
        """Return the data set's label with its marks, such as 'MNIST [procedural]'."""
        return " ".join([self.dataset_label(dataset), *(f"[{mark}]" for mark in self.marks.get(dataset, ()))])

    def method_label(self, method: str) -> str:
        """Return the method's name in tables."""
        return self.method_labels.get(method, method)


def _run(plain: Json) -> ManifestRun:
    return ManifestRun(
        plain.get("date"),
        plain.get("command"),
        plain.get("device"),
        plain.get("git_commit"),
        plain.get("git_dirty"),
        plain.get("version"),
        plain.get("trials"),
        plain.get("wall_seconds"),
        plain.get("versions", {}),
    )


def _check_fields(
    where: str, values: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check] = NONE
) -> None:
    field = invalid_field(values, required, optional)
    if field is not None:
        fault = "has no usable" if field in values else "lacks the"
        raise UserError(f"manifest.json: {where}{fault} field '{field}'; {REMEDY}")
