"""Running an external downloader as a child process that is ended if it stalls."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmark.data.download import LEAST
from benchmark.errors import DataUnavailable
from benchmark.text import short_message

_DRIVE = (sys.executable, "-P", str(Path(__file__).with_name("from_drive.py")))


def fetch_from_drive(file_id: str, target: Path, stall: float) -> None:
    """Download a file from Google Drive with gdown.

    Args:
        file_id: Id of the file on Google Drive.
        target: Where to store it.
        stall: As for `run_watched` [s].

    Raises:
        DataUnavailable: The download stalled or failed.
    """
    run_watched((*_DRIVE, file_id, str(target)), target, stall)


def run_watched(command: Sequence[str], target: Path, stall: float) -> None:
    """Run a command that writes a file, and end it if it stalls.

    Args:
        command: The program and its arguments. Its standard input is closed when this process ends in any way.
        target: The file that it writes, possibly via files whose names begin with this name.
        stall: Seconds within which at least LEAST bytes must arrive.

    Raises:
        DataUnavailable: It stalled or failed; the message is its standard output, if any.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None  # both are pipes
    try:
        deadline, counted = time.monotonic() + stall, _written(target)
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise DataUnavailable(f"timed out: less than {LEAST // 1024} kB received in {stall:g} s")
            time.sleep(min(0.1, stall / 10))
            now = _written(target)
            if now >= counted + LEAST:
                deadline, counted = time.monotonic() + stall, now
            counted = min(counted, now)  # if the file was started again
        if process.returncode:
            said = stdout.read().decode(errors="replace").replace(f"{target.parent}/", "")  # because it may be recorded
            status = f"the downloader ended with {process.returncode}"
            raise DataUnavailable(short_message(said) if said.strip() else status)
        if not target.is_file():
            raise DataUnavailable("the downloader left no file")
    finally:
        process.kill()
        process.wait()
        stdin.close()
        stdout.close()


def _written(target: Path) -> int:
    """Return the size in bytes of the target and of the partial files for it."""
    total = 0
    for path in target.parent.glob(f"{target.name}*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # just renamed
            continue
    return total
