"""A real Slurm of one node on loopback for the tests that need one; slurm_node.sh does the work."""

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).with_name("slurm_node.sh")


def reason_why_not() -> str | None:
    """Why this machine cannot run the node (no root, no Slurm, no loopback name), in a line; None where it can."""
    checked = subprocess.run([SCRIPT, "check"], capture_output=True, text=True)
    return checked.stderr.strip() if checked.returncode else None


@contextmanager
def slurm_node() -> Iterator[Path]:
    """Start the node in a folder of its own; yield the path to put into SLURM_CONF; end it with every job on it.

    A machine has one at a time: another process waits for it. The node has two CPUs and one partition, `test`. Ended
    jobs stay visible for two minutes; there is no accounting.
    Raises RuntimeError with the daemons' last log lines if no job runs within a minute.
    """
    with (Path(tempfile.gettempdir()) / "slurm-node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="slurm-node-"))
        try:
            folder.chmod(0o755)  # munged runs as another user
            started = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True)
            if started.returncode:
                raise RuntimeError(started.stderr)
            try:
                yield Path(started.stdout.strip())
            finally:
                subprocess.run([SCRIPT, "stop", folder], check=True)
        finally:
            shutil.rmtree(folder)
