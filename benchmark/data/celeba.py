"""CelebA's aligned portraits, as published, extracted or repacked, with the official list of splits.

Liu, Luo, Wang, Tang, "Deep learning face attributes in the wild", ICCV 2015. The list defines the data set: the images
must have its names and number, in any folders. A repacked archive has no published checksum.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from torchvision import datasets
from torchvision.datasets.utils import check_integrity

from benchmark.data.archives import Member, members
from benchmark.data.dataset import Draft
from benchmark.data.images import RESIZING, SIZE, member_blocks
from benchmark.data.source import Source, entries, letters_and_digits, relative_name, roots
from benchmark.data.specs import DATASETS, RegisteredSpec
from benchmark.errors import UserError
from benchmark.text import short_message

ARCHIVE, PARTITION = FILES = ("img_align_celeba.zip", "list_eval_partition.txt")
_PORTRAITS = (178, 218)
_CROP = 140
_TRAIN, _VALIDATION, _TEST = 0, 1, 2
_FOLDERS = ("celeba", "celebadataset", "imgalignceleba", "img")  # normalised by `letters_and_digits`
_ARCHIVES = re.compile(r"(img_align_celeba|celeba|celeba-dataset)\.(zip|tar|tar\.(gz|xz|bz2)|tgz|txz)", re.I)
_LISTS = re.compile(r"list_eval_partition\.(txt|csv)", re.I)
_PORTRAIT = re.compile(r"\d{6}\.jpg", re.I)
_ROW = re.compile(r"(\d{6}\.jpg)[\s,;]+([012])")


def published_md5() -> dict[str, str]:
    """Return the MD5 of each published file, by name."""
    return {name: md5 for _, md5, name in datasets.CelebA.file_list}


def images_in(data_dir: Path) -> Path | None:
    """Find the archive of the portraits, or the folder that contains them; None if there is neither."""
    return next(_images(data_dir), None)


def find(spec: RegisteredSpec, data_dir: Path) -> Source | None:
    """Find the portraits and the list of their splits; None unless both exist."""
    for images in _images(data_dir):
        if partition := _partition_for(images, data_dir):
            where = "" if images.is_file() else ", extracted"
            files = [images, partition]
            return Source(f"torchvision {spec.label}{where}", images, files, partial(read, spec, images, partition))
    return None


def missing_part(data_dir: Path) -> str | None:
    """Describe what is missing of a partly available data set; None if nothing of it is available."""
    images = images_in(data_dir)
    if images is None:
        return None
    return f"{relative_name(data_dir, images)} is here, but no {PARTITION} (or .csv) beside it or in a folder above"


def read(spec: RegisteredSpec, images: Path, partition: Path) -> Draft:
    """Make the draft of an archive or folder of portraits, which the list assigns to splits by file name.

    Args:
        spec: The spec of CelebA.
        images: The archive or folder.
        partition: The list of splits.

    Raises:
        UserError: The list is not the official one, or the portraits differ from those it names.
    """
    splits = _official_splits(spec, partition)
    md5 = published_md5()[ARCHIVE]
    verified = check_integrity(images, md5)  # False for a folder
    try:
        portraits = _portraits(images, splits)
    except UserError as error:
        if verified or images.is_dir():
            raise
        raise UserError(f"{images}: its MD5 is not {md5}, and it {str(error).removeprefix(f'{images}: ')}") from None
    rows = [portraits[name] for kind in (_TRAIN, _TEST) for name, of in splits.items() if of == kind]
    return Draft(
        image_shape=(spec.channels, SIZE, SIZE),
        n_train=spec.n_train,
        n_test=spec.n_test,
        blocks=member_blocks(images, rows, _PORTRAITS, _CROP, "RGB"),
        split="official train and test; the official validation split is left out",
        processing=f"centre crop {_CROP} of 178 x 218, {RESIZING} to {SIZE}",
        subset=False,
        verified=verified,
    )


def _images(data_dir: Path) -> Iterator[Path]:
    """Yield archives and folders that may contain the portraits, the most likely first.

    The order is: the published archive, folders with at least as many images as there are portraits, other archives,
    and folders with fewer images.
    """
    found = [one for root in roots(data_dir) for one in _folders(root, depth=3)]
    archives = [Path(entry) for _, there in found for entry in there if _ARCHIVES.fullmatch(entry.name)]
    folders = [(folder, there) for folder, there in found if letters_and_digits(folder.name) in _FOLDERS]
    some = {folder: sum(_PORTRAIT.fullmatch(entry.name) is not None for entry in there) for folder, there in folders}
    full = [folder for folder, number in some.items() if number >= DATASETS["celeba"].complete_images]
    published = [path for path in archives if path.name == ARCHIVE and path.is_file()]
    yield from published
    yield from full
    yield from (path for path in archives if path not in published and path.is_file())
    yield from (folder for folder, number in some.items() if number and folder not in full)


def _folders(folder: Path, depth: int) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Yield a folder and its subfolders named after CelebA, innermost first, with their entries."""
    there = entries(folder)
    for entry in there if depth else ():
        if entry.is_dir() and letters_and_digits(entry.name) in _FOLDERS:
            yield from _folders(Path(entry), depth - 1)
    yield folder, there


def _partition_for(images: Path, data_dir: Path) -> Path | None:
    """Find the list nearest to the images: among or beside them, or in a folder above, up to the data folder."""
    above = [folder for folder in (images, *images.parents) if folder == data_dir or data_dir in folder.parents]
    for folder in (*above, roots(data_dir)[0] / "celeba"):
        for place in (folder, folder / "Eval", folder / "Anno"):  # the last two are folders of the authors' release
            for entry in entries(place):
                if _LISTS.fullmatch(entry.name) and entry.is_file():
                    return Path(entry)
    return None


def _official_splits(spec: RegisteredSpec, partition: Path) -> dict[str, int]:
    """Read the official list as portrait name -> split, sorted by name."""
    lines = partition.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    rows = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if rows and not _ROW.fullmatch(rows[0][1]):
        del rows[0]  # the header of a CSV
    named: dict[str, int] = {}
    for number, line in rows:
        match = _ROW.fullmatch(line)
        if match is None:
            raise UserError(
                f"{partition}, line {number}: {short_message(line)[:40]!r} is not a portrait's name and split"
            )
        named[match[1]] = int(match[2])
    splits = dict(sorted(named.items()))
    counts = [list(splits.values()).count(kind) for kind in (_TRAIN, _TEST)]
    if counts != [spec.n_train, spec.n_test]:
        raise UserError(f"{partition}: lists {counts[0]} + {counts[1]} images, not {spec.n_train} + {spec.n_test}")
    published = "".join(f"{name} {kind}\r\n" for name, kind in splits.items())
    if hashlib.md5(published.encode(), usedforsecurity=False).hexdigest() != published_md5()[PARTITION]:
        raise UserError(
            f"{partition}: is not the official list: it names other portraits or assigns some to another split"
        )
    return splits


def _portraits(images: Path, splits: dict[str, int]) -> dict[str, Member]:
    """Return the portraits by name, from any folders."""
    found = [member for member in members(images) if _PORTRAIT.fullmatch(member.base_name)]
    portraits = {member.base_name.lower(): member for member in found}
    missing, extra = splits.keys() - portraits.keys(), portraits.keys() - splits.keys()
    if missing or extra or len(found) != len(portraits):
        example = f"lacks {min(missing)}" if missing else f"has {min(extra)}" if extra else "has some twice"
        raise UserError(
            f"{images}: has {len(found):,} portraits, but the official list names {len(splits):,}; it {example}; "
            "complete it, or move it away so that the archive is downloaded"
        )
    return portraits
