"""Records, manifests and studies as typed data: what they hold, and that they are written again as they were read."""

import dataclasses
import json
from pathlib import Path

import pytest
from study_samples import cell, clustering, manifest, packed_records, record, sample, study_results
from test_hostile_results import made_record, made_study

from benchmark.cli import main
from benchmark.results import study_results as study_results_module
from benchmark.results.manifest import Manifest
from benchmark.results.records import Health, Record, TrainingCost, UnfitRecord
from benchmark.results.store import Store

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
FOLDERS = sorted(path.parent for path in REFERENCE.glob("*/manifest.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_read_is_written_again_byte_for_byte(folder, tmp_path):
    study, copy = Store(folder, look_only=True).read_study(), Store(tmp_path)
    copy.write_manifest(study.manifest)
    assert copy.manifest_path.read_bytes() == (folder / "manifest.json").read_bytes()
    lines = packed_records(folder)
    records = {**study.records, **(study.paired.records if study.paired else {})}
    assert records.keys() == lines.keys() != set()
    for key, one in records.items():
        copy.write_record(one)
        assert copy.record_path(key).read_text() == json.dumps(lines[key], indent=1) + "\n"


def test_fields_that_are_not_known_stay_where_they_were():
    """As in records of before: one field between others, one in the health, one in the training."""
    plain = {"schema": 1, "notes": ["of before"], **made_record(0)}
    plain["health"] = {"new_measure": 2.5, **plain["health"]}
    plain["training"] = {"steps": "graph", "way": "eager"}
    text = json.dumps(plain, indent=1)
    read = Record.parse(json.loads(text))
    assert json.dumps(read.plain, indent=1) == text
    changed = read.updated(status="failed", reason="on purpose")
    assert (changed.status, changed.failure, changed.ok) == ("failed", "on purpose", False)
    assert json.dumps(changed.plain | {"status": "ok", "reason": None}, indent=1) == text
    assert read.status == "ok"
    with pytest.raises(UnfitRecord, match="has no usable field 'metrics'"):
        read.updated(metrics={"clustering": {"silhouette": "high"}})


def test_a_record_is_read_by_attribute():
    read = Record.parse(made_record(3) | {"training": {"way": "graphs", "pack_seeds": [3, 4]}})
    assert (read.ok, read.done, read.reason) == (True, True, None)
    assert str(read.identity) == "mnist vae d=8 seed=3"
    assert read.score("classification", "svm_accuracy") == 0.53
    assert read.score("classification", "absent") is None and read.why_unavailable("clustering", "silhouette") is None
    assert read.health == Health(8, 0.75, False, None, None, None, None, None, plain=read.health.plain)
    assert read.training_cost == TrainingCost(1.0, 1000)
    assert (read.training.way, read.training.pack_seeds, read.training.hardware) == ("graphs", (3, 4), None)
    assert (read.provenance.device, read.provenance.numerics) == ("cpu (test)", {"threads": 1})
    assert Record.parse(made_record(3) | {"timings": {}}).training_cost is None


@pytest.mark.parametrize(
    ("metric", "inside", "outside", "told"),
    [
        ("svm_accuracy", 1.000001, 93.5, "has 93.5 for svm_accuracy, which goes from 0 to 1"),
        ("silhouette", -1.0, -1.2, "has -1.2 for silhouette, which goes from -1 to 1"),
        ("fid", 1e9, -0.5, "has -0.5 for fid, which goes from 0 on"),
        ("weights_ari", -0.5, -0.6, "has -0.6 for weights_ari, which goes from -0.5 to 1"),
    ],
)
def test_a_score_that_its_metric_cannot_have_is_none(metric: str, inside: float, outside: float, told: str):
    Record.parse(made_record(0) | {"metrics": {"any": {metric: inside}}}).check_scores()
    with pytest.raises(UnfitRecord, match=told):
        Record.parse(made_record(0) | {"metrics": {"any": {metric: outside}}}).check_scores()
    # Of a metric that is not registered nobody knows the range.
    Record.parse(made_record(0) | {"metrics": {"any": {f"my_{metric}": outside}}}).check_scores()


def test_hardware_of_a_training_that_says_too_little_is_none_of_a_record():
    with pytest.raises(UnfitRecord, match="has no usable field 'training'"):
        Record.parse(made_record(0) | {"training": {"hardware": {"device": "cpu"}}})


def test_a_manifest_is_read_by_attribute_and_cut_without_being_changed():
    plain = manifest([cell(1, "mnist", "gmvae", 8), cell(4, "mnist", "gmvae", 8), cell(2, "mine", "vae", 8, (1,))])
    plain |= {"marks": {"mnist": ["subset"]}, "notes": ["two\nlines"], "of_before": 1}
    study = Manifest.parse(json.loads(json.dumps(plain)))
    assert study.trial_keys() == [*(f"mnist-gmvae-8-{seed}" for seed in range(3)), "mine-vae-8-1"]
    assert study.cells[2].keys == {1: "mine-vae-8-1"} and study.cells[0].kind == ("mnist", "gmvae", 8)
    assert (study.marked_label("mnist"), study.dataset_label("mine")) == ("MNIST [subset]", "mine")
    assert (study.method_label("gmvae"), study.method_label("own")) == ("GMVAE", "own")
    assert study.reductions == ("two lines",) and study.notes == ("two\nlines",)
    cut = study.with_cells(study.cells[:1])
    assert cut.plain == plain | {"cells": plain["cells"][:1]} and study.plain == plain
    assert study.cells[0].in_table(6).plain == plain["cells"][0] | {"table": 6}


def test_a_report_makes_the_long_frame_of_its_study_once(tmp_path, monkeypatch, capsys):
    made_study(tmp_path)
    made = []
    long_frame = study_results_module.long_frame
    monkeypatch.setattr(study_results_module, "long_frame", lambda *study: made.append(0) or long_frame(*study))
    assert main(["report", str(tmp_path)]) == 0
    assert len(made) == 1 and "report.html" in capsys.readouterr().out


def test_the_frames_of_a_study_are_made_once_and_anew_for_another():
    study = study_results(*sample())
    assert study.frame is study.frame and study.costs is study.costs and study.summary is study.summary
    assert len(dataclasses.replace(study, records={}).frame.dropna(subset="value")) == 0 < study.frame["value"].count()
    alone = record("mnist", "gmvae", 8, 0, "clustering", clustering(0.5, 1.0, 1.0))
    assert study_results(manifest([]), {alone["key"]: alone}).own_records() == []
