"""3D Chairs: its authors' archive of renderings, read in place.

Aubry, Maturana, Efros, Russell, Sivic, "Seeing 3D chairs", CVPR 2014. 1,393 chairs, each rendered from 62 views
(31 azimuths at two elevations) as rendered_chairs/<id>/renders/image_<view>_p<elevation>_t<azimuth>_r<radius>.png.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from benchmark.data.archives import Member, members
from benchmark.data.dataset import Draft, Report
from benchmark.data.download import download
from benchmark.data.images import RESIZING, SIZE, member_blocks
from benchmark.data.npz import CHAIR_VIEWS, held_out_tenth
from benchmark.data.prepared import data_write_errors
from benchmark.data.source import Source, entries
from benchmark.data.specs import CHAIRS_URL
from benchmark.errors import UserError
from benchmark.files import sha256_of
from benchmark.text import short_message

ARCHIVE = "rendered_chairs.tar"
ARCHIVES = (ARCHIVE, *(f"rendered_chairs.{kind}" for kind in ("tar.gz", "tgz", "tar.bz2", "tar.xz", "txz", "zip")))
FOLDER = "rendered_chairs"
CHAIRS = 1393
_RENDERED = (600, 600)
_CROP = 400
_VIEW = re.compile(r"(?:.*/)?([^/]+)/renders/image_(\d{1,3})_p(\d{1,3})_t(\d{1,3})_r\d+\.png\Z", re.ASCII)


@dataclass(frozen=True, order=True)
class _View:
    """One rendering; sorted by chair, then by view."""

    chair: str
    number: int
    elevation: int  # degrees, like all angles
    azimuth: int
    member: Member = field(compare=False)


def fetch(data_dir: Path, report: Report, url: str = CHAIRS_URL) -> None:
    """Download the archive into the data folder, resuming an earlier attempt, and record its digest and URL.

    Args:
        data_dir: The data folder.
        report: Called with a line of progress from time to time.
        url: URL of the archive.

    Raises:
        DataUnavailable: The network or the server failed.
        UserError: The folder is not writable.
    """
    archive = data_dir / ARCHIVE
    download(url, archive, report=report)
    _record(archive, sha256_of(archive), _from(url))


def find(data_dir: Path) -> Source | None:
    """Find the archive, or the non-empty folder into which it was extracted; None if there is neither."""
    named = [Path(entry) for entry in entries(data_dir) if entry.name.lower() == FOLDER and entry.is_dir()]
    folders = [folder for folder in named if entries(folder)]
    for entry in (entry for folder in (data_dir, *folders) for entry in entries(folder)):
        if entry.name.lower() in ARCHIVES and entry.is_file():
            path = Path(entry)
            return Source(path.name, path, [path], partial(read, path))
    return next((Source(f"{folder.name}/", folder, [folder], partial(read, folder)) for folder in folders), None)


def read(path: Path, chairs: int | None = None) -> Draft:
    """Make the draft of the authors' archive, original or recompressed, or of the folder into which it was extracted.

    The authors publish no checksum. An archive's SHA-256 is written beside it when it is first read, and must match
    from then on. The data set is verified if `fetch` downloaded it from the authors' server and it is unchanged since.

    Args:
        path: The archive or folder.
        chairs: The required number of chairs; None for CHAIRS.

    Raises:
        UserError: Files are damaged, incomplete or altered, or an archive has members that point outside its folder.
    """
    record, verified = (None, False) if path.is_dir() else _checked_digest(path)
    found = members(path)
    views = sorted(view for view in map(_parse, found) if view is not None)
    _check_complete(path, views, found, CHAIRS if chairs is None else chairs)
    numbers = {chair: number for number, chair in enumerate(dict.fromkeys(view.chair for view in views))}
    factors = [(numbers[view.chair], view.elevation, view.azimuth) for view in views]
    n_train = held_out_tenth(len(numbers)) * CHAIR_VIEWS
    return Draft(
        image_shape=(1, SIZE, SIZE),
        n_train=n_train,
        n_test=len(views) - n_train,
        blocks=member_blocks(path, [view.member for view in views], _RENDERED, _CROP, "L"),
        split="last tenth of the chairs, by model, held out as test",
        processing=f"centre crop {_CROP} of 600, grey, {RESIZING} to {SIZE}",
        subset=False,
        factors=np.array(factors, dtype=np.int16),
        factor_names=("model", "elevation", "azimuth"),
        verified=verified,
        on_success=record,
    )


def _checked_digest(path: Path) -> tuple[Callable[[], None], bool]:
    """Check the archive against the digest recorded beside it.

    Returns a function to call once the archive has been read, and whether the record says that the archive came from
    the authors' server.
    """
    recorded = path.with_name(path.name + ".sha256")
    digest = sha256_of(path)
    said = recorded.read_text(encoding="utf-8", errors="replace") if recorded.exists() else digest
    if said.split()[:1] != [digest]:
        raise UserError(
            f"{path}: its SHA-256 is {digest[:16]}..., but {recorded.name} has a different one from when it was first "
            f"read; restore the file or, if the change is intended, move {recorded.name} away"
        )

    def record() -> None:
        if not recorded.exists():
            _record(path, digest)

    return record, _from(CHAIRS_URL) in said.splitlines()


def _from(url: str) -> str:
    return f"# fetched from {url}"


def _record(path: Path, digest: str, *notes: str) -> None:
    """Write the archive's digest beside it in sha256sum's format, with each note on a separate line."""
    recorded = path.with_name(path.name + ".sha256")
    with data_write_errors(recorded):
        recorded.write_text("\n".join([f"{digest}  {path.name}", *notes, ""]), encoding="utf-8")


def _check_complete(path: Path, views: list[_View], found: list[Member], chairs: int) -> None:
    """Raise UserError, with the expected and actual counts, unless every chair has each view exactly once."""
    if not views:
        there = ", ".join(sorted(member.name for member in found)[:3]) or "nothing"
        raise UserError(
            f"{path}: has no renderings; expected files such as CHAIR/renders/image_000_p020_t011_r096.png, found "
            f"{short_message(there)}"
        )
    per_chair = Counter(view.chair for view in views)
    distinct = Counter(chair for chair, _ in {(view.chair, view.number) for view in views})
    odd = [chair for chair in per_chair if not per_chair[chair] == distinct[chair] == CHAIR_VIEWS]
    if len(per_chair) == chairs and not odd:
        return
    example = f" ({odd[0]} has {per_chair[odd[0]]}, {distinct[odd[0]]} of them different)" if odd else ""
    raise UserError(
        f"{path}: has {len(per_chair):,} chairs with {len(views):,} views; the complete set has {chairs:,} chairs "
        f"with {CHAIR_VIEWS} views each{example}; add the missing files, or put the authors' {ARCHIVE} into the data "
        "folder"
    )


def _parse(member: Member) -> _View | None:
    """Parse the view from a file name; None for other files and for unprintable names."""
    match = _VIEW.match(member.name)
    if match is None or not member.name.isprintable():
        return None
    return _View(match[1], int(match[2]), int(match[3]), int(match[4]), member)
