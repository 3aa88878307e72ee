"""The prepared copy: reused, checked, rebuilt, shared between processes, and never half written."""

import dataclasses
import errno
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmark.data import content, load, prepared
from benchmark.data.load import describe, load_dataset
from benchmark.data.specs import DATASETS
from benchmark.errors import DataUnavailable, UserError


@pytest.fixture
def folder(tmp_path):
    write_source(tmp_path, seed=0)
    return tmp_path


def write_source(folder, seed: int, n: int = 40) -> np.ndarray:
    x = np.random.default_rng(seed).integers(0, 256, (n, 32, 32), dtype=np.uint8)
    np.savez(folder / "mine.npz", x=x, y=np.arange(n) % 4)
    return x


def test_second_load_maps_the_same_file_and_prepares_nothing(folder):
    lines = []
    first = load_dataset("mine", folder, report=lines.append)
    assert [line.split()[1] for line in lines] == ["preparing"]
    second = load_dataset("mine", folder, report=lines.append)
    assert len(lines) == 1 and second.digest == first.digest
    assert (folder / "prepared/mine").stat().st_mode & 0o777 == 0o755  # other users share the folder of data
    assert isinstance(second.images, np.memmap) and not second.images.flags.writeable
    np.testing.assert_array_equal(first.images, second.images)


def test_another_source_is_prepared_again_and_the_same_content_keeps_its_digest(folder):
    first = load_dataset("mine", folder)
    x = write_source(folder, seed=1)
    lines = []
    second = load_dataset("mine", folder, report=lines.append)
    assert "source has changed" in lines[0]
    assert second.digest != first.digest
    np.testing.assert_array_equal(second.images[:, 0], x)
    write_source(folder, seed=0)
    assert load_dataset("mine", folder).digest == first.digest


@pytest.mark.parametrize("damage", ["flip a byte", "truncate", "wrong labels", "bad meta", "old revision", "no images"])
def test_a_damaged_copy_is_made_again_with_a_line(folder, damage):
    good = load_dataset("mine", folder)
    expected = np.array(good.images)
    where = folder / "prepared/mine"
    images = (where / "images.npy").read_bytes()
    if damage == "flip a byte":
        (where / "images.npy").write_bytes(images[:-1] + bytes([images[-1] ^ 1]))
    elif damage == "truncate":
        (where / "images.npy").write_bytes(images[:-100])
    elif damage == "wrong labels":
        np.save(where / "labels.npy", good.labels[::-1])
    elif damage == "bad meta":
        (where / "meta.json").write_text("{")
    elif damage == "old revision":
        meta = json.loads((where / "meta.json").read_text())
        (where / "meta.json").write_text(json.dumps(meta | {"revision": 0}))
    else:
        (where / "images.npy").unlink()
    lines = []
    again = load_dataset("mine", folder, report=lines.append)
    assert len(lines) == 2 and "is made again" in lines[0]
    assert again.digest == good.digest
    np.testing.assert_array_equal(again.images, expected)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_copy_of_revision_1_is_made_again_only_where_it_would_be_another(tmp_path, labelled):
    x = np.random.default_rng(0).integers(0, 256, (40, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", x=x, **({"y": np.arange(40) % 4} if labelled else {}))
    load_dataset("mine", tmp_path)
    path = tmp_path / "prepared/mine/meta.json"
    meta = json.loads(path.read_text(encoding="utf-8")) | {"revision": 1, "split": "last tenth held out as test"}
    path.write_text(json.dumps({k: v for k, v in meta.items() if k not in ("verified", "remarks")}), encoding="utf-8")
    lines = []
    load_dataset("mine", tmp_path, report=lines.append)
    assert ("is made again" in "".join(lines)) == labelled


def test_a_folder_of_the_users_own_in_the_place_of_the_copy_is_left_alone(folder):
    own = folder / "prepared/mine"
    own.mkdir(parents=True)
    for name in ("thesis.txt", "meta.json"):
        (own / name).write_text("mine", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"prepared/mine: holds thesis.txt, which does not belong to a prepared copy.*move it away"
    ):
        load_dataset("mine", folder)
    assert [path.read_text(encoding="utf-8") for path in own.iterdir()] == ["mine", "mine"]


def test_meta_says_what_was_done_and_where_nothing_lies(folder):
    load_dataset("mine", folder)
    text = (folder / "prepared/mine/meta.json").read_text()
    meta = json.loads(text)
    assert str(folder) not in text
    assert (meta["n_train"], meta["n_test"], meta["shape"]) == (36, 4, [40, 1, 32, 32])
    assert meta["split"] == "last tenth of every class held out as test"


def test_many_at_once_prepare_it_once(folder):
    lines = []
    with ThreadPoolExecutor(4) as pool:
        sets = list(pool.map(lambda _: load_dataset("mine", folder, report=lines.append), range(4)))
    assert len({data.digest for data in sets}) == 1 and len(lines) == 1
    assert sorted(path.name for path in (folder / "prepared").iterdir()) == [".mine.lock", "mine"]


def test_many_at_once_do_no_harm_where_locks_do_not_work(folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(prepared.fcntl, "flock", refuse)
    with ThreadPoolExecutor(4) as pool:
        sets = list(pool.map(lambda _: load_dataset("mine", folder), range(4)))
    assert len({data.digest for data in sets}) == 1


def test_a_full_disk_is_one_line_and_keeps_the_old_copy(folder, monkeypatch):
    old = load_dataset("mine", folder)
    write_source(folder, seed=1)
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(prepared.shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(UserError, match=r"mine: could not be written .*free some space and run again, or choose"):
        load_dataset("mine", folder)
    assert sorted(path.name for path in (folder / "prepared").iterdir()) == [".mine.lock", "mine"]
    assert prepared.read(folder, "mine").digest == old.digest


def test_a_folder_that_cannot_be_written_is_one_line(folder):
    (folder / "prepared").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"prepared.*could not be written.*--data-dir"):
        load_dataset("mine", folder)


def test_a_complete_set_outlives_its_source_and_a_users_own_does_not(folder, monkeypatch):
    spec = DATASETS["mnist"]
    monkeypatch.setitem(DATASETS, "mnist", type(spec)(**{**spec.__dict__, "n_train": 30, "n_test": 10}))
    write_mnist(folder)
    know_mnist(folder, monkeypatch)
    digest = load_dataset("mnist", folder).digest
    load_dataset("mine", folder)
    (folder / "mnist.npz").unlink()
    (folder / "mine.npz").unlink()
    assert load_dataset("mnist", folder, offline=True).digest == digest
    assert describe("mnist", folder).prepared and describe("mnist", folder).download_url is None
    with pytest.raises(DataUnavailable):
        load_dataset("mine", folder)


def write_mnist(folder) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8), np.arange(40) % 10
    np.savez(folder / "mnist.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])


def know_mnist(folder, monkeypatch) -> None:
    """Let the mnist.npz of `folder` be the known, complete set."""
    data = load_dataset("mnist", folder)
    digests = content.split_digest(data.x_train, data.y_train), content.split_digest(data.x_test, data.y_test)
    monkeypatch.setattr(content, "KNOWN", {"mnist": digests})
    monkeypatch.setattr(load, "KNOWN", content.KNOWN)
    shutil.rmtree(folder / "prepared")


def test_as_many_other_images_under_the_name_of_a_known_set_do_not_outlive_their_source(folder, monkeypatch):
    spec = DATASETS["mnist"]
    monkeypatch.setitem(DATASETS, "mnist", dataclasses.replace(spec, n_train=30, n_test=10))
    write_mnist(folder)
    data = load_dataset("mnist", folder)
    assert (data.subset, data.verified) == (False, False)
    (folder / "mnist.npz").unlink()
    with pytest.raises(DataUnavailable):
        load_dataset("mnist", folder, offline=True)


def test_a_copy_of_the_revision_before_that_would_be_the_same_is_still_read_with_its_source_or_without(
    folder, monkeypatch
):
    spec = DATASETS["mnist"]
    monkeypatch.setitem(DATASETS, "mnist", dataclasses.replace(spec, n_train=30, n_test=10))
    write_mnist(folder)
    know_mnist(folder, monkeypatch)
    digest = load_dataset("mnist", folder).digest
    path = folder / "prepared/mnist/meta.json"

    meta = json.loads(path.read_text(encoding="utf-8"))
    old = {name: value for name, value in meta.items() if name not in ("verified", "remarks")}
    path.write_text(json.dumps(old | {"revision": 1}), encoding="utf-8")
    lines = []
    for _ in range(2):
        data = load_dataset("mnist", folder, offline=True, report=lines.append)
        assert (data.verified, data.digest, lines) == (True, digest, [])
        (folder / "mnist.npz").unlink(missing_ok=True)


def test_celeba_as_revision_1_took_it_from_the_published_archive_is_verified(folder, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    np.savez(folder / "celeba64.npz", x=x)
    assert not load_dataset("celeba", folder).verified
    path = folder / "prepared/celeba/meta.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["fingerprint"]["source"] = "torchvision CelebA"
    old = {name: value for name, value in meta.items() if name not in ("verified", "remarks")}
    path.write_text(json.dumps(old | {"revision": 1, "subset": False}), encoding="utf-8")
    (folder / "celeba64.npz").unlink()
    assert load_dataset("celeba", folder, offline=True).verified


def test_a_part_of_celeba_does_not_outlive_its_source(folder):
    x = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    np.savez(folder / "celeba64.npz", x=x)
    assert load_dataset("celeba", folder).subset
    (folder / "celeba64.npz").unlink()
    with pytest.raises(DataUnavailable):
        load_dataset("celeba", folder, offline=True)


def test_what_is_known_is_told_once_at_preparation(folder, monkeypatch):
    write_mnist(folder)
    load_dataset("mnist", folder)
    monkeypatch.setattr(content, "split_digest", lambda *_: pytest.fail("hashed again"))
    assert not load_dataset("mnist", folder).verified


def test_describe_before_and_after(folder):
    before = describe("mine", folder)
    assert (before.prepared, before.source) == (False, folder / "mine.npz")
    load_dataset("mine", folder)
    assert describe("mine", folder).prepared
    missing = describe("cifar10", folder)
    assert (missing.prepared, missing.source, missing.download_bytes) == (False, None, 170_498_071)
    assert missing.download_url.endswith("cifar-10-python.tar.gz") and "cifar10.npz" in missing.advice


@pytest.mark.parametrize("name", list(DATASETS))
def test_offline_without_files_names_what_to_put_where(tmp_path, name):
    with pytest.raises(DataUnavailable) as error:
        load_dataset(name, tmp_path, offline=True)
    reason = str(error.value)
    assert DATASETS[name].npz in reason and "--data-dir" in reason and f"`./run_all.sh fetch {name}`" in reason
    assert "--offline" not in reason  # which many commands do not have
    assert str(tmp_path) not in reason and "\n" not in reason  # it is kept in manifests, which hold no folders
    assert not list(tmp_path.iterdir())
