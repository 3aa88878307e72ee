"""The default folders of the commands, and the check of the folders that a user names."""

import os
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import WORKSPACE

DEFAULT_DATA_DIR = WORKSPACE / "data"
RUNS = WORKSPACE / "results" / "runs"
THROUGHPUT = WORKSPACE / "results" / "throughput"


def check_folders(data_dir: Path, weights_dir: Path | None) -> None:
    """Check the folders of data sets and of pretrained networks.

    Args:
        data_dir: The folder of data sets; the default one need not exist.
        weights_dir: The folder of pretrained networks; None is not checked.

    Raises:
        UserError: A folder does not exist or cannot be read.
    """
    for flag, folder in (("--data-dir", data_dir), ("--weights-dir", weights_dir)):
        if folder is None or (folder == DEFAULT_DATA_DIR and not folder.exists()):
            continue
        if not folder.is_dir():
            raise UserError(f"{flag} {folder}: no such folder; make it first if files are to be fetched into it")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"{flag} {folder}: cannot be read; change its permissions")
