"""The whole way through `run_all.sh`: the smoke study, all five tables, and a second call that has nothing to do."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent


def run_all(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    command = ["bash", str(ROOT / "run_all.sh"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1200)


@pytest.fixture(scope="module", autouse=True)
def _installed():
    stamp = Path(sys.prefix) / "installed.lock"
    if not stamp.exists() or stamp.read_bytes() != (ROOT / "requirements.lock").read_bytes():
        pytest.skip("these tests do not run in an environment that run_all.sh made from the present lock")
    if shutil.which("bash") is None:
        pytest.skip("no bash")


@pytest.mark.slow
def test_the_smoke_study_makes_five_procedural_tables_and_a_second_run_changes_nothing(tmp_path):
    first = run_all("--study", "smoke", "--out", str(tmp_path))
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr[-2000:]
    trials = re.search(r"^(\d+) trials ok, 0 diverged, 0 failed, 0 not run$", first.stdout, re.MULTILINE)
    assert trials and "\nReport: " in first.stdout and (tmp_path / "report.html").is_file()
    assert "MNIST [procedural]" in first.stdout
    for number in range(1, 6):
        wide = pd.read_csv(tmp_path / "tables" / f"table{number}.csv")
        assert wide["marks"].str.contains("procedural").all()
        assert "procedural" in (tmp_path / "tables" / f"table{number}.tex").read_text(encoding="utf-8")
    before = {path.name: path.read_bytes() for path in (tmp_path / "tables").iterdir()}
    second = run_all("--study", "smoke", "--out", str(tmp_path), "--no-report")
    assert second.returncode == 0
    assert f"{trials[1]} trials, {trials[1]} done already" in second.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "tables").iterdir()} == before


def test_bad_use_keeps_its_one_line_and_status_2_on_the_way_through():
    done = run_all("--only", "colour=red")
    assert done.returncode == 2
    assert "write AXIS=VALUE" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_paths_are_relative_to_where_the_user_is_and_nothing_is_imported_from_there(tmp_path):
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "__init__.py").write_text("raise ImportError('not this one')")
    only = ("--study", "smoke", "--seeds", "1", "--only", "table=2,dataset=mnist,method=vae")
    done = run_all(*only, "--no-report", "--out", "here", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Loading PyTorch") and "Tables: here/tables/tables.md" in done.stdout
    assert (tmp_path / "here" / "tables" / "table2.csv").exists()
