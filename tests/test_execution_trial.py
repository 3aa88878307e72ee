"""One trial from settings to record, and what a second run of it repeats."""

import dataclasses
import json

import pytest
import torch
from tiny_study import TINY, tiny_grid

from benchmark.execution import trial as trial_module
from benchmark.execution.store import Store, record_fault
from benchmark.execution.trial import TrialContext, run_trial
from benchmark.methods import METHODS, build_model
from benchmark.training.loop import TrainingResult


@pytest.fixture
def context(tmp_path):
    return TrialContext(tmp_path, "cpu", None, offline=True)


@pytest.fixture
def grid(tmp_path):
    return tiny_grid(tmp_path)


def run(grid, context, trial=None, **more):
    trial = trial or grid.trials()[0]
    return run_trial(trial, grid.datasets[trial.data.name], context, **more)


def no_training(*_):
    raise AssertionError("trained again")


def test_the_record_is_whole_plain_and_repeatable(grid, context):
    epochs = []
    trial = grid.trials()[0]
    record = run(grid, context, on_epoch=epochs.append)
    assert epochs == [1, 2]
    assert record_fault(json.loads(json.dumps(record, allow_nan=False)), trial.key) is None
    assert record["status"] == "ok" and record["unavailable"] == {}
    assert set(record["metrics"]["clustering"]) == {"silhouette", "calinski_harabasz", "davies_bouldin"}
    terms = {"loss", "reconstruction", "conditional_prior", "w_prior", "component_prior"}
    assert record["curves"].keys() == terms and all(len(curve) == 2 for curve in record["curves"].values())
    model = build_model(METHODS["gmvae"], trial.settings, (1, 32, 32), 2, 0.25, 0)
    assert record["parameters"] == sum(p.numel() for p in model.parameters())
    assert record["timings"]["training_seconds"] > 0 and record["peak_memory_mb"]["process"] > 50
    assert {"git_commit", "git_dirty", "versions", "device", "date"} <= record["provenance"].keys()
    again = run(grid, context)
    assert (again["metrics"], again["curves"]) == (record["metrics"], record["curves"])


def test_a_trained_trial_is_only_evaluated_again_with_the_same_result(grid, context, monkeypatch):
    record = run(grid, context)
    monkeypatch.setattr(trial_module, "train", no_training)
    again = run(grid, context, previous=record)
    for field in ("metrics", "curves", "health", "key"):
        assert again[field] == record[field]
    assert again["timings"]["training_seconds"] == record["timings"]["training_seconds"]
    with pytest.raises(AssertionError, match="trained again"):  # --force
        run(grid, dataclasses.replace(context, reuse_training=False), previous=record)


def test_a_damaged_checkpoint_is_replaced_by_a_new_training(grid, context):
    record = run(grid, context)
    path = Store(context.out).checkpoint_path(record["key"])
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    again = run(grid, context, previous=record)
    assert (again["metrics"], again["curves"]) == (record["metrics"], record["curves"])
    assert path.read_bytes() == whole


def test_a_diverged_training_is_a_record_with_its_step_and_no_number(grid, context, monkeypatch):
    monkeypatch.setattr(trial_module, "train", lambda *_: TrainingResult({"loss": [None]}, 3, 0.1, diverged_at=2))
    record = run(grid, context)
    assert (record["status"], record["reason"]) == ("diverged", "loss or parameters not finite at step 2")
    assert record["metrics"] == {} and not Store(context.out).checkpoint_path(record["key"]).exists()
    json.dumps(record, allow_nan=False)


def test_an_absurd_learning_rate_really_diverges(tmp_path, context):
    study = dataclasses.replace(TINY, training=dataclasses.replace(TINY.training, learning_rate=1e30))
    record = run(tiny_grid(tmp_path, study), context)
    assert record["status"] == "diverged" and record["metrics"] == {}


def test_a_model_that_gives_every_image_one_code_is_scored_as_such(grid, context, monkeypatch):
    def forget(model, *_):
        with torch.no_grad():
            model.encoder.heads["embedding"].weight.zero_()
        return TrainingResult({"loss": [1.0]}, 1, 0.1)

    monkeypatch.setattr(trial_module, "train", forget)
    record = run(grid, context)
    assert record["status"] == "ok" and record["metrics"]["clustering"] == {}
    assert "constant" in record["unavailable"]["clustering"]["silhouette"]
    assert (record["health"]["active_units"], record["health"]["collapsed"]) == (0, True)


def test_a_checkpoint_is_stored_before_the_evaluation(grid, context, monkeypatch):
    def broken(*_):
        raise RuntimeError("evaluation broke")

    monkeypatch.setattr(trial_module, "trial_outputs", broken)
    with pytest.raises(RuntimeError, match="evaluation broke"):
        run(grid, context)
    assert Store(context.out).checkpoint_path(grid.trials()[0].key).exists()
