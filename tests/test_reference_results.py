"""The committed results are what this code makes of their records, and the records are what they say they are."""

import json
import shutil
from io import StringIO
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from study_samples import packed_records

from benchmark.admission.admission_page import admission_frame, render_admission
from benchmark.admission.admission_rule import decide
from benchmark.admission.paired_differences import paired_differences
from benchmark.audit.audit_files import read_results
from benchmark.audit.own_tables import with_own_tables
from benchmark.cli import main
from benchmark.controls.answers import answers, answers_frame, means_frame, measured
from benchmark.controls.controls_page import render_answers
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.studies.named_studies import STUDIES, GridCell
from benchmark.table_specs import TABLES
from benchmark.tables.table_files import write_tables
from benchmark.verdict.cell_verdicts import PRINTED_TOLERANCES

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
FOLDERS = sorted(path.parent for path in REFERENCE.glob("*/manifest.json"))


def test_there_are_reference_results():
    assert REFERENCE / "laptop-cpu" in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_tables_come_from_the_records(folder, tmp_path):
    said: list[str] = []
    store = Store(folder, said.append, look_only=True)
    study = store.read_study()
    sides = [study, *([study.paired] if study.paired else [])]
    assert {key for side in sides for key in side.records} == packed_records(folder).keys()
    assert said == [] and all(set(side.manifest.trial_keys()) == side.records.keys() for side in sides)
    written = write_tables(with_own_tables(study, read_results(store, list(study.records))), tmp_path)
    assert {path.name for path in written} == {path.name for path in (folder / "tables").iterdir()}
    for path in written:
        assert path.read_bytes() == (folder / "tables" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_they_come_from_real_images_at_a_clean_commit(folder):
    manifest = Store(folder).read_manifest()
    assert all("procedural" not in marks for marks in manifest.marks.values())
    commits = {run.git_commit for run in manifest.runs if not run.git_dirty}
    _, _, rounds = (REFERENCE / "README.md").read_text().partition(f"## The rounds of `{folder.name}/`")
    for record in packed_records(folder).values():
        made_at, dirty = record["provenance"]["git_commit"], record["provenance"]["git_dirty"]
        # Before 2026-12-01 a run that was stopped was not entered into the manifest; the README lists such rounds.
        assert dirty is False and (made_at in commits or f"| `{made_at[:7]}` |" in rounds.partition("\n## ")[0])
        assert record["identity"]["data"]["kind"] == "real"


@pytest.mark.parametrize("folder", [one for one in FOLDERS if (one / "controls").is_dir()], ids=lambda one: one.name)
def test_the_answers_come_from_the_records(folder):
    study = Store(folder, look_only=True).read_study()
    trials = measured(study)
    found, means = answers(trials), means_frame(trials)
    for name, frame in {"answers": answers_frame(found), "means": means}.items():
        committed = pd.read_csv(folder / "controls" / f"{name}.csv")
        pd.testing.assert_frame_equal(committed, pd.read_csv(StringIO(csv_text(frame))), rtol=1e-9, atol=1e-12)
    assert (folder / "controls" / "controls.md").read_text() == render_answers(study, found, means)


@pytest.mark.parametrize(
    "folder", [one for one in FOLDERS if (one / "admission.csv").is_file()], ids=lambda one: one.name
)
def test_the_admission_comes_from_the_records_of_the_whole_study(folder):
    study = Store(folder, look_only=True).read_study()
    assert all(note == "5 of 10 seeds" or " without d = " in note for note in study.manifest.notes)
    declared = STUDIES["admission"]
    assert {GridCell(cell.table, *cell.kind) for cell in study.manifest.cells} == {*declared.cells()}
    pairs = paired_differences(study, PRINTED_TOLERANCES)
    found = decide(pairs)
    for name, frame in {"admission": admission_frame(study, found), "pairs": pairs}.items():
        committed = pd.read_csv(folder / f"{name}.csv")
        pd.testing.assert_frame_equal(committed, pd.read_csv(StringIO(csv_text(frame))), rtol=1e-9, atol=1e-12)
    assert (folder / "admission.md").read_text() == render_admission(study, pairs, found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder, runs",
    [
        ("robust", ("laptop-cpu", "laptop-calibrated", "laptop-bce")),
        ("robust-laptop", ("laptop-cpu", "laptop-calibrated")),
    ],
)
def test_which_claims_flip_comes_from_the_records(folder, runs, tmp_path):
    assert main(["verdict", *(str(REFERENCE / run) for run in runs), "--out", str(tmp_path)]) == 0
    for name in ("robust.md", "robust.csv"):
        assert (tmp_path / name).read_bytes() == (REFERENCE / folder / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted(path.parent.name for path in REFERENCE.glob("*/verdicts")))
def test_the_committed_verdicts_and_report_say_what_the_present_rules_do(folder, tmp_path):
    copy = tmp_path / folder
    shutil.copytree(REFERENCE / folder, copy, ignore=shutil.ignore_patterns("*.png"))
    commands = ["verdict"] + ["report"] * (copy / "report.html").exists() + ["audit"] * (copy / "audit").exists()
    for command in commands:  # status 3: an alternative that was added later wants checkpoints, which are gone
        assert main([command, str(copy)]) == (3 if command == "audit" else 0)
    for path in [*copy.glob("verdicts/*"), *copy.glob("audit/*")]:
        assert path.read_bytes() == (REFERENCE / folder / path.relative_to(copy)).read_bytes(), path.name
    if "report" in commands:  # up to the pictures, some of which are made of checkpoints
        new, committed = (
            (at / "report.html").read_text().split('id="figures"')[0] for at in (copy, REFERENCE / folder)
        )
        assert new.splitlines() == committed.splitlines()


def test_with_calibrated_weights_no_method_collapses_at_any_latent_dim_on_mnist():
    records = packed_records(REFERENCE / "collapse").values()
    health = {(record["identity"]["method"], record["identity"]["latent_dim"]): record["health"] for record in records}
    assert health.keys() == set(product(TABLES[1].methods + TABLES[2].methods, TABLES[1].latent_dims))
    assert all(record["identity"]["weight_set"] == "calibrated" for record in records)
    assert not any(one["collapsed"] for one in health.values())
    idle = {of: of[1] - one["active_units"] for of, one in health.items() if one["active_units"] < of[1]}
    assert idle == {("beta_vae", 128): 1}
    explained = {(one["explained_variance"], d) for (_, d), one in health.items()}
    # In the controls, as the docs say, one training of a VAE whose weight was not calibrated but set.
    for folder, flagged in (("laptop-calibrated", []), ("laptop-controls", [("mnist", "vae_beta_0.3", 32, 3)])):
        records = packed_records(REFERENCE / folder).values()
        found = [record["identity"] for record in records if record["health"]["collapsed"]]
        assert records and flagged == [(i["data"]["name"], i["method"], i["latent_dim"], i["seed"]) for i in found]
    assert min(explained)[0] >= 0.28 and min(share for share, d in explained if d > 2) >= 0.39


SIDES = {
    "pythae's trainer": ("pythae", 1),
    "our loop, both cores": ("loop", 1),
    "two processes, a core each": ("processes", 2),
    "two processes of the code before": ("processes, other checkout", 2),
    "our loop in bfloat16": ("loop, bfloat16", 1),
    "two processes in bfloat16": ("processes, bfloat16", 2),
}


@pytest.mark.parametrize("at", [0, 1], ids=["cpu", "amx"])
def test_the_speeds_in_the_docs_are_those_measured(at):
    processor = ("cpu", "amx")[at]
    folders = [REFERENCE / "throughput" / f"{processor}-{study}" for study in ("laptop", "paper", "paper-vae")]
    measured = [pd.read_csv(folder / "training.csv", index_col=["side", "seeds_at_once"]) for folder in folders]
    page = (REFERENCE.parents[1] / "docs" / "running.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for name, side in SIDES.items():
        [row] = [line for line in rows if line.startswith(f"| {name}")]
        said = [float(cell.split(",")[at]) for cell in row.split("|")[2:5]]
        assert said == [round(frame.loc[side, "times_pythae"], 2) for frame in measured], name
    for folder in folders:
        made = json.loads((folder / "throughput.json").read_text())
        assert made["git_dirty"] is False and made["command"].startswith("python -m benchmark throughput")
