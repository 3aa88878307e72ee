"""Another training or other settings than a study's: other trials, said in the notes, and never judged."""

import dataclasses
import re

import pytest
from test_studies_trials import TRIAL
from tiny_study import TINY, tiny_grid

from benchmark.commands.own_datasets import default_out
from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import empty_record
from benchmark.execution.resume import earlier_manifest, write_manifest
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.store import Store
from benchmark.studies.changes import with_settings, with_training
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import TABLES
from benchmark.verdict.cell_verdicts import departures

PAPER = STUDIES["paper"]
TWO_METHODS = dataclasses.replace(
    TINY, tables=(dataclasses.replace(TABLES[2], methods=("vae", "gmvae"), datasets=("mnist",)),)
)


def test_another_training_is_noted_beside_the_papers():
    study = with_training(PAPER, epochs=3, batch_size=None, learning_rate=5e-4)
    assert (study.training.epochs, study.training.batch_size, study.training.learning_rate) == (3, 128, 5e-4)
    assert study.notes() == ["--epochs 3 (paper: 10)", "--learning-rate 0.0005 (paper: 0.001)"]
    notes = with_training(STUDIES["laptop"], epochs=10, batch_size=64, learning_rate=None).notes()
    assert notes[:2] == ["--epochs 10 (paper: 10)", "--batch-size 64 (paper: 128)"]
    assert not any("of 10 epochs" in note or note.startswith("batches of") for note in notes)


def test_what_a_study_does_anyway_is_no_change():
    assert with_training(PAPER, epochs=10, batch_size=128, learning_rate=1e-3) == PAPER
    assert with_settings(PAPER, ()) == PAPER


def test_settings_have_the_types_of_their_fields_and_the_last_one_counts():
    asked = ("HGMVAE-G.beta_w=2", "wae_imq.scales=[0.5, 1]", "hgmvae_g.centre=true", "vae.reconstruction_loss=bce")
    study = with_settings(PAPER, (*asked, "hgmvae_g.beta_w=3"))
    assert study.settings == {
        "hgmvae_g": {"beta_w": 3.0, "centre": True},
        "wae_imq": {"scales": [0.5, 1.0]},
        "vae": {"reconstruction_loss": "bce"},
    }
    assert isinstance(study.settings["hgmvae_g"]["beta_w"], float)
    assert study.notes()[0] == "--set hgmvae_g.beta_w=3" and len(study.notes()) == 4


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("beta=2", "write METHOD.FIELD=VALUE, such as vae.beta=0.1"),
        ("vae.beta", "write METHOD.FIELD=VALUE"),
        ("vae.beta=", "write METHOD.FIELD=VALUE"),
        ("vea.beta=2", "no such method; .*did you mean vae"),
        ("vae.betta=2", "there is no 'betta'; did you mean 'beta'"),
        ("vae.latent_dim=2", "there is no 'latent_dim'"),
        ("vae.beta=much", "input should be a valid number"),
        ("vae.beta=-1", "input should be greater than or equal to 0"),
        ("vae.beta=NaN", "input should be a finite number"),
        ("wae_imq.scales=[]", "should have at least 1 item"),
        ("info_vae.scales=[]", "should have at least 1 item"),
        ("hgmvae_g.n_components=2.5", "input should be a valid integer"),
        ("hgmvae_g.fisher=lgo", "input should be 'ratio', 'total', 'log' or 'traces'"),
        ("hgmvae_g_no_fisher.fisher_weight=1", "is defined by its fisher_weight, which stays 0.0"),
    ],
)
def test_what_cannot_be_set_is_one_line_that_names_it(assignment, said):
    with pytest.raises(UserError, match=f"--set {re.escape(assignment)}: .*{said}") as error:
        with_settings(PAPER, (assignment,))
    assert "\n" not in str(error.value)


def test_they_make_other_trials_in_another_folder_of_which_no_number_is_judged(tmp_path):
    plain, store = tiny_grid(tmp_path, TINY), Store(tmp_path / "out")
    changed = tiny_grid(tmp_path, with_settings(with_training(TINY, 1, None, None), ("gmvae.beta_x=2",)))
    assert changed.trials()[0].settings["beta_x"] == 2.0
    assert not {trial.key for trial in plain.trials()} & {trial.key for trial in changed.trials()}
    assert (default_out(plain).name, default_out(changed).name) == ("tiny", "tiny-changed")
    write_manifest(store, plain)
    with pytest.raises(UserError, match="belongs to the study tiny with no such changes; give another --out"):
        write_manifest(store, changed)
    paper = dataclasses.replace(PAPER, images="drawn", seeds=10)
    for study, note in (
        (with_training(paper, 3, None, None), "--epochs 3 (paper: 10)"),
        (with_settings(paper, ("gmvae.beta_x=2",)), "--set gmvae.beta_x=2"),
    ):
        grid = tiny_grid(tmp_path, dataclasses.replace(study, seeds=1), "table=2,dataset=mnist,method=gmvae")
        assert note in departures(grid.manifest(), "mnist", "classification", "svm_accuracy")


def test_a_study_that_lost_its_manifest_goes_on_where_one_of_its_trials_is(tmp_path):
    plain, store = tiny_grid(tmp_path, TINY), Store(tmp_path / "out")
    changed = tiny_grid(tmp_path, with_training(TINY, 1, None, None))
    assert earlier_manifest(store, plain) is None
    for trial in (plain.trials()[0], TRIAL):  # the second is of an earlier selection
        store.write_record(empty_record(trial, "cpu"))
    assert earlier_manifest(store, plain) is None
    with pytest.raises(UserError, match=r"to other trials than these, and has no manifest\.json; give another --out$"):
        earlier_manifest(store, changed)
    store.forget([plain.trials()[0].key])  # as --force does
    write_manifest(store, plain)
    assert earlier_manifest(store, plain) == plain.manifest()


def test_settings_are_noted_alike_however_they_are_given(tmp_path):
    given = (("vae.beta=0.10", "gmvae.beta_x=2.0"), ("gmvae.beta_x=2", "vae.beta=0.1"))
    studies = [with_settings(TINY, assignments) for assignments in given]
    assert studies[0].notes() == studies[1].notes()
    assert studies[0].changes == ("--set gmvae.beta_x=2", "--set vae.beta=0.1")


def test_cells_of_a_method_outside_the_tables_and_of_the_tables_stay_beside_each_other(tmp_path, monkeypatch):
    """A control, or a method of a file that is given once, is kept by a run without it, and the other way round."""
    store = Store(tmp_path / "out")
    own = dataclasses.replace(ALL_METHODS["swae"], name="own", label="Own", source="0" * 64)
    monkeypatch.setitem(ALL_METHODS, "own", own)

    def only(method):
        return tiny_grid(tmp_path, TWO_METHODS, only=f"method={method}")

    plain = only("vae")
    for grid in (plain, only("hgmvae_g_warm"), only("own")):
        assert write_manifest(store, grid) == 0
    monkeypatch.delitem(ALL_METHODS, "own")
    assert write_manifest(store, plain) == 0
    manifest = store.study_manifest()
    assert {cell.method for cell in manifest.cells} == {"vae", "hgmvae_g_warm", "own"}
    assert manifest.basis["method_sources"] == {"own": own.source} and manifest.method_label("own") == "Own"
    assert {"hgmvae_g_warm", "own"} <= set(manifest.basis["methods"])
    # What a method starts from may be outside the tables, too.
    monkeypatch.setitem(ALL_METHODS, "own", own)
    start = dataclasses.replace(own.training, after="own")
    monkeypatch.setitem(ALL_METHODS, "warm", dataclasses.replace(own, name="warm", label="Warm", training=start))
    assert write_manifest(store, only("warm")) == write_manifest(store, plain) == 0
    monkeypatch.setitem(ALL_METHODS, "own", dataclasses.replace(own, source="1" * 64))
    assert write_manifest(store, plain) == 2  # `own` and `warm`
    assert {cell.method for cell in store.study_manifest().cells} == {"vae", "hgmvae_g_warm"}
    # A method that means something else by now leaves, as does one that starts from it.
    monkeypatch.setitem(ALL_METHODS, "vae", dataclasses.replace(ALL_METHODS["vae"], revision=99))
    assert write_manifest(store, only("gmvae")) == 2
    assert {cell.method for cell in store.study_manifest().cells} == {"gmvae"}


@pytest.mark.parametrize("change", ["protocols", "device", "training", "images", "paired training"])
def test_cells_of_an_earlier_run_leave_where_they_were_made_otherwise(tmp_path, change):
    store = Store(tmp_path / "out")
    assert write_manifest(store, tiny_grid(tmp_path, TWO_METHODS, only="method=vae")) == 0
    earlier = store.study_manifest()
    basis, data = earlier.basis, earlier.plain["data"]
    otherwise = {
        "protocols": {"basis": {**basis, "protocols": {**basis["protocols"], "classification": 99}}},
        "device": {"basis": {**basis, "device": "cuda"}},
        "training": {"basis": {**basis, "training": {**basis["training"], "revision": 99}}},
        "images": {"data": {"mnist": {**data["mnist"], "digest": "of other images"}}},
        "paired training": {"paired_training": {"precision": "bfloat16"}},
    }
    store.write_manifest(earlier.updated(**otherwise[change]))
    assert write_manifest(store, tiny_grid(tmp_path, TWO_METHODS, only="method=gmvae")) == 1
    assert {cell.method for cell in store.study_manifest().cells} == {"gmvae"}
