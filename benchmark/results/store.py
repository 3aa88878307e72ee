"""The results folder: one JSON record per trial, named by its key, with checkpoints and the study's manifest.

    <out>/manifest.json               the study's cells and the trials behind each
    <out>/records/<key>.json          the record of one trial
    <out>/records.jsonl               records packed into lines by `pack`; a file takes precedence over a line
    <out>/checkpoints/<key>.safetensors
    <out>/audit/<key>.json            one trial's scores under the audit's alternative protocols
    <out>/audit.jsonl                 audit results packed into lines
    <out>/statistics/                 statistics of the real images' Inception features, for FID
    <out>/chosen.json                 with calibration.csv and .md: the results of `calibrate`, which has no manifest
    <out>/tables/                     tables made from the manifest and the records
    <out>/.lock                       held by the run that is writing

Every file is written under a temporary name and renamed, so that it is complete or absent.
"""

import fcntl
import json
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.fields import parse_json
from benchmark.files import is_abandoned, named_write_errors, write_text
from benchmark.results.identity import identity_key
from benchmark.results.manifest import REMEDY, Manifest
from benchmark.results.packed_files import ANEW, PackedLine, UnusedLine, complaints, read_packed, remove_packed
from benchmark.results.records import RECORD_SCHEMA, Record, UnfitRecord
from benchmark.results.study_results import StudyResults

CALIBRATION_FILES = ("calibration.csv", "calibration.md", "chosen.json")  # the results of `calibrate`, as texts


class Store:
    """Reader and writer of one results folder.

    Args:
        folder: The results folder; for reading, it need not exist.
        report: Called with a line about each unusable record, and about results of an audit that are unusable.
        look_only: Leave the files of unusable records in place instead of moving them aside.
    """

    def __init__(self, folder: Path, report: Callable[[str], None] = lambda line: None, look_only: bool = False):
        self.folder = folder
        self.report = report
        self._look_only = look_only
        self._packed: Mapping[str, PackedLine] = {}  # content of records.jsonl at _packed_version
        self._packed_version: tuple[int, ...] | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and lock it within the block, so that no other command writes there.

        Raises:
            UserError: The folder is not writable, or another command holds the lock.
        """
        with named_write_errors(self.folder, "use another folder"):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.lock_path.open("a")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.folder}: another command is writing to it; wait until it ends, or use another folder"
                ) from None
            except OSError:
                pass  # some network file systems do not support locks
            self.remove_parts()
            yield

    def record_path(self, key: str) -> Path:
        """Return the path of a trial's record."""
        return self.folder / "records" / f"{key}.json"

    def checkpoint_path(self, key: str) -> Path:
        """Return the path of a trial's trained model."""
        return self.folder / "checkpoints" / f"{key}.safetensors"

    def audit_path(self, key: str) -> Path:
        """Return the path of a trial's audit result."""
        return self.folder / "audit" / f"{key}.json"

    @property
    def packed_records_path(self) -> Path:
        """The path of the packed records."""
        return self.folder / "records.jsonl"

    @property
    def packed_audit_path(self) -> Path:
        """The path of the packed audit results."""
        return self.folder / "audit.jsonl"

    @property
    def manifest_path(self) -> Path:
        """The path of the manifest."""
        return self.folder / "manifest.json"

    @property
    def lock_path(self) -> Path:
        """The path of the file that is locked while a command writes to the folder."""
        return self.folder / ".lock"

    def write_record(self, record: Record) -> None:
        """Write a record to its file.

        Raises:
            UserError: The folder is not writable or its disk is full.
        """
        write_json(self.record_path(record.key), record.plain)

    def read_record(self, key: str) -> Record | None:
        """Read a trial's record from its file, or else from its line in records.jsonl.

        A file without a usable record of this trial is moved aside, unless the store is `look_only`.

        Returns:
            The record; None if there is no usable one.

        Raises:
            UserError: The file exists but cannot be read, or is of a newer version of the suite.
        """
        return self._record_of_file(key) or self._record_of_line(key)

    def _record_of_file(self, key: str) -> Record | None:
        path = self.record_path(key)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (IsADirectoryError, UnicodeDecodeError) as error:
            self._move_aside(path, f"cannot be read ({error})")
            return None
        except OSError as error:  # a fault of the disk or network, not of the record
            raise UserError(f"{path}: cannot be read ({error.strerror}); fix this and run again") from None
        try:
            return named_record(parse_json(text), key)
        except UnfitRecord as fault:
            self._move_aside(path, str(fault))
        except ValueError:
            self._move_aside(path, "is not valid JSON")
        return None

    def read_records(self, keys: list[str]) -> dict[str, Record]:
        """Read the existing records of these keys, by key.

        Raises:
            UserError: A file exists but cannot be read.
        """
        found = ((key, self.read_record(key)) for key in keys)
        return {key: record for key, record in found if record is not None}

    def record_keys(self) -> set[str]:
        """Return the keys of all files and lines of records, readable or not, without reporting the unusable ones.

        Raises:
            UserError: records.jsonl exists but cannot be read.
        """
        files = {path.stem for path in (self.folder / "records").glob("[!.]*.json")}
        return files | read_packed(self.packed_records_path, lambda _: None).keys()

    def calibration_results(self) -> list[str]:
        """Return the names of the results of a calibration that are in the folder."""
        return [name for name in CALIBRATION_FILES if (self.folder / name).exists()]

    def taken_by(self, owner: str) -> UserError:
        """Return the error of a command whose results do not belong in the folder.

        Args:
            owner: Whose folder it is.
        """
        return UserError(f"--out {self.folder}: belongs to {owner}; give another --out")

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest.

        Raises:
            UserError: The folder is not writable or its disk is full.
        """
        write_json(self.manifest_path, manifest.plain)

    def read_manifest(self) -> Manifest | None:
        """Read and check the manifest; return None if there is none.

        Raises:
            UserError: It cannot be read, is not a manifest of this version, or has no cells.
        """
        try:
            manifest = Manifest.parse(parse_json(self.manifest_path.read_text(encoding="utf-8-sig")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except UserError as error:
            raise UserError(f"{self.folder}: {error}") from None
        except OSError as error:
            remedy = "make it readable" if isinstance(error, PermissionError) else REMEDY
            raise UserError(f"{self.manifest_path}: not a readable manifest ({error.strerror}); {remedy}") from None
        except ValueError as error:
            raise UserError(f"{self.manifest_path}: not a readable manifest ({error}); {REMEDY}") from None
        if not manifest.cells:
            raise UserError(f"{self.manifest_path}: has no cells; {REMEDY}")
        return manifest

    def forget(self, keys: list[str]) -> None:
        """Remove the records, checkpoints and audit results of trials, as if they had never been run.

        Raises:
            UserError: A file cannot be removed, or a packed file cannot be read or written.
        """
        try:
            # Lines first: if this is interrupted, an older line must not take the place of a removed file.
            for path in (self.packed_records_path, self.packed_audit_path):
                remove_packed(path, frozenset(keys))
            for key in keys:
                for path in (self.record_path(key), self.checkpoint_path(key), self.audit_path(key)):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{self.folder}: a record could not be removed ({error.strerror})") from None

    def study_manifest(self) -> Manifest:
        """Read the manifest of a folder that must have one.

        Raises:
            UserError: There is no manifest, or it cannot be read.
        """
        manifest = self.read_manifest()
        if manifest is None:
            raise UserError(f"{self.folder}: has no manifest.json; give a results folder made by `run`")
        return manifest

    def read_study(self) -> StudyResults:
        """Read the manifest and the records of its trials.

        Raises:
            UserError: There is no manifest, or a file cannot be read.
        """
        manifest = self.study_manifest()
        of_pairs = manifest.of_pairs()
        paired = StudyResults(of_pairs, self.read_records(of_pairs.trial_keys())) if of_pairs else None
        return StudyResults(manifest, self.read_records(manifest.trial_keys()), paired)

    def remove_parts(self) -> None:
        """Remove the partial files left by killed processes of this machine."""
        folders = ("records", "checkpoints", "audit", "statistics", "tables", "verdicts", "figures", "jobs")
        for folder in (self.folder, *(self.folder / name for name in folders)):
            for part in filter(is_abandoned, folder.glob(".*.part")):
                part.unlink(missing_ok=True)

    def _record_of_line(self, key: str) -> Record | None:
        """Return the checked record on a trial's line in records.jsonl; None if there is no usable one."""
        line = self._packed_records().get(key)
        if line is None:
            return None
        try:
            return named_record(line.content, key)
        except UnfitRecord as fault:
            self._report_lines([UnusedLine(line.number, str(fault), ANEW)])
            return None

    def _packed_records(self) -> Mapping[str, PackedLine]:
        """Return the lines of records.jsonl, reading it again if `pack` has changed it."""
        version = _version_of(self.packed_records_path)
        if version != self._packed_version:
            unused: list[UnusedLine] = []
            self._packed = read_packed(self.packed_records_path, unused.append)
            self._packed_version = version
            self._report_lines(unused)
        return self._packed

    def _report_lines(self, unused: list[UnusedLine]) -> None:
        for complaint in complaints(self.packed_records_path, unused):
            self.report(f"record {complaint}")

    def _move_aside(self, path: Path, fault: str) -> None:
        remedy = "its line of records.jsonl counts" if path.stem in self._packed_records() else ANEW
        if self._look_only:
            self.report(f"record {path.name} {fault}: {remedy}")
            return
        aside = path.with_suffix(".unreadable")
        try:
            path.replace(aside)
        except OSError as error:
            raise UserError(f"{path}: {fault}, and cannot be moved aside ({error.strerror})") from None
        self.report(f"record {path.name} {fault}: moved aside to {aside.name}; {remedy}")


def _version_of(path: Path) -> tuple[int, ...] | None:
    """Return values that change if a file is replaced; None if there is no file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def named_record(content: Any, key: str) -> Record:
    """Make a record from content that was read under a key.

    Raises:
        UnfitRecord: The content is not a record, belongs to another trial, or has a score that its metric cannot have.
        UserError: It is a record of a newer version of the suite, which this one must not move aside.
    """
    schema = content.get("schema") if isinstance(content, Mapping) else None
    if isinstance(schema, int) and schema > RECORD_SCHEMA:
        raise UserError(
            f"record {key}: was made by a newer version of this suite (schema {reprlib.repr(schema)}, this one reads "
            f"{RECORD_SCHEMA}); use that version, or another results folder"
        )
    record = Record.parse(content)
    if record.key != key or identity_key(record.identity.plain) != key:
        raise UnfitRecord("does not hash to its name")
    record.check_scores()
    return record


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity, which JSON does not have, are errors.

    Raises:
        UserError: The folder is not writable or its disk is full.
        ValueError: The content contains NaN or infinity.
    """
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
