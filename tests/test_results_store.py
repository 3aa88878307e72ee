"""The results folder: whole files only, and nothing unreadable is taken for a record."""

import errno
import json
import os
import platform
import subprocess
import sys

import pytest
import study_samples
from test_studies_trials import TRIAL

from benchmark.errors import UserError
from benchmark.results import store as store_module
from benchmark.results.manifest import Manifest
from benchmark.results.records import RECORD_OBJECTS, RECORD_SCHEMA, Record
from benchmark.results.store import Store, write_json


def record(**more) -> dict:
    empty = {field: {} for field in RECORD_OBJECTS}
    return {"schema": RECORD_SCHEMA, "key": TRIAL.key, "identity": TRIAL.identity, "status": "ok"} | empty | more


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path, said):
    return Store(tmp_path, said.append)


def test_a_record_comes_back_as_it_went(store):
    assert store.read_record(TRIAL.key) is None
    made = Record.parse(record(metrics={"clustering": {"silhouette": 0.0}}))
    store.write_record(made)
    assert store.read_record(TRIAL.key) == made
    assert store.read_records([TRIAL.key, "absent"]).keys() == {TRIAL.key}


def test_a_record_of_a_newer_version_is_left_where_it_is(store, said):
    path = store.record_path(TRIAL.key)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record(schema=RECORD_SCHEMA + 1)))
    with pytest.raises(UserError, match=f"record {TRIAL.key}: was made by a newer version .* use that version"):
        store.read_record(TRIAL.key)
    assert [file.name for file in path.parent.iterdir()] == [path.name] and not said


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_other_endings_are_records_too(store, said, status):
    store.write_record(Record.parse(record(status=status)))
    assert store.read_record(TRIAL.key).status == status
    assert not said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is not valid JSON"),
        ('{"schema": 1', "is not valid JSON"),
        ("[]", "is not a record"),
        (json.dumps(record(schema=0)), "has schema 0"),
        (json.dumps(record(status="fine")), "unknown status 'fine'"),
        (json.dumps(record(identity=TRIAL.identity | {"seed": 7})), "does not hash to its name"),
        (b"\xff\xfe\x00", "cannot be read"),
        (json.dumps(record(unavailable=None)), "no usable field 'unavailable'"),
        (json.dumps(record(health=3)), "no usable field 'health'"),
        (json.dumps(record(metrics=[])), "no usable field 'metrics'"),
        (json.dumps(record(metrics={"clustering": {"silhouette": "high"}})), "no usable field 'metrics'"),
    ],
)
def test_what_is_no_record_is_moved_aside_and_named(store, said, text, fault):
    path = store.record_path(TRIAL.key)
    path.parent.mkdir(parents=True)
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    assert store.read_record(TRIAL.key) is None
    assert [file.name for file in path.parent.iterdir()] == [f"{TRIAL.key}.unreadable"]
    assert path.with_suffix(".unreadable").read_bytes() == content
    assert len(said) == 1 and fault in said[0] and TRIAL.key in said[0]


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"n": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"n": float("nan")})

    def disk_full(self, text, encoding):
        self.write_bytes(text[:3].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module.Path, "write_text", disk_full)
    with pytest.raises(
        UserError, match=r"a\.json: could not be written \(No space left on device\); free some space and run again$"
    ):
        write_json(path, {"n": 2})
    assert json.loads(path.read_bytes()) == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EDQUOT, "free some space and run again"),
        (errno.EISDIR, "move away the file or folder in the way and run again"),
        (errno.EACCES, "make it writable and run again"),
        (errno.ENAMETOOLONG, "fix this, or give another path"),
    ],
)
def test_what_cannot_be_written_says_what_to_do(code, remedy, tmp_path, monkeypatch):
    def fails(self, text, encoding):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store_module.Path, "write_text", fails)
    with pytest.raises(UserError, match=rf"a\.json: could not be written \({os.strerror(code)}\); {remedy}$"):
        write_json(tmp_path / "a.json", {"n": 2})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema is 2, this version reads 1"),
        (
            {"cells": [study_samples.cell(9, "mnist", "vae", 8)]},
            "cells[0] names table 9, not one of 1, 2, 3, 4, 5, 6, 7",
        ),
    ],
)
def test_a_manifest_of_another_version_says_what_to_do(change, said):
    with pytest.raises(UserError) as caught:
        Manifest.parse(study_samples.manifest([]) | change)
    assert str(caught.value) == f"manifest.json: {said}; move it away and run again (records are kept)"


def test_the_leavings_of_killed_writers_are_removed_and_records_stay(store):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, at_work = (f".half.{platform.node()}.{number}.part" for number in (gone.pid, os.getpid()))
    elsewhere, not_ours = f".half.elsewhere.{gone.pid}.part", ".half.part"
    store.write_record(Record.parse(record()))
    ours = ("", "records", "checkpoints", "audit", "statistics", "tables", "verdicts", "figures", "jobs")
    for folder in (*ours, "not_ours"):
        (store.folder / folder).mkdir(exist_ok=True)
        for name in (left, at_work, elsewhere, not_ours):
            (store.folder / folder / name).write_text("half")
    store.remove_parts()
    for folder in ours:
        kept = {path.name for path in (store.folder / folder).glob(".*.part")}
        assert kept == {at_work, elsewhere, not_ours}, folder
    assert (store.folder / "not_ours" / left).exists() and store.read_record(TRIAL.key)


def test_a_manifest_that_cannot_be_read_is_a_user_error(store):
    assert store.read_manifest() is None
    manifest = Manifest.parse(study_samples.manifest([study_samples.cell(2, "mnist", "vae", 8)]))
    store.write_manifest(manifest)
    assert store.read_manifest() == manifest
    store.manifest_path.write_text("{")
    with pytest.raises(UserError, match=r"manifest\.json: not a readable manifest"):
        store.read_manifest()


def test_one_run_writes_at_a_time(store):
    other = Store(store.folder)
    with store.locked(), pytest.raises(UserError, match="another command is writing to it"), other.locked():
        pass
    with other.locked():
        assert store.folder.is_dir()


def test_a_disk_that_does_not_read_costs_no_record(store, monkeypatch):
    store.write_record(Record.parse(record()))

    def broken(self, encoding):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store_module.Path, "read_text", broken)
    with pytest.raises(UserError, match=r"\.json: cannot be read \(Input/output error\); fix this and run again"):
        store.read_record(TRIAL.key)
    monkeypatch.undo()
    assert store.read_record(TRIAL.key)
