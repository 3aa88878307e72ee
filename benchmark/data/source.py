"""The files that a data set can be prepared from, and how they are looked for in the data folder."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.dataset import Draft
from benchmark.data.prepared import Fingerprint
from benchmark.errors import UserError


@dataclass(frozen=True)
class Source:
    """Files that a data set can be prepared from.

    Attributes:
        name: What a record calls it; without any folder.
        path: The file or folder that messages name.
        files: All files, for the fingerprint.
        open: Makes the draft of the files.
    """

    name: str
    path: Path
    files: list[Path]
    open: Callable[[], Draft]

    def fingerprint(self) -> Fingerprint:
        """Take the fingerprint of the files."""
        return Fingerprint.of(self.name, self.files)

    def draft(self) -> Draft:
        """Make the draft of the files.

        Raises:
            UserError: The files are invalid, or may not be read.
        """
        try:
            return self.open()
        except OSError as error:
            raise UserError(f"{error.filename or self.path}: cannot be read ({error.strerror})") from None


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """List the entries of a folder, sorted by name; none if there is no such folder.

    Raises:
        UserError: The folder may not be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed ({error.strerror}); make it readable") from None


def roots(data_dir: Path) -> tuple[Path, Path]:
    """Return the folders where earlier downloads may be; new ones go to the first."""
    return data_dir / "torchvision", data_dir


def letters_and_digits(name: str) -> str:
    """Return a folder name's letters and digits in lower case, in which its spellings agree."""
    return "".join(filter(str.isalnum, name)).lower()


def relative_name(data_dir: Path, path: Path) -> str:
    """Name a path below the data folder without the folder itself, for a reason that may be recorded."""
    return "the data folder" if path == data_dir else path.relative_to(data_dir).as_posix()
