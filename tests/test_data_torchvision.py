"""Torchvision's sets, fetched from a local server or found where an earlier download left them."""

import gzip
import hashlib
import io
import pickle
import sys
import tarfile
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image, ImageDraw
from torchvision import datasets

from benchmark.data import DATASETS, describe, load_dataset, torchvision_sets, watched
from benchmark.data import celeba as celeba_files
from benchmark.errors import DataUnavailable, UserError

N_TRAIN, N_TEST = 50, 10


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def server(tmp_path):
    """A folder and the address it is served from."""
    folder = tmp_path / "server"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()


@pytest.fixture
def small(monkeypatch):
    for name in ("mnist", "fashion_mnist", "cifar10", "celeba"):
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], n_train=N_TRAIN, n_test=N_TEST))


def idx(array: np.ndarray) -> bytes:
    """The IDX format of MNIST: two zeros, the type (8: uint8), the number of axes, their lengths, the values."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes())


@pytest.fixture(params=["mnist", "fashion_mnist"])
def mnist(request, server, small, monkeypatch):
    """name, arrays as in an .npz, the server's folder; torchvision's class is pointed at it."""
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (N_TRAIN, 28, 28), dtype=np.uint8),
        "y_train": (np.arange(N_TRAIN) % 10).astype(np.uint8),
        "x_test": rng.integers(0, 256, (N_TEST, 28, 28), dtype=np.uint8),
        "y_test": np.arange(N_TEST).astype(np.uint8),
    }
    folder, url = server
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    resources = []
    for name, array in zip(names, arrays.values(), strict=True):
        (folder / f"{name}-ubyte.gz").write_bytes(idx(array))
        resources.append((f"{name}-ubyte.gz", md5(idx(array))))
    cls = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[request.param]
    monkeypatch.setattr(cls, "mirrors", [url])
    monkeypatch.setattr(cls, "resources", resources)
    return request.param, arrays, folder


def test_mnist_is_fetched_once_and_equals_the_npz(mnist, tmp_path):
    name, arrays, folder = mnist
    fetched = load_dataset(name, tmp_path / "data")
    np.testing.assert_array_equal(fetched.x_train[:, 0, 2:30, 2:30], arrays["x_train"])
    np.testing.assert_array_equal(fetched.y_test, arrays["y_test"])
    assert (fetched.split, fetched.subset) == ("official", False)
    assert fetched.source == f"torchvision {DATASETS[name].label}"
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / f"{name}.npz", **arrays)
    assert load_dataset(name, tmp_path / "npz").digest == fetched.digest
    for path in folder.iterdir():
        path.unlink()
    assert load_dataset(name, tmp_path / "data").digest == fetched.digest


@pytest.mark.parametrize("root", ["", "torchvision"])
def test_an_earlier_archive_needs_no_network(mnist, tmp_path, root):
    name, arrays, folder = mnist
    raw = tmp_path / "data" / root / {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name] / "raw"
    raw.mkdir(parents=True)
    for path in list(folder.iterdir()):
        path.rename(raw / path.name)
    assert describe(name, tmp_path / "data").download_url is None
    data = load_dataset(name, tmp_path / "data", offline=True)
    np.testing.assert_array_equal(data.x_test[:, 0, 2:30, 2:30], arrays["x_test"])


def test_a_damaged_archive_is_not_fetched_again_behind_the_users_back(mnist, tmp_path):
    name, _, folder = mnist
    raw = tmp_path / "torchvision" / {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name] / "raw"
    raw.mkdir(parents=True)
    for path in folder.iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"ubyte\.gz: its MD5 is not"):
        load_dataset(name, tmp_path, offline=True)


@pytest.mark.parametrize("content", [b"<html>no</html>", b""])
def test_unpacked_garbage_is_one_line(mnist, tmp_path, content):
    name, _, folder = mnist
    raw = tmp_path / "torchvision" / {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name] / "raw"
    raw.mkdir(parents=True)
    for path in folder.iterdir():
        (raw / path.stem).write_bytes(content)
    with pytest.raises(UserError, match=f"cannot read {DATASETS[name].label}") as error:
        load_dataset(name, tmp_path, offline=True)
    assert "\n" not in str(error.value) and not (tmp_path / "prepared" / name).exists()


@pytest.mark.parametrize("fault", ["checksum", "missing", "html"])
def test_a_failed_download_is_one_line_that_says_what_to_do(mnist, tmp_path, fault):
    name, _, folder = mnist
    for path in list(folder.iterdir()):
        if fault == "missing":
            path.unlink()
        else:
            path.write_bytes(b"<html>moved</html>" if fault == "html" else path.read_bytes() + b"x")
    with pytest.raises(DataUnavailable, match="could not be fetched") as error:
        load_dataset(name, tmp_path / "data")
    assert "\n" not in str(error.value) and f"{name}.npz" in str(error.value)


def test_cifar10_from_its_archive(server, small, tmp_path, monkeypatch):
    folder, url = server
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (N_TRAIN + N_TEST, 32, 32, 3), dtype=np.uint8)
    y = np.arange(N_TRAIN + N_TEST) % 10
    rows = [slice(10 * i, 10 * i + 10) for i in range(6)]
    files = {}
    for i, name in enumerate(["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]):
        files[name] = {"data": x[rows[i]].transpose(0, 3, 1, 2).reshape(10, -1), "labels": y[rows[i]].tolist()}
    files["test_batch"] = {"data": x[rows[5]].transpose(0, 3, 1, 2).reshape(10, -1), "labels": y[rows[5]].tolist()}
    files["batches.meta"] = {"label_names": [str(i) for i in range(10)]}
    packed = {name: pickle.dumps(content) for name, content in files.items()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in packed.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    (folder / "cifar-10-python.tar.gz").write_bytes(buffer.getvalue())
    lists = {name: [name, md5(content)] for name, content in packed.items()}
    for attribute, value in {
        "url": url + "cifar-10-python.tar.gz",
        "tgz_md5": md5(buffer.getvalue()),
        "train_list": [lists[f"data_batch_{i}"] for i in range(1, 6)],
        "test_list": [lists["test_batch"]],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": lists["batches.meta"][1]},
    }.items():
        monkeypatch.setattr(datasets.CIFAR10, attribute, value)
    data = load_dataset("cifar10", tmp_path / "data")
    np.testing.assert_array_equal(data.images.transpose(0, 2, 3, 1), x)
    np.testing.assert_array_equal(data.labels, y)
    assert (data.n_train, data.n_test, data.source) == (N_TRAIN, N_TEST, "torchvision CIFAR-10")


def portrait(shade: int, size: tuple[int, int] = (178, 218)) -> bytes:
    """Grey `shade` in the central 140 x 140, red around it."""
    image = Image.new("RGB", size, "red")
    ImageDraw.Draw(image).rectangle((19, 39, 158, 178), fill=(shade, shade, shade))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")  # lossless, so that the crop's edge can be tested; Pillow looks at the content
    return buffer.getvalue()


@pytest.fixture
def celeba(small, monkeypatch):
    """Makes the two files of CelebA in a folder; train, validation and test portraits interleaved."""
    shades = range(0, 130, 2)  # 65 portraits: 50 train, 5 validation, 10 test
    split = [(0,) * 10 + (1, 2, 2)] * 5
    splits = [kind for group in split for kind in group]

    def make(folder, portraits=portrait) -> list[int]:
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for i, shade in enumerate(shades):
                archive.writestr(f"img_align_celeba/{i + 1:06d}.jpg", portraits(shade))
        text = "".join(f"{i + 1:06d}.jpg {kind}\r\n" for i, kind in enumerate(splits))  # as published
        (folder / "list_eval_partition.txt").write_bytes(text.encode())
        files = ("img_align_celeba.zip", "list_eval_partition.txt")
        file_list = [("id-of-" + name, md5((folder / name).read_bytes()), name) for name in files]
        monkeypatch.setattr(datasets.CelebA, "file_list", file_list)
        return [s for kind in (0, 2) for s, of in zip(shades, splits, strict=True) if of == kind]

    return make


def test_celeba_has_its_official_split_and_crop(celeba, tmp_path):
    shades = celeba(tmp_path / "torchvision" / "celeba")
    data = load_dataset("celeba", tmp_path, offline=True)
    assert data.images.shape == (60, 3, 64, 64) and (data.n_train, data.labels) == (50, None)
    assert "validation split is left out" in data.split
    expected = np.array(shades, np.uint8)[:, None, None, None]
    assert (data.images == expected).all()  # 140 -> 64 of one grey: nothing of the red edge is left


def test_celeba_is_fetched_by_torchvisions_identifiers(celeba, tmp_path, monkeypatch):
    celeba(tmp_path / "drive")
    asked = []

    def fetch(file_id, target, stall):
        asked.append(file_id)
        target.write_bytes((tmp_path / "drive" / file_id.removeprefix("id-of-")).read_bytes())

    monkeypatch.setattr(torchvision_sets, "fetch_from_drive", fetch)
    data = load_dataset("celeba", tmp_path / "data")
    assert (data.n_test, asked) == (10, [file_id for file_id, _, _ in datasets.CelebA.file_list])
    assert sorted(path.name for path in (tmp_path / "data/torchvision/celeba").iterdir()) == [*celeba_files.FILES]


def test_a_file_of_celeba_that_is_not_the_published_one_is_not_kept(celeba, tmp_path, monkeypatch):
    celeba(tmp_path / "drive")
    monkeypatch.setattr(torchvision_sets, "fetch_from_drive", lambda _, target, stall: target.write_bytes(b"other"))
    with pytest.raises(DataUnavailable, match=r"img_align_celeba\.zip.*the download has the MD5"):
        load_dataset("celeba", tmp_path / "data")
    assert list((tmp_path / "data/torchvision/celeba").iterdir()) == []


def test_only_what_is_missing_of_celeba_is_fetched(celeba, tmp_path, monkeypatch):
    celeba(tmp_path / "drive")
    (tmp_path / "data").mkdir()
    (tmp_path / "drive/img_align_celeba.zip").rename(tmp_path / "data/img_align_celeba.zip")
    asked = []

    def fetch(file_id, target, stall):
        asked.append(file_id)
        target.write_bytes((tmp_path / "drive/list_eval_partition.txt").read_bytes())

    monkeypatch.setattr(torchvision_sets, "fetch_from_drive", fetch)
    assert load_dataset("celeba", tmp_path / "data").n_test == 10
    assert asked == ["id-of-list_eval_partition.txt"]


def test_google_drives_quota_is_one_line(small, tmp_path, monkeypatch):
    said = "print('Too many users have viewed\\nor downloaded this file recently.'); raise SystemExit(1)"
    monkeypatch.setattr(watched, "_DRIVE", (sys.executable, "-c", said))
    with pytest.raises(DataUnavailable, match=r"Too many users have viewed or downloaded.*celeba64\.npz") as error:
        load_dataset("celeba", tmp_path)
    assert "\n" not in str(error.value)


def test_a_damaged_celeba_is_one_line(celeba, tmp_path):
    folder = tmp_path / "torchvision" / "celeba"
    celeba(folder)
    (folder / "img_align_celeba.zip").write_bytes((folder / "img_align_celeba.zip").read_bytes()[:-30])
    with pytest.raises(UserError, match=r"img_align_celeba\.zip: its MD5 is not"):
        load_dataset("celeba", tmp_path, offline=True)


def test_portraits_of_another_size_are_refused(celeba, tmp_path):
    celeba(tmp_path / "torchvision" / "celeba", partial(portrait, size=(178, 178)))
    with pytest.raises(UserError, match=r"000001\.jpg: is 178 x 178, not 178 x 218"):
        load_dataset("celeba", tmp_path, offline=True)
