"""The prepared copy of a data set: one uint8 array, verified by SHA-256 and published atomically.

<data-dir>/prepared/<name>/ contains images.npy, meta.json and, if they exist, labels.npy and factors.npy.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.content import check_pixels, is_known
from benchmark.data.dataset import Dataset, Draft, content_digest, content_hashes
from benchmark.errors import UserError
from benchmark.fields import Check, fields, invalid_field, is_boolean, is_text, list_of, or_none, whole
from benchmark.files import named_write_errors
from benchmark.text import short_message

# Raise it whenever a source would be prepared differently; `is_current` says which copies are not affected.
REVISION = 2
READABLE = (1, REVISION)
data_write_errors = partial(named_write_errors, otherwise="choose another --data-dir")
_ARRAYS = ("images", "labels", "factors")
_FILES = {"meta.json", *(f"{name}.npy" for name in _ARRAYS)}

_FILE = (is_text, whole(), whole(-(2**63), 2**63))  # name, size, modification time
_META: Mapping[str, Check] = {
    "revision": whole(),
    "fingerprint": fields({"source": is_text, "files": list_of(lambda file: _is_fingerprinted(file))}),
    **dict.fromkeys(("n_train", "n_test"), whole()),
    "shape": list_of(whole()),
    **dict.fromkeys(("split", "processing", "digest"), is_text),
    "subset": is_boolean,
    "factor_names": list_of(is_text),
    "sha256": fields(dict.fromkeys(_ARRAYS, or_none(is_text))),
}
_NOT_IN_REVISION_1: Mapping[str, Check] = {"verified": is_boolean, "remarks": list_of(is_text)}


@dataclass(frozen=True)
class Fingerprint:
    """Identifies a source without reading its content.

    Attributes:
        source: Name of the source, without folders.
        files: Name, size in bytes and modification time in ns of each file.
    """

    source: str
    files: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, source: str, files: list[Path]) -> "Fingerprint":
        """Make the fingerprint of a source from its files."""
        stats = ((path.name, path.stat()) for path in files)
        return cls(source, tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def _is_fingerprinted(file: Any) -> bool:
    return isinstance(file, list) and len(file) == 3 and all(check(x) for check, x in zip(_FILE, file, strict=True))


@dataclass(frozen=True, kw_only=True)
class Meta:
    """The content of a prepared copy's meta.json.

    Attributes not listed are the same as in Dataset.

    Attributes:
        revision: The revision that prepared it.
        fingerprint: Fingerprint of its source.
        shape: Shape of the images, (N, C, S, S).
        processing: Description of the processing of pixels.
        verified: As in Dataset; None in a copy of revision 1.
        sha256: SHA-256 of each array; None for an absent array.
    """

    revision: int
    fingerprint: Fingerprint
    n_train: int
    n_test: int
    shape: tuple[int, ...]
    split: str
    processing: str
    subset: bool
    verified: bool | None
    remarks: tuple[str, ...]
    factor_names: tuple[str, ...]
    sha256: dict[str, str | None]
    digest: str


class Unusable(Exception):
    """A prepared copy is missing, damaged, or of another source; the message says which."""


def folder(data_dir: Path, name: str) -> Path:
    """Return the folder of a data set's prepared copy."""
    return data_dir / "prepared" / name


def read_meta(data_dir: Path, name: str) -> Meta:
    """Read the meta.json of a prepared copy.

    Raises:
        Unusable: It is missing or damaged, or its revision is not readable.
    """
    path = folder(data_dir, name) / "meta.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable("not prepared yet") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Unusable(f"meta.json cannot be read ({type(error).__name__})") from None
    if not isinstance(content, dict):
        raise Unusable("meta.json is damaged")
    if (revision := content.get("revision")) not in READABLE:
        raise Unusable(f"prepared by revision {revision}, now {REVISION}")
    if field := invalid_field(content, _META, _NOT_IN_REVISION_1):
        raise Unusable(f"meta.json is damaged ({field})")
    source, files = content["fingerprint"]["source"], content["fingerprint"]["files"]
    return Meta(
        revision=revision,
        fingerprint=Fingerprint(source, tuple((name, size, time) for name, size, time in files)),
        n_train=content["n_train"],
        n_test=content["n_test"],
        shape=tuple(content["shape"]),
        split=content["split"],
        processing=content["processing"],
        subset=content["subset"],
        verified=content.get("verified"),
        remarks=tuple(content.get("remarks", ())),
        factor_names=tuple(content["factor_names"]),
        sha256={key: content["sha256"][key] for key in _ARRAYS},
        digest=content["digest"],
    )


def is_current(meta: Meta) -> bool:
    """Return whether the current revision would prepare the copy's source identically.

    Revision 2 introduced holding out labelled images by class.
    """
    labelled = meta.sha256["labels"] is not None
    return meta.revision == REVISION or not (labelled and meta.split == "last tenth held out as test")


def read(data_dir: Path, name: str) -> Dataset:
    """Load the prepared copy after verifying every byte; its images are memory-mapped.

    Raises:
        Unusable: It is missing or damaged.
    """
    meta = read_meta(data_dir, name)

    def load(key: str) -> np.ndarray | None:
        if meta.sha256[key] is None:
            return None
        array: np.ndarray = np.load(folder(data_dir, name) / f"{key}.npy", mmap_mode="r", allow_pickle=False)
        return array

    try:
        images, labels, factors = map(load, _ARRAYS)
        if images is None:
            raise Unusable("it has no images")
        hashes = content_hashes(images, labels, factors)
        digest = content_digest(images.shape, meta.n_train, hashes)
        verified = meta.verified
        if verified is None:  # revision 1 did not store this, but read CelebA only from archives with the published MD5
            verified = meta.fingerprint.source == "torchvision CelebA"
            verified |= is_known(name, images, labels, meta.n_train)
        if hashes != meta.sha256 or digest != meta.digest:
            raise Unusable("its SHA-256 does not match")
        return Dataset(
            name=name,
            images=images,
            labels=None if labels is None else np.array(labels),
            n_train=meta.n_train,
            kind="real",
            subset=meta.subset,
            source=meta.fingerprint.source,
            digest=digest,
            split=meta.split,
            factors=None if factors is None else np.array(factors),
            factor_names=meta.factor_names,
            verified=verified,
            remarks=meta.remarks,
        )
    except Unusable:
        raise
    except Exception as error:  # numpy raises errors of parser, tokenizer and more for damaged headers
        raise Unusable(f"damaged ({type(error).__name__})") from None


def write(data_dir: Path, name: str, draft: Draft, fingerprint: Fingerprint) -> None:
    """Read the draft's images into a new prepared copy, which replaces the old copy only when it is complete.

    Args:
        data_dir: The data folder.
        name: Name of the data set.
        draft: Its content.
        fingerprint: Fingerprint of its source.

    Raises:
        UserError: The pixels are implausible, the copy's folder contains foreign files, or it cannot be written; the
            old copy is then unchanged.
    """
    target = folder(data_dir, name)
    if foreign := sorted(path.name for path in target.glob("*") if path.name not in _FILES):
        raise UserError(
            f"{target}: holds {short_message(foreign[0])}, which does not belong to a prepared copy; move it away to "
            "make room for one"
        )
    with data_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        with data_write_errors(target):
            shape = (draft.n_train + draft.n_test, *draft.image_shape)
            needed = int(np.prod(shape))
            free = shutil.disk_usage(temporary).free
            if needed > free:
                raise OSError(errno.ENOSPC, f"{needed / 1e6:.1f} MB needed, {free / 1e6:.1f} MB free")
            images = np.lib.format.open_memmap(temporary / "images.npy", "w+", np.uint8, shape)
            # Otherwise a full disk or quota would kill the process on a write through the memory map.
            if hasattr(os, "posix_fallocate"):
                with (temporary / "images.npy").open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, images.offset + needed)
        for rows, block in draft.blocks:  # outside, because errors of the source are not write errors
            images[rows] = block
        remarks = draft.remarks + check_pixels(fingerprint.source, images, draft.n_train)
        with data_write_errors(target):
            images.flush()
            _finish(temporary, name, images, dataclasses.replace(draft, remarks=remarks), fingerprint)
            _publish(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if draft.on_success is not None:
        draft.on_success()


@contextlib.contextmanager
def locked(data_dir: Path, name: str) -> Iterator[None]:
    """Wait for and hold the lock among all processes for downloading and preparing a data set."""
    path = folder(data_dir, name).parent / f".{name}.lock"
    with data_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        # Some network file systems have no locks. Publishing is still atomic there, but work may be done twice.
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
            _remove_leavings(path.parent, name)
        yield


def _remove_leavings(parent: Path, name: str) -> None:
    """Remove the temporary folders of killed `write` and `_publish` calls; call only while holding the lock."""
    random = "[a-z0-9_]{8}"  # suffix made by mkdtemp
    leaving = re.compile(rf"\.{re.escape(name)}-{random}(-old{random})?")
    for path in parent.iterdir():
        if leaving.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _finish(temporary: Path, name: str, images: np.ndarray, draft: Draft, fingerprint: Fingerprint) -> None:
    """Write the small arrays and the metadata beside the images."""
    for key in ("labels", "factors"):
        array = getattr(draft, key)
        if array is not None:
            np.save(temporary / f"{key}.npy", array)
    hashes = content_hashes(images, draft.labels, draft.factors)
    meta = Meta(
        revision=REVISION,
        fingerprint=fingerprint,
        n_train=draft.n_train,
        n_test=draft.n_test,
        shape=images.shape,
        split=draft.split,
        processing=draft.processing,
        subset=draft.subset,
        verified=draft.verified or is_known(name, images, draft.labels, draft.n_train),
        remarks=draft.remarks,
        factor_names=draft.factor_names,
        sha256=hashes,
        digest=content_digest(images.shape, draft.n_train, hashes),
    )
    text = json.dumps(dataclasses.asdict(meta), indent=1) + "\n"
    (temporary / "meta.json").write_text(text, encoding="utf-8")
    temporary.chmod(0o755)  # mkdtemp makes it private, but a shared data folder must be readable


def _publish(temporary: Path, target: Path) -> None:
    """Move the complete copy into place; readers of the old copy keep their open files."""
    retired = []
    while True:
        retired.append(Path(tempfile.mkdtemp(prefix=f"{temporary.name}-old", dir=target.parent)))
        with contextlib.suppress(FileNotFoundError):
            target.rename(retired[-1])  # replaces an empty folder
        try:
            temporary.rename(target)
            break
        except OSError as error:  # without working locks, another process may have published meanwhile
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    for folder_of_old in retired:
        shutil.rmtree(folder_of_old, ignore_errors=True)
