"""`judge`: one command after `run`, with what is at hand."""

import re
import shutil

import pytest

from benchmark.cli import main
from benchmark.commands import judge_study, run_study
from benchmark.commands.judge_study import what_an_audit_lacks
from benchmark.errors import UserError
from benchmark.files import REPOSITORY
from benchmark.results.store import Store

ONLY = "table=2,dataset=mnist,method=vae"
RUN = ("run", "--study", "smoke", "--seeds", "1", "--device", "cpu", "--jobs", "1", "--only", ONLY)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("judge") / "study"
    assert main([*RUN, "--out", str(out)]) == 0
    return out


def test_a_run_makes_the_page_by_itself_and_no_verdicts_from_drawn_images(study):
    """Before `judge` has been called on it."""
    page = (study / "report.html").read_text(encoding="utf-8")
    pictures = sorted(path.stem for path in (study / "figures").iterdir())
    assert {"curves_mnist_d8", "cost_mnist_d8"} <= set(pictures)
    assert page.count('src="data:image/') == len(pictures) - 1  # seconds of trials beside each other are not on it
    assert {path.suffix for path in (study / "figures").iterdir()} == {".png"}
    assert not (study / "verdicts").exists() and not (study / "audit").exists()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), UserError("report.html: could not be written")]
)
def test_where_no_page_can_be_written_results_stand_and_a_line_says_so(study, tmp_path, monkeypatch, capfd, error):
    def fails(*arguments, **more):
        raise error

    out = shutil.copytree(study, tmp_path / "study", ignore=shutil.ignore_patterns("report.html", "tables"))
    monkeypatch.setattr(run_study, "make_page", fails)
    capfd.readouterr()
    assert main([*RUN, "--out", str(out)]) == 0
    said = capfd.readouterr().out.splitlines()
    [line] = [line for line in said if line.startswith("No report: ")]
    assert str(error) in line and "`judge` makes it" in line
    assert said[-2].startswith("Tables: ") and (out / "tables" / "table2.csv").is_file()


def test_a_run_begins_with_at_most_six_lines_and_ends_with_at_most_twenty(study, capfd):
    capfd.readouterr()
    assert main([*RUN, "--out", str(study), "--no-report"]) == 0
    said = capfd.readouterr().out.splitlines()
    # The page of an earlier run may show other trials, for instance those of other weights.
    assert (study / "report.html").is_file() and not any(line.startswith("Report: ") for line in said)
    assert any(re.fullmatch("Tables: .*/tables/tables.md", line) for line in said)
    counted = said.index("1 trials, 1 done already; 1 at once on cpu (x86_64)")
    closing = next(at for at, line in enumerate(said) if line.startswith("Study smoke, 1 seed"))
    assert counted < 6 and len(said) - closing <= 20
    assert all(len(line) <= 80 or str(study) in line for line in said)


def judged(out, capfd, *arguments) -> tuple[int, str]:
    capfd.readouterr()
    status = main(["judge", str(out), "--device", "cpu", "--jobs", "1", *arguments])
    return status, capfd.readouterr().out


def test_all_that_a_study_says_is_written_and_shown(study, capfd):
    status, out = judged(study, capfd)
    assert status == 0
    assert "1 trials with a result, 1 with a checkpoint, 1 to audit" in out and "Not audited" not in out
    assert re.search(r"^Report: .*study/report.html$", out, re.MULTILINE)
    closing = out[out.rindex("Study smoke, ") :].splitlines()
    assert closing[1] == "1 trials ok, 0 diverged, 0 failed, 0 not run" and len(closing) <= 20
    assert "Drawn images: the numbers say nothing about the methods or the paper." in closing
    assert "Next: " not in out  # as nothing is left to audit
    for made in ("audit/scores.csv", "tables/table6.csv", "report.html"):
        assert (study / made).stat().st_size > 0, made
    assert list((study / "figures").glob("*.png"))


@pytest.mark.slow
def test_without_checkpoints_the_rest_is_made_and_one_line_says_why(study, tmp_path, capfd):
    out = shutil.copytree(study, tmp_path / "study", ignore=shutil.ignore_patterns("checkpoints", "audit", "verdicts"))
    status, said = judged(out, capfd)
    assert status == 0 and said.count("Not audited: ") == 1 and "has no checkpoints" in said
    assert not (out / "verdicts").exists()  # drawn images say nothing of the paper
    assert not (out / "audit").exists()
    absent = str(tmp_path / "absent")
    status, said = judged(out, capfd, "--data-dir", absent, "--weights-dir", absent)
    assert status == 0 and "study/report.html" in said


@pytest.mark.slow
def test_real_images_are_judged(tmp_path, capfd):
    out = shutil.copytree(REPOSITORY / "results" / "reference" / "collapse", tmp_path / "study")
    status, said = judged(out, capfd)
    assert status == 0 and "has no checkpoints" in said
    assert "Decided: 0 of the paper's 392 numbers, 1 of its 9 claims (for this study alone)" in said
    assert len((out / "verdicts" / "claims.csv").read_text().splitlines()) == 1 + 9


def test_a_folder_that_an_audit_needs_must_be_there(study, tmp_path, capfd):
    assert main(["judge", str(study), "--device", "cpu", "--weights-dir", str(tmp_path / "absent")]) == 2
    assert "absent: no such folder" in capfd.readouterr().err


def test_the_methods_of_a_file_are_audited(study, monkeypatch):
    asked = []
    monkeypatch.setattr(judge_study, "make_page", lambda *arguments: None)
    monkeypatch.setattr(judge_study, "audited", lambda options, console: (asked.append(options.method_file) or 0, ""))
    example = REPOSITORY / "examples" / "plain_autoencoder.py"
    assert main(["judge", str(study), "--device", "cpu", "--method-file", str(example)]) == 0
    assert asked == [(example,)]


def test_where_no_checkpoint_can_be_opened_the_rest_is_made_and_one_line_says_why(study, tmp_path, capfd):
    out = shutil.copytree(study, tmp_path / "study", ignore=shutil.ignore_patterns("audit", "report.html"))
    [checkpoint] = (out / "checkpoints").iterdir()
    checkpoint.write_bytes(b"of no model, like one whose method is not known")
    store = Store(out)
    runs = [{"command": "./run_all.sh run --method-file my/own.py"}]
    store.write_manifest(store.study_manifest().updated(runs=runs))
    figures = out / "figures"
    for name in ("clustering_table4.png", "curves_cifar10_d8.pdf", "mine.png"):  # the first two of an earlier run
        shutil.copy(figures / "curves_mnist_d8.png", figures / name)
    status, said = judged(out, capfd)
    assert status == 3 and (out / "report.html").is_file()
    assert (figures / "mine.png").is_file() and (figures / "curves_mnist_d8.pdf").is_file()
    assert not (figures / "clustering_table4.png").exists() and not (figures / "curves_cifar10_d8.pdf").exists()
    [line] = [line for line in said.splitlines() if line.startswith("Not audited: ")]
    assert "study: no trial could be audited: " in line and "no checkpoint of this model" in line
    assert re.search("Next: .* judge .*/study --method-file my/own.py   audits", said)
    store.write_manifest(store.study_manifest().updated(runs=[]))
    (out / "records" / f"{checkpoint.stem}.json").write_text("{")
    status, said = judged(out, capfd)
    assert status == 3 and "Next: " not in said.replace("Next: the same `run` again", "")
    assert said.count("is not valid JSON: `run` or `calibrate` makes it anew") == 1


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
        assert "has no checkpoints" in str(what_an_audit_lacks(store, unnamed, tmp_path))
    diverged = {key: record.updated(status="diverged")}
    assert "has no checkpoints" in str(what_an_audit_lacks(store, diverged, tmp_path))
