"""Reading of a job's log, and search for the line that names why the job ended."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmark.text import one_line

_MOST_BYTES = 2**20  # read from the end of a log
_START = "Starting with JobEnvironment"  # submitit's first line; a job that was requeued has several
_TRACEBACK = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"(\w+\.)*\w*(Error|Exception)(: |$)")
_VERDICT = re.compile(
    r"oom.?kill|out of memory|cancelled|time limit|no space left|quota exceeded|bus error|segmentation fault|killed"
    r"|node failure|fatal: |no module named|command not found|execve",
    re.IGNORECASE,
)
_ERROR = re.compile(r"\berror\b", re.IGNORECASE)
# Lines that name no cause: printed by every failed job, by a requeued job, or by any job.
_NO_CAUSE = re.compile(
    r"Exited with exit code|Submitted job triggered an exception|DUE TO JOB REQUEUE|Job step aborted|couldn't chdir"
    r"|^submitit (INFO|WARNING) "
)


def log_lines(path: Path) -> list[str]:
    """Read the non-blank lines of a log; if it is larger than 1 MiB, only those in its last MiB.

    Returns:
        Lines with unprintable characters removed and indentation kept; empty if there is no log.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [" " * (len(line) - len(line.lstrip())) + said for line in text.splitlines() if (said := one_line(line))]


def cause(lines: Sequence[str]) -> str:
    """Find the line that names why a job ended.

    It is the first exception since the job last started; else the first line that reports what Slurm or the shell did
    to the job; else the first that mentions an error; else the last line.

    Args:
        lines: Lines returned by `log_lines`.

    Returns:
        The line, without indentation; "" if there are no lines.
    """
    starts = [number for number, line in enumerate(lines) if _START in line]
    last = lines[starts[-1] :] if starts else lines
    telling = [line for line in last if not _NO_CAUSE.search(line)]
    in_traceback = False
    for line in telling:
        if line == _TRACEBACK:
            in_traceback = True
        elif line[0].isspace():
            continue
        elif in_traceback or _EXCEPTION.match(line):
            return line
    if verdict := next(filter(_VERDICT.search, telling), None):
        return verdict.strip()
    return next(filter(_ERROR.search, telling), (telling or list(last) or [""])[-1]).strip()
