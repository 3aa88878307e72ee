"""MNIST, Fashion-MNIST, CIFAR-10 and CelebA as torchvision stores, verifies and fetches them."""

import socket
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torchvision import datasets
from torchvision.datasets.utils import check_integrity, download_file_from_google_drive

from benchmark.data.dataset import Block, Draft, array_blocks
from benchmark.data.images import RESIZING, SIZE, decoded_blocks
from benchmark.data.npz import pad
from benchmark.data.specs import SIDES, DatasetSpec
from benchmark.errors import DataUnavailable, UserError
from benchmark.text import told

_STALL = 60.0  # seconds without a byte; torchvision itself would wait for ever
_CELEBA_SIZE = (178, 218)
_CELEBA_CROP = 140
_CELEBA_FILES = ("img_align_celeba.zip", "list_eval_partition.txt")
_TRAIN, _TEST = 0, 2  # of list_eval_partition.txt; 1 is the validation split


@dataclass(frozen=True)
class TorchvisionSet:
    """How one set lies under torchvision's root folder."""

    unpacked: Callable[[Path], list[Path]] | None  # the files that torchvision reads; None: the archives themselves
    archives: Callable[[Path], list[tuple[Path, str]]]  # the files that it fetches, with their MD5
    read: Callable[[DatasetSpec, Path, bool], Draft]  # spec, root, whether torchvision may unpack or fetch
    fetch: Callable[[Path], object]


def roots(data_dir: Path) -> tuple[Path, Path]:
    """The folders where an earlier download may lie; the first is where new ones go."""
    return data_dir / "torchvision", data_dir


def find(name: str, data_dir: Path) -> tuple[Path, list[Path]] | None:
    """The root of a complete earlier download, unpacked or not, and its files; None if there is none."""
    known = TORCHVISION_SETS[name]
    for root in roots(data_dir):
        archives = [path for path, _ in known.archives(root)]
        for files in (known.unpacked(root), archives) if known.unpacked else (archives,):
            if all(path.is_file() for path in files):
                return root, files
    return None


def read(spec: DatasetSpec, root: Path) -> Draft:
    """The draft of an earlier download, without the network; raises UserError if it is damaged."""
    known = TORCHVISION_SETS[spec.name]
    packed = known.unpacked is None or not all(path.is_file() for path in known.unpacked(root))
    if packed:  # checked here, since torchvision would silently fetch a damaged archive again
        _check(known.archives(root))
    try:
        return known.read(spec, root, packed)
    except UserError:
        raise
    except Exception as error:  # torchvision meets damaged files with assertions, pickle errors and more
        raise UserError(
            f"{root}: torchvision cannot read {spec.label} there ({told(error)}); delete its files to fetch them again"
        ) from None


def fetch(spec: DatasetSpec, data_dir: Path) -> None:
    """Let torchvision download and verify the set; raises DataUnavailable with its reason in one line."""
    root = roots(data_dir)[0]
    try:
        with _stall_limit():
            TORCHVISION_SETS[spec.name].fetch(root)
    except Exception as error:  # network, checksum, Google Drive's quota: every library has errors of its own
        raise DataUnavailable(
            f"{spec.label}: torchvision could not fetch it ({told(error)}); put {spec.npz}, or {spec.advice}, "
            "into the data folder (--data-dir)"
        ) from None


def _read_mnist(spec: DatasetSpec, root: Path, unpack: bool) -> Draft:
    return _from_arrays(
        spec, root, [_MNIST_CLASSES[spec.name](root, train, download=unpack) for train in (True, False)]
    )


def _read_cifar10(spec: DatasetSpec, root: Path, unpack: bool) -> Draft:
    return _from_arrays(spec, root, [datasets.CIFAR10(root, train, download=unpack) for train in (True, False)])


def _from_arrays(spec: DatasetSpec, root: Path, parts: list) -> Draft:
    images = [np.asarray(part.data) for part in parts]
    images = [x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2) for x in images]
    labels = np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts])
    counts = [len(x) for x in images]
    if counts != [spec.n_train, spec.n_test] or len(labels) != sum(counts):
        raise UserError(
            f"{root}: {spec.label} has {counts[0]} + {counts[1]} images there, not {spec.n_train} + {spec.n_test}"
        )
    side = images[0].shape[2]
    return Draft(
        image_shape=(spec.channels, spec.size, spec.size),
        n_train=counts[0],
        n_test=counts[1],
        blocks=((rows, pad(x, SIDES[side])) for rows, x in array_blocks(*images)),
        split="official",
        processing=f"zero-padded from {side} to {spec.size}" if side != spec.size else "none",
        subset=False,
        labels=labels,
    )


def _read_celeba(spec: DatasetSpec, root: Path, unpack: bool) -> Draft:
    """Straight from the archive, which spares 202,599 small files; only two of torchvision's six are needed."""
    archive, partition = (root / "celeba" / name for name in _CELEBA_FILES)
    rows = [line.split() for line in partition.read_text().splitlines() if line.strip()]
    splits = {kind: [name for name, of in rows if int(of) == kind] for kind in (_TRAIN, _TEST)}
    counts = [len(splits[kind]) for kind in (_TRAIN, _TEST)]
    if counts != [spec.n_train, spec.n_test]:
        raise UserError(f"{partition}: lists {counts[0]} + {counts[1]} images, not {spec.n_train} + {spec.n_test}")
    names = [f"img_align_celeba/{name}" for name in splits[_TRAIN] + splits[_TEST]]

    def blocks() -> Iterator[Block]:
        try:
            with zipfile.ZipFile(archive) as images:
                yield from decoded_blocks(names, lambda row: images.read(names[row]), _CELEBA_SIZE, _CELEBA_CROP, "RGB")
        except (KeyError, zipfile.BadZipFile, NotImplementedError) as error:
            raise UserError(f"{archive}: cannot be read ({told(error)})") from None

    return Draft(
        image_shape=(spec.channels, SIZE, SIZE),
        n_train=counts[0],
        n_test=counts[1],
        blocks=blocks(),
        split="official train and test; the official validation split is left out",
        processing=f"centre crop {_CELEBA_CROP} of 178 x 218, {RESIZING} to {SIZE}",
        subset=False,
    )


def _celeba_archives(root: Path) -> list[tuple[Path, str]]:
    md5 = {name: digest for _, digest, name in datasets.CelebA.file_list}
    return [(root / "celeba" / name, md5[name]) for name in _CELEBA_FILES]


def _fetch_celeba(root: Path) -> None:
    for file_id, md5, name in datasets.CelebA.file_list:
        if name in _CELEBA_FILES:
            download_file_from_google_drive(file_id, root / "celeba", name, md5)


def _mnist_set(name: str) -> TorchvisionSet:
    cls = _MNIST_CLASSES[name]

    def raw(root: Path) -> list[tuple[Path, str]]:
        return [(root / cls.__name__ / "raw" / file, md5) for file, md5 in cls.resources]

    return TorchvisionSet(
        unpacked=lambda root: [path.with_suffix("") for path, _ in raw(root)],
        archives=raw,
        read=_read_mnist,
        fetch=lambda root: cls(root, download=True),
    )


def _check(archives: list[tuple[Path, str]]) -> None:
    for path, md5 in archives:
        if not check_integrity(path, md5):
            raise UserError(f"{path}: its MD5 is not {md5}: truncated or altered; delete it to fetch it again")


@contextmanager
def _stall_limit() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALL)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


_MNIST_CLASSES = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}

TORCHVISION_SETS = {
    "mnist": _mnist_set("mnist"),
    "fashion_mnist": _mnist_set("fashion_mnist"),
    "cifar10": TorchvisionSet(
        unpacked=lambda root: [
            root / datasets.CIFAR10.base_folder / file
            for file, _ in (*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list)
        ],
        archives=lambda root: [(root / datasets.CIFAR10.filename, datasets.CIFAR10.tgz_md5)],
        read=_read_cifar10,
        fetch=lambda root: datasets.CIFAR10(root, download=True),
    ),
    "celeba": TorchvisionSet(
        unpacked=None,
        archives=_celeba_archives,
        read=_read_celeba,
        fetch=_fetch_celeba,
    ),
}
