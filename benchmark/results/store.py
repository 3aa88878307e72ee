"""The results folder: one JSON record a trial under its key, checkpoints beside, and the study's manifest.

    <out>/manifest.json               which cells the study has and which trials belong to them
    <out>/records/<key>.json          one trial each
    <out>/records.jsonl               those that `pack` has made lines of; a file goes before a line
    <out>/checkpoints/<key>.safetensors
    <out>/audit/<key>.json            one trial's scores under the audit's alternatives
    <out>/audit.jsonl                 the same as lines
    <out>/statistics/                 of the originals' Inception features, for FID
    <out>/tables/                     made from the two above
    <out>/.lock                       held by the run that writes here

Every file is written under a temporary name and renamed, so it is whole or absent.
"""

import fcntl
import json
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.fields import (
    NONE,
    Check,
    fields,
    invalid_field,
    is_boolean,
    is_nonnegative,
    is_number,
    is_text,
    list_of,
    object_of,
    or_none,
    parse_json,
    whole,
)
from benchmark.files import is_abandoned, write_text
from benchmark.results.identity import identity_key
from benchmark.results.manifest import REMEDY, check_manifest, trial_keys
from benchmark.results.packed_files import PackedLine, read_packed, remove_packed

RECORD_SCHEMA = 1
DONE = ("ok", "diverged")  # a failed trial is tried again by the next run
RECORD_OBJECTS: Mapping[str, Check] = {
    "metrics": object_of(object_of(is_number)),
    "unavailable": object_of(object_of(is_text)),
    "health": fields(
        NONE,
        {
            "active_units": whole(),
            "explained_variance": or_none(is_number),
            "collapsed": is_boolean,
            "rate": or_none(is_number),
            "rate_bounds": or_none(lambda bounds: list_of(is_number)(bounds) and len(bounds) == 2),
            "distortion": or_none(is_number),
            "gap_to_prior": or_none(list_of(is_number)),
            "weight_entropy": is_number,
            "components_leading": whole(),
        },
    ),
    "curves": object_of(list_of(or_none(is_number))),
    "timings": object_of(is_nonnegative),
}
_REQUIRED: Mapping[str, Check] = {
    "identity": fields({"dataset": is_text, "method": is_text, "latent_dim": whole(), "seed": whole()}),
    **RECORD_OBJECTS,
}
_MADE: Mapping[str, Check] = {
    "device": is_text,
    "platform": is_text,
    "numerics": fields({"threads": whole()}),
}
# What stands beside the seconds of a training, which are nothing without it.
_OF_A_TRAINING: Mapping[str, Check] = {"parameters": whole(1), "provenance": fields(_MADE)}
_OPTIONAL: Mapping[str, Check] = {
    "reason": or_none(is_text),
    "training": fields(NONE, {"way": is_text, "pack_seeds": list_of(whole())}),
    "parameters": whole(1),
    "provenance": fields(NONE, _MADE),
}


class Store:
    """Reads and writes one results folder; `report` is told of records that had to be moved aside.

    With `look_only` such records are named and left where they are.
    """

    def __init__(self, folder: Path, report: Callable[[str], None] = lambda line: None, look_only: bool = False):
        self.folder = folder
        self._report = report
        self._look_only = look_only
        self._packed: Mapping[str, PackedLine] | None = None  # records.jsonl, once it has been read

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the one right to write here; the folder is made.

        Raises UserError where it cannot be written, or another run holds the right.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / ".lock").open("a")
        except OSError as error:
            raise UserError(f"{self.folder}: cannot be written ({error.strerror})") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.folder}: another run is writing there; wait for it, or give another --out"
                ) from None
            except OSError:
                pass  # some network file systems know no locks
            self.remove_parts()
            yield

    def record_path(self, key: str) -> Path:
        return self.folder / "records" / f"{key}.json"

    def checkpoint_path(self, key: str) -> Path:
        return self.folder / "checkpoints" / f"{key}.safetensors"

    def audit_path(self, key: str) -> Path:
        return self.folder / "audit" / f"{key}.json"

    @property
    def packed_records_path(self) -> Path:
        return self.folder / "records.jsonl"

    @property
    def packed_audit_path(self) -> Path:
        return self.folder / "audit.jsonl"

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    def write_record(self, record: dict[str, Any]) -> None:
        """Raises UserError where the folder or its disk takes no more, as `write_manifest` does."""
        write_json(self.record_path(record["key"]), record)

    def read_record(self, key: str) -> dict[str, Any] | None:
        """The record of a trial; None where there is none, or none that can be trusted (a file is then moved aside).

        Raises UserError where the file system does not let it be read.
        """
        return self._record_of_file(key) or self._record_of_line(key)

    def _record_of_file(self, key: str) -> dict[str, Any] | None:
        path = self.record_path(key)
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (IsADirectoryError, UnicodeDecodeError) as error:
            return self._move_aside(path, f"cannot be read ({error})")
        except OSError as error:  # a disk's or the network's fault, not the record's
            raise UserError(f"{path}: cannot be read ({error.strerror}); mend that and run again") from None
        try:
            record = parse_json(text)
        except ValueError:
            return self._move_aside(path, "is not valid JSON")
        fault = record_fault(record, key)
        return self._move_aside(path, fault) if fault else record

    def read_records(self, keys: list[str]) -> dict[str, dict[str, Any]]:
        """Key -> record for those of the keys that have one."""
        found = ((key, self.read_record(key)) for key in keys)
        return {key: record for key, record in found if record is not None}

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        write_json(self.manifest_path, manifest)

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest, checked; None where there is none. Raises UserError where it cannot be read."""
        try:
            manifest = parse_json(self.manifest_path.read_text(encoding="utf-8"))
            check_manifest(manifest)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except UserError as error:
            raise UserError(f"{self.folder}: {error}") from None
        except OSError as error:
            raise UserError(
                f"{self.manifest_path}: not a readable manifest ({error.strerror}); make it readable"
            ) from None
        except ValueError as error:
            raise UserError(f"{self.manifest_path}: not a readable manifest ({error}); {REMEDY}") from None
        return manifest

    def forget(self, keys: list[str]) -> None:
        """Remove what there is of trials, which are then as if they had never been run."""
        try:
            for key in keys:
                for path in (self.record_path(key), self.checkpoint_path(key), self.audit_path(key)):
                    path.unlink(missing_ok=True)
            for path in (self.packed_records_path, self.packed_audit_path):
                remove_packed(path, keys)
        except OSError as error:
            raise UserError(f"{self.folder}: a record could not be removed ({error.strerror})") from None
        self._packed = None

    def read_study(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """The manifest and, by key, the records that its trials have. Raises UserError where there is no manifest."""
        manifest = self.read_manifest()
        if manifest is None:
            raise UserError(f"{self.folder}: no manifest.json here; give a results folder that `run` has made")
        return manifest, self.read_records(trial_keys(manifest))

    def remove_parts(self) -> None:
        """Remove what killed writers of this machine left half-written."""
        folders = ("records", "checkpoints", "audit", "statistics", "tables", "verdicts", "figures", "jobs")
        for folder in (self.folder, *(self.folder / name for name in folders)):
            for part in filter(is_abandoned, folder.glob(".*.part")):
                part.unlink(missing_ok=True)

    def _record_of_line(self, key: str) -> dict[str, Any] | None:
        """The record of a trial's line in records.jsonl, checked as a file's is."""
        line = self._packed_records().get(key)
        fault = record_fault(line.content, key) if line else None
        if line and fault:
            self._report_line(line.number, fault)
        return None if line is None or fault else dict(line.content)

    def _packed_records(self) -> Mapping[str, PackedLine]:
        if self._packed is None:
            self._packed = read_packed(self.packed_records_path, self._report_line)
        return self._packed

    def _report_line(self, number: int, fault: str) -> None:
        self._report(f"record {self.packed_records_path.name}, line {number}, {fault}: `run` makes it anew")

    def _move_aside(self, path: Path, fault: str) -> None:
        remedy = "its line of records.jsonl counts" if path.stem in self._packed_records() else "`run` makes it anew"
        if self._look_only:
            self._report(f"record {path.name} {fault}: {remedy}")
            return
        aside = path.with_suffix(".unreadable")
        try:
            path.replace(aside)
        except OSError as error:
            raise UserError(f"{path}: {fault}, and cannot be moved aside ({error.strerror})") from None
        self._report(f"record {path.name} {fault}: moved aside to {aside.name}; {remedy}")


def record_fault(record: Any, key: str) -> str | None:
    """What is wrong with a record that was read under `key`, as the end of a sentence; None if nothing is."""
    if not isinstance(record, dict) or not isinstance(record.get("identity"), dict):
        return "is not a record"
    if record.get("schema") != RECORD_SCHEMA:
        return f"has schema {reprlib.repr(record.get('schema'))}, not {RECORD_SCHEMA}"
    if record.get("status") not in (*DONE, "failed"):
        return f"has the unknown status {reprlib.repr(record.get('status'))}"
    field = invalid_field(record, _REQUIRED, _OPTIONAL)
    if field is None and "training_seconds" in record["timings"]:
        field = invalid_field(record, _OF_A_TRAINING)
    if field is not None:
        return f"has no usable field {field!r}"
    if record.get("key") != key or identity_key(record["identity"]) != key:
        return "does not hash to its name"
    return None


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused, for no reader of JSON knows them.

    Raises UserError where the folder or its disk takes no more.
    """
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
