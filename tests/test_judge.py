"""`judge`: one command after `run`, with what is at hand."""

import re
import shutil

import pytest

from benchmark.cli import main
from benchmark.commands import judge_study
from benchmark.commands.judge_study import what_an_audit_lacks
from benchmark.files import REPOSITORY
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.store import Store

ONLY = "table=2,dataset=mnist,method=vae"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("judge") / "study"
    arguments = ("--study", "smoke", "--seeds", "1", "--device", "cpu", "--jobs", "1", "--only", ONLY)
    assert main(["run", "--no-report", *arguments, "--out", str(out)]) == 0
    return out


def judged(out, capfd, *arguments) -> tuple[int, str]:
    capfd.readouterr()
    status = main(["judge", str(out), "--device", "cpu", "--jobs", "1", *arguments])
    return status, capfd.readouterr().out


def test_all_that_a_study_says_is_written_and_shown(study, capfd):
    status, out = judged(study, capfd)
    assert status == 0
    assert "1 trials with a result, 1 with a checkpoint, 1 to audit" in out and "Not audited" not in out
    assert re.search(r"Pages made: [1-9]", out) and "study/verdicts" in out and "study/report.html" in out
    for made in ("audit/scores.csv", "tables/table6.csv", "verdicts/claims.csv", "report.html"):
        assert (study / made).stat().st_size > 0, made
    assert list((study / "figures").glob("*.png"))


def test_without_checkpoints_the_rest_is_made_and_one_line_says_why(study, tmp_path, capfd):
    out = shutil.copytree(study, tmp_path / "study", ignore=shutil.ignore_patterns("checkpoints", "audit", "verdicts"))
    status, said = judged(out, capfd)
    assert status == 0 and said.count("Not audited: ") == 1 and "holds no checkpoints" in said
    assert (out / "verdicts" / "claims.csv").is_file() and not (out / "audit").exists()
    absent = str(tmp_path / "absent")
    status, said = judged(out, capfd, "--data-dir", absent, "--weights-dir", absent)
    assert status == 0 and re.search(r"Pages made: [1-9]", said) and "study/report.html" in said


def test_a_folder_that_an_audit_needs_must_be_there(study, tmp_path, capfd):
    assert main(["judge", str(study), "--device", "cpu", "--weights-dir", str(tmp_path / "absent")]) == 2
    assert "absent: no such folder" in capfd.readouterr().err


def test_the_methods_of_a_file_are_audited(study, monkeypatch):
    asked = []
    for command in ("draw_figures", "verdict", "report"):
        monkeypatch.setattr(judge_study, command, lambda options, console: 0)
    monkeypatch.setattr(judge_study, "audit", lambda options, console: asked.append(options.method_file) or 0)
    example = REPOSITORY / "examples" / "plain_autoencoder.py"
    try:
        assert main(["judge", str(study), "--device", "cpu", "--method-file", str(example)]) == 0
    finally:
        ALL_METHODS.pop("plain_ae", None)
    assert asked == [(example,)]


def test_real_images_that_are_not_here_are_named(study, tmp_path):
    store = Store(study)
    records = store.read_study().records
    [(key, record)] = records.items()
    data = {"name": "mnist", "kind": "real"}
    real = {key: record.updated(identity={**record.identity.plain, "data": data})}
    assert what_an_audit_lacks(store, records, tmp_path) is None  # procedural
    assert "the images of its checkpoints (mnist) are not in" in str(what_an_audit_lacks(store, real, tmp_path))
    (tmp_path / "mnist.npz").write_bytes(b"looked at when it is loaded")
    assert what_an_audit_lacks(store, real, tmp_path) is None
    for data in ({}, {"name": "mnist"}, {"name": ["mnist"], "kind": "real"}, None):  # no run writes such a one
        unnamed = {key: record.updated(identity={**record.identity.plain, "data": data})}
        assert "holds no checkpoints" in str(what_an_audit_lacks(store, unnamed, tmp_path))
    diverged = {key: record.updated(status="diverged")}
    assert "holds no checkpoints" in str(what_an_audit_lacks(store, diverged, tmp_path))
