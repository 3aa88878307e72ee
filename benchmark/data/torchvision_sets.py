"""MNIST, Fashion-MNIST, CIFAR-10 and CelebA: downloaded from torchvision's URLs and verified by its MD5 sums.

Files are read in place, also if the user put them there, in any of the usual layouts and spellings.
"""

import gzip
import hashlib
import math
import os
import pickle
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torchvision import datasets
from torchvision.datasets.utils import calculate_md5, check_integrity

from benchmark.data import celeba
from benchmark.data.archives import members, opened
from benchmark.data.dataset import Draft, Report, array_blocks
from benchmark.data.download import download
from benchmark.data.npz import pad
from benchmark.data.prepared import data_write_errors
from benchmark.data.source import Source, entries, letters_and_digits, relative_name, roots
from benchmark.data.specs import SIDES, DatasetSpec, RegisteredSpec
from benchmark.data.watched import fetch_from_drive
from benchmark.errors import DataUnavailable, UserError
from benchmark.text import short_message

_STALL = 60.0  # seconds with hardly any data before a download counts as stalled
# The sets that are published as four idx files of the same names; only their folders' names tell them apart.
_MNIST_CLASSES = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}
_IDX = re.compile(r"(train|t10k)-(images|labels)[-.]idx[13][-.]ubyte(\.gz)?", re.I)
_IDX_PARTS = ("train-images", "train-labels", "t10k-images", "t10k-labels")
_CIFAR10_ARCHIVES = re.compile(r"cifar-10-python\.(tar\.gz|tgz|tar|tar\.xz|tar\.bz2|zip)", re.I)
_LARGEST_BATCH = 64 << 20  # bytes; about twice the size of a CIFAR-10 batch


@dataclass(frozen=True)
class Remote:
    """A file to download.

    Attributes:
        target: Where to store it.
        md5: Its required MD5.
        sources: Functions that download it to a given path or raise DataUnavailable; tried in order.
    """

    target: Path
    md5: str
    sources: list[Callable[[Path], object]]


@dataclass(frozen=True)
class PublishedSet:
    """How one data set is found and downloaded.

    Attributes:
        find: Finds the complete data set below a data folder.
        missing_part: Describes what is missing of a partly available data set.
        remotes: Lists the files to download to a data folder, without existing ones.
    """

    find: Callable[[RegisteredSpec, Path], Source | None]
    missing_part: Callable[[Path], str | None]
    remotes: Callable[[Path, Report], list[Remote]]


def find(spec: RegisteredSpec, data_dir: Path) -> Source | None:
    """Find a complete data set below the data folder, packed or unpacked; None if there is none."""
    return PUBLISHED_SETS[spec.name].find(spec, data_dir)


def missing_part(spec: RegisteredSpec, data_dir: Path) -> str | None:
    """Describe what is missing of a partly available data set; None if nothing of it is available."""
    return PUBLISHED_SETS[spec.name].missing_part(data_dir)


def fetch(spec: DatasetSpec, data_dir: Path, report: Report) -> None:
    """Download and verify the missing files.

    A file gets its name only after its MD5 was verified; existing files are left unchanged.

    Args:
        spec: The spec of MNIST, Fashion-MNIST, CIFAR-10 or CelebA.
        data_dir: The data folder.
        report: Called with a line of progress from time to time.

    Raises:
        DataUnavailable: A file could not be downloaded.
        UserError: The folder is not writable.
    """
    for remote in PUBLISHED_SETS[spec.name].remotes(data_dir, report):
        with data_write_errors(remote.target):
            remote.target.parent.mkdir(parents=True, exist_ok=True)
        arriving = remote.target.with_name(f"{remote.target.name}.unverified")
        if reasons := _fetch_one(remote, arriving):
            why = short_message("; ".join(reasons))
            raise DataUnavailable(f"{spec.label}: {remote.target.name} could not be fetched ({why}); {spec.remedy}")
        with data_write_errors(remote.target):
            arriving.replace(remote.target)


def _fetch_one(remote: Remote, arriving: Path) -> list[str]:
    """Try the sources in order; return why each failed, or nothing if one provided a file with the right MD5."""
    reasons = []
    for download_to in remote.sources:
        try:
            download_to(arriving)
        except DataUnavailable as error:
            reasons.append(str(error))
            continue
        if (md5 := calculate_md5(arriving)) == remote.md5:
            return []
        arriving.unlink()
        reasons.append(f"the download has the MD5 {md5}, not {remote.md5}")
    return reasons


def _find_idx(name: str, spec: RegisteredSpec, data_dir: Path) -> Source | None:
    for folder, files in _idx_files(name, data_dir):
        if len(files) == len(_IDX_PARTS):
            there = [files[part] for part in _IDX_PARTS]
            return Source(f"torchvision {spec.label}", folder, there, partial(_read_idx_set, spec, files))
    return None


def _idx_missing_part(name: str, data_dir: Path) -> str | None:
    for folder, files in _idx_files(name, data_dir):
        missing = [part for part in _IDX_PARTS if part not in files]
        there = ", ".join(path.name for path in files.values())
        return f"{relative_name(data_dir, folder)} has {there}, but no {', '.join(missing)}"
    return None


def _idx_files(name: str, data_dir: Path) -> Iterator[tuple[Path, dict[str, Path]]]:
    """Yield folders with idx files of the data set, and these files by part, preferring unpacked files."""
    for folder in _idx_folders(name, data_dir):
        files: dict[str, Path] = {}
        for entry in sorted(entries(folder), key=lambda entry: entry.name.lower().endswith(".gz")):
            match = _IDX.fullmatch(entry.name)
            if match and entry.is_file():
                files.setdefault(f"{match[1]}-{match[2]}".lower(), Path(entry))
        if files:
            yield folder, files


def _idx_folders(name: str, data_dir: Path) -> Iterator[Path]:
    """Yield folders that may contain the data set, by their names.

    A folder of downloads itself may contain Fashion-MNIST if its name says so, otherwise MNIST.
    """
    for root in roots(data_dir):
        for entry in entries(root):
            if entry.is_dir() and _is_named_for(name, entry.name):
                folder = Path(entry)
                yield from (folder / "raw", folder)
                yield folder / _MNIST_CLASSES[name].__name__ / "raw"  # if the folder was torchvision's root
                yield folder / "data" / "fashion"  # if it is a clone of the authors' repository
        if name == ("fashion_mnist" if _is_named_for_fashion(root.resolve().name) else "mnist"):
            yield root


def _is_named_for(name: str, folder_name: str) -> bool:
    if name == "fashion_mnist":
        return _is_named_for_fashion(folder_name)
    return letters_and_digits(folder_name) in (letters_and_digits(name), _MNIST_CLASSES[name].__name__.lower())


def _is_named_for_fashion(folder_name: str) -> bool:
    return "fashion" in folder_name.lower()


def _read_idx_set(spec: RegisteredSpec, files: Mapping[str, Path]) -> Draft:
    images: list[NDArray[np.uint8]] = []
    labels: list[NDArray[np.uint8]] = []
    verified = True
    for part, count in (("train", spec.n_train), ("t10k", spec.n_test)):
        shapes: dict[str, tuple[int, ...]] = {"images": (count, 28, 28), "labels": (count,)}
        for kind, arrays in (("images", images), ("labels", labels)):
            array, published = _read_published_idx(spec, f"{part}-{kind}", files[f"{part}-{kind}"], shapes[kind])
            arrays.append(array)
            verified &= published
        if spec.n_classes is not None and labels[-1].max() >= spec.n_classes:
            raise UserError(
                f"{files[f'{part}-labels']}: has the label {labels[-1].max()}; {spec.label} has the labels 0 to "
                f"{spec.n_classes - 1}"
            )
    return _draft(spec, [x[:, None] for x in images], np.concatenate(labels), verified)


def _read_published_idx(
    spec: RegisteredSpec, part: str, path: Path, shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], bool]:
    """Read one file's array, and whether its MD5 is the published one, which is that of the packed file."""
    md5 = next(md5 for name, md5 in _MNIST_CLASSES[spec.name].resources if name.startswith(part))
    published = check_integrity(path, md5)
    try:
        return read_idx(path, shape), published
    except (ValueError, EOFError, OSError, zlib.error) as error:
        packed = path.name.lower().endswith(".gz")
        raise UserError(
            f"{path}: {f'its MD5 is not {md5}; ' if packed and not published else ''}cannot read {spec.label} from it "
            f"({short_message(error)}); put the published file there, or move this one away so that the published one "
            "is downloaded"
        ) from None


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read the uint8 array of an IDX file, gzipped or not.

    Raises:
        ValueError: The file is not IDX, or its array does not have this shape.
        EOFError: A gzipped file is truncated.
        OSError: It cannot be read, or its checksum is wrong.
        zlib.error: Its compressed content is damaged.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        head = file.read(4 + 4 * len(shape))
        if head[:3] != b"\0\0\x08":
            raise ValueError("is not an IDX file of unsigned bytes")
        sides = tuple(int.from_bytes(head[start : start + 4], "big") for start in range(4, len(head), 4))
        if head[3] != len(shape) or sides != shape:
            sizes = " x ".join(map(str, sides if head[3] == len(shape) else (f"{head[3]} dimensions",)))
            raise ValueError(f"is {sizes}, not {' x '.join(map(str, shape))}")
        size = math.prod(shape)
        content = file.read(size + 1)  # reading one byte more verifies a gzipped file's checksum
        if len(content) != size:
            raise ValueError(
                f"has {len(content)} of {size} bytes"
                if len(content) < size
                else f"continues after the expected {size} bytes"
            )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _find_cifar10(spec: RegisteredSpec, data_dir: Path) -> Source | None:
    for files in _cifar10_folders(data_dir):
        if len(files) == len(_cifar10_md5()):
            there = [files[name] for name in _cifar10_md5()]
            folder = there[0].parent
            return Source(f"torchvision {spec.label}", folder, there, partial(_read_cifar10, spec, folder))
    for path in _cifar10_archives(data_dir):
        return Source(f"torchvision {spec.label}", path, [path], partial(_read_cifar10, spec, path))
    return None


def _cifar10_missing_part(data_dir: Path) -> str | None:
    for files in _cifar10_folders(data_dir):
        missing = [name for name in _cifar10_md5() if name not in files]
        return f"{relative_name(data_dir, next(iter(files.values())).parent)} has no {', '.join(missing)}"
    return None


def _cifar10_md5() -> dict[str, str]:
    """Return the MD5 of each batch by name, training batches first."""
    return dict([*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list])


def _cifar10_places(data_dir: Path) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Yield the folders that may contain CIFAR-10, with their entries."""
    for root in roots(data_dir):
        named = [
            Path(entry) for entry in entries(root) if letters_and_digits(entry.name) == "cifar10" and entry.is_dir()
        ]
        yield from ((folder, entries(folder)) for folder in (root, *named))


def _cifar10_archives(data_dir: Path) -> Iterator[Path]:
    for _, there in _cifar10_places(data_dir):
        yield from (Path(entry) for entry in there if _CIFAR10_ARCHIVES.fullmatch(entry.name) and entry.is_file())


def _cifar10_folders(data_dir: Path) -> Iterator[dict[str, Path]]:
    """Yield the batches of each folder that has any: a folder with a known name, or one of the same name within it."""
    base_folder = letters_and_digits(datasets.CIFAR10.base_folder)
    for _, there in _cifar10_places(data_dir):
        for entry in there:
            if letters_and_digits(entry.name) == base_folder and entry.is_dir():
                for folder in (Path(entry), Path(entry) / entry.name):
                    files = {name: folder / name for name in _cifar10_md5() if (folder / name).is_file()}
                    if files:
                        yield files


def _read_cifar10(spec: RegisteredSpec, path: Path) -> Draft:
    """Read the archive or folder; the batches are pickles, which are loaded only if they have the published MD5."""
    found = {member.base_name: member for member in members(path)}
    batches = []
    with opened(path) as content_of:
        for name, md5 in _cifar10_md5().items():
            member = found.get(name)
            if member is None:
                raise UserError(f"{path}: {spec.label} is incomplete there: {name} is missing; add it")
            content = content_of(member) if 0 <= member.size <= _LARGEST_BATCH else b""
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
                raise UserError(
                    f"{path}: {name} of {spec.label} is not the published one (its MD5 is not {md5}): truncated or "
                    "altered; it is a pickle file and therefore not opened; put the published files there, or move "
                    "these away so that they are downloaded"
                )
            batches.append(pickle.loads(content, encoding="latin1"))
    parts = [batches[: len(datasets.CIFAR10.train_list)], batches[len(datasets.CIFAR10.train_list) :]]
    images = [np.concatenate([batch["data"] for batch in part]).reshape(-1, 3, 32, 32) for part in parts]
    return _draft(spec, images, np.concatenate([batch["labels"] for batch in batches]), verified=True)


def _draft(spec: RegisteredSpec, images: list[NDArray[np.uint8]], labels: np.ndarray, verified: bool) -> Draft:
    """Make the draft of training and test images, (n, C, s, s) each, with their labels concatenated."""
    side = images[0].shape[2]
    return Draft(
        image_shape=(spec.channels, spec.size, spec.size),
        n_train=len(images[0]),
        n_test=len(images[1]),
        blocks=((rows, pad(x, SIDES[side])) for rows, x in array_blocks(*images)),
        split="official",
        processing=f"zero-padded from {side} to {spec.size}" if side != spec.size else "none",
        subset=False,
        labels=labels.astype(np.int64),
        verified=verified,
    )


def _over_http(url: str, report: Report) -> Callable[[Path], object]:
    return lambda target: download(url, target, timeout=_STALL, attempts=2, report=report)


def _mnist_set(name: str) -> PublishedSet:
    cls = _MNIST_CLASSES[name]

    def remotes(data_dir: Path, report: Report) -> list[Remote]:
        folder = roots(data_dir)[0] / cls.__name__ / "raw"
        here = next((files for where, files in _idx_files(name, data_dir) if where == folder), {})
        return [
            Remote(folder / file, md5, [_over_http(mirror + file, report) for mirror in cls.mirrors])
            for file, md5 in cls.resources
            if not any(file.startswith(part) for part in here)
        ]

    return PublishedSet(partial(_find_idx, name), partial(_idx_missing_part, name), remotes)


def _cifar10_remotes(data_dir: Path, report: Report) -> list[Remote]:
    cls = datasets.CIFAR10
    return [Remote(roots(data_dir)[0] / cls.filename, cls.tgz_md5, [_over_http(cls.url, report)])]


def _celeba_remotes(data_dir: Path, report: Report) -> list[Remote]:
    ids = {name: file_id for file_id, _, name in datasets.CelebA.file_list}
    folder = roots(data_dir)[0] / "celeba"
    images = celeba.images_in(data_dir)
    return [
        Remote(folder / name, celeba.published_md5()[name], [partial(fetch_from_drive, ids[name], stall=_STALL)])
        for name in celeba.FILES
        if not (folder / name).is_file() and not (images and name == celeba.ARCHIVE)
    ]


PUBLISHED_SETS = {
    **{name: _mnist_set(name) for name in _MNIST_CLASSES},
    "cifar10": PublishedSet(_find_cifar10, _cifar10_missing_part, _cifar10_remotes),
    "celeba": PublishedSet(celeba.find, celeba.missing_part, _celeba_remotes),
}
