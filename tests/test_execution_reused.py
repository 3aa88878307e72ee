"""Trials that are taken over from a folder whose study has scored the same trainings by more protocols."""

import dataclasses
import json
import shutil

import pytest
import torch
from test_studies_trials import TRIAL

from benchmark.cli import main
from benchmark.execution.evaluate_trial import empty_record
from benchmark.execution.reused_trials import finished_records, narrowed, reuse_trials
from benchmark.execution.stored_models import stored_model
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import TABLES
from benchmark.training.checkpoints import save_checkpoint


def run(protocols, folder, *more):
    """Run one training on drawn images with both protocols or with reconstruction alone."""
    one = {"datasets": ("mnist",), "methods": ("hgmvae_u",), "latent_dims": (8,)}
    tables = tuple(dataclasses.replace(TABLES[number], **one) for number in ((1, 3) if protocols == "both" else (3,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STUDIES, "smoke", dataclasses.replace(STUDIES["smoke"], tables=tables))
        return main(["run", "--study", "smoke", "--no-report", "--jobs", "1", "--out", str(folder), *more])


def ran(protocols, folder, *more):
    assert run(protocols, folder, *more) == 0
    [record] = Store(folder).read_study().records.values()
    return record


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Both protocols, one of them alone, and one of them taken over from both."""
    root = tmp_path_factory.mktemp("reused")
    return root, {
        "both": ran("both", root / "both"),
        "alone": ran("alone", root / "alone"),
        "taken": ran("alone", root / "taken", "--reuse", str(root / "both")),
    }


def test_what_is_taken_over_is_what_a_run_of_its_own_finds(folders, capsys):
    root, records = folders
    both, alone, taken = (records[name] for name in ("both", "alone", "taken"))
    assert {*both.metrics} == {"clustering", "reconstruction"} and {*taken.metrics} == {"reconstruction"}
    assert taken.key == alone.key != both.key and taken.plain["reused_from"] == both.key
    for part in ("metrics", "unavailable", "health", "curves", "parameters", "identity"):
        assert taken.plain[part] == alone.plain[part], part
    assert {*taken.timings} == {*alone.timings}
    # It was not trained again: the seconds are the other's.
    assert taken.timings["training_seconds"] == both.timings["training_seconds"]
    assert run("alone", root / "taken", "--reuse", str(root / "both")) == 0
    assert "0 of 1 trials copied from" in capsys.readouterr().out


def test_the_checkpoint_comes_along_under_the_trials_own_identity(folders):
    root, records = folders
    models = [
        stored_model(records[name].identity, Store(root / name).checkpoint_path(records[name].key))
        for name in ("alone", "taken")
    ]
    states = [model.state_dict() for model in models]
    assert all((value == states[1][name]).all() for name, value in states[0].items())


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"method_revision": 99},
        {"training": {"epochs": 1}},
        {"protocols": {"classification": {}}},
        {"protocols": {"reconstruction": {"revision": -1}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_training_or_protocol_is_not_taken(folders, change):
    _, records = folders

    @dataclasses.dataclass
    class Wanted:
        identity: dict
        key: str = "0" * 64

    asked = Wanted(records["alone"].identity.plain)
    assert isinstance(narrowed(records["both"], asked), Record)
    assert narrowed(records["both"], Wanted({**asked.identity, **change})) is None


def test_a_failed_trial_is_not_taken_nor_one_whose_checkpoint_is_damaged(folders, tmp_path, capsys):
    root, records = folders
    both = records["both"]
    other, out = Store(tmp_path / "other"), Store(tmp_path / "out")
    other.write_manifest(Store(root / "both").study_manifest())
    other.write_record(Record.parse({**both.plain, "status": "failed", "reason": "killed"}))
    assert finished_records(other.folder, print) == []
    other.write_record(both)
    other.checkpoint_path(both.key).parent.mkdir()
    other.checkpoint_path(both.key).write_bytes(b"no checkpoint")
    wanted = dataclasses.make_dataclass("Wanted", ["identity", "key"])(
        records["alone"].identity.plain, records["alone"].key
    )
    found = finished_records(other.folder, print)
    assert reuse_trials([wanted], out, found, other.folder, print) == 0
    assert "no checkpoint" in capsys.readouterr().out and out.read_record(wanted.key) is None
    save_checkpoint(torch.nn.Linear(1, 1), {}, other.checkpoint_path(both.key), {"seed": 99})
    assert reuse_trials([wanted], out, found, other.folder, print) == 0
    assert "it is of another trial" in capsys.readouterr().out and not out.checkpoint_path(wanted.key).exists()
    other.checkpoint_path(both.key).unlink()
    assert reuse_trials([wanted], out, found, other.folder, print) == 1
    assert out.read_record(wanted.key).plain["reused_from"] == both.key


@pytest.mark.parametrize("own, taken", [(None, 1), ("failed", 1), ("diverged", 0), ("ok", 0)])
def test_a_record_is_taken_over_in_place_of_a_failed_one_and_of_no_other(own, taken, tmp_path):
    more = dataclasses.replace(TRIAL, protocols=TRIAL.protocols | {"classification": {"revision": 1}})
    out = Store(tmp_path / "out")
    if own:
        out.write_record(empty_record(TRIAL, "cpu", own, None if own == "ok" else "a reason"))
    assert reuse_trials([TRIAL], out, [empty_record(more, "cpu")], tmp_path / "other", print) == taken
    assert out.read_record(TRIAL.key).plain.get("reused_from") == (more.key if taken else None)


def test_what_was_added_to_a_protocol_that_is_not_taken_is_not_noted():
    more = dataclasses.replace(TRIAL, protocols=TRIAL.protocols | {"reconstruction": {"revision": 1}})
    scores = {"clustering": {"silhouette": 0.5}, "reconstruction": {"fid": 9.0, "lpips": 0.5}}
    notes = [
        {"metrics": ["fid"], "provenance": {}},
        {"metrics": ["lpips", "silhouette"], "provenance": {"device": "x"}},
    ]
    record = empty_record(more, "cpu").updated(metrics=scores, added=notes)
    assert narrowed(record, more).plain["added"] == notes
    assert narrowed(record, TRIAL).plain["added"] == [{"metrics": ["silhouette"], "provenance": {"device": "x"}}]
    assert "added" not in narrowed(record.updated(added=notes[:1]), TRIAL).plain


@pytest.mark.parametrize("reuse", ["nothing", "taken"])
def test_a_folder_without_study_and_the_folder_itself_are_refused_before_anything_is_forgotten(folders, reuse, capsys):
    root, records = folders
    assert run("alone", root / "taken", "--force", "--reuse", str(root / reuse)) == 2
    said = capsys.readouterr().err
    assert ("has no manifest.json" if reuse == "nothing" else "is this run's own results folder") in said
    assert Store(root / "taken").read_record(records["taken"].key) == records["taken"]
    assert Store(root / "taken").checkpoint_path(records["taken"].key).is_file()


@pytest.mark.parametrize("change", ["another study", "other changes", "no manifest"])
@pytest.mark.parametrize("option", ["--force", "--reuse"])
def test_a_folder_that_a_run_refuses_loses_and_gains_nothing(folders, change, option, tmp_path, capsys):
    root, records = folders
    folder = shutil.copytree(root / "alone", tmp_path / "out")
    manifest = json.loads((folder / "manifest.json").read_text())
    changed = {"another study": {"study": "laptop"}, "other changes": {"notes": ["--set vae.beta=3"]}}
    (folder / "manifest.json").write_text(json.dumps(manifest | changed[change] if change in changed else []))
    if option == "--reuse":
        Store(folder).record_path(records["alone"].key).unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run("alone", folder, *([option] if option == "--force" else [option, str(root / "both")])) == 2
    assert ("not a manifest" if change == "no manifest" else "belongs to the study") in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_manifest_has_the_run_that_took_trials_over(folders):
    root, _ = folders
    [only] = Store(root / "taken").study_manifest().runs
    assert only.trials == 1
