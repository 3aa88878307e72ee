"""Where commands read and write unless they are told otherwise, and what is said of a folder that will not do."""

import os
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import WORKSPACE

DEFAULT_DATA_DIR = WORKSPACE / "data"
RUNS = WORKSPACE / "results" / "runs"
THROUGHPUT = WORKSPACE / "results" / "throughput"


def check_folders(data_dir: Path, weights_dir: Path | None) -> None:
    """Check the folders of data sets and of pretrained networks; the default data folder need not exist.

    Raises:
        UserError: For a folder that was asked for and cannot be read.
    """
    for flag, folder in (("--data-dir", data_dir), ("--weights-dir", weights_dir)):
        if folder is None or (folder == DEFAULT_DATA_DIR and not folder.exists()):
            continue
        if not folder.is_dir():
            raise UserError(f"{flag} {folder}: no such folder; make it first if files are to be fetched into it")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"{flag} {folder}: cannot be read; change its permissions")
