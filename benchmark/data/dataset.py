"""The types of a loaded data set and of a draft whose images are not yet read, and digests of their content."""

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
    """Discard a reported line."""


@dataclass(frozen=True)
class Dataset:
    """Images with a fixed split, ready for training.

    Attributes:
        name: Name of the data set.
        images: uint8 (N, C, S, S) in 0..255, training images first; memory-mapped and read-only if they come from the
            prepared copy.
        labels: int64 (N,); None if there are no labels.
        n_train: Number of training images.
        kind: "real" or "procedural".
        subset: Whether it is a real data set whose source is incomplete.
        source: Name of its source, without folders.
        digest: SHA-256 of images, labels, factors, shapes and the split; independent of paths and machines.
        split: Description of how training and test images were separated.
        factors: int16 (N, F), known generative factors (for 3D Chairs model, elevation and azimuth); None if unknown.
        factor_names: Names of the F factors.
        verified: Whether the source had the published checksums, was downloaded here from its authors, or has the
            content of the known complete data set; always False for a user's own data set.
        remarks: Remarks for the user about how the source was read, one per line.
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
        """Number of test images."""
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
        """Return a data set of some of the images, with the digest of the whole data set.

        Args:
            rows: Indices of the images, in their new order.
            n_train: Number of training images, which come first.
        """
        labels = None if self.labels is None else self.labels[rows]
        factors = None if self.factors is None else self.factors[rows]
        return dataclasses.replace(self, images=self.images[rows], labels=labels, factors=factors, n_train=n_train)

    def with_own_digest(self) -> "Dataset":
        """Return the data set with the digest of its own content."""
        hashes = content_hashes(self.images, self.labels, self.factors)
        return dataclasses.replace(self, digest=content_digest(self.images.shape, self.n_train, hashes))


@dataclass(frozen=True)
class Draft:
    """A data set whose images are read later, block by block, so that they need not fit into memory.

    Attributes not listed are the same as in Dataset.

    Attributes:
        image_shape: (C, S, S).
        blocks: Blocks in any order, which together fill every row once.
        processing: Description of the processing of pixels.
        on_success: Called after all images have been read.
        verified: Whether the source had the published checksums or was downloaded from its authors.
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
    """Yield arrays (N, ...) one after another, in blocks of at most `rows` rows."""
    first = 0
    for part in parts:
        for start in range(0, len(part), rows):
            block = part[start : start + rows]
            yield slice(first + start, first + start + len(block)), block
        first += len(part)


def array_sha256(array: np.ndarray) -> str:
    """Hash an array's values in C order, little-endian, in chunks, so that a memory map is not loaded as a whole.

    Returns:
        SHA-256 as hexadecimal text.
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
        Name -> `array_sha256`; None for an absent array.
    """
    arrays = {"images": images, "labels": labels, "factors": factors}
    return {name: None if array is None else array_sha256(array) for name, array in arrays.items()}


def content_digest(shape: tuple[int, ...], n_train: int, hashes: dict[str, str | None]) -> str:
    """Compute the digest of a data set.

    Args:
        shape: Shape of its images, (N, C, S, S).
        n_train: Number of training images.
        hashes: Output of `content_hashes`.

    Returns:
        SHA-256, as hexadecimal text, of all arguments.
    """
    content = {"shape": [int(side) for side in shape], "n_train": int(n_train), "sha256": hashes}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def data_marks(dataset: Dataset) -> list[str]:
    """Return the marks to be shown with a data set's numbers: "procedural", "subset", "unverified"."""
    registered = dataset.kind == "real" and dataset.name in DATASETS
    marks = {
        "procedural": dataset.kind == "procedural",
        "subset": dataset.subset,
        "unverified": registered and not dataset.verified,
    }
    return [mark for mark, holds in marks.items() if holds]
