"""Which of this process's environment variables reach Slurm's commands and the jobs.

Inside a job (a launcher, JupyterHub) SLURM_* and SRUN_* describe that job. Passed on they would be options of the
`srun` in each of ours: SLURM_MEM_PER_CPU beside a memory of the job's own is an error, and SRUN_CPUS_PER_TASK may ask
for more than it has.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.files import REPOSITORY
from benchmark.installation import INSTALLED

# How a site's commands reach the controller. All other SLURM_* are set by Slurm for a job, not for people.
_OF_THE_SITE = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_SACK_SOCKET")
_OF_A_JOB = ("SLURM", "SRUN_")
# sbatch prefers SBATCH_* to what the script says. The first group overrides what every script here says, or makes
# sbatch wait for the jobs to end; the second, by the option of `run`, is removed only where that option was given.
_SAID_ALWAYS = (
    "SBATCH_ARRAY_INX",
    "SBATCH_CPUS_PER_GPU",  # excludes --cpus-per-task
    "SBATCH_ERROR",
    "SBATCH_JOB_NAME",
    "SBATCH_NO_REQUEUE",  # what was preempted is to go on
    "SBATCH_OPEN_MODE",
    "SBATCH_OUTPUT",
    "SBATCH_SIGNAL",
    "SBATCH_TIMELIMIT",
    "SBATCH_WAIT",
)
_SAID = {
    "account": ("SBATCH_ACCOUNT",),
    "constraint": ("SBATCH_CONSTRAINT",),
    "gpus_per_node": (
        "SBATCH_GPUS",
        "SBATCH_GPUS_PER_NODE",
        "SBATCH_GPUS_PER_SOCKET",
        "SBATCH_GPUS_PER_TASK",
        "SBATCH_GRES",
    ),
    "mem": ("SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU", "SBATCH_MEM_PER_NODE"),
    "partition": ("SBATCH_PARTITION",),
    "qos": ("SBATCH_QOS",),
}


@contextmanager
def submission_environment(said: Iterable[str]) -> Iterator[None]:
    """Within the block `sbatch` sees no variable of a job that this process is in, and none against what is asked.

    The user's other SBATCH_* stay.

    Args:
        said: The names of what is asked of Slurm, as submitit takes them.
    """
    against = {*_SAID_ALWAYS, *(variable for name in said for variable in _SAID.get(name, ()))}
    taken = {name: value for name, value in os.environ.items() if name in against or _of_a_job(name)}
    for name in taken:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(taken)


def queue_environment() -> dict[str, str]:
    """Return the environment for `squeue`.

    Nothing in it filters or formats, and it names the clusters that jobs are submitted to.
    """
    found = {name: value for name, value in os.environ.items() if not (_of_a_job(name) or name.startswith("SQUEUE_"))}
    clusters = os.environ.get("SBATCH_CLUSTERS")
    return found | ({"SLURM_CLUSTERS": clusters} if clusters else {})


def python_of_jobs() -> str:
    """Return the path of the interpreter, quoted for a shell.

    Links in its folder are resolved, for a link such as .venv may change.
    """
    program = Path(sys.executable)
    return shlex.quote(str(program.parent.resolve() / program.name))


def lines_before_jobs() -> list[str]:
    """Return the shell lines that decide which packages a job imports.

    This checkout and the environment's packages come first, whatever modules or `--export` say. An installed package is
    found as this process has found it.
    """
    path = os.environ.get("PYTHONPATH", "") if INSTALLED else str(REPOSITORY)
    return [f"export PYTHONPATH={shlex.quote(path)} PYTHONSAFEPATH=1", "unset PYTHONHOME"]


def _of_a_job(name: str) -> bool:
    return name.startswith(_OF_A_JOB) and name not in _OF_THE_SITE
