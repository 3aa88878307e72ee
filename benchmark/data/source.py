"""Files that a data set can be prepared from, as the finders hand them over."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.dataset import Draft
from benchmark.data.prepared import Fingerprint
from benchmark.errors import UserError


@dataclass(frozen=True)
class Source:
    """Files that a data set can be prepared from."""

    name: str  # what a record says of it; holds no folder
    path: Path
    files: list[Path]
    open: Callable[[], Draft]

    def fingerprint(self) -> Fingerprint:
        return Fingerprint.of(self.name, self.files)

    def draft(self) -> Draft:
        """What `open` makes of the files; raises UserError for them, and for one that may not be read."""
        try:
            return self.open()
        except OSError as error:
            raise UserError(f"{error.filename or self.path}: cannot be read ({error.strerror})") from None


def entries(folder: Path) -> list[os.DirEntry]:
    """What lies in a folder, by name; nothing where there is no such folder.

    Raises UserError for a folder that may not be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed ({error.strerror}); make it readable") from None


def roots(data_dir: Path) -> tuple[Path, Path]:
    """The folders where an earlier download may lie; the first is where new ones go."""
    return data_dir / "torchvision", data_dir


def plain(name: str) -> str:
    """A name's letters and digits in lower case: how a folder is known, whoever named it."""
    return "".join(filter(str.isalnum, name)).lower()


def within(data_dir: Path, path: Path) -> str:
    """What to call a path of the data folder in a reason, which may be recorded and then holds no folder of a user."""
    return "the data folder" if path == data_dir else path.relative_to(data_dir).as_posix()
