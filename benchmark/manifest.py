"""A study's manifest: plain data that says which cells its tables have and which trials belong to them.

The study writes it before its first trial; with the records it is all that the tables are made from.
"""

from collections.abc import Mapping
from typing import Any

from benchmark.errors import UserError
from benchmark.paper import ALL_TABLES

SCHEMA = 1
FIELDS = {
    "study": str,
    "seeds": int,
    "weight_set": str,
    "notes": list,
    "marks": dict,
    "unavailable": dict,
    "data": dict,
    "runs": list,
    "cells": list,
}
CELL_FIELDS = {"table": int, "dataset": str, "method": str, "latent_dim": int, "keys": dict}
_KINDS = {str: "text", int: "a whole number", list: "a list", dict: "an object"}
_REMEDY = "delete it and run again (records are kept)"


def check_manifest(manifest: Any) -> None:
    """Raises UserError where the manifest has another schema, lacks a field, or names an unknown table."""
    if not isinstance(manifest, Mapping):
        raise UserError(f"manifest.json: is no manifest; {_REMEDY}")
    if manifest.get("schema") != SCHEMA:
        raise UserError(f"manifest.json: schema is {manifest.get('schema')!r}, this version reads {SCHEMA}")
    _check_fields("", manifest, FIELDS)
    for position, cell in enumerate(manifest["cells"]):
        where = f"cells[{position}] "
        if not isinstance(cell, Mapping):
            raise UserError(f"manifest.json: {where}is no cell; {_REMEDY}")
        _check_fields(where, cell, CELL_FIELDS)
        if cell["table"] not in ALL_TABLES:
            raise UserError(f"manifest.json: {where}names table {cell['table']!r}, not one of 1-7")


def trial_keys(manifest: Mapping[str, Any]) -> list[str]:
    """The keys of all trials of a manifest's cells, each once, in the cells' order."""
    return list(dict.fromkeys(key for cell in manifest["cells"] for key in cell["keys"].values()))


def _check_fields(where: str, values: Mapping, fields: Mapping[str, type]) -> None:
    for field, kind in fields.items():
        if not isinstance(values.get(field), kind):
            raise UserError(f"manifest.json: {where}lacks the field '{field}' ({_KINDS[kind]}); {_REMEDY}")
