"""Conversion of a folder of pictures, of any size and any mode that Pillow reads, to a user's .npz file."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmark.data.dataset import Report
from benchmark.data.images import RESIZING, opaque
from benchmark.data.prepared import data_write_errors
from benchmark.data.specs import DATASETS, SIDES, spec_for
from benchmark.errors import UserError
from benchmark.files import written_whole
from benchmark.text import short_message

_BLOCK = 512  # pictures decoded at once; only their small versions are kept
_MOST_PIXELS = 1 << 26  # per picture; more may be an attempt to exhaust the memory
_REPORT_EVERY = 5.0  # seconds
_NAMED = 5  # number of skipped files that are reported individually
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}


@dataclass(frozen=True)
class _Found:
    """The files of a folder of pictures, sorted by name.

    Attributes:
        files: The files.
        classes: Class name of each file; None if there are no classes.
    """

    files: list[Path]
    classes: list[str] | None


def write_from_folder(folder: Path, name: str, side: int, data_dir: Path, report: Report) -> Path:
    """Write DATA_DIR/NAME.npz from a folder of pictures.

    The pictures in each subfolder form a class (as in torchvision's ImageFolder); with fewer than two subfolders there
    are no labels. The central square of every picture is resized. Images have one channel if all pictures are grey,
    otherwise three; transparent parts become white.

    Args:
        folder: The folder; links in it are followed.
        name: Name of the data set.
        side: Side length of the images in the file in pixels; a key of SIDES.
        data_dir: The data folder.
        report: Called with a line at the start, every few seconds, about how pictures were read, and about skipped
            files.

    Returns:
        The path of the file.

    Raises:
        UserError: The name is taken, the folder has no readable pictures or ambiguous classes, or the file cannot be
            written.
    """
    report(f"{folder}: looking for pictures")
    path = data_dir / spec_for(name).npz
    if name in DATASETS:
        raise UserError(f"--name {name}: is reserved for {DATASETS[name].label}; choose another name for your pictures")
    if side not in SIDES:
        raise UserError(f"--size {side}: supported sides are {', '.join(map(str, SIDES))} pixels")
    if path.exists():
        raise UserError(f"{path}: already exists; move it away, or give another --name")
    found = _find(folder, report)
    report(f"{folder}: reading {len(found.files):,} files")
    images, rows = _decode(found.files, side, folder, report)
    if len(rows) < 2:
        raise UserError(
            f"{folder}: {len(rows)} of {len(found.files)} files can be read as pictures; at least 2 are needed"
        )
    grey = bool((images == images[..., :1]).all())
    arrays: dict[str, NDArray[Any]] = {"x": images[..., 0] if grey else images}
    report(
        f"{folder}: {len(rows):,} pictures, the central square of each resized to {side} x {side} ({RESIZING}), "
        f"{'grey' if grey else 'colour'}"
    )
    if found.classes is not None:
        names, arrays["y"] = np.unique([found.classes[row] for row in rows], return_inverse=True)
        report(f"classes: {', '.join(f'{number} {short_message(name)}' for number, name in enumerate(names))}")
    with data_write_errors(path), written_whole(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return path


def _find(folder: Path, report: Report) -> _Found:
    """Find the files below a folder; raise UserError if it is not a folder, or has splits in place of classes."""
    if not folder.is_dir():
        raise UserError(
            f"{folder}: is not a folder; give one that contains pictures, or one folder of pictures per class"
        )
    files = [path for path in _walk(folder, set()) if path.is_file()]
    parts = [path.relative_to(folder).parts for path in files]
    classes = sorted({names[0] for names in parts if len(names) > 1})
    if splits := [name for name in classes if name.lower() in _SPLITS]:
        raise UserError(
            f"{folder}: {', '.join(splits)} would be read as classes; give a folder that contains the classes' "
            f"folders, such as {folder / splits[0]}"
        )
    if len(classes) < 2:  # a single class cannot be told from others
        return _Found(files, None)
    if outside := len(files) - sum(len(names) > 1 for names in parts):
        report(f"{folder}: {outside:,} files outside the class folders are not used")
    chosen = [(path, names[0]) for path, names in zip(files, parts, strict=True) if len(names) > 1]
    return _Found([path for path, _ in chosen], [name for _, name in chosen])


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield all files below a folder in order of name, each folder once despite links, without hidden names."""
    try:
        status = folder.stat()
        entries = sorted(os.listdir(folder))
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for name in entries:
        if not name.startswith("."):
            path = folder / name
            yield from _walk(path, seen) if path.is_dir() else [path]


def _decode(files: list[Path], side: int, folder: Path, report: Report) -> tuple[NDArray[np.uint8], list[int]]:
    """Decode the readable files to images (n, S, S, 3); also return the indices of these files."""
    images = np.empty((len(files), side, side, 3), np.uint8)
    rows: list[int] = []
    said = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow releases the interpreter's lock while decoding
        for start in range(0, len(files), _BLOCK):
            for row, image in enumerate(pool.map(partial(_small, side=side), files[start : start + _BLOCK]), start):
                if isinstance(image, str):
                    if row - len(rows) < _NAMED:
                        report(f"{short_message(files[row].relative_to(folder))}: skipped, {image}")
                else:
                    images[len(rows)] = image
                    rows.append(row)
                if time.monotonic() - said >= _REPORT_EVERY:
                    said = time.monotonic()
                    report(f"{folder}: {row + 1:,} of {len(files):,} files read")
    if skipped := len(files) - len(rows):
        report(f"{folder}: {skipped:,} of {len(files):,} files skipped")
    return images[: len(rows)], rows


def _small(path: Path, side: int) -> NDArray[np.uint8] | str:
    """Return the central square of a picture as (S, S, 3), or the reason why there is none."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MOST_PIXELS:
                return f"{image.width:,} x {image.height:,} are too many pixels"
            upright = _eight_bits(ImageOps.exif_transpose(image))
        rgb = opaque(upright).convert("RGB")
        crop = min(rgb.size)
        left, top = (rgb.width - crop) // 2, (rgb.height - crop) // 2
        square = rgb.resize((side, side), Image.Resampling.BILINEAR, (left, top, left + crop, top + crop))
        return np.asarray(square, np.uint8)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "too many pixels"
    except UserError as error:
        return str(error)
    except Exception as error:  # each of Pillow's decoders raises its own errors for damaged files
        return f"not a readable image ({type(error).__name__})"


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert 16-bit grey images to 8 bits and return others unchanged; UserError for an unknown range of values."""
    if image.mode == "F":
        raise UserError("its pixels are floating-point numbers of unknown range")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise UserError(f"its pixels range from {values.min()} to {values.max()}, not within 16 bits")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))
