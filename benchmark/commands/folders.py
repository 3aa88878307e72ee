"""Default folders of the commands, and a check of folders given by the user."""

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
            raise UserError(f"{flag} {folder}: no such folder; make it first if files are to be fetched into it")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"{flag} {folder}: cannot be read; change its permissions")
