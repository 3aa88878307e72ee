"""Archives and images that are bombs or lead elsewhere, and pickles where none belongs: none is unpacked or run."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from benchmark.cli import main
from benchmark.data import chairs
from benchmark.data.images import centre_crop
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS
from benchmark.errors import UserError
from benchmark.files import REPOSITORY


class Bomb:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def view(name="a", number=0, p="020", t="011"):
    return f"rendered_chairs/{name}/renders/image_{number:03}_p{p}_t{t}_r096.png"


def tar_of(path: Path, *members: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))


def member(name, kind=tarfile.REGTYPE, size=0):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info


CHAIRS = [member(view(name, number)) for name in ("a", "b") for number in range(62)]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ([*CHAIRS, CHAIRS[0]], "2 chairs with 125 views"),
        ([*CHAIRS[:-1], CHAIRS[0]], "2 chairs with 124 views"),
        ([*CHAIRS, member("rendered_chairs/pipe", tarfile.FIFOTYPE)], "is a link or points outside its folder"),
        ([*CHAIRS, member("rendered_chairs/disk", tarfile.BLKTYPE)], "is a link or points outside its folder"),
        ([*CHAIRS, member("rendered_chairs/a/../../../b.png")], "is a link or points outside its folder"),
        ([*CHAIRS[:-1], member(view("b", 61, p="99999"))], "2 chairs with 123 views"),
        ([*CHAIRS[:-1], member(view("b", 61).replace("061", "6" * 5000))], "2 chairs with 123 views"),
        (
            [*CHAIRS[:-1], member(view("b", 61), size=(16 << 20) + 1)],
            f"has {(16 << 20) + 1} bytes, which is impossible for such an image",
        ),
        ([*CHAIRS], "is not a readable image"),  # empty ones
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_archive_of_chairs_is_one_line(tmp_path, monkeypatch, capfd, members, fault):
    monkeypatch.setattr(chairs, "CHAIRS", 2)
    tar_of(tmp_path / "rendered_chairs.tar", *members)
    assert main(["fetch", "chairs", "--offline", "--data-dir", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert fault in error and len(error.strip().splitlines()) == 1
    assert names(tmp_path / "prepared") == [".chairs.lock"] and not (tmp_path / "rendered_chairs.tar.sha256").exists()


def test_a_digest_file_of_garbage_is_one_line(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(chairs, "CHAIRS", 2)
    tar_of(tmp_path / "rendered_chairs.tar", *CHAIRS)
    for content in (b"\xff\xfe\x00", b"", b"0" * 10**6):
        (tmp_path / "rendered_chairs.tar.sha256").write_bytes(content)
        assert main(["fetch", "chairs", "--offline", "--data-dir", str(tmp_path)]) == 2
        error = capfd.readouterr().err
        assert "rendered_chairs.tar.sha256 has a different one" in error and len(error.strip().splitlines()) == 1


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that declares a size and has what chunks it is given."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in ((b"IHDR", head), *chunks, (b"IEND", b"")))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("encoded", "fault"),
    [
        (png(50_000, 50_000), "is not a readable image|is 50000 x 50000"),
        (png(10_000, 10_000), "is not a readable image|is 10000 x 10000"),
        (png(2**31 - 1, 2**31 - 1), "is not a readable image"),
        (png(0, 0), "is not a readable image"),
        (png(600, 600), "is not a readable image"),
        (png(600, 600, (b"IDAT", zlib.compress(b"\0" * 10))), "is not a readable image"),
        (png(600, 600, (b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8)))), "is not a readable image"),
        (png(600, 600, (b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8)))), "is not a readable image"),
    ],
    ids=["bomb", "half a bomb", "greatest", "no pixels", "no data", "few data", "profile bomb", "text bomb"],
)
def test_an_image_bomb_is_one_line_and_never_unpacked(encoded, fault):
    with pytest.raises(UserError, match=f"^a.png: ({fault})") as caught:
        centre_crop(encoded, "a.png", (600, 600), 400, "L")
    assert "\n" not in str(caught.value)


def test_half_a_bomb_says_nothing_beside_its_one_line():
    """Pillow's own warning would be two more lines; pytest has filters of its own, so a process of its own is asked."""
    code = """if True:
        import sys
        from benchmark.data.images import centre_crop
        from benchmark.errors import UserError
        try:
            centre_crop(sys.stdin.buffer.read(), "a.png", (600, 600), 400, "L")
        except UserError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], input=png(10_000, 10_000), capture_output=True, cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"a.png: is not a readable image (DecompressionBombWarning)\n"


def test_a_pickle_among_cifars_batches_is_never_opened(tmp_path, capfd):
    trace = tmp_path / "the pickle ran"
    folder = tmp_path / "torchvision" / datasets.CIFAR10.base_folder
    folder.mkdir(parents=True)
    for name in [name for name, _ in (*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list)] + ["batches.meta"]:
        (folder / name).write_bytes(pickle.dumps(Bomb(trace)))
    assert main(["fetch", "cifar10", "--offline", "--data-dir", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert "data_batch_1 of CIFAR-10 is not the published one" in error and len(error.strip().splitlines()) == 1
    assert not trace.exists()


def test_a_cifar_archive_that_leaves_its_folder_is_never_unpacked(tmp_path, capfd):
    root = tmp_path / "torchvision"
    root.mkdir()
    with tarfile.open(root / datasets.CIFAR10.filename, "w:gz") as tar:
        tar.addfile(member("../../outside", size=3), io.BytesIO(b"out"))
    assert main(["fetch", "cifar10", "--offline", "--data-dir", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert (
        "cifar-10-python.tar.gz: refused because its member '../../outside' is a link" in error
        and len(error.strip().splitlines()) == 1
    )
    assert not (tmp_path.parent / "outside").exists() and names(root) == [datasets.CIFAR10.filename]


def test_a_celeba_archive_without_its_portraits_is_one_line(tmp_path, capfd):
    folder = tmp_path / "torchvision" / "celeba"
    folder.mkdir(parents=True)
    spec = DATASETS["celeba"]
    splits = [0] * spec.n_train + [1] * (202_599 - spec.n_train - spec.n_test) + [2] * spec.n_test
    lines = "".join(
        f"{i:06d}.jpg {kind}\n" for i, kind in enumerate(splits, 1)
    )  # the official list, but for its line ends
    (folder / "list_eval_partition.txt").write_text(lines)
    for name, fault in (
        ("img_align_celeba/../../000000.jpg", "is a link or points outside its folder"),
        ("img_align_celeba/000000.jpg", "has 1 portraits, but the official list names 202,599; it lacks 000001.jpg"),
        (None, "it is not a complete zip archive"),
    ):
        if name is not None:
            with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
                archive.writestr(name, b"elsewhere")
        else:
            (folder / "img_align_celeba.zip").write_bytes(b"no zip at all")
        assert main(["fetch", "celeba", "--offline", "--data-dir", str(tmp_path)]) == 2
        error = capfd.readouterr().err
        assert "img_align_celeba.zip: its MD5 is not" in error and fault in error
        assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "000000.jpg").exists()


def test_a_pickle_in_the_prepared_copy_is_never_opened(tmp_path):
    trace = tmp_path / "the pickle ran"
    np.savez(tmp_path / "mine.npz", x=np.arange(20 * 784, dtype=np.uint8).reshape(20, 28, 28), y=np.arange(20) % 2)
    whole = load_dataset("mine", tmp_path).digest
    for name in ("images.npy", "labels.npy"):
        path = tmp_path / "prepared" / "mine" / name
        os.remove(path)
        np.save(path, np.array([Bomb(trace)], dtype=object), allow_pickle=True)
        said = []
        assert load_dataset("mine", tmp_path, report=said.append).digest == whole
        assert "is made again" in said[0]
    meta = tmp_path / "prepared" / "mine" / "meta.json"
    for text in ("[" * 100_000, "[]", json.dumps(json.loads(meta.read_text()) | {"n_train": 10**400})):
        meta.write_text(text)
        assert load_dataset("mine", tmp_path).digest == whole
    assert not trace.exists()
