"""Selection of this process's environment variables that reach Slurm's commands and the jobs.

Inside a job (of a launcher or JupyterHub), SLURM_* and SRUN_* describe that job. If passed on, they would act as
options of `srun` in each of our jobs: SLURM_MEM_PER_CPU conflicts with a job's own memory, and SRUN_CPUS_PER_TASK may
exceed its CPUs.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.files import REPOSITORY
from benchmark.installation import INSTALLED

# How a site's commands reach the controller. Slurm sets all other SLURM_* for a job; users do not.
_OF_THE_SITE = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_SACK_SOCKET")
_OF_A_JOB = ("SLURM", "SRUN_")
# sbatch gives SBATCH_* precedence over the script. The first group would override options of every script here, or make
# sbatch wait for the jobs to end; those of the second are removed only if the corresponding option of `run` is given.
_SAID_ALWAYS = (
    "SBATCH_ARRAY_INX",
    "SBATCH_CPUS_PER_GPU",  # excludes --cpus-per-task
    "SBATCH_ERROR",
    "SBATCH_JOB_NAME",
    "SBATCH_NO_REQUEUE",  # preempted jobs must be requeued
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
    """Hide from `sbatch`, within the block, variables of a surrounding job and those that contradict the given options.

    The user's other SBATCH_* variables stay.

    Args:
        said: Names of the given options, in submitit's spelling.
    """
    against = {*_SAID_ALWAYS, *(variable for name in said for variable in _SAID.get(name, ()))}
    unset = {name: value for name, value in os.environ.items() if name in against or _of_a_job(name)}
    for name in unset:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(unset)


def queue_environment() -> dict[str, str]:
    """Return the environment for `squeue`.

    It has no variables that filter or format the output, and it names the clusters to which jobs are submitted.
    """
    found = {name: value for name, value in os.environ.items() if not (_of_a_job(name) or name.startswith("SQUEUE_"))}
    clusters = os.environ.get("SBATCH_CLUSTERS")
    return found | ({"SLURM_CLUSTERS": clusters} if clusters else {})


def python_of_jobs() -> str:
    """Return the path of the interpreter, quoted for a shell.

    Links in its folder are resolved, because a link such as .venv may change.
    """
    program = Path(sys.executable)
    return shlex.quote(str(program.parent.resolve() / program.name))


def lines_before_jobs() -> list[str]:
    """Return the shell lines that determine which packages a job imports.

    This checkout and the environment's packages take precedence over modules and `--export`. An installed package is
    found through the PYTHONPATH of this process.
    """
    path = os.environ.get("PYTHONPATH", "") if INSTALLED else str(REPOSITORY)
    return [f"export PYTHONPATH={shlex.quote(path)} PYTHONSAFEPATH=1", "unset PYTHONHOME"]


def _of_a_job(name: str) -> bool:
    return name.startswith(_OF_A_JOB) and name not in _OF_THE_SITE
