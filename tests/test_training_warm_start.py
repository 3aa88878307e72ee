"""A warm start: what is copied, both stages as trainings of their own, packs, divergence, records and keys."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny_study import TINY, records_of, tiny_grid
from torch import Tensor

from benchmark.execution import pack_run
from benchmark.execution.evaluate_trial import TrialContext, matches_this_code, trial_model, warm_start_model
from benchmark.execution.stored_models import NotAvailable, stored_model
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import build_model
from benchmark.results.records import Identity
from benchmark.results.store import Store
from benchmark.studies.changes import with_settings
from benchmark.training.loop import train
from benchmark.training.training_settings import TrainingSettings
from benchmark.training.warm_start import begin_with, train_warm_pack
from models.base import ImageAutoencoder

SETTINGS = TrainingSettings(epochs=2, batch_size=8, width=0.125)
STAGES = dataclasses.replace(SETTINGS, epochs=3), SETTINGS
SEEDS = (3, 0)
WARM = ("hgmvae_g_warm", "hgmvae_u_warm")
HEADS = ALL_METHODS["hgmvae_g_warm"].training.heads


@pytest.fixture
def images(draw_images) -> Tensor:
    return (draw_images(43) * 255).byte()


def build(name: str, seed: int = 0) -> ImageAutoencoder:
    method = ALL_METHODS[name]
    return build_model(method, method.settings("default"), (1, 32, 32), 4, SETTINGS.width, seed)


def same(one: ImageAutoencoder, other: ImageAutoencoder) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(
        torch.equal(states[0][name], states[1][name]) for name in states[0]
    )


@pytest.mark.parametrize("name", WARM)
def test_it_begins_with_the_codes_and_images_of_the_vae(name, images, draw_images):
    vae, model, untouched = build("vae", 1), build(name), build(name)
    train(vae, images, SETTINGS, seed=1)
    begin_with(model, vae, ALL_METHODS[name].training.heads)
    few = draw_images(5)
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(model.embed(few), vae.embed(few), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(model.reconstruct(few), vae.reconstruct(few), rtol=1e-5, atol=1e-5)
        components, code = model.encoder(few), vae.encoder(few)
        for head, of_vae in HEADS.items():
            assert torch.allclose(components[head].view(5, 10, 4), code[of_vae][:, None], atol=1e-5)
    own, before, theirs = (one.state_dict() for one in (model, untouched, vae))
    copied = {part for part in own if not torch.equal(own[part], before[part])}
    assert copied >= {part for part in theirs if part.startswith(("encoder.trunk", "decoder"))}
    assert {part.split(".")[0] for part in own.keys() - copied} <= {"encoder", "z_posterior", "x_prior"}
    assert not any("logits" in part for part in copied)


def test_a_vae_begins_wholly_as_the_vae(images):
    vae, model = build("vae", 1), build("vae_warm")
    train(vae, images, SETTINGS, seed=1)
    begin_with(model, vae, ALL_METHODS["vae_warm"].training.heads)
    assert same(model, vae)


@pytest.mark.parametrize("name", WARM)
def test_either_stage_is_a_training_of_its_own_and_a_pack_is_its_seeds_alone(name, images):
    epochs: list[int] = []
    starts, models = [build("vae", seed) for seed in SEEDS], [build(name, seed) for seed in SEEDS]
    results = train_warm_pack(starts, models, images, STAGES, HEADS, SEEDS, on_epoch=epochs.append)
    assert epochs == [1, 2, 3, 4, 5]
    for start, model, result, seed in zip(starts, models, results, SEEDS, strict=True):
        vae, alone = build("vae", seed), build(name, seed)
        of_vae = train(vae, images, STAGES[0], seed)
        begin_with(alone, vae, HEADS)
        own = train(alone, images, STAGES[1], seed)
        assert same(start, vae) and same(model, alone) and not model.training
        assert (result.curves, result.start.curves, result.steps) == (own.curves, of_vae.curves, 10)
        assert result.seconds > result.start.seconds > 0


def test_a_seed_whose_first_stage_diverges_is_trained_no_further_and_leaves_the_others_alone(images):
    starts, models = [build("vae", seed) for seed in SEEDS], [build(WARM[0], seed) for seed in SEEDS]
    alone = [build("vae", SEEDS[0])], [build(WARM[0], SEEDS[0])]
    with torch.no_grad():
        starts[1].encoder.heads["log_covariance"].bias.fill_(1e4)
    results = train_warm_pack(starts, models, images, STAGES, HEADS, SEEDS)
    [expected] = train_warm_pack(*alone, images, STAGES, HEADS, SEEDS[:1])
    assert results[0].curves == expected.curves and same(models[0], alone[1][0])
    assert (results[1].diverged_at, results[1].curves, results[1].start.curves["loss"]) == (0, {}, [None])
    assert same(models[1], build(WARM[0], SEEDS[1]))


def test_a_seed_whose_first_stage_diverges_leaves_those_after_it_their_own_streams(images):
    starts, models = [build("vae", seed) for seed in SEEDS], [build(WARM[0], seed) for seed in SEEDS]
    alone = [build("vae", SEEDS[1])], [build(WARM[0], SEEDS[1])]
    with torch.no_grad():
        starts[0].encoder.heads["log_covariance"].bias.fill_(1e4)
    results = train_warm_pack(starts, models, images, STAGES, HEADS, SEEDS)
    [expected] = train_warm_pack(*alone, images, STAGES, HEADS, SEEDS[1:])
    assert results[0].diverged_at == 0
    assert results[1].curves == expected.curves and same(models[1], alone[1][0])


# Trials ----------------------------------------------------------------------------------------------------

STUDY = dataclasses.replace(
    TINY,
    tables=(
        dataclasses.replace(TINY.tables[1], methods=("vae", "vae_twice", "hgmvae_g", "hgmvae_g_warm", "hgmvae_u_warm")),
    ),
)


@pytest.fixture
def grid(tmp_path):
    return tiny_grid(tmp_path, STUDY)


@pytest.fixture
def context(tmp_path):
    return TrialContext(tmp_path, "cpu", None)


def trials_of(grid, method: str):
    return [trial for trial in grid.trials() if trial.method == method]


def test_what_a_method_changes_in_the_training_is_in_its_trials_identity_and_in_no_others(tmp_path):
    grid = tiny_grid(tmp_path, with_settings(STUDY, ["vae.beta=0.1"]))
    vae, twice, plain, warm = (trials_of(grid, method)[0] for method in STUDY.tables[0].methods[:4])
    assert (vae.epochs, twice.epochs, plain.epochs, warm.epochs) == (2, 4, 2, 4)
    assert twice.training == dataclasses.replace(STUDY.training, epochs=4)
    assert not {"warm_start", "method_source"} & (vae.identity.keys() | twice.identity.keys() | plain.identity.keys())
    assert warm.training == STUDY.training and warm.identity["warm_start"] == {
        "method": "vae",
        "method_revision": 1,
        "settings": vae.identity["settings"],
        "epochs": 2,
        "heads": {"mean": "embedding", "log_var": "log_covariance"},
    }
    assert vae.settings["beta"] == 0.1


def test_a_warm_trials_record_has_both_stages_and_resumed_equals_whole(grid, context, tmp_path, monkeypatch):
    epochs: list[int] = []
    dataset, warm = grid.datasets["mnist"], trials_of(grid, "hgmvae_g_warm")
    whole = records_of(warm, dataset, context, on_epoch=epochs.append)
    assert epochs == [1, 2, 3, 4] and all(record.ok for record in whole)
    of_vae = records_of(trials_of(grid, "vae"), dataset, context)
    for record, vae in zip(whole, of_vae, strict=True):
        start = record.plain["training"]["warm_start"]
        assert start["curves"] == vae.curves and start["steps"] == 6
        assert record.timings["training_seconds"] >= start["seconds"]
        assert {len(curve) for curve in record.curves.values()} == {2} and "w_prior" in record.curves
    # Killed before its second checkpoint: both seeds are trained again; with both checkpoints there, none is.
    Store(context.out).checkpoint_path(warm[1].key).unlink()
    again = records_of(warm, dataset, context)
    assert [(record.metrics, record.curves) for record in again] == [(one.metrics, one.curves) for one in whole]
    alone = records_of(warm[1:], dataset, dataclasses.replace(context, out=tmp_path / "alone"))
    assert (alone[0].metrics, alone[0].curves) == (whole[1].metrics, whole[1].curves)
    monkeypatch.setattr(pack_run, "train_warm_pack", None)
    evaluated = records_of(warm, dataset, context)
    assert [record.plain["training"] for record in evaluated] == [record.plain["training"] for record in again]


def test_a_first_stage_that_diverges_is_a_record_that_says_so(grid, context, monkeypatch):
    def overflowing(trial, seed, device):
        model = warm_start_model(trial, seed, device)
        if seed == 1:
            torch.nn.init.constant_(model.encoder.heads["log_covariance"].bias, 1e4)
        return model

    monkeypatch.setattr(pack_run, "warm_start_model", overflowing)
    warm = trials_of(grid, "hgmvae_g_warm")
    good, bad = records_of(warm, grid.datasets["mnist"], context)
    assert good.ok and bad.status == "diverged" and bad.done
    assert bad.reason == "not finite at step 0 of its warm start (vae): loss, reconstruction, kl"
    assert not Store(context.out).checkpoint_path(warm[1].key).exists()


def test_a_divergence_of_its_own_names_no_warm_start(grid, context, monkeypatch):
    def overflowing(trial, seed, device):
        model = trial_model(trial, seed, device)
        torch.nn.init.constant_(model.encoder.heads["logits_log_var"].bias, 1e4)
        return model

    monkeypatch.setattr(pack_run, "trial_model", overflowing)
    [record] = records_of(trials_of(grid, "hgmvae_g_warm")[:1], grid.datasets["mnist"], context)
    assert record.status == "diverged" and record.reason.startswith("not finite at step 0: loss, ")
    assert np.isfinite(record.plain["training"]["warm_start"]["curves"]["loss"]).all()


def test_a_trial_whose_warm_start_is_of_another_revision_is_none_of_this_code(grid):
    plain = trials_of(grid, "hgmvae_g_warm")[0].identity
    assert matches_this_code(Identity.parse(plain))
    for change in ({"method_revision": 2}, {"method": "no_such"}):
        assert not matches_this_code(Identity.parse(plain | {"warm_start": plain["warm_start"] | change}))


def test_a_checkpoint_of_a_warm_trial_opens_alone_and_a_wrong_identity_says_what_is_wrong(grid, context):
    [trial, _] = trials_of(grid, "hgmvae_u_warm")
    records_of([trial], grid.datasets["mnist"], context)
    path = Store(context.out).checkpoint_path(trial.key)
    assert type(stored_model(Identity.parse(trial.identity), path)).__name__ == "HGMVAE"
    with pytest.raises(NotAvailable, match="its identity has no usable field 'warm_start'"):
        stored_model(Identity.parse(trial.identity | {"warm_start": "vae"}), path)
