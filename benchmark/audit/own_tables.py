"""Tables 6 and 7 from the audit: a study's manifest and records as if it had asked for them."""

from collections.abc import Mapping
from typing import Any

from benchmark.audit.audit_files import Result
from benchmark.audit.outputs import JUDGED
from benchmark.table_specs import OWN_TABLES

NOT_AUDITED = "not audited"


def with_own_tables(
    manifest: Mapping[str, Any], records: Mapping[str, Mapping], results: Mapping[str, Result]
) -> tuple[dict[str, Any], dict[str, Mapping]]:
    """The manifest with cells of Tables 6 and 7, and the records with their scores, where the audit has some.

    A kind of trial has a cell where any of its seeds was scored under the table's protocol, and a seed that was not has
    the reason NOT_AUDITED; without results both come back as they were.
    """
    scored = {key: result["scores"] for key, result in results.items() if key in records}
    cells = []
    for table in OWN_TABLES.values():
        kinds = {(cell["dataset"], cell["method"], cell["latent_dim"]): cell for cell in manifest["cells"]}
        cells += [
            {**cell, "table": table.number}
            for cell in kinds.values()
            if any(table.protocol in scored.get(key, {}) for key in cell["keys"].values())
        ]
    if not cells:
        return dict(manifest), dict(records)
    return {**manifest, "cells": manifest["cells"] + cells}, {
        key: _with_scores(record, scored.get(key, {})) for key, record in records.items()
    }


def _with_scores(record: Mapping[str, Any], scores: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        table.protocol: scores[table.protocol][JUDGED]
        if table.protocol in scores
        else {"values": {}, "unavailable": dict.fromkeys(table.metrics, NOT_AUDITED)}
        for table in OWN_TABLES.values()
    }
    return {
        **record,
        "metrics": {**record["metrics"], **{name: score["values"] for name, score in own.items()}},
        "unavailable": {**record["unavailable"], **{name: score["unavailable"] for name, score in own.items()}},
    }
