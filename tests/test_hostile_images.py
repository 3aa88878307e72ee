"""A user's .npz made to break things: arrays that are none, headers that lie, and images without anything in them."""

import json
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_hostile_archives import Bomb

from benchmark.cli import main
from benchmark.data import npz
from benchmark.data.specs import spec_for
from benchmark.errors import UserError

HEAD = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}"


@pytest.fixture
def plan(tmp_path, capfd):
    """`plan()` of the data folder's mine.npz -> exit status, standard output, standard error."""

    def run():
        command = ["plan", "--study", "laptop", "--only", "dataset=mine,method=vae,table=3", "--device", "cpu"]
        status = main([*command, "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")])
        return status, *capfd.readouterr()

    return run


def npy(header: str, payload: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + payload


def zipped(path: Path, *members: tuple[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


def image_file(n: int = 20) -> bytes:
    return npy(HEAD.format("|u1", f"({n}, 28, 28)"), bytes(n * 784))


MEMBERS = {
    "a terabyte declared": (
        [("x.npy", npy(HEAD.format("|u1", "(10**12, 64, 64)".replace("10**12", "1" + "0" * 12))))],
        "",
    ),
    "more than memory counts": ([("x.npy", npy(HEAD.format("|u1", f"({2**62}, {2**62}, 64)")))], ""),
    "fewer pixels than declared": ([("x.npy", npy(HEAD.format("|u1", "(20, 28, 28)"), b"abc"))], "cannot be read"),
    "negative sides": ([("x.npy", npy(HEAD.format("|u1", "(-1, 28, 28)"), bytes(784)))], "cannot be read"),
    "an open bracket": ([("x.npy", npy("{'descr': '|u1', 'shape': (((", b"abc"))], "cannot be read"),
    "an open string": ([("x.npy", npy("{'descr': '''", b"abc"))], "cannot be read"),
    "a header nested too deep": ([("x.npy", npy("(" * 3000, b"abc"))], ""),
    "a header that computes": ([("x.npy", npy("9" * 4000 + "**9", b"abc"))], "cannot be read"),
    "another version": ([("x.npy", npy(HEAD.format("|u1", "(3,)"), b"abc", b"\x09\0"))], "cannot be read"),
    "text": ([("x.npy", b"no array")], "not arrays"),
    "text without a suffix": ([("x", b"no array")], "not arrays"),
    "two of the same name": ([("x.npy", image_file()), ("x.npy", image_file(10))], "two arrays with the same name"),
    "with and without a suffix": ([("x", image_file()), ("x.npy", image_file(10))], "two arrays with the same name"),
    "a name that leads elsewhere": ([("../x.npy", image_file())], "has ../x; needs"),
    "records": ([("x.npy", npy(HEAD.format("|V784", "(20,)"), bytes(20 * 784)))], "x has the shape (20,)"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", MEMBERS)
def test_an_archive_made_by_hand_is_one_line(tmp_path, plan, kind):
    members, fault = MEMBERS[kind]
    zipped(tmp_path / "mine.npz", *members)
    status, out, error = plan()
    assert status == 2 and "mine.npz: " in error and fault in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists() and "Traceback" not in out


def test_a_header_is_never_run(tmp_path, plan):
    trace = tmp_path / "the header ran"
    zipped(tmp_path / "mine.npz", ("x.npy", npy(f"__import__('pathlib').Path({str(trace)!r}).touch()")))
    status, _, error = plan()
    assert status == 2 and "cannot be read as .npz" in error and not trace.exists()


@pytest.mark.parametrize("kind", ["an array of objects", "a bare pickle", "a pickle as an array", "objects in a field"])
def test_a_pickle_is_never_opened(tmp_path, plan, kind):
    trace, path = tmp_path / "the pickle ran", tmp_path / "mine.npz"
    bomb = pickle.dumps(Bomb(trace))
    if kind == "an array of objects":
        np.savez(path, x=np.zeros((20, 28, 28), np.uint8), y=np.array([Bomb(trace)] * 20, dtype=object))
    elif kind == "a bare pickle":
        path.write_bytes(bomb)
    elif kind == "a pickle as an array":
        zipped(path, ("x.npy", bomb))
    else:
        zipped(path, ("x.npy", npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }", bomb)))
    status, _, error = plan()
    assert status == 2 and "mine.npz: " in error and len(error.strip().splitlines()) == 1
    assert not trace.exists()
    pickle.loads(bomb)
    assert trace.exists()  # it would have


def test_an_encrypted_archive_is_one_line(tmp_path, plan):
    path = tmp_path / "mine.npz"
    zipped(path, ("x.npy", image_file()))
    content = bytearray(path.read_bytes())
    for start, at in ((content.index(b"PK\3\4"), 6), (content.index(b"PK\1\2"), 8)):
        content[start + at] |= 1
    path.write_bytes(content)
    status, _, error = plan()
    assert status == 2 and "mine.npz: cannot be read as .npz" in error and "encrypted" in error
    assert len(error.strip().splitlines()) == 1


def test_an_archive_of_another_compression_is_one_line(tmp_path, plan):
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", image_file())
    content = bytearray(path.read_bytes())
    start = content.index(b"x.npy") + 5
    content[start : start + 30] = bytes(255 - byte for byte in content[start : start + 30])
    path.write_bytes(content)
    status, _, error = plan()
    assert status == 2 and "mine.npz: cannot be read as .npz" in error and len(error.strip().splitlines()) == 1


X = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
ARRAYS = {
    "NaN": ({"x": np.full((300, 28, 28), np.nan)}, "x is float64, from nan to nan; images must be integers"),
    "infinite": (
        {"x": np.full((300, 28, 28), np.inf, np.float32)},
        "x is float32, from inf to inf; images must be integers",
    ),
    "complex numbers": ({"x": X * 1j}, "x is complex128; images must be integers"),
    "whole numbers of 0 and 1": ({"x": (X > 127) * 1}, "its training images have only the values 0 and 1"),
    "only 0 and 1": ({"x": (X > 127).astype(np.uint8)}, "its training images have only the values 0 and 1"),
    "tests of only 0 and 1": (
        {"x_train": X, "x_test": (X[:9] > 127).astype(np.uint8)},
        "its test images have only the values 0 and 1, almost black",
    ),
    "one colour": ({"x": np.full_like(X, 7)}, "its training images are all identical"),
    "one black image to test": ({"x_train": X, "x_test": np.zeros_like(X[:1])}, "its test images are all identical"),
    "one image many times": ({"x_train": X[[5] * 99], "x_test": X}, "its training images are all identical"),
    "no images": ({"x": X[:0]}, "x contains no images"),
    "one image": ({"x": X[:1]}, "at least 2 are needed"),
    "no sides": ({"x": X[:, :0, :0]}, "must be square with side"),
    "a number": ({"x": np.uint8(3)}, "x has the shape ()"),
    "labels in words": ({"x": X, "y": np.array(["a"] * 300)}, "y is <U1; labels must be integers"),
    "labels in bytes": ({"x": X, "y": np.array([b"a"] * 300)}, "y is |S1; labels must be integers"),
    "labels that are NaN": ({"x": X, "y": np.full(300, np.nan)}, "y is float64; labels must be integers"),
    "labels that are booleans": ({"x": X, "y": np.zeros(300, bool)}, "y is bool; labels must be integers"),
    "labels beyond 63 bits": ({"x": X, "y": np.full(300, 2**63, np.uint64)}, "labels start at 0"),
    "negative labels": ({"x": X, "y": np.arange(300) - 1}, "labels start at 0"),
    "a label a pixel": ({"x": X, "y": X}, "y has the shape (300, 28, 28); 300 images need (300,) labels"),
    "a class an image": ({"x": X, "y": np.arange(300)}, "every image is in a class of its own"),
    "labels under two names": ({"x": X, "labels": np.zeros(300, int), "target": np.zeros(300, int)}, "labels, target"),
    "fewer images than a batch": ({"x": X[:20]}, "batch"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_that_are_no_images_or_labels_are_one_line(tmp_path, plan, kind):
    arrays, fault = ARRAYS[kind]
    np.savez(tmp_path / "mine.npz", **arrays)
    status, _, error = plan()
    assert status == 2 and "mine" in error and fault in error and len(error.strip().splitlines()) == 1


def split(labels_train, labels_test, images=X):
    n = len(labels_train)
    return {
        "x_train": images[:n],
        "y_train": labels_train,
        "x_test": images[n : n + len(labels_test)],
        "y_test": labels_test,
    }


CLASSES = {
    "one class": split(np.zeros(100, int), np.zeros(40, int)),
    "a class an image": split(np.arange(100), np.arange(40)),
    "a test class that was never trained": split(np.zeros(100, int), np.ones(40, int)),
    "some test classes that were never trained": split(np.arange(100) % 3, np.arange(40) % 5),
    "a label of ten digits": split(np.full(100, 10**9) + np.arange(100) % 2, np.full(40, 10**9)),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One `run` of a set a kind under its name -> exit status and the long tables 1 and 2."""
    folder = tmp_path_factory.mktemp("classes")
    names = {kind: f"mine{number}" for number, kind in enumerate(CLASSES)}
    for kind, name in names.items():
        np.savez(folder / f"{name}.npz", **CLASSES[kind])
    only = ",".join(["table=1", "table=2", "method=gmvae", "latent_dim=2", "latent_dim=8"])
    only += "".join(f",dataset={name}" for name in names.values())
    command = ["run", "--study", "laptop", "--seeds", "1", "--device", "cpu", "--jobs", "1", "--offline", "--no-report"]
    status = main([*command, "--only", only, "--data-dir", str(folder), "--out", str(folder / "out")])
    frame = pd.concat(pd.read_csv(folder / "out" / "tables" / f"table{table}_seeds.csv") for table in (1, 2))
    records = [json.loads(path.read_text()) for path in (folder / "out" / "records").glob("*.json")]
    return status, {kind: frame[frame["dataset"] == name] for kind, name in names.items()}, records


@pytest.mark.slow
@pytest.mark.parametrize("kind", CLASSES)
def test_sets_without_classes_to_tell_apart_have_reasons_and_no_numbers(runs, kind):
    status, frames, records = runs
    assert status == 0 and {record["status"] for record in records} == {"ok"}
    frame = frames[kind]
    assert len(frame) and (frame["value"].notna() == (frame["status"] == "ok")).all()
    assert frame.loc[frame["value"].isna(), "reason"].str.len().gt(0).all()
    clustering = frame[frame["table"] == 1]
    if kind in ("one class", "a class an image", "a test class that was never trained", "a label of ten digits"):
        assert clustering["value"].isna().all() and clustering["reason"].str.contains("class").all()
    if kind == "one class":
        assert frame.loc[frame["table"] == 2, "value"].isna().all()
    if kind == "some test classes that were never trained":
        assert clustering["value"].notna().all()
        reasons = frame.loc[frame["table"] == 2, "reason"]
        assert set(reasons) == {"2 of the 5 classes of the test images have no training image"}


def test_an_archive_that_unpacks_to_more_than_the_memory_is_one_line_and_never_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "mine.npz", x=np.zeros((10, 32, 32), np.uint8))
    monkeypatch.setattr(npz, "_memory", lambda: 10_000)
    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", lambda self, key: pytest.fail("unpacked"))
    with pytest.raises(UserError, match=r"mine\.npz: would unpack to 0 GB, more than this machine's memory"):
        npz.read_npz(tmp_path / "mine.npz", spec_for("mine"))
