"""The types of a loaded data set and of a draft whose images are still to be read, and the digest of their content."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.data.specs import DATASETS

Report = Callable[[str], None]
Block = tuple[NDArray[np.int64] | slice, NDArray[np.uint8]]  # row numbers, and their images (rows, C, S, S)

_HASH_CHUNK = 16 << 20  # bytes


def no_report(line: str) -> None:
    """Discard a line that is reported."""


@dataclass(frozen=True)
class Dataset:
    """Images with a fixed split, ready for training.

    Attributes:
        name: The data set.
        images: uint8 (N, C, S, S) in 0..255, training images first, then test images; memory-mapped and read-only when
            they come from the prepared copy.
        labels: int64 (N,); None where the set has none.
        n_train: How many are training images.
        kind: "real" or "procedural".
        subset: Whether it is a real set whose source is not complete.
        source: What it was read from, without any folder.
        digest: SHA-256 over images, labels, factors, shapes and the split; independent of paths and machines.
        split: How train and test were separated, in words.
        factors: int16 (N, F) known generative factors (the chairs' model, elevation and azimuth); None where none are
            known.
        factor_names: F names.
        verified: Whether the source's published checksums matched, it was downloaded here from its authors, or its
            content is that of the known complete set; never of a user's own set.
        remarks: What a user should know of how the source was read, a line each.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    n_train: int
    kind: str
    subset: bool
    source: str
    digest: str
    split: str
    factors: NDArray[np.int16] | None = None
    factor_names: tuple[str, ...] = ()
    verified: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def n_test(self) -> int:
        """How many are test images."""
        return len(self.images) - self.n_train

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of one image, (C, S, S)."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def x_train(self) -> NDArray[np.uint8]:
        """The training images, (n_train, C, S, S)."""
        return self.images[: self.n_train]

    @property
    def x_test(self) -> NDArray[np.uint8]:
        """The test images, (n_test, C, S, S)."""
        return self.images[self.n_train :]

    @property
    def y_train(self) -> NDArray[np.int64] | None:
        """The training labels, (n_train,)."""
        return None if self.labels is None else self.labels[: self.n_train]

    @property
    def y_test(self) -> NDArray[np.int64] | None:
        """The test labels, (n_test,)."""
        return None if self.labels is None else self.labels[self.n_train :]

    def chosen(self, rows: NDArray[np.int64] | slice, n_train: int) -> "Dataset":
        """Return the set of some of the images, which keeps the digest of the whole.

        Args:
            rows: Which, in their new order.
            n_train: How many of them, the first ones, are training images.
        """
        labels = None if self.labels is None else self.labels[rows]
        factors = None if self.factors is None else self.factors[rows]
        return dataclasses.replace(self, images=self.images[rows], labels=labels, factors=factors, n_train=n_train)

    def with_own_digest(self) -> "Dataset":
        """Return the set with the digest of what it has."""
        hashes = content_hashes(self.images, self.labels, self.factors)
        return dataclasses.replace(self, digest=content_digest(self.images.shape, self.n_train, hashes))


@dataclass(frozen=True)
class Draft:
    """A data set whose images are still to be read, block by block, so that they need not fit in memory.

    Attributes not listed are as in Dataset.

    Attributes:
        image_shape: (C, S, S).
        blocks: In any order; together they fill every row once.
        processing: What was done to the pixels, in words.
        on_success: Called once every image has been read.
        verified: Whether the source's published checksums matched, or it was downloaded from its authors.
    """

    image_shape: tuple[int, int, int]
    n_train: int
    n_test: int
    blocks: Iterable[Block]
    split: str
    processing: str
    subset: bool
    labels: NDArray[np.int64] | None = None
    factors: NDArray[np.int16] | None = None
    factor_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    on_success: Callable[[], None] | None = None
    verified: bool = False


def array_blocks(*parts: NDArray[np.uint8], rows: int = 4096) -> Iterator[Block]:
    """Yield the arrays (N, ...) one after the other, in blocks of at most `rows` rows."""
    first = 0
    for part in parts:
        for start in range(0, len(part), rows):
            block = part[start : start + rows]
            yield slice(first + start, first + start + len(block)), block
        first += len(part)


def array_sha256(array: np.ndarray) -> str:
    """Hash an array's values in C order, little-endian, in chunks, so that a memory map is not read at once.

    Returns:
        SHA-256 in hex.
    """
    sha = hashlib.sha256()
    flat = array.reshape(-1)
    for start in range(0, flat.size, _HASH_CHUNK // flat.itemsize):
        chunk = flat[start : start + _HASH_CHUNK // flat.itemsize]
        sha.update(np.ascontiguousarray(chunk, dtype=chunk.dtype.newbyteorder("<")).data)
    return sha.hexdigest()


def content_hashes(images: np.ndarray, labels: np.ndarray | None, factors: np.ndarray | None) -> dict[str, str | None]:
    """Hash the arrays of a data set.

    Args:
        images: (N, C, S, S).
        labels: (N,), or None.
        factors: (N, F), or None.

    Returns:
        `array_sha256` of each by its name, None for one that the set does not have.
    """
    arrays = {"images": images, "labels": labels, "factors": factors}
    return {name: None if array is None else array_sha256(array) for name, array in arrays.items()}


def content_digest(shape: tuple[int, ...], n_train: int, hashes: dict[str, str | None]) -> str:
    """Return the digest of a data set.

    Args:
        shape: Of its images, (N, C, S, S).
        n_train: How many are training images.
        hashes: From `content_hashes`.

    Returns:
        SHA-256, in hex, over all of them.
    """
    content = {"shape": [int(side) for side in shape], "n_train": int(n_train), "sha256": hashes}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def data_marks(dataset: Dataset) -> list[str]:
    """Return the marks that a data set's numbers carry wherever they stand: "procedural", "subset", "unverified"."""
    registered = dataset.kind == "real" and dataset.name in DATASETS
    marks = {
        "procedural": dataset.kind == "procedural",
        "subset": dataset.subset,
        "unverified": registered and not dataset.verified,
    }
    return [mark for mark, holds in marks.items() if holds]
