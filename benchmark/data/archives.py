"""Many files in a folder, a tar (compressed or not) or a zip archive, read where they lie: nothing is ever extracted.

What a file is decides its content, not its name.
"""

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmark.errors import UserError
from benchmark.text import told

_ZIP = b"PK"
_DEEPEST = 5  # folders in a folder; a link that leads in a circle ends there
# Bad headers end in the last three; zipfile asks for a password with a RuntimeError.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
    RecursionError,
    RuntimeError,
)


@dataclass(frozen=True)
class Member:
    """One file, by its name below the folder or in the archive, with '/'."""

    name: str
    size: int  # bytes; a tar's header may lie and say less than 0
    place: int = 0  # a tar's first byte of it, a zip's number of it; reading in this order is fast

    @property
    def base_name(self) -> str:
        return PurePosixPath(self.name).name


def members(path: Path) -> list[Member]:
    """The files of a folder or archive, whatever their order.

    Raises UserError for what is no archive or ends too early, and for one with members that are links or could reach
    outside their folder.
    """
    try:
        if path.is_dir():
            return list(_walked(path, "", _DEEPEST))
        with path.open("rb") as file:
            start = file.read(512)
        if start.lstrip()[:1] == b"<":
            raise UserError(f"{path}: is a web page (HTML), not the archive; move it away to have that fetched")
        if start[:2] == _ZIP:
            with zipfile.ZipFile(path) as archive:
                infos = enumerate(archive.infolist())
                found = [(info.filename, info.is_dir(), Member(info.filename, info.file_size, n)) for n, info in infos]
        else:
            with tarfile.open(path, "r:*") as archive:
                found = []
                for info in archive:
                    if not (info.isfile() or info.isdir()):
                        raise _refused(path, info.name)
                    found.append((info.name, info.isdir(), Member(info.name, info.size, info.offset_data)))
    except _DAMAGE as error:
        if path.is_dir():
            raise UserError(f"{path}: cannot be read ({told(error)}); make it readable") from None
        kind = "zip" if path.suffix.lower() == ".zip" else "tar"
        raise UserError(
            f"{path}: is no complete {kind} archive ({told(error)}): cut short or altered? Move it away to have it "
            "fetched, or put a whole one there"
        ) from None
    for name, _, _ in found:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            raise _refused(path, name)
    return [member for _, is_folder, member in found if not is_folder]


@contextmanager
def opened(path: Path) -> Iterator[Callable[[Member], bytes]]:
    """A function that reads one of `members(path)`; it raises UserError for one that is damaged."""
    if path.is_dir():
        yield _checked(path, lambda member: (path / member.name).read_bytes())
        return
    with path.open("rb") as file:
        is_zip = file.read(2) == _ZIP
    if is_zip:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            yield _checked(path, lambda member: archive.read(infos[member.place]))
    else:
        with tarfile.open(path, "r:*") as archive:

            def read(member: Member) -> bytes:
                archive.fileobj.seek(member.place)
                return archive.fileobj.read(member.size)

            yield _checked(path, read)


def _checked(path: Path, read: Callable[[Member], bytes]) -> Callable[[Member], bytes]:
    def checked(member: Member) -> bytes:
        try:
            content = read(member)
        except _DAMAGE as error:
            raise UserError(f"{path}: {told(member.name)} cannot be read ({told(error)})") from None
        if len(content) != member.size:
            raise UserError(f"{path}: {told(member.name)} has {len(content)} of its {member.size} bytes")
        return content

    return checked


def _walked(folder: Path, above: str, depth: int) -> Iterator[Member]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_file():
                yield Member(above + entry.name, entry.stat().st_size)
            elif depth and entry.is_dir():
                yield from _walked(folder / entry.name, f"{above}{entry.name}/", depth - 1)


def _refused(path: Path, name: str) -> UserError:
    return UserError(f"{path}: refused, its member {name!r} is a link or leaves its folder")
