"""Where the suite lies and works, and files that are whole or absent, whatever interrupts their writer."""

import errno
import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import UserError
from benchmark.installation import INSTALLED

# The checkout; of an installed package its own folder, which holds the same data under the same names.
REPOSITORY = Path(__file__).resolve().parent.parent
# The parent of the default folders of data and results.
WORKSPACE = Path() if INSTALLED else REPOSITORY


def sha256_of(path: Path) -> str:
    """Hash a file.

    Returns:
        SHA-256 in hex.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces it when the block ends without an error.

    The folder is made. A killed writer leaves `.NAME.HOST.PID.part`; the host is named, as machines may share a folder.

    Raises:
        OSError: `path` is a device or a pipe, which root could replace, or it cannot be written.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "is no regular file")
    path = path.resolve() if path.is_symlink() else path  # the link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{platform.node()}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def is_abandoned(part: Path) -> bool:
    """Tell whether the process that wrote a temporary file of `written_whole` was of this machine and has ended.

    False also where another process has got the writer's process id since.
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
        path: What is written.
        otherwise: What else to do.

    Raises:
        UserError: In place of the OSError.
    """
    try:
        yield
    except OSError as error:
        remedy = ", or ".join(filter(None, (write_remedy(error.errno), otherwise)))
        raise UserError(f"{path}: could not be written ({error.strerror or error}); {remedy}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Raises:
        UserError: The folder cannot be written or its disk is full.
    """
    with named_write_errors(path), written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write text files, each as `write_text`.

    Args:
        folder: Made if need be.
        texts: The contents by name.

    Returns:
        The paths of the files.

    Raises:
        UserError: As `write_text`.
    """
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def write_remedy(code: int | None) -> str:
    """Say what to do about a file that could not be written.

    Args:
        code: The number of the error, as `OSError.errno`.
    """
    if code in (errno.ENOSPC, errno.EDQUOT):
        return "make room and run again"
    if code in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EINVAL):  # EINVAL: of `written_whole`
        return "move away what is in the way and run again"
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make it writable and run again"
    return "mend that, or give another path"
