"""The audit's files in a results folder, one per trial, and their content as a long frame.

<out>/audit/<key>.json    one trial's scores under every alternative protocol
<out>/audit.jsonl         one line for each of these files that `pack` has moved into it; if a trial has both a file
                          and a line, the file is used
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.audit import classification_protocols
from benchmark.audit.audit_trial import REVISION
from benchmark.audit.outputs import JUDGED
from benchmark.audit.reconstruction_protocols import SCORINGS
from benchmark.fields import Check, fields, is_number, is_text, list_of, object_of, parse_json
from benchmark.metrics import METRICS
from benchmark.results.packed_files import read_packed
from benchmark.results.records import Identity, Record
from benchmark.results.store import Store, write_json
from benchmark.table_specs import ALL_TABLES

_PROTOCOLS = {table.protocol for table in ALL_TABLES.values()}
# Protocol -> alternatives that every trial has. Those to clustering depend on the trial's method and number of images.
_OF_EVERY_TRIAL: Mapping[str, Iterable[str]] = {
    "classification": classification_protocols.ALTERNATIVES,
    "reconstruction": SCORINGS,
}
_VALUES = object_of(is_number, name=METRICS.__contains__)
_SCORED = fields(
    {
        "values": lambda values: _VALUES(values) and all(METRICS[name].admits(of) for name, of in values.items()),
        "unavailable": object_of(is_text, name=METRICS.__contains__),
    }
)
_IS_RESULT: Check = fields(
    {
        "checkpoint": is_text,
        "weights": list_of(is_text),
        "scores": object_of(
            lambda alternatives: object_of(_SCORED)(alternatives) and JUDGED in alternatives,
            name=_PROTOCOLS.__contains__,
        ),
    }
)


@dataclass(frozen=True)
class AlternativeScores:
    """The scores of one trial under one protocol.

    Attributes:
        values: Metric -> finite score.
        unavailable: Metric -> the reason why it has no score.
    """

    values: Mapping[str, float]
    unavailable: Mapping[str, str]


@dataclass(frozen=True)
class AuditResult:
    """One trial's audit.

    Attributes:
        key: The trial's key.
        checkpoint: SHA-256, in hex, of the checkpoint file that was evaluated.
        weights: File names of the pretrained metric weights that were available.
        scores: Protocol -> alternative -> its scores; JUDGED is among the alternatives.
    """

    key: str
    checkpoint: str
    weights: frozenset[str]
    scores: Mapping[str, Mapping[str, AlternativeScores]]

    @classmethod
    def parse(cls, content: Any) -> "AuditResult | None":
        """Read a result from parsed JSON.

        Returns:
            The result; None if the content was not written by an audit of this REVISION.
        """
        if not _IS_RESULT(content) or content.get("revision") != REVISION or not is_text(content.get("key")):
            return None
        scores = {
            protocol: {name: AlternativeScores(of["values"], of["unavailable"]) for name, of in alternatives.items()}
            for protocol, alternatives in content["scores"].items()
        }
        return cls(content["key"], content["checkpoint"], frozenset(content["weights"]), scores)


COLUMN_TYPES = {
    "key": "object",
    "dataset": "object",
    "method": "object",
    "latent_dim": "int64",
    "seed": "int64",
    "protocol": "object",
    "alternative": "object",  # JUDGED, or how it differs from the judged protocol
    "metric": "object",
    "value": "Float64",  # missing if there is a reason
    "reason": "object",
}


def write_result(store: Store, key: str, checkpoint: str, weights: list[str], found: Mapping[str, Any]) -> None:
    """Write the result of one trial's audit.

    Args:
        store: The results folder.
        key: The trial's key.
        checkpoint: SHA-256, in hex, of the checkpoint file.
        weights: File names of the pretrained metric weights that were available.
        found: The result of `audited`.

    Raises:
        UserError: The folder cannot be written or its disk is full.
    """
    made = {"revision": REVISION, "key": key, "checkpoint": checkpoint, "weights": weights}
    write_json(store.audit_path(key), {**made, **found})


def read_results(store: Store, keys: list[str]) -> dict[str, AuditResult]:
    """Read the audit results of trials, and report how many there are that this version cannot read.

    A verdict may depend on them.

    Args:
        store: The results folder.
        keys: The trials' keys.

    Returns:
        Key -> result, for the trials whose result this version can read.

    Raises:
        UserError: audit.jsonl exists but cannot be read.
    """
    files = {key: _read(store.audit_path(key), key) for key in keys}
    # Read after the files, because `pack` may move them there meanwhile.
    faulty: list[int] = []
    packed = read_packed(store.packed_audit_path, lambda line: faulty.append(line.number))
    lines = {key: AuditResult.parse(packed[key].content) for key in keys if key in packed}
    both = ((key, result or lines.get(key)) for key, result in files.items())
    found = {key: result for key, result in both if result is not None}
    lost = [key for key in keys if key not in found and (key in packed or store.audit_path(key).exists())]
    if number := len(lost) + len(faulty):
        store.report(
            f"audit: results that cannot be read or have another version, and do not count: {number}; "
            "`audit` makes them again"
        )
    return found


def is_current(result: AuditResult | None, checkpoint: str, weights: list[str]) -> bool:
    """Whether an audit is up to date and need not be repeated.

    Args:
        result: The trial's result; None if it has none.
        checkpoint: SHA-256, in hex, of its current checkpoint file.
        weights: File names of the pretrained metric weights that are available now.

    Returns:
        Whether the result is from this checkpoint, used all of these weights, and includes every alternative.
    """
    return (
        result is not None
        and result.checkpoint == checkpoint
        and set(weights) <= result.weights
        and not lacking(result)
    )


def lacking(result: AuditResult) -> list[str]:
    """List the alternatives that were added to the audit after a result was computed.

    Existing scores keep their meaning (otherwise REVISION is incremented), so only these have to be computed.

    Returns:
        Names of alternatives that every trial has, in order; empty for protocols that the result does not have.
    """
    return [
        name
        for protocol, names in _OF_EVERY_TRIAL.items()
        if protocol in result.scores
        for name in names
        if name not in result.scores[protocol]
    ]


def audit_frame(records: Mapping[str, Record], results: Mapping[str, AuditResult]) -> pd.DataFrame:
    """Tabulate audit results as a long frame.

    Args:
        records: The study's records by key.
        results: The results by key; those of trials without a record are left out.

    Returns:
        One row per trial, alternative and metric; columns and types are COLUMN_TYPES.
    """
    rows = [row for key, result in results.items() if key in records for row in _rows(records[key].identity, result)]
    return pd.DataFrame(rows, columns=list(COLUMN_TYPES), dtype=object).astype(COLUMN_TYPES)


def _rows(trial: Identity, result: AuditResult) -> Iterator[tuple[Any, ...]]:
    place = result.key, trial.dataset, trial.method, trial.latent_dim, trial.seed
    for protocol, alternatives in result.scores.items():
        for name, scores in alternatives.items():
            for metric, value in scores.values.items():
                yield (*place, protocol, name, metric, value, None)
            for metric, reason in scores.unavailable.items():
                yield (*place, protocol, name, metric, None, reason)


def _read(path: Path, key: str) -> AuditResult | None:
    """A file's result; None if missing or written by another revision, so that the trial is audited again."""
    try:
        result = AuditResult.parse(parse_json(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError):
        return None
    return result if result is not None and result.key == key else None
