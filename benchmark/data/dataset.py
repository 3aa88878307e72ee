"""What a loaded data set is, and what a reader of files hands over before it is one."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

Report = Callable[[str], None]
Block = tuple[np.ndarray | slice, np.ndarray]  # rows, and their images, uint8 (rows, C, S, S)

_HASH_CHUNK = 16 << 20  # bytes


def silent(line: str) -> None:
    """A report that goes nowhere."""


@dataclass(frozen=True)
class Dataset:
    """Images with a fixed split, ready for training.

    images: uint8 (N, C, S, S) in 0..255, the n_train training images first, then the test images; memory-mapped
        and read-only when they come from the prepared copy.
    labels: int64 (N,), None where the set has none.
    factors: int16 (N, F) known generative factors (the chairs' model, elevation and azimuth), named by
        factor_names; None where nothing is known.
    kind: "real" or "procedural". subset: a real set whose source is not complete. verified: the source's published
        checksums have matched, it was fetched here from its authors, or the content is that of the complete set as it
        is known; never of a user's own.
    digest: SHA-256 over images, labels, factors, shapes and the split; says nothing of paths or machines.
    source_counts: (train, test) images of the source; larger than the set's own counts after `limit`.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    n_train: int
    kind: str
    subset: bool
    source: str
    digest: str
    split: str
    source_counts: tuple[int, int]
    factors: np.ndarray | None = None
    factor_names: tuple[str, ...] = ()
    verified: bool = False
    remarks: tuple[str, ...] = ()  # what a user should know of how the source was read, a line each

    @property
    def n_test(self) -> int:
        return len(self.images) - self.n_train

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, S, S)."""
        return self.images.shape[1:]

    @property
    def x_train(self) -> np.ndarray:
        return self.images[: self.n_train]

    @property
    def x_test(self) -> np.ndarray:
        return self.images[self.n_train :]

    @property
    def y_train(self) -> np.ndarray | None:
        return None if self.labels is None else self.labels[: self.n_train]

    @property
    def y_test(self) -> np.ndarray | None:
        return None if self.labels is None else self.labels[self.n_train :]


@dataclass(frozen=True)
class Draft:
    """A data set whose images are still to be read, block by block, so that none has to fit in memory."""

    image_shape: tuple[int, int, int]  # (C, S, S)
    n_train: int
    n_test: int
    blocks: Iterable[Block]  # together they fill every row once, in any order
    split: str  # how train and test were told apart, in words
    processing: str  # what was done to the pixels, in words
    subset: bool
    labels: np.ndarray | None = None  # int64 (N,)
    factors: np.ndarray | None = None  # int16 (N, F)
    factor_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # as of a Dataset
    on_success: Callable[[], None] | None = None  # called once every image has been read
    verified: bool = False  # the source's published checksums matched, or it was fetched from its authors


def array_blocks(*parts: np.ndarray, rows: int = 4096) -> Iterator[Block]:
    """The arrays (N, ...) one after the other, as blocks of at most `rows` rows."""
    first = 0
    for part in parts:
        for start in range(0, len(part), rows):
            block = part[start : start + rows]
            yield slice(first + start, first + start + len(block)), block
        first += len(part)


def array_sha256(array: np.ndarray) -> str:
    """SHA-256 hex of the values in C order, little-endian, read in chunks (a memory map stays one)."""
    sha = hashlib.sha256()
    flat = array.reshape(-1)
    for start in range(0, flat.size, _HASH_CHUNK // flat.itemsize):
        chunk = flat[start : start + _HASH_CHUNK // flat.itemsize]
        sha.update(np.ascontiguousarray(chunk, dtype=chunk.dtype.newbyteorder("<")))
    return sha.hexdigest()


def content_hashes(images: np.ndarray, labels: np.ndarray | None, factors: np.ndarray | None) -> dict[str, str | None]:
    """The SHA-256 of each array, None for one that is not there."""
    arrays = {"images": images, "labels": labels, "factors": factors}
    return {name: None if array is None else array_sha256(array) for name, array in arrays.items()}


def content_digest(shape: tuple[int, ...], n_train: int, hashes: dict[str, str | None]) -> str:
    """The digest of a data set: SHA-256 hex over its shape (N, C, S, S), its split and its arrays' hashes."""
    content = {"shape": [int(side) for side in shape], "n_train": int(n_train), "sha256": hashes}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
