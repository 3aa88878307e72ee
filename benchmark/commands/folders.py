"""Default folders of the commands, and checks of folders given by the user."""

import os
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import WORKSPACE

DEFAULT_DATA_DIR = WORKSPACE / "data"
RUNS = WORKSPACE / "results" / "runs"
THROUGHPUT = WORKSPACE / "results" / "throughput"


def check_folders(data_dir: Path, weights_dir: Path | None) -> None:
    """Check that the folders of data sets and pretrained networks can be read.

    Args:
        data_dir: The data folder; the default one need not exist.
        weights_dir: The folder of pretrained networks; None skips the check.

    Raises:
        UserError: A folder does not exist or is not readable.
    """
    for flag, folder in (("--data-dir", data_dir), ("--weights-dir", weights_dir)):
        if folder is None or (folder == DEFAULT_DATA_DIR and not folder.exists()):
            continue
        if not folder.is_dir():
            raise UserError(f"{flag} {folder}: no such folder; create it first if files are to be fetched into it")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"{flag} {folder}: cannot be read; change its permissions")


def check_out(flag: str, folder: Path) -> None:
    """Check that files can be written into a folder, for a command that otherwise computes for minutes before it fails.

    Args:
        flag: The option that names the folder.
        folder: The folder, which need not exist.

    Raises:
        UserError: The folder or its nearest existing parent is not a folder or not writable.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise UserError(f"{flag} {there}: is not a folder; give another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{flag} {there}: is not writable; change its permissions, or give another")
