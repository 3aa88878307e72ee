"""Torchvision's sets, fetched from a local server or found where an earlier download left them."""

import gzip
import hashlib
import io
import pickle
import socket
import sys
import tarfile
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from torchvision import datasets
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

from benchmark.data import celeba as celeba_files
from benchmark.data import torchvision_sets, watched
from benchmark.data.load import describe, load_dataset
from benchmark.data.specs import DATASETS
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
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes(), mtime=0)


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


FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def dotted(name: str) -> str:
    return name.replace("-idx", ".idx")


# The folder of MNIST, that of Fashion-MNIST, how each file is called, and which of the four are left packed.
LAYOUTS = {
    "half unpacked": ("MNIST/raw", "FashionMNIST/raw", str, (0, 3)),
    "unpacked": ("torchvision/MNIST/raw", "torchvision/FashionMNIST/raw", str, ()),
    "dots": ("MNIST/raw", "FashionMNIST/raw", dotted, ()),
    "dots, packed": ("mnist", "fashion_mnist", dotted, (0, 1, 2, 3)),
    "flat": ("", "Fashion-MNIST", str, (0, 1, 2, 3)),
    "flat, half unpacked, dots": ("torchvision", "fashion", dotted, (1, 2)),
    "another case": ("Mnist/raw", "FASHION_mnist/raw", str.upper, (0, 2)),
    "a root of torchvision's": ("mnist/MNIST/raw", "fashion-mnist/FashionMNIST/raw", str, ()),
    "the authors' repository": ("MNIST", "fashion-mnist/data/fashion", str, (0, 1, 2, 3)),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_mnist_is_found_however_it_lies(mnist, tmp_path, layout):
    name, arrays, folder = mnist
    mnists, fashions, called, packed = layout
    there = tmp_path / "data" / (mnists if name == "mnist" else fashions)
    for i, file in enumerate(FILES):
        content = (folder / f"{file}.gz").read_bytes()
        written(
            there / called(f"{file}.gz" if i in packed else file), content if i in packed else gzip.decompress(content)
        )
    other = {"mnist": "fashion_mnist", "fashion_mnist": "mnist"}[name]
    assert torchvision_sets.find(DATASETS[other], tmp_path / "data") is None
    assert draft_of(name, tmp_path / "data").verified == (len(packed) == 4)  # MD5 are published of packed files alone
    data = load_dataset(name, tmp_path / "data", offline=True)
    np.testing.assert_array_equal(data.images[:, 0, 2:30, 2:30], np.concatenate([arrays["x_train"], arrays["x_test"]]))
    np.testing.assert_array_equal(data.labels, np.concatenate([arrays["y_train"], arrays["y_test"]]))


def test_a_third_set_in_idx_files_is_taken_only_from_folders_with_its_own_name(mnist, tmp_path, monkeypatch):
    _, _, folder = mnist
    monkeypatch.setitem(torchvision_sets._MNIST_CLASSES, "kmnist", datasets.KMNIST)
    monkeypatch.setitem(torchvision_sets.PUBLISHED_SETS, "kmnist", torchvision_sets._mnist_set("kmnist"))
    spec = replace(DATASETS["mnist"], name="kmnist", label="Kuzushiji-MNIST", npz="kmnist.npz")
    for place in ("MNIST/raw", "FashionMNIST/raw", "torchvision", ""):
        for file in FILES:
            written(tmp_path / "data" / place / f"{file}.gz", (folder / f"{file}.gz").read_bytes())
    assert torchvision_sets.find(spec, tmp_path / "data") is None
    assert torchvision_sets.missing_part(spec, tmp_path / "data") is None
    (tmp_path / "data" / "MNIST").rename(tmp_path / "data" / "KMNIST")
    assert torchvision_sets.find(spec, tmp_path / "data").path == tmp_path / "data" / "KMNIST" / "raw"
    assert torchvision_sets.find(DATASETS["mnist"], tmp_path / "data").path == tmp_path / "data" / "torchvision"


def test_flat_files_are_fashions_in_a_data_folder_that_says_so(mnist, tmp_path):
    name, _, folder = mnist
    for file in FILES:
        written(tmp_path / "my-fashion-data" / f"{file}.gz", (folder / f"{file}.gz").read_bytes())
    found = torchvision_sets.find(DATASETS[name], tmp_path / "my-fashion-data")
    assert (found is not None) == (name == "fashion_mnist")


def test_packed_anew_is_read_and_not_verified(mnist, tmp_path):
    name, arrays, folder = mnist
    for file in FILES:
        raw = gzip.decompress((folder / f"{file}.gz").read_bytes())
        written(tmp_path / "fashion-or-mnist" / f"{file}.gz", gzip.compress(raw, 1, mtime=7))
    (tmp_path / "fashion-or-mnist").rename(tmp_path / name)
    assert not draft_of(name, tmp_path).verified
    np.testing.assert_array_equal(load_dataset(name, tmp_path, offline=True).y_train, arrays["y_train"])


def test_part_of_mnist_says_which_and_fetches_the_rest(mnist, tmp_path):
    name, arrays, folder = mnist
    raw = tmp_path / "torchvision" / {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name] / "raw"
    for file in FILES[:3]:
        written(raw / file, gzip.decompress((folder / f"{file}.gz").read_bytes()))
        (folder / f"{file}.gz").unlink()
    with pytest.raises(
        DataUnavailable, match=f"incomplete; torchvision/{raw.parent.name}/raw has .*, but no t10k-labels; add"
    ):
        load_dataset(name, tmp_path, offline=True)
    np.testing.assert_array_equal(load_dataset(name, tmp_path).y_test, arrays["y_test"])
    assert sorted(path.name for path in raw.iterdir()) == sorted((*FILES[:3], f"{FILES[3]}.gz"))


@pytest.mark.parametrize("kind", [np.uint8, np.dtype(">i4")])
@pytest.mark.parametrize("packed", [True, False])
def test_idx_is_read_as_torchvision_reads_it(tmp_path, kind, packed):
    rng = np.random.default_rng(1)
    array = rng.integers(0, 200, (7, 28, 28), dtype=np.uint8)
    head = bytes([0, 0, 8 if kind is np.uint8 else 12, 3]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = head + array.astype(kind).tobytes()
    path = written(tmp_path / "idx", content)
    expected = read_sn3_pascalvincent_tensor(str(path)).numpy()
    path.write_bytes(gzip.compress(content) if packed else content)
    if kind is np.uint8:
        np.testing.assert_array_equal(torchvision_sets.read_idx(path, (7, 28, 28)), expected)
    else:
        with pytest.raises(ValueError, match="is not an IDX file of unsigned bytes"):
            torchvision_sets.read_idx(path, (7, 28, 28))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[:-1], "has 783 of 784 bytes"),
        (lambda content: content + b"x", "continues after the expected 784 bytes"),
        (lambda content: content[:9], "is not an IDX file|is .*, not 1 x 28 x 28"),
        (lambda content: content[:3] + b"\x01" + content[4:], "is 1 dimensions, not 1 x 28 x 28"),
        (lambda content: content[:7] + b"\x02" + content[8:], "is 2 x 28 x 28, not 1 x 28 x 28"),
        (lambda content: gzip.compress(content)[:-3], "end-of-stream"),
        (lambda content: gzip.compress(content)[:-8] + bytes(8), "CRC"),
        (lambda content: gzip.compress(content[:16] + bytes(10**8)), "continues after the expected 784 bytes"),
    ],
)
def test_an_idx_file_of_another_length_or_shape_is_refused(tmp_path, change, said):
    content = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(784)
    path = written(tmp_path / "idx", change(content))
    with pytest.raises((ValueError, EOFError, OSError), match=said):
        torchvision_sets.read_idx(path, (1, 28, 28))


def test_a_label_beyond_the_classes_is_refused(mnist, tmp_path):
    name, arrays, _ = mnist
    for file, array in zip(FILES, arrays.values(), strict=True):
        written(tmp_path / name / f"{file}.gz", idx(array + 1 if "t10k-labels" in file else array))
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz: has the label 10; .* has the labels 0 to 9"):
        load_dataset(name, tmp_path, offline=True)


def test_a_mirror_that_accepts_and_never_answers_is_left_for_the_next(mnist, tmp_path, monkeypatch):
    name, arrays, _ = mnist
    monkeypatch.setattr(torchvision_sets, "_STALL", 0.2)
    cls = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[name]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(cls, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/", *cls.mirrors])
        np.testing.assert_array_equal(load_dataset(name, tmp_path).y_test, arrays["y_test"])
        monkeypatch.setattr(cls, "mirrors", cls.mirrors[:1])
        with pytest.raises(DataUnavailable, match=r"could not be fetched.*timed out"):
            load_dataset(name, tmp_path / "other")


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


@pytest.fixture
def cifar10(server, small, monkeypatch):
    """Images and labels, the batches by name, and the server's folder with the archive."""
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
    archive = tar_of({f"cifar-10-batches-py/{name}": content for name, content in packed.items()}, "w:gz")
    (folder / "cifar-10-python.tar.gz").write_bytes(archive)
    lists = {name: [name, md5(content)] for name, content in packed.items()}
    for attribute, value in {
        "url": url + "cifar-10-python.tar.gz",
        "tgz_md5": md5(archive),
        "train_list": [lists[f"data_batch_{i}"] for i in range(1, 6)],
        "test_list": [lists["test_batch"]],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": lists["batches.meta"][1]},
    }.items():
        monkeypatch.setattr(datasets.CIFAR10, attribute, value)
    return x, y, packed, folder


def tar_of(files: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_cifar10_from_its_archive(cifar10, tmp_path):
    x, y, _, _ = cifar10
    data = load_dataset("cifar10", tmp_path / "data")
    np.testing.assert_array_equal(data.images.transpose(0, 2, 3, 1), x)
    np.testing.assert_array_equal(data.labels, y)
    assert (data.n_train, data.n_test, data.source) == (N_TRAIN, N_TEST, "torchvision CIFAR-10")
    assert [path.name for path in (tmp_path / "data/torchvision").iterdir()] == ["cifar-10-python.tar.gz"]


@pytest.mark.parametrize(
    "folder", ["", "torchvision", "CIFAR10", "cifar-10/cifar-10-batches-py", "torchvision/cifar_10"]
)
def test_cifar10_is_found_where_it_was_unpacked(cifar10, tmp_path, folder):
    x, _, packed, _ = cifar10
    for name, content in packed.items():
        written(tmp_path / folder / "cifar-10-batches-py" / name, content)
    draft = draft_of("cifar10", tmp_path)
    assert draft.verified and load_dataset("cifar10", tmp_path, offline=True).images[59, 0, 0, 0] == x[59, 0, 0, 0]


@pytest.mark.parametrize(
    ("name", "root", "mode"),
    [
        ("cifar-10-python.tar.xz", "cifar-10-batches-py/", "w:xz"),
        ("CIFAR-10-python.tgz", "", "w:gz"),
        ("cifar-10-python.tar", "home/me/cifar/", "w"),
        ("cifar10/cifar-10-python.tar.gz", "cifar-10-batches-py/", "w"),  # its content decides, not its name
    ],
)
def test_cifar10_packed_anew_is_verified_by_its_batches(cifar10, tmp_path, name, root, mode):
    x, _, packed, _ = cifar10
    written(tmp_path / name, tar_of({root + one: content for one, content in packed.items()}, mode))
    assert draft_of("cifar10", tmp_path).verified
    np.testing.assert_array_equal(load_dataset("cifar10", tmp_path, offline=True).images.transpose(0, 2, 3, 1), x)


def test_half_of_cifar10_says_which_half(cifar10, tmp_path):
    _, _, packed, _ = cifar10
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "test_batch"):
        written(tmp_path / "cifar-10-batches-py" / name, packed[name])
    with pytest.raises(DataUnavailable, match=r"incomplete; cifar-10-batches-py has no data_batch_4, data_batch_5;"):
        load_dataset("cifar10", tmp_path, offline=True)
    written(tmp_path / "cifar-10-batches-py" / "data_batch_4", packed["data_batch_4"][:-1])
    written(tmp_path / "cifar-10-batches-py" / "data_batch_5", packed["data_batch_5"])
    with pytest.raises(UserError, match=r"data_batch_4 of CIFAR-10 is not the published one \(its MD5"):
        load_dataset("cifar10", tmp_path, offline=True)


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_that_may_not_be_read_is_one_line(mnist, tmp_path, monkeypatch):
    name, _, folder = mnist
    for file in FILES:
        written(tmp_path / name / f"{file}.gz", (folder / f"{file}.gz").read_bytes())

    def refuse(path, md5):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(torchvision_sets, "check_integrity", refuse)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz: cannot be read \(Permission denied\)"):
        load_dataset(name, tmp_path, offline=True)


def draft_of(name: str, data_dir: Path):
    return torchvision_sets.find(DATASETS[name], data_dir).open()


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


# Where the portraits lie, and where the list.
EXTRACTED = {
    "as extracted": ("img_align_celeba", "."),
    "the list in the folder above": ("img_align_celeba", ".."),
    "among the portraits": ("img_align_celeba", "img_align_celeba"),
    "nested once more": ("img_align_celeba/img_align_celeba", "."),
    "no folder of their own": (".", "."),
    "the authors' folders": ("Img/img_align_celeba", "Eval"),
}


@pytest.mark.parametrize("layout", EXTRACTED.values(), ids=EXTRACTED)
@pytest.mark.parametrize("folder", ["torchvision/celeba", "CelebA"])
def test_extracted_celeba_is_found_and_equals_the_archive(celeba, tmp_path, layout, folder):
    shades = celeba(tmp_path / "drive")
    place = tmp_path / "data" / folder
    with zipfile.ZipFile(tmp_path / "drive/img_align_celeba.zip") as archive:
        for name in archive.namelist():
            written(place / layout[0] / name.rpartition("/")[2], archive.read(name))
    written(place / layout[0] / "Thumbs.db", b"no portrait")
    (place / layout[1]).mkdir(exist_ok=True)
    (tmp_path / "drive/list_eval_partition.txt").rename(place / layout[1] / "list_eval_partition.txt")
    assert not draft_of("celeba", tmp_path / "data").verified
    data = load_dataset("celeba", tmp_path / "data", offline=True)
    assert (data.images == np.array(shades, np.uint8)[:, None, None, None]).all()
    assert (data.n_train, data.n_test, data.subset) == (50, 10, False)


@pytest.mark.parametrize("root", ["", "archive/", "img_align_celeba/img_align_celeba/"])
@pytest.mark.parametrize("name", ["img_align_celeba.zip", "celeba/celeba-dataset.zip", "celeba.tar.gz"])
def test_celeba_packed_anew_is_found_with_a_list_of_another_form(celeba, tmp_path, root, name):
    shades = celeba(tmp_path / "drive")
    with zipfile.ZipFile(tmp_path / "drive/img_align_celeba.zip") as archive:
        files = {root + one.rpartition("/")[2]: archive.read(one) for one in reversed(archive.namelist())}
    path = written(tmp_path / "data" / name, tar_of(files, "w:gz"))
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._000001.jpg", b"no portrait")
            for one, content in files.items():
                archive.writestr(one, content)
    rows = [line.split() for line in (tmp_path / "drive/list_eval_partition.txt").read_text().splitlines()]
    text = "image_id,partition\n" + "".join(f"{one},{kind}\n" for one, kind in rows)
    written(tmp_path / "data/list_eval_partition.csv", text.encode())
    assert not draft_of("celeba", tmp_path / "data").verified
    data = load_dataset("celeba", tmp_path / "data", offline=True)
    assert (data.images == np.array(shades, np.uint8)[:, None, None, None]).all()


def test_the_published_archive_is_verified_with_a_list_of_either_form(celeba, tmp_path):
    celeba(tmp_path / "torchvision" / "celeba")
    assert draft_of("celeba", tmp_path).verified
    path = tmp_path / "torchvision/celeba/list_eval_partition.txt"
    path.write_text(path.read_text())  # with line ends of its own
    assert draft_of("celeba", tmp_path).verified


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "000007.jpg").unlink(), "has 64 portraits, but .* names 65; it lacks 000007.jpg"),
        (lambda folder: written(folder / "000066.jpg", b""), "has 66 portraits, but .* names 65; it has 000066.jpg"),
        (lambda folder: written(folder / "more/000001.jpg", b""), "has 66 portraits, but .*; it has some twice"),
        (lambda folder: written(folder / "000001.jpg", b"no"), r"000001\.jpg: is not a readable image"),
    ],
)
def test_portraits_that_disagree_with_the_list_are_refused_and_never_advised_away(celeba, tmp_path, spoil, said):
    place = tmp_path / "celeba"
    celeba(place)
    with zipfile.ZipFile(place / "img_align_celeba.zip") as archive:
        archive.extractall(place)
    (place / "img_align_celeba.zip").unlink()
    spoil(place / "img_align_celeba")
    with pytest.raises(UserError, match=said) as error:
        load_dataset("celeba", tmp_path, offline=True)
    assert "delete" not in str(error.value) and "remove" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("000001.jpg 0", "000001.jpg 1", "lists 49 . 10 images, not 50 . 10"),
        ("000010.jpg 0\n000011.jpg 1", "000010.jpg 1\n000011.jpg 0", "is not the official list"),
        ("000005.jpg 0", "000005.jpg zero", "line 5: '000005.jpg zero' is not a portrait's name and split"),
    ],
)
def test_a_list_that_is_not_the_official_one_is_refused(celeba, tmp_path, old, new, said):
    celeba(tmp_path / "celeba")
    path = tmp_path / "celeba/list_eval_partition.txt"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=said):
        load_dataset("celeba", tmp_path, offline=True)


def test_portraits_without_their_list_are_said_to_be_here(celeba, tmp_path):
    celeba(tmp_path / "celeba")
    (tmp_path / "celeba/list_eval_partition.txt").unlink()
    with pytest.raises(
        DataUnavailable, match=r"incomplete; celeba/img_align_celeba\.zip is here, but no list_eval_partition"
    ):
        load_dataset("celeba", tmp_path, offline=True)
