"""Looking on at a training: the numbers are the training's own, and the command leaves them as files."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from study_samples import packed_records

from benchmark.cli import main
from benchmark.controls.trace import trace
from benchmark.controls.trace_figure import TracePage, trace_figure
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.protocols import Classification
from benchmark.execution.evaluate_trial import trial_model, trial_outputs
from benchmark.files import REPOSITORY
from benchmark.studies.grid import DataOptions, Selection, build_grid
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import TABLES
from benchmark.training.loop import train
from benchmark.training.training_settings import TrainingSettings

NAMES = ("hgmvae_g", "hgmvae_g_no_fisher")
TINY = dataclasses.replace(
    STUDIES["smoke"],
    name="readings",
    tables=(dataclasses.replace(TABLES[2], datasets=("mnist",), methods=NAMES, latent_dims=(2,)),),
    seeds=1,
    training=TrainingSettings(epochs=2, batch_size=32, width=0.25),
    n_train=192,
)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    options = DataOptions.of(TINY, tmp_path_factory.mktemp("data"), offline=True)
    return build_grid(TINY, Selection(), options, "cpu", print)


def test_a_trace_is_the_training_itself(grid):
    """The step losses make up the curve's first point, and the last epoch's accuracy is the trained model's."""
    trial, dataset = grid.trials()[0], grid.datasets["mnist"]
    found = trace(trial, dataset, "cpu")

    model = trial_model(trial, trial.seed)
    result = train(model, torch.from_numpy(np.array(dataset.x_train)), trial.training, trial.seed)
    protocol = Classification(**trial.protocols["classification"])
    outputs = trial_outputs(model, dataset, "cpu", set(protocol.needs))
    accuracy = protocol.score(outputs, EvaluationContext()).values["svm_accuracy"]

    assert found.diverged_at is None
    assert found.steps["step"].tolist() == list(range(1, dataset.n_train // trial.training.batch_size + 1))
    assert found.steps["loss"].mean() == pytest.approx(result.curves["loss"][0], rel=1e-5)
    assert found.steps["fisher"].mean() == pytest.approx(result.curves["fisher"][0], rel=1e-5)
    assert found.epochs["epoch"].tolist() == [1, 2]
    assert found.epochs["svm_accuracy"].iloc[-1] == accuracy
    assert found.epochs["svm_accuracy"].between(0, 1).all()


def test_a_loss_without_the_fisher_term_has_no_f(grid):
    found = trace(grid.trials()[1], grid.datasets["mnist"], "cpu")
    assert found.steps["fisher"].isna().all() and found.steps["loss"].notna().all()


def test_a_trace_ends_before_the_first_loss_that_is_not_finite(grid):
    trial, dataset = grid.trials()[0], grid.datasets["mnist"]
    wild = dataclasses.replace(
        trial,
        settings=trial.settings | {"fisher": "ratio", "fisher_weight": 1e6},
        training=dataclasses.replace(trial.training, learning_rate=10.0, batch_size=8),
    )
    found = trace(wild, dataset, "cpu")
    assert 0 < found.diverged_at < dataset.n_train // 8
    assert len(found.steps) == found.diverged_at and np.isfinite(found.steps["loss"]).all()
    assert found.epochs.empty


def test_the_command_leaves_every_training_and_how_it_was_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(STUDIES, "readings", TINY)
    assert main(["controls", "--trace", str(tmp_path / "out"), "--device", "cpu", "--offline"]) == 0
    assert capsys.readouterr().out.count(": trained; SVM accuracy [") == 2
    steps, epochs = (pd.read_csv(tmp_path / "out" / "trace" / f"{name}.csv") for name in ("steps", "epochs"))
    assert steps.groupby(["method", "seed"]).size().to_dict() == dict.fromkeys([(name, 0) for name in NAMES], 6)
    assert epochs.groupby(["method", "seed"]).size().to_dict() == dict.fromkeys([(name, 0) for name in NAMES], 2)
    made = json.loads((tmp_path / "out" / "trace" / "trace.json").read_text())
    assert made["command"] and "procedural images, not the real data sets" in made["notes"]
    assert (tmp_path / "out" / "trace" / "trace.png").stat().st_size > 5_000


def test_an_epoch_whose_latents_are_constant_has_no_accuracy(tmp_path, monkeypatch, grid, capsys):
    dataset = grid.datasets["mnist"]
    grey = dataclasses.replace(dataset, images=np.full_like(dataset.images, 99))
    found = trace(grid.trials()[1], grey, "cpu")
    assert found.diverged_at is None and found.epochs["epoch"].tolist() == [1, 2]
    assert found.epochs["svm_accuracy"].isna().all()
    monkeypatch.setitem(STUDIES, "readings", TINY)
    monkeypatch.setattr("benchmark.commands.trace_readings.trace", lambda *_: found)
    assert main(["controls", "--trace", str(tmp_path), "--device", "cpu", "--offline"]) == 0
    assert capsys.readouterr().out.count("SVM accuracy [nan, nan]") == 2
    assert (tmp_path / "trace" / "epochs.csv").read_text().splitlines()[1] == "hgmvae_g,0,1,"
    assert (tmp_path / "trace" / "trace.png").stat().st_size > 5_000


def test_the_command_says_which_images_are_missing(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    status = main(["controls", "--trace", str(tmp_path / "out"), "--data-dir", str(tmp_path / "data"), "--offline"])
    error = capsys.readouterr().err
    assert status == 2 and "mnist.npz" in error and len(error.strip().splitlines()) == 1


def test_the_figure_draws_every_seed_and_marks_what_diverged():
    steps = pd.DataFrame(
        {
            "method": [NAMES[0]] * 4,
            "seed": [0, 0, 1, 1],
            "step": [1, 2, 1, 2],
            "loss": [9.0, -1e6, 8.0, 7.0],
            "fisher": [1.0, 1e6, 1.0, 2.0],
        }
    )
    epochs = pd.DataFrame({"method": [NAMES[0]], "seed": [1], "epoch": [1], "svm_accuracy": [0.5]})
    of_fisher, of_loss, of_accuracy = (
        trace_figure(TracePage(steps, epochs, frozenset({(NAMES[0], 0)}), ("few images",))).subfigs[0].axes
    )
    assert [line.get_ydata().tolist() for line in of_loss.lines] == [[9.0, -1e6], [-1e6], [8.0, 7.0]]
    assert of_loss.lines[1].get_marker() == "x" and of_fisher.lines[1].get_ydata().tolist() == [1e6]
    assert [line.get_ydata().tolist() for line in of_accuracy.lines] == [[0.5]]


def test_the_trace_of_record_is_of_the_trainings_of_record():
    """Every seed of results/reference/readings diverges at the same step, or ends at the same accuracy."""
    folder = REPOSITORY / "results/reference/readings"
    steps, epochs = (pd.read_csv(folder / f"trace/{name}.csv") for name in ("steps", "epochs"))
    records = packed_records(folder).values()
    assert len(records) == 27
    for record in records:
        of = record["identity"]["method"], record["identity"]["seed"]
        seen, judged = (frame[(frame["method"] == of[0]) & (frame["seed"] == of[1])] for frame in (steps, epochs))
        if record["status"] == "diverged":
            assert record["reason"].startswith(f"not finite at step {len(seen)}: loss, ") and judged.empty
        else:
            assert len(seen) == 250 and len(judged) == record["identity"]["training"]["epochs"]
            assert judged["svm_accuracy"].iloc[-1] == record["metrics"]["classification"]["svm_accuracy"]
            assert seen["loss"].mean() == pytest.approx(record["curves"]["loss"][0], rel=1e-5)
