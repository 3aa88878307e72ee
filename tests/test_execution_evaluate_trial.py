"""Trials from settings to record, alone and in packs, and what a second run of them repeats."""

import dataclasses
import json
import math
import os

import numpy as np
import pytest
import torch
from tiny_study import TINY, records_of, tiny_grid

from benchmark.evaluation.backbones import ALL_BACKBONES
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.protocols import Classification
from benchmark.execution import pack_run
from benchmark.execution.evaluate_trial import (
    TrialContext,
    _health,
    _rate_bounds,
    _with_more,
    completed,
    empty_record,
    failed_record,
    measured,
    trial_model,
    trial_outputs,
    write_result,
)
from benchmark.execution.packs import Pack
from benchmark.execution.resume import pending
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import METHODS, build_model
from benchmark.results.records import Record
from benchmark.results.store import Store, named_record
from benchmark.training.checkpoints import load_checkpoint, save_checkpoint
from benchmark.training.loop import TrainingResult, to_unit_range
from benchmark.training.pack import train_pack
from models.base import draw_noise


@pytest.fixture
def context(tmp_path):
    return TrialContext(tmp_path, "cpu", None)


@pytest.fixture
def grid(tmp_path):
    return tiny_grid(tmp_path)


def test_trials_are_scored_where_and_with_what_their_run_says(tmp_path):
    run = TrialContext(
        tmp_path, "mps", tmp_path / "w", weights_missing={"alexnet": "gone"}, left_out=frozenset({"fid"})
    )
    assert run.evaluation == EvaluationContext(
        tmp_path / "w", "mps", tmp_path / "statistics", ALL_BACKBONES, {"alexnet": "gone"}, frozenset({"fid"})
    )
    assert EvaluationContext().statistics_dir is None  # who gives no folder gets no files


def run(grid, context, trial=None, **more):
    trial = trial or grid.trials()[0]
    [record] = records_of([trial], grid.datasets[trial.data.name], context, **more)
    return record


def results_of(record):
    return record.metrics, record.curves, record.health, record.status, record.key


def no_training(*_):
    raise AssertionError("trained again")


def test_the_record_is_whole_plain_and_repeatable(grid, context, tmp_path):
    epochs = []
    trial = grid.trials()[0]
    record = run(grid, context, on_epoch=epochs.append)
    assert epochs == [1, 2]
    assert named_record(json.loads(json.dumps(record.plain, allow_nan=False)), trial.key) == record
    assert record.status == "ok" and record.unavailable == {}
    assert set(record.metrics["clustering"]) == {"silhouette", "calinski_harabasz", "davies_bouldin"}
    terms = {"loss", "reconstruction", "conditional_prior", "w_prior", "component_prior"}
    assert record.curves.keys() == terms and all(len(curve) == 2 for curve in record.curves.values())
    model = build_model(METHODS["gmvae"], trial.settings, (1, 32, 32), 2, 0.25, 0)
    assert record.parameters == sum(p.numel() for p in model.parameters())
    assert record.timings["training_seconds"] > 0 and record.plain["peak_memory_mb"]["process"] > 50
    assert {"git_commit", "git_dirty", "versions", "device", "date"} <= record.provenance.plain.keys()
    training = record.plain["training"]
    assert (training["way"], training["steps"], training["pack_seeds"]) == ("eager", "eager", [0])
    again = run(grid, dataclasses.replace(context, out=tmp_path / "again"))
    assert results_of(again) == results_of(record)


def test_a_trained_trial_is_only_evaluated_again_with_the_same_result(grid, context, monkeypatch):
    record = run(grid, context)
    monkeypatch.setattr(pack_run, "train_pack", no_training)
    again = run(grid, context)
    assert results_of(again) == results_of(record)
    assert again.timings["training_seconds"] == record.timings["training_seconds"]
    assert again.plain["training"] == record.plain["training"]
    Store(context.out).forget([record.key])  # --force
    again = run(grid, context)
    assert again.status == "failed" and "trained again" in again.reason


def test_a_damaged_checkpoint_is_replaced_by_a_new_training(grid, context, monkeypatch):
    record = run(grid, context)
    path = Store(context.out).checkpoint_path(record.key)
    path.write_bytes(path.read_bytes()[:100])
    assert results_of(run(grid, context)) == results_of(record)
    monkeypatch.setattr(pack_run, "train_pack", no_training)  # so the checkpoint is whole again
    assert results_of(run(grid, context)) == results_of(record)


def test_checkpoints_that_have_changed_places_are_trained_anew_to_the_same_records(grid, context):
    records = [record for _, record, _ in run_pack(grid, first_pack(grid), context)]
    one, other = (Store(context.out).checkpoint_path(record.key) for record in records)
    spare = one.rename(one.with_suffix(".spare"))
    other.rename(one)
    spare.rename(other)
    again = [record for _, record, _ in run_pack(grid, first_pack(grid), context)]
    assert [results_of(record) for record in again] == [results_of(record) for record in records]


@pytest.mark.parametrize("damage", [{"curves": 5}, {"timings": {"training_seconds": "long"}}, {"training": []}])
def test_a_checkpoint_that_says_what_no_training_does_is_replaced_too(grid, context, damage):
    record = run(grid, context)
    path = Store(context.out).checkpoint_path(record.key)
    trial = next(trial for trial in grid.trials() if trial.key == record.key)
    model = trial_model(trial, trial.seed)
    save_checkpoint(model, load_checkpoint(model, path) | damage, path)
    assert results_of(run(grid, context)) == results_of(record)


@pytest.mark.parametrize("method, draws", [("vae", False), ("hgmvae_u", False), ("hgmvae_g", True)])
def test_a_record_has_the_rate_without_other_draws(method, draws, tmp_path, context):
    tables = (dataclasses.replace(TINY.tables[1], methods=(method,)),)
    health = run(tiny_grid(tmp_path, dataclasses.replace(TINY, tables=tables, seeds=1)), context).health
    low, high = health.rate_bounds
    assert low < high < health.rate if draws else low == high == health.rate


def health_of(method: str, tmp_path, spread: float = 0.0, **biases: float):
    """Health and outputs of an untrained model, whose named heads have these biases, and weights times spread."""
    tables = (dataclasses.replace(TINY.tables[1], methods=(method,)),)
    grid = tiny_grid(tmp_path, dataclasses.replace(TINY, tables=tables, seeds=1))
    [trial], dataset = grid.trials(), grid.datasets["mnist"]
    model = trial_model(trial, 0).eval()
    with torch.no_grad():
        for head, bias in biases.items():
            model.encoder.heads[head].weight.mul_(spread)
            model.encoder.heads[head].bias.fill_(bias)
    outputs = trial_outputs(model, dataset, "cpu", set())
    return _health(model, dataset, trial, "cpu", outputs), outputs


def test_the_distortion_is_the_squared_error_summed_over_the_pixels(tmp_path):
    health, outputs = health_of("swae", tmp_path)  # whose codes have no noise
    errors = np.square(outputs.images_test / 255 - outputs.reconstructions_test).sum((1, 2, 3))
    assert health.distortion == pytest.approx(errors.mean(), rel=1e-4)


def test_the_gap_to_the_prior_is_the_divergence_of_the_codes_from_it_and_not_the_reverse(tmp_path):
    health, _ = health_of("vae", tmp_path, embedding=2.0, log_covariance=math.log(0.25))
    # KL(N(2, 1/4) || N(0, 1)) = (1/4 + 4 - 1 + log 4) / 2 = 2.32 nats; the reverse is 8.81.
    gaps = health.plain["gap_to_prior"]
    assert len(gaps) == 8 and np.mean(gaps) == pytest.approx(2.32, abs=0.6)


def test_units_whose_codes_vary_far_less_than_their_noise_are_not_active(tmp_path):
    health, outputs = health_of("vae", tmp_path, spread=1e-3, embedding=0.0, log_covariance=0.0)
    assert 0 < outputs.latents_test.std() < 0.05
    assert (health.active_units, health.collapsed) == (0, True)


def spread_out(method: str):
    """A model whose components lie far apart and are not equally likely: codes tell much of w, or of the component."""
    method = ALL_METHODS[method]
    model = build_model(method, method.settings("default"), (1, 32, 32), 4, 0.25, 0).eval()
    with torch.no_grad():
        model.encoder.heads["mean"].weight.mul_(100)
        model.encoder.heads["log_var"].bias.sub_(2)
        model.encoder.heads["logits"].bias.add_(torch.arange(10) / 4)
    return model


@pytest.mark.parametrize("method", ["hgmvae_g", "hgmvae_g_one_component"])
def test_the_rate_without_other_draws_is_that_of_the_marginal_code(method, grid):
    model, dataset = spread_out(method), grid.datasets["mnist"]
    low, high = _rate_bounds(model, dataset, "cpu", 50.0)
    rate = 50 - told_of_draws_by_many(model, to_unit_range(torch.from_numpy(np.array(dataset.x_test))))
    assert 46 < low < high < 49
    assert low - 0.1 < rate < high + 0.1
    assert _rate_bounds(model, dataset, "cpu", None) is None
    with torch.no_grad():
        model.encoder.heads["mean"].weight.fill_(torch.inf)
    assert _rate_bounds(model, dataset, "cpu", 50.0) is None


@torch.no_grad()
def told_of_draws_by_many(model, images, n: int = 1000) -> float:
    """The mean of log q(x given y, draws) - log q(x given y), the latter by n other draws of each of 20 codes."""
    stream = torch.Generator().manual_seed(7)
    encoded, told = model.encoder(images), []

    def gaussian():
        mean, log_var = model.code_posterior(
            encoded, draw_noise(model.noise_shapes(len(images)), images.device, stream)
        )
        return torch.distributions.Normal(mean.double(), (0.5 * log_var.double()).exp())

    others = [gaussian() for _ in range(n)]
    for _ in range(20):
        own = gaussian()
        code = torch.normal(own.mean, own.stddev, generator=stream)
        densities = torch.stack([other.log_prob(code).sum(1) for other in others])
        told.append(own.log_prob(code).sum(1) - densities.logsumexp(0) + math.log(n))
    return torch.stack(told).mean().item()


def test_a_diverged_training_is_a_record_with_its_step_and_no_number(grid, context, monkeypatch):
    monkeypatch.setattr(
        pack_run, "train_pack", lambda *_: [TrainingResult({"loss": [None]}, 3, 0.1, 2, ("loss", "fisher"))]
    )
    record = run(grid, context)
    assert (record.status, record.reason) == ("diverged", "not finite at step 2: loss, fisher")
    assert record.metrics == {} and not Store(context.out).checkpoint_path(record.key).exists()
    json.dumps(record.plain, allow_nan=False)


def test_an_absurd_learning_rate_really_diverges(tmp_path, context):
    study = dataclasses.replace(TINY, training=dataclasses.replace(TINY.training, learning_rate=1e30))
    record = run(tiny_grid(tmp_path, study), context)
    assert record.status == "diverged" and record.metrics == {}


def test_a_model_that_gives_every_image_one_code_is_scored_as_such(grid, context, monkeypatch):
    def forget(models, *_):
        with torch.no_grad():
            models[0].encoder.heads["embedding"].weight.zero_()
        models[0].eval()
        return [TrainingResult({"loss": [1.0]}, 1, 0.1)]

    monkeypatch.setattr(pack_run, "train_pack", forget)
    record = run(grid, context)
    assert record.status == "ok" and record.metrics["clustering"] == {}
    assert "constant" in record.unavailable["clustering"]["silhouette"]
    assert (record.health.active_units, record.health.collapsed) == (0, True)


# Packs -----------------------------------------------------------------------------------------------------


def first_pack(grid, wanted=None) -> Pack:
    trials = grid.trials()[:2]
    return Pack(tuple(trials), frozenset(trial.key for trial in wanted or trials))


def run_pack(grid, pack, context):
    images = torch.from_numpy(grid.datasets["mnist"].x_train.copy())
    return list(pack_run.run_pack(pack, grid.datasets["mnist"], images, context))


def test_steps_in_turn_give_the_records_of_trials_alone(grid, context, tmp_path):
    trials = grid.trials()[:2]
    packed = records_of(trials, grid.datasets["mnist"], context)
    alone = [run(grid, dataclasses.replace(context, out=tmp_path / "alone"), trial) for trial in trials]
    assert [results_of(record) for record in packed] == [results_of(record) for record in alone]
    assert [record.training.pack_seeds for record in packed] == [(0, 1)] * 2


def test_every_checkpoint_is_stored_before_the_first_record(grid, context):
    images = torch.from_numpy(grid.datasets["mnist"].x_train.copy())
    next(pack_run.run_pack(first_pack(grid), grid.datasets["mnist"], images, context))
    assert all(Store(context.out).checkpoint_path(trial.key).exists() for trial in grid.trials()[:2])


def test_a_pack_that_is_trained_already_says_so_before_its_first_record(grid, context):
    images = torch.from_numpy(grid.datasets["mnist"].x_train.copy())
    said = []
    for _ in range(2):
        signs = {"on_epoch": said.append, "on_stored": lambda: said.append("stored")}
        for trial, *_ in pack_run.run_pack(first_pack(grid), grid.datasets["mnist"], images, context, **signs):
            said.append(trial.seed)
    assert said == [1, 2, 0, 1, "stored", 0, 1]


def test_a_seed_whose_evaluation_breaks_costs_no_other(grid, context, monkeypatch):
    broken, healthy = grid.trials()[:2]

    def sometimes(trial, *arguments):
        if trial == broken:
            raise RuntimeError("evaluation broke\nsecond line")
        return measured(trial, *arguments)

    monkeypatch.setattr(pack_run, "measured", sometimes)
    records = {trial.seed: record for trial, record, _ in run_pack(grid, first_pack(grid), context)}
    assert records[broken.seed].status == "failed"
    assert records[broken.seed].reason == "RuntimeError: evaluation broke"
    assert records[healthy.seed].status == "ok" and records[healthy.seed].health.plain


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("\nAll the 5 fits failed.\nIt is very likely"), "RuntimeError: All the 5 fits failed."),
        (torch.AcceleratorError("CUDA error: out\nmore"), "AcceleratorError: CUDA error: out"),
        (MemoryError(), "MemoryError"),
        (ValueError(" \n\t"), "ValueError"),
    ],
)
def test_the_reason_of_a_failed_trial_is_the_first_line_that_says_something(error, reason, grid):
    assert failed_record(grid.trials()[0], "cpu", error).reason == reason


def test_a_part_whose_training_breaks_costs_no_other_part(grid, context, monkeypatch):
    def sometimes(models, images, settings, seeds, *arguments):
        if seeds == [0]:
            raise RuntimeError("training broke")
        return train_pack(models, images, settings, seeds, *arguments)

    monkeypatch.setattr(pack_run, "seeds_that_fit", lambda trial, images: 1)
    monkeypatch.setattr(pack_run, "train_pack", sometimes)
    records = [record for _, record, _ in run_pack(grid, first_pack(grid), context)]
    assert [record.status for record in records] == ["failed", "ok"]
    assert records[0].reason == "RuntimeError: training broke"


def test_a_full_disk_is_no_trials_fault(grid, context, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pack_run, "measured", full)
    with pytest.raises(OSError, match="No space left"):
        run_pack(grid, first_pack(grid), context)


def test_of_an_interrupted_pack_only_what_is_missing_is_trained_to_the_same_records(grid, context, monkeypatch):
    whole = {trial.key: record for trial, record, _ in run_pack(grid, first_pack(grid), context)}
    # Seed 0 has its checkpoint; that of seed 1 was not yet there.
    done, missing = grid.trials()[:2]
    store = Store(context.out)
    store.checkpoint_path(missing.key).unlink()
    before = store.checkpoint_path(done.key).stat().st_mtime_ns
    sizes = []

    def counted(models, *arguments):
        sizes.append(len(models))
        return train_pack(models, *arguments)

    monkeypatch.setattr(pack_run, "train_pack", counted)
    again = run_pack(grid, first_pack(grid), context)
    assert ([trial for trial, *_ in again], sizes) == ([done, missing], [1])
    assert [results_of(record) for _, record, _ in again] == [results_of(one) for one in whole.values()]
    assert store.checkpoint_path(done.key).stat().st_mtime_ns == before


def test_scores_are_not_added_to_the_record_of_another_training(grid, context, monkeypatch):
    """A checkpoint was damaged, and the attempt that trained the trial anew failed while it was evaluated."""
    store, [trial, _] = Store(context.out), grid.trials()[:2]
    pack = first_pack(grid, [trial])
    [(_, record, _)] = run_pack(grid, pack, context)
    other = Record.parse({**record.plain, "curves": {name: [9.0, 9.0] for name in record.curves}, "metrics": {}})
    store.write_record(other)
    monkeypatch.setattr(pack_run, "train_pack", no_training)
    [(_, again, _)] = run_pack(grid, pack, context)
    assert again.curves == record.curves and again.health == record.health
    store.write_record(record)
    monkeypatch.setattr(pack_run, "measured", no_training)
    [(_, completed_record, _)] = run_pack(grid, pack, context)
    assert completed_record == record


def test_an_error_while_scores_are_added_costs_the_trial_it_belongs_to(grid, context, monkeypatch):
    pack = first_pack(grid)
    for _, record, _ in run_pack(grid, pack, context):
        Store(context.out).write_record(record)
    broken, healthy = pack.trials

    def sometimes(trial, *arguments):
        if trial == broken:
            raise RuntimeError("no memory")
        return completed(trial, *arguments)

    monkeypatch.setattr(pack_run, "completed", sometimes)
    again = {trial.key: record for trial, record, _ in run_pack(grid, pack, context)}
    assert (again[broken.key].status, again[broken.key].reason) == ("failed", "RuntimeError: no memory")
    assert again[healthy.key].ok


def test_an_error_in_a_protocol_of_ones_own_costs_no_other_score_and_is_tried_again(tmp_path, context, monkeypatch):
    tables = tuple(dataclasses.replace(table, methods=("vae",), latent_dims=(2,)) for table in TINY.tables)
    grid = tiny_grid(tmp_path, dataclasses.replace(TINY, tables=tables, seeds=1))
    monkeypatch.setattr(Classification, "raises_errors", False)
    with monkeypatch.context() as broken:
        broken.setattr(Classification, "_score", lambda *_: {}["missing"])
        record = run(grid, context)
    assert record.ok and len(record.metrics["clustering"]) == 3 and record.metrics["classification"] == {}
    assert record.unavailable == {"classification": {"svm_accuracy": "scoring failed: KeyError: 'missing'"}}
    Store(context.out).write_record(record)
    assert pending(grid.trials(), Store(context.out), set()).to_complete == grid.trials()
    monkeypatch.setattr(pack_run, "train_pack", no_training)
    again = run(grid, context)
    assert again.unavailable == {} and again.metrics["clustering"] == record.metrics["clustering"]
    assert 0 <= again.metrics["classification"]["svm_accuracy"] <= 1


def test_component_weights_and_factors_are_given_to_the_protocols_that_need_them(grid):
    [images] = grid.datasets.values()
    factors = np.arange(len(images.images), dtype=np.int16)[:, None]
    dataset = dataclasses.replace(images, factors=factors, factor_names=("row",))
    model = spread_out("hgmvae_g")
    given = trial_outputs(model, dataset, "cpu", {"component_weights_test", "factors_test"})
    np.testing.assert_allclose(given.component_weights_test.sum(1), np.ones(images.n_test), rtol=1e-5)
    np.testing.assert_array_equal(given.factors_test, factors[images.n_train :])
    assert given.factor_names == ("row",) and given.latents_train is None
    without = trial_outputs(model, dataset, "cpu", set())
    assert without.component_weights_test is None and without.factors_test is None


def test_a_metric_that_is_added_keeps_where_the_networks_of_the_others_came_from():
    lpips = {"n_images": 60, "weights": {"lpips": "one.pth"}, "weights_from": {"one.pth": "registry"}}
    fid = {"n_images": 60, "fid_images": 60, "weights": {"fid": "two.pth"}, "weights_from": {"two.pth": "folder"}}
    assert _with_more(lpips, fid) == {
        "n_images": 60,
        "fid_images": 60,
        "weights": {"lpips": "one.pth", "fid": "two.pth"},
        "weights_from": {"one.pth": "registry", "two.pth": "folder"},
    }
    assert _with_more(lpips, {**fid, "weights": {}, "weights_from": {}})["weights_from"] == {"one.pth": "registry"}


def test_a_failed_attempt_to_add_scores_leaves_the_record_as_it_was(grid, tmp_path):
    store, [trial, other] = Store(tmp_path), grid.trials()[:2]
    good = empty_record(trial, "cpu").updated(metrics={"reconstruction": {"ssim": 0.5}})
    assert write_result(store, good) == "ok"
    failed = failed_record(trial, "cpu", MemoryError("FID"))
    path = store.record_path(trial.key)
    os.utime(path, ns=(1, 1))
    assert write_result(store, failed) == "nothing was added to its record (MemoryError: FID)"
    assert store.read_record(trial.key) == good
    assert path.stat().st_mtime_ns > 1  # by which a watcher sees that the attempt has ended
    # Where nothing has ended well the failure is the record, whatever there was before.
    for reason in ("first", "second"):
        assert write_result(store, empty_record(other, "cpu", "failed", reason)) == "failed"
        assert store.read_record(other.key).reason == reason


def test_a_pack_that_runs_out_of_memory_is_trained_in_halves(grid, context, monkeypatch):
    sizes = []

    def small_device(models, *arguments):
        sizes.append(len(models))
        if len(models) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_pack(models, *arguments)

    monkeypatch.setattr(pack_run, "train_pack", small_device)
    records = run_pack(grid, first_pack(grid), context)
    assert sizes == [2, 1, 1]
    assert [record.status for _, record, _ in records] == ["ok", "ok"]
    assert [record.training.pack_seeds for _, record, _ in records] == [(0,), (1,)]


def test_a_pack_larger_than_the_measured_limit_is_trained_in_parts(grid, context, monkeypatch):
    monkeypatch.setattr(pack_run, "seeds_that_fit", lambda trial, images: 1)
    records = run_pack(grid, first_pack(grid), context)
    assert [record.training.pack_seeds for _, record, _ in records] == [(0,), (1,)]
