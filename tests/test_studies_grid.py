"""From a study and the data at hand to trials and a manifest."""

import dataclasses
import json

import numpy as np
import pytest
from tiny_study import TINY, tiny_grid

from benchmark.data import validation_split
from benchmark.data.dataset import data_marks
from benchmark.data.load import load_dataset
from benchmark.data.validation_split import hold_out_validation
from benchmark.errors import UserError
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import METHODS
from benchmark.results.frame import summary
from benchmark.results.manifest import Manifest
from benchmark.studies.grid import (
    DataOptions,
    Selection,
    build_grid,
    make_trial,
    trial_data,
)
from benchmark.studies.named_studies import STUDIES, GridCell


def write_own(folder, n_train=200, n_test=40, name="mine", labels=True):
    x = np.random.default_rng(0).integers(0, 256, (n_train + n_test, 28, 28), dtype=np.uint8)
    y = np.arange(n_train + n_test) % 10
    arrays = {"x_train": x[:n_train], "x_test": x[n_train:]}
    arrays |= {"y_train": y[:n_train], "y_test": y[n_train:]} if labels else {}
    np.savez(folder / f"{name}.npz", **arrays)


def test_only_adds_up_within_an_axis_and_narrows_across_axes():
    selection = Selection.parse("method=vae, method=gmvae,latent_dim=8")
    assert selection.keeps(GridCell(2, "mnist", "vae", 8)) and selection.keeps(GridCell(1, "mnist", "gmvae", 8))
    assert not selection.keeps(GridCell(1, "mnist", "gmvae", 2)) and not selection.keeps(
        GridCell(2, "mnist", "swae", 8)
    )
    assert Selection.parse(None).keeps(GridCell(1, "mnist", "vae", 2))


@pytest.mark.parametrize("text", ["method", "colour=red", "method=", "=vae", "method=vea"])
def test_a_wrong_selection_is_a_user_error_that_names_it(text):
    with pytest.raises(UserError, match="--only") as error:
        Selection.parse(text)
    assert text.split("=")[-1] in str(error.value)


def test_a_selection_that_leaves_nothing_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="--only latent_dim=3: study tiny has only 2, 8"):
        tiny_grid(tmp_path, only="latent_dim=3")


def test_trials_are_unique_and_the_manifest_lists_every_cells(tmp_path):
    grid = tiny_grid(tmp_path)
    trials = grid.trials()
    assert [(t.method, t.latent_dim, t.seed) for t in trials] == [
        ("gmvae", 2, 0), ("gmvae", 2, 1), ("vae", 8, 0), ("vae", 8, 1),
    ]  # fmt: skip
    manifest = Manifest.parse(json.loads(json.dumps(grid.manifest().plain)))
    assert set(manifest.trial_keys()) == {trial.key for trial in trials}
    assert manifest.marks == {"mnist": ("procedural",)}
    assert manifest.data["mnist"].digest == trials[0].data.digest
    assert summary(manifest, {}).not_run == 4


def test_a_trial_of_two_tables_is_trained_once_with_both_protocols(tmp_path):
    trials = tiny_grid(tmp_path, STUDIES["smoke"], "dataset=mnist,method=hgmvae_g,latent_dim=8").trials()
    assert len(trials) == STUDIES["smoke"].seeds
    assert set(trials[0].protocols) == {"clustering", "classification"}


def test_real_procedural_and_limited_images_never_share_a_key(tmp_path):
    drawn = load_dataset("mnist", tmp_path, images="drawn")
    options = DataOptions.of(TINY, tmp_path, offline=True)
    cell = GridCell(2, "mnist", "vae", 8)
    datasets = [
        options.load("mnist"),
        dataclasses.replace(options, n_train=95).load("mnist"),
        dataclasses.replace(drawn, kind="real"),
        dataclasses.replace(drawn, kind="real", subset=True),
    ]

    def key(dataset, device="cpu"):
        return make_trial(TINY, cell, 0, trial_data(TINY, dataset), device).key

    keys = {key(dataset) for dataset in datasets}
    assert len(keys) == len(datasets)
    on_gpus = {key(datasets[0], device) for device in ("cuda", "cuda:1")}
    assert len(on_gpus) == 1 and not on_gpus & keys


def test_data_that_cannot_be_had_is_a_reason_and_the_rest_goes_on(tmp_path):
    study = dataclasses.replace(TINY, images="real")
    own = dataclasses.replace(study, tables=(dataclasses.replace(study.tables[1], datasets=("mnist", "mine")),))
    write_own(tmp_path)
    grid = tiny_grid(tmp_path, own)
    expected = grid.expected_trials()
    assert [(t.data.name, t.data.n_train, t.data.n_test, t.data.image_shape) for t in expected] == [
        ("mnist", 96, 60, (1, 32, 32))
    ] * 2
    assert list(grid.datasets) == ["mine"] and "mnist.npz" in grid.unavailable["mnist"]
    assert str(tmp_path) not in json.dumps(grid.manifest().plain)
    assert grid.cells[GridCell(2, "mnist", "vae", 8)] == {}
    assert summary(grid.manifest(), {}).no_data == 2


def test_a_users_own_data_set_joins_every_table(tmp_path):
    write_own(tmp_path)
    study = dataclasses.replace(STUDIES["laptop"], seeds=1)
    grid = tiny_grid(tmp_path, study, "dataset=mine")
    assert {cell.table for cell in grid.cells} == {1, 2, 3, 4, 5}
    assert {trial.data.name for trial in grid.trials()} == {"mine"}
    assert grid.manifest().marks == {"mine": ()}


def test_a_method_that_is_in_no_table_joins_every_one_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(ALL_METHODS, "new", dataclasses.replace(METHODS["vae"], name="new"))
    grid = tiny_grid(tmp_path, only="method=new")
    assert {(cell.table, cell.method, cell.latent_dim) for cell in grid.cells} == {(1, "new", 2), (2, "new", 8)}
    assert len(grid.trials()) == 2 * TINY.seeds
    assert Selection.parse("method=vae").joined(TINY) == TINY


def test_too_few_images_for_one_batch_are_a_user_error(tmp_path):
    write_own(tmp_path, n_train=20)
    with pytest.raises(UserError, match=r"mine: 20 training images do not fill a batch of 32; .* --batch-size 20 or"):
        tiny_grid(tmp_path, STUDIES["laptop"], "dataset=mine")


def test_validation_holds_out_training_images_and_drops_the_test_images(tmp_path, monkeypatch):
    monkeypatch.setattr(validation_split, "VALIDATION_IMAGES", 500)
    whole = load_dataset("mnist", tmp_path, images="drawn")
    held = hold_out_validation(whole)
    assert (held.n_train, held.n_test) == (whole.n_train - 500, 500)
    assert np.array_equal(held.x_test, whole.x_train[-500:]) and np.array_equal(held.y_test, whole.y_train[-500:])
    assert len(held.images) == whole.n_train
    assert np.array_equal(held.x_train, whole.x_train[:-500])


def test_the_split_of_a_study_is_in_its_trials_identity(tmp_path):
    dataset = tiny_grid(tmp_path).datasets["mnist"]
    splits = [trial_data(dataclasses.replace(TINY, split=split), dataset).split for split in ("official", "validation")]
    assert splits == ["official", "validation"]


@pytest.mark.parametrize("order", ["sorted", "a class at the end alone"])
def test_validation_of_a_set_sorted_by_class_holds_out_every_class(tmp_path, monkeypatch, order):
    monkeypatch.setattr(validation_split, "VALIDATION_IMAGES", 500)
    drawn = load_dataset("mnist", tmp_path, images="drawn")
    n = drawn.n_train
    labels = np.sort(drawn.y_train) if order == "sorted" else np.where(np.arange(n) < n - 100, np.arange(n) % 9, 9)
    whole = dataclasses.replace(drawn, labels=np.concatenate([labels, drawn.y_test]))
    held = hold_out_validation(whole)
    assert (held.n_train, held.n_test, len(held.images)) == (n - 500, 500, n)
    counts = np.bincount(labels)
    assert np.abs(np.bincount(held.y_test) - counts * 500 / n).max() < 1
    last = [row for label in range(10) for row in np.flatnonzero(labels == label)[-np.bincount(held.y_test)[label] :]]
    assert np.array_equal(held.x_test, whole.x_train[sorted(last)])
    assert np.array_equal(held.y_train, np.delete(labels, last)) and held.digest != whole.digest
    assert held.split == "the last of every class are held out, 500 together"


def test_a_registered_set_is_marked_until_it_is_verified(tmp_path):
    drawn = load_dataset("mnist", tmp_path, images="drawn")
    real = dataclasses.replace(drawn, kind="real")
    assert data_marks(drawn) == ["procedural"]
    assert data_marks(real) == ["unverified"]
    assert data_marks(dataclasses.replace(real, subset=True)) == ["subset", "unverified"]
    assert data_marks(dataclasses.replace(real, verified=True)) == []
    assert data_marks(dataclasses.replace(real, name="mine")) == []
    study = dataclasses.replace(TINY, n_train=None, n_test=None)
    assert trial_data(study, real) == trial_data(study, dataclasses.replace(real, verified=True))  # keys stay


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (2, "no SVM accuracy, because 2 of 6 classes have no training image (4, 5)"),
        (0, "SVM accuracy covers only 2 classes, because 2 of 4 classes have no test image (2, 3)"),
    ],
)
def test_classes_without_training_or_test_images_are_told_before_anything_runs(tmp_path, shift, said):
    x = np.random.default_rng(0).integers(0, 256, (140, 28, 28), dtype=np.uint8)
    y = np.arange(140) % 4
    y[100:] = y[100:] + shift if shift else y[100:] % 2
    np.savez(tmp_path / "mine.npz", x_train=x[:100], y_train=y[:100], x_test=x[100:], y_test=y[100:])
    lines = []
    DataOptions.of(STUDIES["laptop"], tmp_path, offline=True).load("mine", lines.append)
    assert lines[1:] == [f"mine: {said}"]


def test_validation_of_too_small_a_set_is_a_user_error(tmp_path):
    study = dataclasses.replace(STUDIES["validation"], images="drawn")
    with pytest.raises(UserError, match="too few to hold out 10,000"):
        build_grid(study, Selection(), DataOptions.of(study, tmp_path, True), "cpu", lambda line: None)
