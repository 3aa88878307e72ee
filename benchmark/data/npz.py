"""A user's own images: one .npz file per data set, validated before use."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.dataset import Draft, array_blocks
from benchmark.data.specs import SIDES, DatasetSpec, RegisteredSpec
from benchmark.errors import UserError
from benchmark.subsets import last_of_every_class
from benchmark.text import short_message

CHAIR_VIEWS = 62
_ROWS = 4096  # number checked at a time
_WORDS = {"x": ("x", "image", "images"), "y": ("y", "label", "labels", "target", "targets")}


@dataclass(frozen=True)
class _Reading:
    """How an array of images is interpreted.

    Attributes:
        dtype: Type of the array.
        scale: Factor for the pixels: 1 or 255.
        channels_first: Whether the shape is (N, C, H, W).
    """

    dtype: np.dtype[Any]
    scale: int
    channels_first: bool

    def bytes_of(self, images: np.ndarray) -> np.ndarray:
        """Convert the images to uint8."""
        return images if self.dtype == np.uint8 else np.rint(images * np.float64(self.scale)).astype(np.uint8)

    def remarks(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """Return a line for the user about an unusual interpretation, or nothing."""
        pixels = f"{self.dtype} from 0 to {'1, times 255' if self.scale == 255 else '255'}"
        order = "channels first, (N, C, H, W)"
        said = [*([pixels] if self.dtype != np.uint8 else []), *([order] if self.channels_first else [])]
        images = ", ".join(short_message(names[what]) for what in ("x_train", "x_test", "x") if what in names)
        return (f"{images}: read as {'; '.join(said)}",) if said else ()


def read_npz(path: Path, spec: DatasetSpec) -> Draft:
    """Make the draft of a user's file: `x_train, y_train, x_test, y_test`, or `x` (`y`), split by this function.

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W), C = 1 or 3, square with side 28 (zero-padded to 32), 32 or 64.
    Pixels are uint8, other integers from 0 to 255, or numbers from 0 to 1, which are multiplied by 255. A remark
    reports every interpretation other than uint8 with channels last. Labels are integers (N,). The last tenth of `x`,
    or with labels of every class of `x`, is held out as test images. A chairs file with `x` is split by chair,
    according to its array `model` (N,) or else to runs of 62 views. Other usual names are recognised too (`_members`);
    arrays that are not needed are not read.

    Raises:
        UserError: The file's content is anything else; the message names the file and the array.
    """
    arrays, names, remarks = _load(path, spec)
    if "x" in arrays:
        if spec.has_labels:
            raise UserError(f"{path}: {spec.label} needs x_train, y_train, x_test, y_test; the file has `x` instead")
        x, reading = _images(path, names["x"], arrays["x"])
        labels = _labels(path, names["y"], arrays["y"], len(x)) if "y" in arrays else None
        order, n_train, split = _held_out(path, spec, len(x), labels, arrays.get("model"))
        parts = [x[order[:n_train]], x[order[n_train:]]] if order is not None else [x[:n_train], x[n_train:]]
        labels = labels[order] if order is not None and labels is not None else labels
    else:
        parts, labels, split, reading = _given_split(path, arrays, names)
        n_train = len(parts[0])
    _check_against(path, spec, parts[0], labels)
    side = parts[0].shape[2]
    counts = (n_train, len(parts[1]))
    return Draft(
        image_shape=(parts[0].shape[1], SIDES[side], SIDES[side]),
        n_train=counts[0],
        n_test=counts[1],
        blocks=((rows, pad(reading.bytes_of(images), SIDES[side])) for rows, images in array_blocks(*parts)),
        split=split,
        processing=f"as in the file{f', zero-padded from {side} to {SIDES[side]}' if side == 28 else ''}",
        subset=_is_subset(spec, counts, "x" in arrays),
        labels=labels,
        remarks=(*remarks, *reading.remarks(names)),
    )


def pad(images: np.ndarray, size: int) -> np.ndarray:
    """Zero-pad square images (n, C, s, s) equally on all sides, to (n, C, size, size)."""
    border = (size - images.shape[-1]) // 2
    return np.pad(images, ((0, 0), (0, 0), (border, border), (border, border))) if border else images


def held_out_tenth(n: int) -> int:
    """Return the number of training images (or chairs) out of n if the last tenth, at least one, is held out."""
    return n - max(1, n // 10)


def _load(path: Path, spec: DatasetSpec) -> tuple[dict[str, np.ndarray], dict[str, str], tuple[str, ...]]:
    """Return the required arrays and their names in the file, both by role (`_members`), and remarks for the user."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
        if start.lstrip()[:1] == b"<":
            raise UserError(f"{path}: is a web page (HTML), not an .npz file: the download that made it failed")
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise UserError(f"{path}: is a single .npy array, not an .npz file (np.savez)")
        with loaded as archive:
            if len(set(archive.files)) < len(archive.files):
                raise UserError(
                    f"{path}: has two arrays with the same name ({_listed(archive.files)}); create it again"
                )
            names = _members(path, archive.files, spec)
            wanted = {file for name in names.values() for file in (name, f"{name}.npy")}
            unpacked = sum(member.file_size for member in archive.zip.infolist() if member.filename in wanted)
            if unpacked > _memory():
                raise UserError(f"{path}: would unpack to {unpacked / 1e9:,.0f} GB, more than this machine's memory")
            arrays = {what: _array(path, archive, name) for what, name in names.items() if not _is_guess(what, name)}
            guessed = {what: name for what, name in names.items() if _is_guess(what, name)}
            arrays |= _fitting_labels(path, archive, guessed, arrays)
            names = {what: name for what, name in names.items() if what in arrays}
            others = set(archive.files) - set(names.values())
    except UserError:
        raise
    except Exception as error:  # numpy and zipfile raise errors of parser, codecs and more for damaged files
        reason = short_message(error)
        if "allow_pickle" in reason or "pickled" in reason:
            reason = "not an .npz file, or one that contains Python objects, which are never loaded"
        raise UserError(f"{path}: cannot be read as .npz ({reason}); create or copy it again") from None
    remarks = [f"{short_message(name)} is read as {what}" for what, name in names.items() if name != what]
    return arrays, names, (*remarks, *([f"not used: {_listed(others)}"] if others else ()))


def _members(path: Path, files: Iterable[str], spec: DatasetSpec) -> dict[str, str]:
    """Map the roles x_train, x_test or x, y_train and y_test or y, and model to the names of arrays in the file.

    If no images (or labels) have the documented name, other usual names count (_WORDS), in any case and with train or
    test before or after. A single array of labels beside `x` belongs to it, whatever split its name mentions. Raises
    UserError if two arrays could have the same role, or there are no images.
    """
    images, labels = (_named(path, what, files) for what in _WORDS)
    if not images:
        raise UserError(f"{path}: has {_listed(files)}; needs x_train, y_train, x_test, y_test, or x (y)")
    if "x_train" in images or "x_test" in images:
        return {what: name for what, name in (images | labels).items() if what not in ("x", "y")}
    one = labels.get("y") or (next(iter(labels.values())) if len(labels) == 1 else None)
    model = {"model": "model"} if spec.name == "chairs" and "model" in files else {}
    return images | ({"y": one} if one else {}) | model


def _named(path: Path, what: str, files: Iterable[str]) -> dict[str, str]:
    """Map the roles `what`, `what`_train and `what`_test to names in the file, for images ("x") or labels ("y")."""
    splits = {"": what, "train": f"{what}_train", "test": f"{what}_test"}
    if exact := {name: name for name in splits.values() if name in files}:
        return exact
    found: dict[str, list[str]] = {}
    for file in files:
        for split, name in splits.items():
            usual = (f"{{}}_{split}", f"{split}_{{}}") if split else ("{}",)
            if file.lower() in {form.format(word) for form in usual for word in _WORDS[what]}:
                found.setdefault(name, []).append(file)
    for name, meant in found.items():
        if len(meant) > 1:
            raise UserError(f"{path}: {_listed(meant)} could each be {name}; give that name to the right one")
    return {name: file for name, (file,) in found.items()}


def _is_guess(what: str, name: str) -> bool:
    """Return whether an array is assumed to be labels without having their documented name."""
    return what.startswith("y") and name != what


def _fitting_labels(
    path: Path, archive: np.lib.npyio.NpzFile, guessed: dict[str, str], images: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the arrays assumed to be labels; none if one cannot be, such as text or a distinct number per image."""
    found = {}
    for what, name in guessed.items():
        try:
            array = _array(path, archive, name)
        except UserError:
            return {}
        labelled = images.get(what.replace("y", "x", 1))
        fits = labelled is not None and array.dtype.kind in "iu" and array.shape == labelled.shape[:1]
        if not fits or len(np.unique(array)) == len(array):
            return {}
        found[what] = array
    return found


def _array(path: Path, archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """Read one array; raise UserError, naming it, if that fails."""
    shown = short_message(name)
    try:
        array = archive[name]
    except MemoryError:
        raise UserError(f"{path}: {shown} does not fit in memory") from None
    except Exception as error:  # see `_load`
        reason = short_message(error)
        if "allow_pickle" in reason:
            raise UserError(
                f"{path}: {shown} contains Python objects, which are never loaded; make it an array of integers"
            ) from None
        raise UserError(f"{path}: cannot be read as .npz ({shown}: {reason}); create or copy it again") from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: has members that are not arrays ({shown}); create it with np.savez")
    return array


def _memory() -> int:
    """Return this machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _listed(names: Iterable[str]) -> str:
    return short_message(", ".join(sorted(names)) or "no arrays")


def _given_split(
    path: Path, arrays: dict[str, np.ndarray], names: dict[str, str]
) -> tuple[list[np.ndarray], np.ndarray | None, str, _Reading]:
    missing = [key for key in ("x_train", "x_test") if key not in arrays]
    if ("y_train" in arrays) != ("y_test" in arrays):
        missing += [key for key in ("y_train", "y_test") if key not in arrays]
    if missing:
        raise UserError(f"{path}: lacks {', '.join(missing)} (it has {_listed(names.values())})")
    (train, reading), (test, other) = (_images(path, names[key], arrays[key]) for key in ("x_train", "x_test"))
    parts = [train, test]
    if parts[0].shape[1:] != parts[1].shape[1:]:
        shapes = [f"{short_message(names[key])} is {arrays[key].shape}" for key in ("x_train", "x_test")]
        raise UserError(f"{path}: {' and '.join(shapes)}: all images must have the same shape")
    if reading != other:
        both = " and ".join(short_message(names[key]) for key in ("x_train", "x_test"))
        raise UserError(f"{path}: {both} differ in type, range or order of channels; store them in the same way")
    labels = None
    if "y_train" in arrays:
        pairs = (("y_train", parts[0]), ("y_test", parts[1]))
        labels = np.concatenate([_labels(path, names[key], arrays[key], len(x)) for key, x in pairs])
    return parts, labels, "as given in the file", reading


def _images(path: Path, key: str, array: np.ndarray) -> tuple[np.ndarray, _Reading]:
    """Return the array as (N, C, S, S), a view rather than a copy, and how its pixels are interpreted."""
    if array.ndim not in (3, 4) or (array.ndim == 4 and not {array.shape[1], array.shape[3]} & {1, 3}):
        raise UserError(
            f"{path}: {key} has the shape {array.shape}; it must be (N, H, W), (N, H, W, C) or (N, C, H, W), C = 1 or 3"
        )
    if not len(array):
        raise UserError(f"{path}: {key} contains no images")
    first = array.ndim == 4 and array.shape[3] not in (1, 3)
    images = array[:, None] if array.ndim == 3 else array if first else array.transpose(0, 3, 1, 2)
    height, width = images.shape[2:]
    if height != width or height not in SIDES:
        sides = ", ".join(str(side) for side in SIDES)
        raise UserError(f"{path}: {key} has images of {height} x {width}; they must be square with side {sides}")
    return images, _Reading(array.dtype, _scale(path, key, array), first)


def _scale(path: Path, key: str, array: np.ndarray) -> int:
    """Return the factor that scales pixels to 0..255; raise UserError if it cannot be determined."""
    if array.dtype == np.uint8:
        return 1
    allowed = "images must be integers from 0 to 255 or floating-point numbers from 0 to 1"
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path}: {key} is {array.dtype}; {allowed}")
    low, high = array.min(), array.max()
    blocks = (array[start : start + _ROWS] for start in range(0, len(array), _ROWS))
    if array.dtype.kind in "bf" and low >= 0 and high <= 1:
        return 255
    if low >= 0 and high <= 255 and all((np.rint(block) == block).all() for block in blocks):
        return 1
    raise UserError(f"{path}: {key} is {array.dtype}, from {low:.6g} to {high:.6g}; {allowed}")


def _labels(path: Path, key: str, array: np.ndarray, n_images: int) -> np.ndarray:
    if array.dtype.kind not in "iu":
        raise UserError(f"{path}: {key} is {array.dtype}; labels must be integers")
    if array.shape != (n_images,):
        raise UserError(f"{path}: {key} has the shape {array.shape}; {n_images} images need ({n_images},) labels")
    labels = array.astype(np.int64)
    if labels.min() < 0:
        raise UserError(f"{path}: {key} contains {labels.min()}; labels start at 0")
    return labels


def _held_out(
    path: Path, spec: DatasetSpec, n: int, labels: np.ndarray | None, model: np.ndarray | None
) -> tuple[np.ndarray | None, int, str]:
    """Return the order of the images (None: unchanged), the number of training images, and a description."""
    if n < 2:
        raise UserError(f"{path}: x contains {n} image; at least 2 are needed to hold one out as a test image")
    if spec.name != "chairs" and labels is not None:
        _, counts = np.unique(labels, return_counts=True)
        if counts.max() < 2:
            raise UserError(
                f"{path}: every image is in a class of its own; omit the labels, or give x_train and x_test"
            )
        held = last_of_every_class(labels, np.where(counts > 1, np.maximum(1, counts // 10), 0))
        return np.argsort(held, kind="stable"), int((~held).sum()), "last tenth of every class held out as test"
    if spec.name != "chairs":
        return None, held_out_tenth(n), "last tenth held out as test"
    if model is None:
        if n % CHAIR_VIEWS:
            raise UserError(
                f"{path}: {n} images are not a multiple of {CHAIR_VIEWS} views per chair; add an array `model` ({n},) "
                "with the number of the chair that each image shows"
            )
        model = np.repeat(np.arange(n // CHAIR_VIEWS), CHAIR_VIEWS)
    if model.shape != (n,):
        raise UserError(f"{path}: model has the shape {model.shape}; {n} images need ({n},)")
    _, first_seen, chair = np.unique(model, return_index=True, return_inverse=True)
    if len(first_seen) < 2:
        raise UserError(f"{path}: shows only one chair; at least 2 are needed to hold one out for the test images")
    rank = np.argsort(np.argsort(first_seen))[chair]  # numbers chairs by their first image
    order = np.argsort(rank, kind="stable")
    n_train = int((rank < held_out_tenth(len(first_seen))).sum())
    return order, n_train, "last tenth of the chairs, by model, held out as test"


def _check_against(path: Path, spec: DatasetSpec, images: np.ndarray, labels: np.ndarray | None) -> None:
    """Raise UserError if the file cannot be the registered data set after which it is named."""
    channels, side = images.shape[1:3]
    if isinstance(spec, RegisteredSpec) and (channels, SIDES[side]) != (spec.channels, spec.size):
        raise UserError(
            f"{path}: contains {side} x {side} images with {channels} channel(s); {spec.label} is "
            f"{spec.size} x {spec.size} with {spec.channels} (give a data set of your own another file name)"
        )
    if spec.has_labels and labels is None:
        raise UserError(f"{path}: lacks y_train, y_test; {spec.label} is evaluated with its labels")
    if spec.n_classes is not None and labels is not None and labels.max() >= spec.n_classes:
        raise UserError(f"{path}: has the label {labels.max()}; {spec.label} has the labels 0 to {spec.n_classes - 1}")


def _is_subset(spec: DatasetSpec, counts: tuple[int, int], one_array: bool) -> bool:
    if not isinstance(spec, RegisteredSpec):
        return False  # a user's own data set has no complete size
    if one_array:
        return sum(counts) < spec.complete_images
    return counts != (spec.n_train, spec.n_test)
