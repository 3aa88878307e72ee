"""A folder of pictures made into a user's .npz file: any sizes, and any modes that Pillow reads."""

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

_BLOCK = 512  # pictures decoded at once; of each only the small version is kept
_MOST_PIXELS = 1 << 26  # of a picture; more may be a file made to fill the memory
_REPORT_EVERY = 5.0  # seconds
_NAMED = 5  # skipped files that have a line each
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}


@dataclass(frozen=True)
class _Found:
    """The files of a folder of pictures, in the order of their names.

    Attributes:
        files: The files.
        classes: The name of the class of each; None where they have none.
    """

    files: list[Path]
    classes: list[str] | None


def write_from_folder(folder: Path, name: str, side: int, data_dir: Path, report: Report) -> Path:
    """Make DATA_DIR/NAME.npz of a folder of pictures.

    The pictures of each folder in it are one class (torchvision's ImageFolder); those of a folder without any others
    have no labels. Of every picture the central square is resized. It has one channel where all pictures are grey,
    else three; what is transparent is white.

    Args:
        folder: The folder; links in it are followed.
        name: Of the data set.
        side: Of the images in the file, in pixels; a key of SIDES.
        data_dir: The data folder.
        report: Called with a line at once, every few seconds, on how pictures were read, and on each that was not.

    Returns:
        The path of the file.

    Raises:
        UserError: The name is taken, the folder has no picture that can be read, or is not clear about classes, or the
            file cannot be written.
    """
    report(f"{folder}: looking for pictures")
    path = data_dir / spec_for(name).npz
    if name in DATASETS:
        raise UserError(f"--name {name}: is {DATASETS[name].label}'s; give your own pictures another name")
    if side not in SIDES:
        raise UserError(f"--size {side}: images have {', '.join(map(str, SIDES))} pixels a side here")
    if path.exists():
        raise UserError(f"{path}: is there already; move it away, or give another --name")
    found = _find(folder, report)
    report(f"{folder}: reading {len(found.files):,} files")
    images, rows = _decode(found.files, side, folder, report)
    if len(rows) < 2:
        raise UserError(f"{folder}: {len(rows)} of {len(found.files)} files can be read as pictures; 2 are needed")
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
    """The files below a folder. Raises UserError where it is none, or holds splits in place of classes."""
    if not folder.is_dir():
        raise UserError(f"{folder}: is no folder; give one that holds pictures, or a folder of them for every class")
    files = [path for path in _walk(folder, set()) if path.is_file()]
    parts = [path.relative_to(folder).parts for path in files]
    classes = sorted({names[0] for names in parts if len(names) > 1})
    if splits := [name for name in classes if name.lower() in _SPLITS]:
        raise UserError(
            f"{folder}: {', '.join(splits)} would be taken for classes; give a folder that holds the classes' folders, "
            f"such as {folder / splits[0]}"
        )
    if len(classes) < 2:  # of one class there is nothing to tell
        return _Found(files, None)
    if outside := len(files) - sum(len(names) > 1 for names in parts):
        report(f"{folder}: {outside:,} files beside the folders of classes are not used")
    chosen = [(path, names[0]) for path, names in zip(files, parts, strict=True) if len(names) > 1]
    return _Found([path for path, _ in chosen], [name for _, name in chosen])


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """All that lies below a folder by name, a folder that links lead to twice but once; hidden names are left out."""
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
    """The images (n, S, S, 3) of the files that can be read, and the numbers of these files."""
    images = np.empty((len(files), side, side, 3), np.uint8)
    rows: list[int] = []
    said = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes outside the interpreter's lock
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
    """The central square of a picture as (S, S, 3), or why there is none."""
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
    except Exception as error:  # Pillow meets damaged files with errors of every decoder's own kind
        return f"no readable image ({type(error).__name__})"


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image as it is, but grey ones of 16 bits as those of 8. Raises ValueError where the range is not known."""
    if image.mode == "F":
        raise ValueError("pixels of an unknown range")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("pixels of an unknown range")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))
