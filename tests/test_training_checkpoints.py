"""Checkpoints: a round trip is exact, nothing half-written is left, and whatever is no checkpoint is a UserError."""

import errno
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from benchmark import tensor_files
from benchmark.errors import UserError
from benchmark.methods.registry import METHODS, build_model
from benchmark.training.checkpoints import load_checkpoint, read_identity, save_checkpoint
from benchmark.training.loop import train
from benchmark.training.training_settings import TrainingSettings

TRAINING = {"curves": {"loss": [2.0, None]}, "timings": {"training_seconds": 1.5}}


def build(name: str = "hgmvae_g", d: int = 4, seed: int = 0):
    method = METHODS[name]
    return build_model(method, method.settings("default"), (1, 32, 32), d, 0.25, seed)


class Bomb:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", list(METHODS))
def test_round_trip_is_exact_buffers_included(name, tmp_path, draw_images):
    images = draw_images(16)
    model = build(name)
    train(model, (images * 255).byte(), TrainingSettings(epochs=2, batch_size=8), seed=0)
    path = tmp_path / "deep" / "er" / "key.safetensors"
    save_checkpoint(model, TRAINING, path)
    other = build(name, seed=5).eval()
    with torch.no_grad():
        assert not torch.equal(other.embed(images), model.embed(images))
        assert load_checkpoint(other, path) == TRAINING
        assert torch.equal(other.embed(images), model.embed(images))
        assert torch.equal(other.reconstruct(images), model.reconstruct(images))
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in model.state_dict().items())
    assert [file.name for file in path.parent.iterdir()] == ["key.safetensors"]


@pytest.mark.parametrize("folder, file", [(0o777, 0o666), (0o750, 0o640), (0o700, 0o600)])
def test_who_may_read_the_folder_may_read_the_checkpoint(folder, file, tmp_path):
    tmp_path.chmod(folder)
    save_checkpoint(build(), TRAINING, tmp_path / "key.safetensors")
    assert (tmp_path / "key.safetensors").stat().st_mode & 0o777 == file


def test_saving_again_replaces_and_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "key.safetensors"
    save_checkpoint(build(seed=0), TRAINING, path)
    save_checkpoint(build(seed=1), TRAINING, path)
    content = path.read_bytes()
    key = "encoder.heads.mean.weight"
    assert torch.equal(load_file(path)[key], build(seed=1).state_dict()[key])

    of_safetensors = "I/O error: {} (os error {})"  # which has the system's errors in its text
    for error, remedy in (
        (OSError(errno.ENOSPC, "No space left on device"), "free some space and run again"),
        (
            SafetensorError(of_safetensors.format("No space left on device", errno.ENOSPC)),
            "free some space and run again",
        ),
        (SafetensorError(of_safetensors.format("Permission denied", errno.EACCES)), "make it writable and run again"),
    ):

        def fails(tensors, part, metadata, error=error):
            Path(part).write_bytes(b"half")
            raise error

        monkeypatch.setattr(tensor_files, "save_file", fails)
        with pytest.raises(UserError, match=rf"could not be written \(.*\); {remedy}$"):
            save_checkpoint(build(seed=2), TRAINING, path)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


def truncated(path: Path) -> None:
    save_checkpoint(build(), TRAINING, path)
    path.write_bytes(path.read_bytes()[:-1000])


def other_dimension(path: Path) -> None:
    save_checkpoint(build(d=5), TRAINING, path)


def other_method(path: Path) -> None:
    save_checkpoint(build("vae"), TRAINING, path)


def one_tensor_missing(path: Path) -> None:
    state = build().state_dict()
    state.pop("decoder.fully_connected.0.bias")
    save_file(state, path, {"training": "{}"})


def not_finite(path: Path) -> None:
    state = build().state_dict()
    state["decoder.fully_connected.0.bias"][0] = torch.nan
    save_file(state, path, {"training": "{}"})


def no_word_of_its_training(path: Path) -> None:
    save_file(build().state_dict(), path)


def a_broken_word_of_its_training(path: Path) -> None:
    save_file(build().state_dict(), path, {"training": "{"})


SPOILERS = {
    "truncated": truncated,
    "other dimension": other_dimension,
    "other method": other_method,
    "one tensor missing": one_tensor_missing,
    "not finite": not_finite,
    "no word of its training": no_word_of_its_training,
    "a broken word of its training": a_broken_word_of_its_training,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<html>404</html>"),
    "absent": lambda path: None,
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS.keys())
def test_what_is_no_checkpoint_of_the_model_is_one_clear_line(spoil, tmp_path):
    path = tmp_path / "key.safetensors"
    spoil(path)
    with pytest.raises(UserError) as caught:
        load_checkpoint(build(), path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert "move it away and run again" in message


def test_a_checkpoint_that_may_not_be_read_is_not_called_missing(tmp_path, monkeypatch):
    """Safetensors 0.8.0 reports it as missing; the tests may run as root, who may read everything."""
    path = tmp_path / "key.safetensors"
    save_checkpoint(build(), TRAINING, path, {"seed": 0})

    def refuse(file: Path, *_: object, **__: object):
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"Permission denied.*; make it readable$"):
        load_checkpoint(build(), path)
    with pytest.raises(UserError, match="Permission denied"):
        read_identity(path)


@pytest.mark.parametrize("writer", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_pickle_in_disguise_is_refused_and_never_run(writer, tmp_path):
    path, trace = tmp_path / "key.safetensors", tmp_path / "the pickle ran"
    writer(Bomb(trace), path)
    with pytest.raises(UserError, match="no checkpoint of this model"):
        load_checkpoint(build(), path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()  # it would have
