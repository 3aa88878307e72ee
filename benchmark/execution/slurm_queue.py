"""The state of the user's jobs in Slurm's queue."""

import os
import re
import subprocess

from benchmark.execution.slurm_environment import queue_environment
from benchmark.text import short_message

_JOB = re.compile(r"(\d\S*) (\S.*)", re.ASCII)  # a line of squeue; a site's wrapper may print other lines too


class QueueUnknown(Exception):
    """The state of the queue is unknown, so jobs may be running; the message says why."""


def queue(name: str | None = None) -> dict[str, str]:
    """Query Slurm for the user's jobs that have not ended.

    Args:
        name: Name of the jobs to query; None for all.

    Returns:
        Job id -> state.

    Raises:
        QueueUnknown: Slurm cannot be queried or does not answer.
    """
    # By the user's number, which every version of squeue accepts; --me was added in 2020.
    command = ["squeue", f"--user={os.geteuid()}", "--noheader", "--array", "--format=%i %T"]
    command += [f"--name={name}"] if name else []
    try:
        answer = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=60, env=queue_environment()
        )
    except subprocess.TimeoutExpired:
        raise QueueUnknown("squeue does not respond; is the controller running?") from None
    except FileNotFoundError:
        raise QueueUnknown("squeue not found; run on a machine that has Slurm's commands") from None
    except OSError as error:
        raise QueueUnknown(f"squeue cannot be run ({error.strerror})") from None
    if answer.returncode:
        raise QueueUnknown(
            f"squeue says: {short_message(answer.stderr)}"
            if answer.stderr.strip()
            else "squeue failed without a message"
        )
    return {job[1]: job[2] for line in answer.stdout.splitlines() if (job := _JOB.fullmatch(line.strip()))}


def is_running(state: str) -> bool:
    """Return whether a state from `queue` is that of a running job rather than a waiting one."""
    return state in ("RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT")
