"""3D Chairs: its authors' archive of renderings, read in place (nothing is ever extracted).

Aubry, Maturana, Efros, Russell, Sivic, "Seeing 3D chairs", CVPR 2014. 1,393 chairs, each rendered from 62 views
(31 azimuths at two elevations) as rendered_chairs/<id>/renders/image_<view>_p<elevation>_t<azimuth>_r<radius>.png.
"""

import hashlib
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark.data.dataset import Block, Draft, Report
from benchmark.data.download import download
from benchmark.data.images import RESIZING, SIZE, decoded_blocks
from benchmark.data.npz import CHAIR_VIEWS, held_out_tenth
from benchmark.data.prepared import writing
from benchmark.data.specs import CHAIRS_URL
from benchmark.errors import UserError
from benchmark.text import told

ARCHIVE = "rendered_chairs.tar"
FOLDER = "rendered_chairs"
CHAIRS = 1393
_RENDERED = (600, 600)
_CROP = 400
_LARGEST = 16 << 20  # bytes of one PNG; a rendering has a hundredth of that
_VIEW = re.compile(r"(?:.*/)?([^/]+)/renders/image_(\d{1,3})_p(\d{1,3})_t(\d{1,3})_r\d+\.png\Z", re.ASCII)


@dataclass(frozen=True, order=True)
class _View:
    """One rendering; sorts by chair, then by view."""

    chair: str
    number: int
    elevation: int  # degrees, as all angles
    azimuth: int
    name: str
    offset: int = 0  # where its bytes begin in the archive
    size: int = 0


def fetch(data_dir: Path, report: Report, url: str = CHAIRS_URL) -> None:
    """Download the archive into the data folder, resuming an earlier attempt."""
    download(url, data_dir / ARCHIVE, report=report)


def read_archive(path: Path, chairs: int | None = None) -> Draft:
    """The draft of rendered_chairs.tar. Its SHA-256 is written beside it the first time, and must match ever after.

    chairs: how many there must be (CHAIRS). Raises UserError for an archive that is damaged, incomplete, altered,
    or that has members which could reach outside their folder.
    """
    recorded = path.with_name(path.name + ".sha256")
    digest = _file_sha256(path)
    known = recorded.read_bytes().split()[:1] if recorded.exists() else [digest.encode()]
    if known != [digest.encode()]:
        raise UserError(
            f"{path}: its SHA-256 is {digest[:16]}..., but {recorded.name} recorded another; restore the file, "
            "or delete both to fetch it again"
        )

    def record() -> None:
        if not recorded.exists():
            with writing(recorded):
                recorded.write_text(f"{digest}  {path.name}\n")

    def blocks(views: list[_View]) -> Iterator[Block]:
        with path.open("rb") as file:

            def read(row: int) -> bytes:
                file.seek(views[row].offset)
                return file.read(views[row].size)

            yield from decoded_blocks([view.name for view in views], read, _RENDERED, _CROP, "L")

    return _draft(path, _archived_views(path), blocks, CHAIRS if chairs is None else chairs, record)


def read_folder(path: Path, chairs: int | None = None) -> Draft:
    """The draft of an archive that the user has extracted already; as `read_archive`, without a checksum."""
    names = (file.relative_to(path.parent).as_posix() for file in path.glob("*/renders/*.png"))
    views = [view for view in map(_parse, names) if view is not None]

    def blocks(views: list[_View]) -> Iterator[Block]:
        names = [view.name for view in views]
        yield from decoded_blocks(names, lambda row: (path.parent / names[row]).read_bytes(), _RENDERED, _CROP, "L")

    return _draft(path, views, blocks, CHAIRS if chairs is None else chairs, None)


def _archived_views(path: Path) -> list[_View]:
    views = []
    try:
        with path.open("rb") as file:
            if file.read(512).lstrip()[:1] == b"<":
                raise UserError(f"{path}: is a web page (HTML), not the archive; delete it to fetch it again")
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                    raise UserError(f"{path}: refused, its member {member.name!r} is a link or leaves its folder")
                view = _parse(member.name, member.offset_data, member.size) if member.isfile() else None
                if view is not None:
                    views.append(view)
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError) as error:  # the last two: bad headers
        reason = told(error)
        raise UserError(f"{path}: is no complete tar archive ({reason}); delete it to fetch it again") from None
    return views


def _parse(name: str, offset: int = 0, size: int = 0) -> _View | None:
    """The view that a file name tells of; None for other files, names that would spoil a line of output among them."""
    match = _VIEW.match(name)
    if match is None or not name.isprintable():
        return None
    if not 0 <= size <= _LARGEST:  # an extended header may say less than 0, which would read the whole archive
        raise UserError(f"{name}: {size} bytes are no rendering of a chair")
    chair, *numbers = match.groups()
    return _View(chair, *map(int, numbers), name, offset, size)


def _draft(
    path: Path,
    views: list[_View],
    blocks: Callable[[list[_View]], Iterator[Block]],
    chairs: int,
    on_success: Callable[[], None] | None,
) -> Draft:
    """Sort, count and split by chair."""
    views = sorted(views)
    per_chair = Counter(view.chair for view in views)
    distinct = Counter(chair for chair, _ in {(view.chair, view.number) for view in views})
    if len(per_chair) != chairs or set(per_chair.values()) != {CHAIR_VIEWS} or distinct != per_chair:
        raise UserError(
            f"{path}: holds {len(per_chair):,} chairs with {len(views):,} views; complete, it is {chairs:,} chairs "
            f"with {CHAIR_VIEWS} each; delete it to fetch it again"
        )
    index = {chair: number for number, chair in enumerate(per_chair)}
    factors = [(index[view.chair], view.elevation, view.azimuth) for view in views]
    n_train = held_out_tenth(chairs) * CHAIR_VIEWS
    return Draft(
        image_shape=(1, SIZE, SIZE),
        n_train=n_train,
        n_test=len(views) - n_train,
        blocks=blocks(views),
        split="last tenth of the chairs, by model, held out as test",
        processing=f"centre crop {_CROP} of 600, grey, {RESIZING} to {SIZE}",
        subset=False,
        factors=np.array(factors, dtype=np.int16),
        factor_names=("model", "elevation", "azimuth"),
        on_success=on_success,
    )


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
