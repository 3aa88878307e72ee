"""Calibration: one budget for every method, the stated criteria on hand-made scores, a whole run on drawn images."""

import dataclasses
import json
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from test_hostile_results import made_study
from test_studies_trials import TRIAL

from benchmark.calibration import selection
from benchmark.calibration.calibration_figure import CalibrationPage, calibration_figure, panels
from benchmark.calibration.calibration_files import read_scores
from benchmark.calibration.calibration_page import render_choice
from benchmark.calibration.candidates import CALIBRATIONS, FINALISTS, GRIDS, WIDE_GRIDS, WITHOUT_NOISE, at_an_end
from benchmark.calibration.selection import COLUMNS, chosen, finalists, judged, outcome
from benchmark.cli import main
from benchmark.commands import calibrate_weights
from benchmark.execution.evaluate_trial import empty_record
from benchmark.methods.registry import METHODS, build_model
from benchmark.results import store as store_module
from benchmark.results.records import Record
from benchmark.results.store import Store
from models.base import draw_noise

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference" / "calibration"


def scores(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))


# method, setting, seed, SVM accuracy, reconstruction error, active units, usable
TWO_METHODS = scores(
    ("a", 0, 0, 0.90, 0.30, 8, True),  # ranks 3, 2
    ("a", 1, 0, 0.92, 0.40, 8, True),  # 2, 3
    ("a", 2, 0, 0.95, 0.20, 7, True),  # 1, 1
    ("a", 3, 0, 0.99, 0.10, 1, False),  # collapsed: better than all, and counts for nothing
    ("b", 0, 0, 0.50, 0.25, 8, True),  # 2, 1
    ("b", 1, 0, 0.60, 0.26, 8, True),  # 1, 2
)


@pytest.mark.parametrize("size, settings", [("reduced", 12), ("wide", 48)])
def test_every_method_has_as_many_settings_each_another_and_all_can_be_built(size, settings):
    grids = CALIBRATIONS[size].grids
    assert set(grids) == {name for name in METHODS if not name.endswith("no_fisher")}
    for name, grid in grids.items():
        assert len(grid) == len({json.dumps(setting, sort_keys=True) for setting in grid}) == settings
        method = METHODS[name]
        known = {field.name for field in fields(method.settings_class)}
        for setting in grid:
            assert set(setting) <= known
            whole = method.settings("default", setting)
            assert whole == method.settings("default") | setting
            build_model(method, whole, (1, 32, 32), 2, 0.25, seed=0)
        default = method.settings("default")
        assert any(default == default | setting for setting in grid), f"{name}: its default is not tried"


def test_beta_vae_stays_what_it_is():
    for grids in (GRIDS, WIDE_GRIDS):
        of_vae, of_beta_vae = ([setting["beta"] for setting in grids[name]] for name in ("vae", "beta_vae"))
        assert min(of_beta_vae) >= 2 * min(of_vae)
        assert min(of_vae) == min(setting.get("decoder_variance", 1) for setting in grids["hgmvae_g"])


def test_it_never_looks_at_test_images():
    for size, n_train in (("reduced", 20_000), ("wide", None)):
        study = CALIBRATIONS[size].study
        assert study.split == "validation" and study.tables[0].datasets == ("mnist",)
        assert study.tables[0].latent_dims == (8,) and study.n_train == n_train


def test_the_ranks_are_within_a_method_and_the_unusable_come_last():
    settings = judged(TWO_METHODS)
    assert settings["ranks"].to_dict() == {
        ("a", 0): 2.5,
        ("a", 1): 2.5,
        ("a", 2): 1.0,
        ("a", 3): 4.0,
        ("b", 0): 1.5,
        ("b", 1): 1.5,
    }
    assert chosen(settings, "ranks") == {"a": 2, "b": 0}  # of equals the first in the grid


def test_the_label_free_choice_is_among_the_settings_with_the_most_common_number_of_active_units():
    settings = judged(TWO_METHODS)
    assert selection.matched_units(settings) == 8
    assert settings["label_free"].dropna().to_dict() == {("a", 0): 0.3, ("a", 1): 0.4, ("b", 0): 0.25, ("b", 1): 0.26}
    assert chosen(settings, "label_free") == {"a": 0, "b": 0}
    settings["active_units"] = [7, 7, 7, 1, 8, 8]
    assert selection.matched_units(settings) == 7
    settings["active_units"] = [7, 7, 6, 1, 8, 8]
    assert selection.matched_units(settings) == 8  # two each: the more units


def test_a_trial_that_collapsed_is_not_usable_and_one_without_an_accuracy_has_no_scores(tmp_path):
    accuracy = {"classification": {"svm_accuracy": 0.875}}
    health = {"active_units": 5, "explained_variance": 0.75}
    endings = [
        {"metrics": accuracy, "health": health | {"collapsed": False}},
        {"metrics": accuracy, "health": health | {"collapsed": True}},
        {"metrics": accuracy, "health": health | {"collapsed": False}, "status": "diverged"},
        {"health": health | {"collapsed": False}},
    ]
    store, trials = Store(tmp_path), {}
    for number, ending in enumerate(endings):
        trial = trials[("vae", number), 0] = dataclasses.replace(TRIAL, settings={"beta": float(number)})
        store.write_record(Record.parse(empty_record(trial, "cpu").plain | ending))
    missing = ("vae", len(endings)), 0
    found = read_scores(store, trials | {missing: dataclasses.replace(TRIAL, seed=9)})
    nothing = ["vae", 0, None, None, None, False]
    assert found.drop(columns="setting").astype(object).replace(np.nan, None).to_numpy().tolist() == [
        ["vae", 0, 0.875, 0.25, 5.0, True],
        ["vae", 0, 0.875, 0.25, 5.0, False],
        nothing,
        nothing,
        nothing,
    ]


def test_every_method_has_as_many_finalists_usable_or_not():
    assert FINALISTS == 2
    assert finalists(judged(TWO_METHODS)) == [("a", 2), ("a", 0), ("b", 0), ("b", 1)]
    one_usable = scores(
        ("a", 0, 0, np.nan, np.nan, np.nan, False), ("a", 1, 0, 0.1, 2.0, 8, True), ("a", 2, 0, 0.0, 9.0, 1, False)
    )
    assert finalists(judged(one_usable)) == [("a", 1), ("a", 0)]
    assert chosen(judged(one_usable), "ranks") == {"a": 1}


def test_seeds_are_averaged_and_one_that_fails_spoils_its_setting():
    with_seeds = scores(
        ("a", 0, 0, 0.8, 0.2, 8, True),
        ("a", 0, 1, 0.9, 0.4, 6, True),
        ("a", 1, 0, 0.99, 0.1, 8, True),
        ("a", 1, 1, np.nan, np.nan, np.nan, False),
    )
    settings = judged(with_seeds)
    assert settings.loc[("a", 0), ["svm_accuracy", "reconstruction_error", "active_units"]].tolist() == pytest.approx(
        [0.85, 0.3, 7.0]
    )
    assert settings["usable"].tolist() == [True, False] and settings["seeds"].tolist() == [2, 2]
    assert chosen(settings, "ranks") == {"a": 0}


def test_the_label_free_choice_knows_the_first_seed_alone_and_the_other_all_that_the_finalists_have():
    found = outcome(
        scores(
            ("a", 0, 0, 0.90, 0.20, 8, True),
            ("a", 1, 0, 0.91, 0.21, 8, True),
            ("a", 2, 0, 0.10, 0.19, 8, True),
            ("a", 3, 0, 0.20, 0.40, 8, True),
            # The first two in rank; over more seeds the first turns out the worse.
            ("a", 0, 1, 0.50, 0.60, 8, True),
            ("a", 1, 1, 0.91, 0.21, 8, True),
        )
    )
    assert found.settings["finalist"].tolist() == [True, True, False, False]
    assert found.choices == {"ranks": {"a": 1}, "label_free": {"a": 2}}
    assert found.settings["label_free"].tolist() == [0.20, 0.21, 0.19, 0.40]


@pytest.mark.parametrize("name", list(GRIDS))
def test_the_methods_without_noise_are_those_whose_codes_have_no_posterior(name):
    method = METHODS[name]
    model = build_model(method, method.settings("default"), (1, 32, 32), 2, 0.25, seed=0).eval()
    noise = draw_noise(model.noise_shapes(2), torch.device("cpu"))
    assert (model.code_posterior(model.encoder(torch.zeros(2, 1, 32, 32)), noise) is None) == (name in WITHOUT_NOISE)


def test_encoders_without_noise_do_not_say_how_many_units_are_common():
    noiseless = [("swae", number, 0, 0.5, 0.5, 8, True) for number in range(5)]
    settings = judged(scores(*noiseless, ("vae", 0, 0, 0.5, 0.5, 6, True), ("vae", 1, 0, 0.5, 0.4, 7, False)))
    assert selection.matched_units(settings) == 6
    assert selection.matched_units(judged(scores(*noiseless))) == 8


def test_a_choice_at_an_end_of_its_grid_is_told():
    def ends(method):
        grid, default = GRIDS[method], METHODS[method].settings("default")
        return [setting for number, setting in enumerate(grid) if at_an_end(grid, number, default)]

    assert ends("vae") == [{"beta": 0.01}, {"beta": 1.0}]
    assert {setting["decoder_variance"] for setting in ends("gmvae")} == {0.01, 0.5} and len(ends("gmvae")) == 4
    # Of the weight of the Fisher term there are two and the default's: departures, no axis.
    assert [setting for setting in ends("hgmvae_g") if "fisher_weight" in setting] == []


def test_the_wide_grids_reach_as_far_as_the_reduced_ones():
    for method, grid in GRIDS.items():
        for axis in ("beta", "decoder_variance", "reg_weight"):
            reduced, wide = ([setting[axis] for setting in of if axis in setting] for of in (grid, WIDE_GRIDS[method]))
            assert not reduced or (min(wide) <= min(reduced) and max(wide) >= max(reduced)), method


def test_where_nothing_is_usable_there_is_no_choice():
    settings = judged(scores(("a", 0, 0, 0.1, 0.9, 1, False), ("a", 1, 0, 0.2, 0.8, 1, False)))
    assert chosen(settings, "ranks") == chosen(settings, "label_free") == {}
    assert finalists(settings) == [("a", 0), ("a", 1)]
    settings = judged(scores(("a", 0, 0, 0.1, 0.9, 1, False), ("b", 0, 0, 0.5, 0.5, 8, True)))
    assert chosen(settings, "ranks") == chosen(settings, "label_free") == {"b": 0}


def test_the_figure_has_a_panel_a_method_and_a_mark_a_setting():
    rows = [
        (method, number, 0, 0.9 - 0.01 * number, 0.2 + 0.01 * number, 8, number > 0)
        for method, grid in GRIDS.items()
        for number in range(len(grid))
    ]
    figure = calibration_figure(CalibrationPage(panels(GRIDS, outcome(scores(*rows))), ("3 of 10 epochs",)))
    axes = [axis for part in figure.subfigs for axis in part.axes]
    assert [axis.get_title() for axis in axes] == [METHODS[name].label for name in GRIDS]
    for axis in axes:
        marks = [line.get_marker() for line in axis.lines]
        # One collapsed; eleven usable, the first of which both criteria choose, the last two beyond the picture.
        assert (marks.count("x"), marks.count("o"), marks.count("s")) == (1, 10, 1)
        assert [text.get_text() for text in axis.texts] == [*map(str, range(10)), "beyond: 10, 11"]


def run(*arguments) -> int:
    threads = torch.get_num_threads()
    try:
        # A thread in each of two processes: two in one wait for each other for ages where the cores are busy.
        return main(["calibrate", "--smoke", "--device", "cpu", "--jobs", "2", *map(str, arguments)])
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("methods", [("vae",), pytest.param(("vae", "wae_rbf"), marks=pytest.mark.slow)])
def test_a_whole_run_on_drawn_images(methods, tmp_path, capfd):
    n, chosen = len(methods), [part for method in methods for part in ("--method", method)]
    out = tmp_path / "out"
    assert run(*chosen, "--out", out, "--data-dir", tmp_path) in (0, 3)
    said = capfd.readouterr().out
    assert f"{2 * n} trials, 0 done already" in said and f"{4 * n} trials, 0 done already" in said
    table = pd.read_csv(out / "calibration.csv")
    assert len(table) == len(list((out / "records").iterdir())) == n * 2 * 3
    assert table.groupby(["method", "setting"])["seed"].apply(list).tolist() == [[0, 1, 2]] * (2 * n)
    assert {json.dumps(setting) for setting in CALIBRATIONS["smoke"].grids["vae"]} == set(
        table.loc[table["method"] == "vae", "departure"]
    )
    written = json.loads((out / "chosen.json").read_text())
    assert written["made"]["command"].startswith("python -m benchmark") and "git_commit" in written["made"]
    assert "procedural" in written["made"]["notes"] and len(written["made"]["data"]) == 64
    record = json.loads(next((out / "records").iterdir()).read_text())
    assert record["identity"]["weight_set"] == "calibration"
    for kind in ("png", "pdf"):
        assert (out / f"calibration.{kind}").stat().st_size > 10_000
    assert (out / "calibration.md").read_text().count("\n| VAE | ") == 2  # a row for each criterion
    before = (out / "calibration.csv").read_bytes()
    assert run(*chosen, "--out", out, "--data-dir", tmp_path) in (0, 3)
    assert f"{2 * n} trials, {2 * n} done already" in capfd.readouterr().out
    assert (out / "calibration.csv").read_bytes() == before


def test_the_page_says_what_was_chosen_by_each_criterion_and_what_it_scored():
    grids = {"vae": GRIDS["vae"], "swae": GRIDS["swae"]}
    of_vae = [("vae", 0, seed, 0.9 + 0.01 * seed, 0.2, 8, True) for seed in range(3)]
    found = outcome(scores(*of_vae, ("vae", 1, 0, 0.5, 0.1, 8, True), ("swae", 0, 0, 0.9, 0.1, 8, False)))
    made = {"command": "calibrate", "git_commit": "0123456789", "date": "today", "notes": ["8 images", "a|b"]}
    page = render_choice(grids, found, made)
    assert "calibrate; commit 0123456; today" in page and r"8 images; a\|b" in page
    of_ranks, label_free = page.split("## ranks")[1].split("## label")
    assert "| VAE | beta = 0.01 (at an end of its grid) | 0.9100 | 0.2000 | 8.0 | 3 |" in of_ranks
    assert "| VAE | beta = 0.015 | 0.5000 | 0.1000 | 8.0 | 1 |" in label_free
    assert of_ranks.count("| SWAE | none: all candidates collapsed") == 1


def all_end_well(executor, packs, context, *more):
    ending = {
        "metrics": {"classification": {"svm_accuracy": 0.875}},
        "health": {"active_units": 5, "explained_variance": 0.75, "collapsed": False},
    }
    for trial in (trial for pack in packs for trial in pack.wanted_trials):
        Store(context.out).write_record(Record.parse(empty_record(trial, "cpu").plain | ending))
    return ()


def one_fails(executor, packs, context, *more):
    all_end_well(executor, packs, context)
    trial = packs[0].wanted_trials[0]
    Store(context.out).write_record(empty_record(trial, "cpu", "failed", "the node was lost"))
    return ()


def test_without_a_good_end_of_every_training_there_is_no_choice_until_it_is_continued(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(calibrate_weights, "watched", one_fails)
    assert run("--method", "vae", "--out", tmp_path / "out", "--data-dir", tmp_path) == 3
    said = capfd.readouterr().out
    assert "mnist vae d=8 seed=0: the node was lost" in said
    assert "1 trials are still to be trained before a choice" in said
    assert not (tmp_path / "out" / "chosen.json").exists()
    monkeypatch.setattr(calibrate_weights, "watched", all_end_well)
    assert run("--method", "vae", "--out", tmp_path / "out", "--data-dir", tmp_path) == 0
    said = capfd.readouterr().out
    assert "2 trials, 1 done already" in said and "4 trials, 0 done already" in said
    assert len(pd.read_csv(tmp_path / "out" / "calibration.csv")) == 6


def contents(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OTHER = "belongs to another calibration (other images, methods, settings, code or device); give another --out"
NOT_ALL = "its calibration.csv is of other settings, or its records are missing; give another --out"


def test_the_folder_of_another_calibration_is_refused_and_left_as_it_is(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(calibrate_weights, "watched", all_end_well)
    out = tmp_path / "out"
    assert run("--method", "vae", "--out", out, "--data-dir", tmp_path) == 0
    before = contents(out)
    capfd.readouterr()
    for methods, said in (["wae_rbf"], OTHER), (["vae", "wae_rbf"], NOT_ALL), ([], NOT_ALL):
        chosen = [part for method in methods for part in ("--method", method)]
        assert run(*chosen, "--out", out, "--data-dir", tmp_path) == 2
        assert capfd.readouterr().err == f"benchmark: --out {out}: {said}\n"
    assert contents(out) == before
    assert run("--method", "vae", "--out", out, "--data-dir", tmp_path) == 0
    assert "4 trials, 4 done already" in capfd.readouterr().out
    shutil.rmtree(out / "records")
    assert run("--method", "vae", "--out", out, "--data-dir", tmp_path) == 2
    assert capfd.readouterr().err == f"benchmark: --out {out}: {NOT_ALL}\n"


@pytest.mark.parametrize("lost", ["damaged", "removed"])
def test_a_lost_record_of_a_finished_calibration_is_trained_again_even_if_interrupted(
    lost, tmp_path, capfd, monkeypatch
):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    command = "--method", "vae", "--out", tmp_path / "out", "--data-dir", tmp_path
    monkeypatch.setattr(calibrate_weights, "watched", all_end_well)
    assert run(*command) == 0
    before = contents(tmp_path / "out")
    record = next(path for path, text in before.items() if b'"seed": 0' in text and path.parent.name == "records")
    if lost == "damaged":
        record.write_bytes(before[record][:300])
    else:
        record.unlink()
    monkeypatch.setattr(calibrate_weights, "watched", interrupted)
    capfd.readouterr()
    assert run(*command) == 130
    assert ("moved aside" in capfd.readouterr().out) == (lost == "damaged")
    monkeypatch.setattr(calibrate_weights, "watched", all_end_well)
    assert run(*command) == 0
    assert "2 trials, 1 done already" in capfd.readouterr().out
    assert len(list(record.parent.glob("*.json"))) == 6


def test_no_study_is_run_in_the_folder_of_a_calibration(tmp_path, capfd, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(calibrate_weights, "watched", all_end_well)
    assert run("--method", "vae", "--out", out, "--data-dir", tmp_path) == 0
    study = ["run", "--study", "smoke", "--device", "cpu", "--jobs", "1", "--only", "table=2,method=vae"]
    study += ["--no-report", "--out", str(out), "--data-dir", str(tmp_path)]
    capfd.readouterr()
    before = contents(out)
    assert main(study) == 2
    assert capfd.readouterr().err == f"benchmark: --out {out}: belongs to a calibration; give another --out\n"
    for name in store_module.CALIBRATION_FILES:
        (out / name).unlink()
    assert main(study) == 2
    assert capfd.readouterr().err == (
        f"benchmark: --out {out}: belongs to a calibration, or to other trials than these, and has no manifest.json; "
        "give another --out\n"
    )
    assert set(contents(out)) == {path for path in before if path.name not in store_module.CALIBRATION_FILES}


def test_packed_records_and_a_manifest_show_whose_a_folder_is(tmp_path, capfd):
    out = shutil.copytree(REFERENCE, tmp_path / "out")
    before = contents(out)
    assert run("--method", "vae", "--out", out, "--data-dir", tmp_path) == 2
    assert capfd.readouterr().err == f"benchmark: --out {out}: {OTHER}\n"
    assert contents(out) == before
    study = tmp_path / "study"
    made_study(study)
    before = contents(study)
    assert run("--method", "vae", "--out", study, "--data-dir", tmp_path) == 2
    assert capfd.readouterr().err == f"benchmark: --out {study}: belongs to the study smoke; give another --out\n"
    assert contents(study) == before


def test_a_method_without_a_grid_is_one_line(tmp_path, capfd):
    assert run("--method", "hgmvae_g_no_fisher", "--out", tmp_path / "out") == 2
    [line] = capfd.readouterr().err.splitlines()
    assert "--method hgmvae_g_no_fisher: no grid; there are vae, beta_vae" in line


def test_a_grid_with_a_misspelt_field_is_one_line_before_anything_is_trained(tmp_path, capfd, monkeypatch):
    grids = {"vae": ({"beta": 0.1}, {"betta": 0.2})}
    monkeypatch.setitem(CALIBRATIONS, "smoke", dataclasses.replace(CALIBRATIONS["smoke"], grids=grids))
    assert run("--out", tmp_path / "out") == 2
    [line] = capfd.readouterr().err.splitlines()
    assert line == "benchmark: method vae, departure: there is no 'betta'; did you mean 'beta'?"
    assert not list(tmp_path.glob("out/records/*"))
