"""The committed results are what this code makes of their records, and the records are what they say they are."""

import json
from pathlib import Path

import pytest

from benchmark.execution.store import Store, record_fault
from benchmark.reporting import write_tables

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
FOLDERS = sorted(path.parent for path in REFERENCE.glob("*/manifest.json"))


def test_there_are_reference_results():
    assert REFERENCE / "laptop-cpu" in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_tables_come_from_the_records(folder, tmp_path):
    manifest = Store(folder).read_manifest()
    keys = {key for cell in manifest["cells"] for key in cell["keys"].values()}
    records = {path.stem: json.loads(path.read_text()) for path in (folder / "records").glob("*.json")}
    assert records.keys() == keys
    assert all(record_fault(record, key) is None for key, record in records.items())
    written = write_tables(manifest, records, tmp_path)
    assert {path.name for path in written} == {path.name for path in (folder / "tables").iterdir()}
    for path in written:
        assert path.read_bytes() == (folder / "tables" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_they_come_from_real_images_at_a_clean_commit(folder):
    manifest = Store(folder).read_manifest()
    assert all("procedural" not in marks for marks in manifest["marks"].values())
    commits = {(run["git_commit"], run["git_dirty"]) for run in manifest["runs"]}
    for path in (folder / "records").glob("*.json"):
        record = json.loads(path.read_text())
        made_at = record["provenance"]["git_commit"], record["provenance"]["git_dirty"]
        assert made_at in commits and made_at[1] is False
        assert record["identity"]["data"]["kind"] == "real"
