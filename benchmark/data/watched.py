"""An external downloader as a child process, which is ended when it stalls."""

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
        file_id: Of the file on Google Drive.
        target: Where to store it.
        stall: As for `run_watched`, in seconds.

    Raises:
        DataUnavailable: It stalled or failed.
    """
    run_watched((*_DRIVE, file_id, str(target)), target, stall)


def run_watched(command: Sequence[str], target: Path, stall: float) -> None:
    """Run a command that writes a file, and end it when it stalls.

    Args:
        command: The program and its arguments. Its standard input is closed when this process ends, however that ends.
        target: The file that it writes, by way of files whose names begin with the file's name.
        stall: Seconds in which at least LEAST bytes must arrive.

    Raises:
        DataUnavailable: It stalled or failed; its standard output is the reason.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None  # both are pipes
    try:
        deadline, counted = time.monotonic() + stall, _written(target)
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise DataUnavailable(f"timed out: less than {LEAST // 1024} kB came in {stall:g} s")
            time.sleep(min(0.1, stall / 10))
            now = _written(target)
            if now >= counted + LEAST:
                deadline, counted = time.monotonic() + stall, now
            counted = min(counted, now)  # begun anew
        if process.returncode:
            said = stdout.read().decode(errors="replace").replace(f"{target.parent}/", "")  # may be recorded
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
    """Bytes of the target and of the files that it is made from."""
    total = 0
    for path in target.parent.glob(f"{target.name}*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # just renamed
            continue
    return total
