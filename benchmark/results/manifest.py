"""A study's manifest: plain data that says which cells its tables have and which trials belong to them.

The study writes it before its first trial; with the records it is all that the tables are made from.
"""

import re
import reprlib
from collections.abc import Mapping
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
from benchmark.table_specs import ALL_TABLES

SCHEMA = 1
MOST_SEEDS = 10_000  # of a study; seeds are below it

_SEED = re.compile(r"0|[1-9][0-9]{0,3}")
_DATA: Mapping[str, Check] = {"source": is_text, "digest": is_text, "n_train": whole(), "n_test": whole()}
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
_LABELS: Mapping[str, Check] = dict.fromkeys(("method_labels", "dataset_labels"), object_of(is_text))
_CELL: Mapping[str, Check] = {
    "table": whole(),
    "dataset": is_file_name,  # figures' files are named after it
    "method": is_file_name,
    "latent_dim": whole(1),
    "keys": object_of(is_file_name, name=lambda seed: is_text(seed) and _SEED.fullmatch(seed) is not None),
}
REMEDY = "move it away and run again (records are kept)"


def check_manifest(manifest: Any) -> None:
    """Raises UserError where the manifest has another schema, lacks a field or has one that no run has written, or
    names an unknown table."""
    if not isinstance(manifest, Mapping):
        raise UserError(f"manifest.json: is no manifest; {REMEDY}")
    if manifest.get("schema") != SCHEMA:
        raise UserError(f"manifest.json: schema is {reprlib.repr(manifest.get('schema'))}, this version reads {SCHEMA}")
    _check_fields("", manifest, _FIELDS, _LABELS)
    for position, cell in enumerate(manifest["cells"]):
        where = f"cells[{position}] "
        _check_fields(where, cell, _CELL)
        if cell["table"] not in ALL_TABLES:
            raise UserError(f"manifest.json: {where}names table {cell['table']}, not one of 1-7")


def trial_keys(manifest: Mapping[str, Any]) -> list[str]:
    """The keys of all trials of a manifest's cells, each once, in the cells' order."""
    return list(dict.fromkeys(key for cell in manifest["cells"] for key in cell["keys"].values()))


def _check_fields(
    where: str, values: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check] = NONE
) -> None:
    field = invalid_field(values, required, optional)
    if field is not None:
        fault = "has no usable" if field in values else "lacks the"
        raise UserError(f"manifest.json: {where}{fault} field '{field}'; {REMEDY}")
