"""A foreign downloader under a deadline that does not depend on it: a process of its own, ended when no bytes come."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmark.data.download import LEAST
from benchmark.errors import DataUnavailable
from benchmark.text import told

_DRIVE = (sys.executable, "-P", str(Path(__file__).with_name("from_drive.py")))


def fetch_from_drive(file_id: str, target: Path, stall: float) -> None:
    """Download a file of Google Drive with gdown; raises DataUnavailable with the reason in one line."""
    run_watched((*_DRIVE, file_id, str(target)), target, stall)


def run_watched(command: Sequence[str], target: Path, stall: float) -> None:
    """Run a command that writes `target`, or files whose names begin with its name, and end it when it stalls.

    stall: seconds in which at least LEAST bytes must come. The command gets a standard input that ends when this
    process does, however that ends. Raises DataUnavailable: stalled, or failed with what it said on standard output.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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
            said = process.stdout.read().decode(errors="replace").replace(f"{target.parent}/", "")  # may be recorded
            raise DataUnavailable(told(said) if said.strip() else f"the downloader ended with {process.returncode}")
        if not target.is_file():
            raise DataUnavailable("the downloader left no file")
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _written(target: Path) -> int:
    """Bytes of the target and of what is on its way to it."""
    total = 0
    for path in target.parent.glob(f"{target.name}*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # just renamed
            continue
    return total
