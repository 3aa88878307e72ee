"""Reading of files in a folder, tar (compressed or not) or zip archive in place, without extraction.

The type of an archive is determined by its content, not its name.
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
from benchmark.text import short_message

_ZIP = b"PK"
_DEEPEST = 5  # levels of folders; bounds cycles of links
# Invalid headers raise one of the last three; zipfile raises RuntimeError for an encrypted member.
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
    """A file in a folder or archive.

    Attributes:
        name: Its path relative to the folder or within the archive, with '/'.
        size: Size in bytes; negative values are possible in a damaged tar header.
        place: Offset of its first byte in a tar, index in a zip; reading in ascending order is fast.
    """

    name: str
    size: int
    place: int = 0

    @property
    def base_name(self) -> str:
        """The last component of the name."""
        return PurePosixPath(self.name).name


def members(path: Path) -> list[Member]:
    """List the files of a folder or archive, in any order.

    Raises:
        UserError: It is not an archive, is truncated, or has members that are links or point outside its folder.
    """
    try:
        if path.is_dir():
            return list(_walked(path, "", _DEEPEST))
        with path.open("rb") as file:
            start = file.read(512)
        if start.lstrip()[:1] == b"<":
            raise UserError(
                f"{path}: is a web page (HTML), not the archive; move it away so that the archive is downloaded"
            )
        if start[:2] == _ZIP:
            with zipfile.ZipFile(path) as zipped:
                infos = enumerate(zipped.infolist())
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
            raise UserError(f"{path}: cannot be read ({short_message(error)}); make it readable") from None
        kind = "zip" if path.suffix.lower() == ".zip" else "tar"
        raise UserError(
            f"{path}: is not a complete {kind} archive ({short_message(error)}): truncated or altered? Move it away "
            "so that it is downloaded, or replace it with a complete one"
        ) from None
    for name, _, _ in found:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            raise _refused(path, name)
    return [member for _, is_folder, member in found if not is_folder]


@contextmanager
def opened(path: Path) -> Iterator[Callable[[Member], bytes]]:
    """Open a folder or archive for reading.

    Yields:
        A function from an element of `members(path)` to its content; it raises UserError for a damaged member.
    """
    if path.is_dir():
        yield _checked(path, lambda member: (path / member.name).read_bytes())
        return
    with path.open("rb") as file:
        is_zip = file.read(2) == _ZIP
    if is_zip:
        with zipfile.ZipFile(path) as zipped:
            infos = zipped.infolist()
            yield _checked(path, lambda member: zipped.read(infos[member.place]))
    else:
        with tarfile.open(path, "r:*") as archive:
            content = archive.fileobj
            assert content is not None  # the archive is open for reading

            def read(member: Member) -> bytes:
                content.seek(member.place)
                return content.read(member.size)

            yield _checked(path, read)


def _checked(path: Path, read: Callable[[Member], bytes]) -> Callable[[Member], bytes]:
    def checked(member: Member) -> bytes:
        try:
            content = read(member)
        except _DAMAGE as error:
            raise UserError(f"{path}: {short_message(member.name)} cannot be read ({short_message(error)})") from None
        if len(content) != member.size:
            raise UserError(f"{path}: {short_message(member.name)} has {len(content)} of its {member.size} bytes")
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
    return UserError(f"{path}: refused because its member {name!r} is a link or points outside its folder")
