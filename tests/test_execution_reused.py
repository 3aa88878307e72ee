"""Trials that are taken over from a folder whose study has scored the same trainings by more protocols."""

import dataclasses
import json

import pytest

from benchmark.cli import main
from benchmark.execution.reused_trials import narrowed, reuse_trials
from benchmark.execution.stored_models import stored_model
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import TABLES


def run(study, folder, *more):
    return main(["run", "--study", study, "--no-report", "--jobs", "1", "--out", str(folder), *more])


def ran(study, folder, *more):
    assert run(study, folder, *more) == 0
    [record] = Store(folder).read_study().records.values()
    return record


@pytest.fixture(scope="module")
def studies():
    """Two studies of one training, one with both protocols and one with reconstruction alone."""
    smoke = STUDIES["smoke"]
    one = {"datasets": ("mnist",), "methods": ("hgmvae_u",), "latent_dims": (8,)}
    tables = tuple(dataclasses.replace(TABLES[number], **one) for number in (1, 3))
    with pytest.MonkeyPatch.context() as patch:
        for name, of in (("both", tables), ("alone", tables[1:])):
            patch.setitem(STUDIES, name, dataclasses.replace(smoke, name=name, tables=of))
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory, studies):
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
    assert "0 trials taken over from" in capsys.readouterr().out


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


def test_a_failed_trial_is_not_taken_and_a_folder_without_study_is_refused(folders, tmp_path, capsys):
    root, records = folders
    failed = tmp_path / "failed"
    store = Store(failed)
    store.write_manifest(Store(root / "both").study_manifest())
    store.write_record(Record.parse({**records["both"].plain, "status": "failed", "reason": "killed"}))
    assert reuse_trials([], store, store) == 0
    out = tmp_path / "out"
    ran("alone", out, "--reuse", str(failed))
    assert "0 trials taken over" in capsys.readouterr().out
    assert run("alone", out, "--reuse", str(tmp_path / "nothing")) == 2
    assert "no manifest.json here" in capsys.readouterr().err
    assert json.loads((failed / "records" / f"{records['both'].key}.json").read_text())["status"] == "failed"
