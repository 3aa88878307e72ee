"""Base paths of the suite, and writing of files that are complete or absent even if the writer is interrupted."""

import errno
import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import UserError
from benchmark.installation import INSTALLED

# The checkout, or the folder of an installed package, which contains the same data under the same names.
REPOSITORY = Path(__file__).resolve().parent.parent
# The parent of the default folders of data and results.
WORKSPACE = Path() if INSTALLED else REPOSITORY


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Returns:
        The digest as hexadecimal text.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces it when the block ends without an error.

    The folder is created. A killed writer leaves `.NAME.HOST.PID.part`, with the host because machines may share a
    folder.

    Raises:
        OSError: `path` is a device or pipe, which root could otherwise replace, a symbolic link that leads in a circle,
            or cannot be written.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "is not a regular file")
    path = Path(os.path.realpath(path)) if path.is_symlink() else path  # replaces the link's target, not the link
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{platform.node()}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def is_abandoned(part: Path) -> bool:
    """Return whether a temporary file of `written_whole` was written on this machine by a process that has ended.

    The result is also False if another process has since received the writer's process id.
    """
    _, _, ending = part.name.rpartition(f".{platform.node()}.")
    number = ending.removesuffix(".part")
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


@contextmanager
def named_write_errors(path: Path, otherwise: str = "") -> Iterator[None]:
    """Turn an OSError in the block into one line that names the path and says what to do.

    Args:
        path: The file that is written.
        otherwise: A further remedy to suggest.

    Raises:
        UserError: The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        remedy = ", or ".join(filter(None, (write_remedy(error.errno), otherwise)))
        raise UserError(f"{path}: could not be written ({error.strerror or error}); {remedy}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, completely or not at all.

    Raises:
        UserError: The folder is not writable or its disk is full.
    """
    with named_write_errors(path), written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write text files into a folder, each with `write_text`.

    Args:
        folder: Created if missing.
        texts: Contents by file name.

    Returns:
        The paths of the files.

    Raises:
        UserError: A file cannot be written.
    """
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def write_remedy(code: int | None) -> str:
    """Return a suggestion for the user about a file that could not be written.

    Args:
        code: The error number (`OSError.errno`).
    """
    if code in (errno.ENOSPC, errno.EDQUOT):
        return "free some space and run again"
    if code in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.EINVAL):  # `written_whole` raises EINVAL
        return "move away the file or folder in the way and run again"
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make it writable and run again"
    return "fix this, or give another path"
