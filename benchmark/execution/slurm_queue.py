"""What Slurm's queue says of the user's jobs."""

import os
import re
import subprocess

from benchmark.execution.slurm_environment import of_queue
from benchmark.text import short_message

_JOB = re.compile(r"(\d\S*) (\S.*)", re.ASCII)  # of squeue's lines, beside which a site's wrapper may have others


class QueueUnknown(Exception):
    """Why the queue cannot be had, in words; whether jobs are at work is then unknown."""


def queue(name: str | None = None) -> dict[str, str]:
    """Job id -> state of the user's jobs (of this name) that have not ended. Raises QueueUnknown."""
    # By number, which every squeue takes; --me is of 2020.
    command = ["squeue", f"--user={os.geteuid()}", "--noheader", "--array", "--format=%i %T"]
    command += [f"--name={name}"] if name else []
    try:
        answer = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=60, env=of_queue()
        )
    except subprocess.TimeoutExpired:
        raise QueueUnknown("squeue does not answer; is the controller up?") from None
    except FileNotFoundError:
        raise QueueUnknown("there is no squeue here; run where Slurm's commands are") from None
    except OSError as error:
        raise QueueUnknown(f"squeue cannot be run ({error.strerror})") from None
    if answer.returncode:
        raise QueueUnknown(
            f"squeue says: {short_message(answer.stderr)}" if answer.stderr.strip() else "squeue fails silently"
        )
    return {job[1]: job[2] for line in answer.stdout.splitlines() if (job := _JOB.fullmatch(line.strip()))}


def is_running(state: str) -> bool:
    """Whether a state of `queue` is that of a job at work, not one that waits."""
    return state in ("RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT")
