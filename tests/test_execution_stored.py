import json

import numpy as np
import pytest
import torch
from tiny_study import tiny_grid

from benchmark.execution.stored import NotAtHand, images_in, stored_model
from benchmark.execution.trial import trial_model
from benchmark.training.checkpoints import save_checkpoint


@pytest.fixture
def trial(tmp_path):
    return tiny_grid(tmp_path).trials()[0]


def identity_with(trial, **data):
    identity = json.loads(json.dumps(trial.identity))
    identity["data"] |= data
    return identity


def test_a_model_comes_back_as_it_was_stored(trial, tmp_path):
    model = trial_model(trial, seed=7).eval()
    save_checkpoint(model, {"parameters": 1}, tmp_path / "one.safetensors")
    images = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    loaded = stored_model(trial.identity, tmp_path / "one.safetensors")
    assert not loaded.training
    torch.testing.assert_close(loaded.embed(images), model.embed(images), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method": "unheard_of"}, "no method of this version"),
        ({"method_revision": 99}, "another revision"),
        ({"latent_dim": 5}, "no checkpoint of this model"),
        ({"settings": {"betta": 0.05}}, "there is no 'betta'"),
    ],
)
def test_a_model_that_cannot_come_back_says_why(trial, tmp_path, change, reason):
    save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors")
    with pytest.raises(NotAtHand, match=reason) as raised:
        stored_model(trial.identity | change, tmp_path / "one.safetensors")
    assert "\n" not in str(raised.value)


def test_a_model_of_what_bfloat16_meant_before_does_not_come_back(trial, tmp_path):
    save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors")
    training = trial.identity["training"] | {"precision": "bfloat16"}
    with pytest.raises(NotAtHand, match="another revision"):
        stored_model(trial.identity | {"training": training}, tmp_path / "one.safetensors")
    stored_model(trial.identity | {"training": training | {"precision_revision": 2}}, tmp_path / "one.safetensors")


def test_a_trial_gets_the_images_that_it_saw(tmp_path, trial):
    grid_images = tiny_grid(tmp_path).datasets["mnist"]
    load = images_in(tmp_path, offline=True)
    images = load(trial.identity)
    np.testing.assert_array_equal(images.x_test, grid_images.x_test)
    assert load(identity_with(trial)) is images


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"digest": "0"}, "their digest differs"), ({"kind": "real"}, "mnist"), ({"n_train": 10**9}, "digest differs")],
)
def test_images_that_are_not_to_be_had_say_why(tmp_path, trial, change, reason):
    with pytest.raises(NotAtHand, match=reason) as raised:
        images_in(tmp_path, offline=True)(identity_with(trial, **change))
    assert "\n" not in str(raised.value)
