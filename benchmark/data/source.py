"""The files from which a data set can be prepared, and the search for them in the data folder."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.dataset import Draft
from benchmark.data.prepared import Fingerprint
from benchmark.errors import UserError


@dataclass(frozen=True)
class Source:
    """Files from which a data set can be prepared.

    Attributes:
        name: Name in records, without folders.
        path: The file or folder to name in messages.
        files: All files, for the fingerprint.
        open: Makes a draft from the files.
    """

    name: str
    path: Path
    files: list[Path]
    open: Callable[[], Draft]

    def fingerprint(self) -> Fingerprint:
        """Make the fingerprint of the files."""
        return Fingerprint.of(self.name, self.files)

    def draft(self) -> Draft:
        """Make a draft from the files.

        Raises:
            UserError: The files are invalid or not readable.
        """
        try:
            return self.open()
        except OSError as error:
            raise UserError(f"{error.filename or self.path}: cannot be read ({error.strerror})") from None


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """List the entries of a folder, sorted by name; none if the folder does not exist.

    Raises:
        UserError: The folder is not readable.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed ({error.strerror}); make it readable") from None


def roots(data_dir: Path) -> tuple[Path, Path]:
    """Return the folders that may contain earlier downloads; new downloads go to the first."""
    return data_dir / "torchvision", data_dir


def letters_and_digits(name: str) -> str:
    """Reduce a folder name to letters and digits in lower case, to compare spellings."""
    return "".join(filter(str.isalnum, name)).lower()


def relative_name(data_dir: Path, path: Path) -> str:
    """Return a path relative to the data folder, for reasons that may be recorded."""
    return "the data folder" if path == data_dir else path.relative_to(data_dir).as_posix()
