import dataclasses
import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_study import tiny_grid

import hgmvae_benchmark
from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import trial_model
from benchmark.execution.stored_models import NotAvailable, images_in, stored_model
from benchmark.files import REPOSITORY
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.method_file import add_methods
from benchmark.methods.registry import build_model
from benchmark.results.records import Identity
from benchmark.training.checkpoints import save_checkpoint
from benchmark.training.memory_layout import laid_out


@pytest.fixture
def trial(tmp_path):
    return tiny_grid(tmp_path).trials()[0]


def identity_with(trial, **data):
    identity = json.loads(json.dumps(trial.identity))
    identity["data"] |= data
    return Identity.parse(identity)


def test_a_model_comes_back_as_it_was_stored(trial, tmp_path):
    model = trial_model(trial, seed=7).eval()
    save_checkpoint(model, {"parameters": 1}, tmp_path / "one.safetensors")
    images = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    loaded = stored_model(Identity.parse(trial.identity), tmp_path / "one.safetensors")
    assert not loaded.training
    torch.testing.assert_close(laid_out(loaded, "cpu").embed(images), model.embed(images), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method": "unheard_of"}, "not a method of this version"),
        ({"method_revision": 99}, "another revision"),
        ({"latent_dim": 5}, "no checkpoint of this model"),
        ({"settings": {"betta": 0.05}}, "there is no 'betta'"),
    ],
)
def test_a_model_that_cannot_come_back_says_why(trial, tmp_path, change, reason):
    save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors")
    with pytest.raises(NotAvailable, match=reason) as raised:
        stored_model(Identity.parse(trial.identity | change), tmp_path / "one.safetensors")
    assert "\n" not in str(raised.value)


def test_a_checkpoint_of_another_trial_is_not_taken_for_its_own(trial, tmp_path):
    """Two seeds' files have changed places."""
    other, path = dataclasses.replace(trial, seed=trial.seed + 1), tmp_path / "one.safetensors"
    save_checkpoint(trial_model(other, other.seed), {}, path, other.identity)
    with pytest.raises(NotAvailable, match=r"one\.safetensors: no checkpoint of this model \(it is of another trial\)"):
        stored_model(Identity.parse(trial.identity), path)
    stored_model(Identity.parse(other.identity), path)


def test_a_checkpoint_opens_alone_wherever_it_lies(trial, tmp_path):
    model = trial_model(trial, seed=7).eval()
    save_checkpoint(model, {}, tmp_path / "renamed.safetensors", trial.identity)
    images = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    opened = hgmvae_benchmark.load(tmp_path / "renamed.safetensors")
    assert not opened.training
    torch.testing.assert_close(laid_out(opened, "cpu").reconstruct(images), model.reconstruct(images), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (None, "does not state its method and settings; train the trial again"),
        ({"method": "vae"}, "its identity has no 'dataset'"),
        ({"latent_dim": 5}, "no checkpoint of this model"),
        ({"method_revision": 99}, "trained by another revision of the code"),
    ],
)
def test_a_checkpoint_that_cannot_be_opened_alone_says_why(trial, tmp_path, identity, said):
    whole = identity if identity is None or "method" in identity else trial.identity | identity
    save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors", whole)
    with pytest.raises(UserError, match=rf"one\.safetensors: .*{said}"):
        hgmvae_benchmark.load(tmp_path / "one.safetensors")


WRONG = (None, 5, -1, "x", [], [1], True, 2**53, [1, -32, 32], [1, 33, 33], ["a", "b", "c"])


@pytest.mark.parametrize("path", ["settings", "training", "training width", "data", "data image_shape", "latent_dim"])
def test_an_identity_that_no_model_can_be_built_from_is_one_line(trial, tmp_path, path):
    opened = []
    for wrong in WRONG:
        identity = json.loads(json.dumps(trial.identity))
        *folders, name = path.split()
        place = identity
        for folder in folders:
            place = place[folder]
        place[name] = wrong
        save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors", identity)
        try:
            hgmvae_benchmark.load(tmp_path / "one.safetensors")
            opened.append(wrong)
        except UserError as error:
            assert "one.safetensors: " in str(error) and "\n" not in str(error)
    assert opened == []


@pytest.mark.parametrize("field", ["identity", "training"])
def test_metadata_nested_without_end_is_no_checkpoint(trial, tmp_path, field):
    path = tmp_path / "one.safetensors"
    metadata = {"identity": json.dumps(trial.identity), "training": "{}"} | {field: "[" * 100_000}
    save_file(trial_model(trial, seed=0).to(memory_format=torch.contiguous_format).state_dict(), path, metadata)
    with pytest.raises(UserError, match=r"one\.safetensors: .*no checkpoint.*nested too deep"):
        hgmvae_benchmark.load(path)


def test_images_of_an_identity_without_their_fields_are_not_available(trial, tmp_path):
    for data in ({}, {**trial.identity["data"], "n_train": "all"}, None):
        identity = Identity.parse(trial.identity | {"data": data})
        with pytest.raises(NotAvailable, match="no usable field 'data'"):
            images_in(tmp_path, offline=True)(identity)


def test_a_checkpoint_of_a_method_from_a_file_opens_with_that_file_alone(trial, tmp_path):
    example = REPOSITORY / "examples" / "plain_autoencoder.py"
    source = hashlib.sha256(example.read_bytes()).hexdigest()
    own = {"method": "plain_ae", "method_revision": 1, "method_source": source, "settings": {"weight": 1.0}}
    add_methods([example])
    shape, width = trial.data.image_shape, trial.training.width
    model = build_model(ALL_METHODS["plain_ae"], own["settings"], shape, trial.latent_dim, width, 0).eval()
    ALL_METHODS.pop("plain_ae")
    save_checkpoint(model, {}, tmp_path / "one.safetensors", trial.identity | own)
    with pytest.raises(
        UserError, match=r"one\.safetensors: .*a method from a file needs --method-file .*load\(PATH, FILE\)"
    ):
        hgmvae_benchmark.load(tmp_path / "one.safetensors")
    opened = hgmvae_benchmark.load(tmp_path / "one.safetensors", example)
    done = example_opens(tmp_path / "one.safetensors", example)
    assert done.returncode == 0 and done.stdout.startswith("PlainAutoencoder: samples (8, "), done.stderr
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(opened.embed(images), model.embed(images), rtol=0, atol=0)


def example_opens(*files) -> subprocess.CompletedProcess:
    command = [sys.executable, str(REPOSITORY / "examples" / "load_checkpoint.py"), *map(str, files)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_what_is_no_checkpoint_is_one_line(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match=r"a\.png: no checkpoint"):
        hgmvae_benchmark.load(tmp_path / "a.png")


def test_the_example_opens_a_checkpoint_of_a_run(trial, tmp_path):
    save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors", trial.identity)
    done = example_opens(tmp_path / "one.safetensors")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("GMVAE: samples (8, 1, 32, 32), codes (8, 2)\n")


def test_a_model_of_what_bfloat16_meant_before_does_not_come_back(trial, tmp_path):
    save_checkpoint(trial_model(trial, seed=0), {}, tmp_path / "one.safetensors")
    training = trial.identity["training"] | {"precision": "bfloat16"}
    with pytest.raises(NotAvailable, match="another revision"):
        stored_model(Identity.parse(trial.identity | {"training": training}), tmp_path / "one.safetensors")
    renewed = trial.identity | {"training": training | {"precision_revision": 3}}
    stored_model(Identity.parse(renewed), tmp_path / "one.safetensors")


def test_a_trial_gets_the_images_that_it_saw(tmp_path, trial):
    grid_images = tiny_grid(tmp_path).datasets["mnist"]
    load = images_in(tmp_path, offline=True)
    images = load(Identity.parse(trial.identity))
    np.testing.assert_array_equal(images.x_test, grid_images.x_test)
    assert load(identity_with(trial)) is images


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"digest": "0"}, "their digest differs"), ({"kind": "real"}, "mnist"), ({"n_train": 10**9}, "digest differs")],
)
def test_images_that_are_not_to_be_had_say_why(tmp_path, trial, change, reason):
    with pytest.raises(NotAvailable, match=reason) as raised:
        images_in(tmp_path, offline=True)(identity_with(trial, **change))
    assert "\n" not in str(raised.value)
