"""Choice of how many processes train and score, and on which devices."""

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MOST_CPU_JOBS = 8


@dataclass(frozen=True)
class ProcessPlan:
    """Numbers of processes, and their devices.

    Attributes:
        trainers: Processes that train; they also score if `scorers` is 0.
        scorers: Processes that only score.
        threads: CPU threads of a trainer; a scorer has one.
        devices: Torch device name of each trainer; empty if all use the run's device.
    """

    trainers: int
    scorers: int
    threads: int
    devices: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """A description for the user, such as "2 at once" or "1 process trains, 15 score"."""
        train = "process trains" if self.trainers == 1 else "processes train"
        return f"{self.trainers} {train}, {self.scorers} score" if self.scorers else f"{self.trainers} at once"

    @property
    def unscored_limit(self) -> int:
        """Number of trained trials awaiting scores from which on no trainer is given another pack."""
        return 2 * (self.scorers or self.trainers)


def process_plan(device: str, jobs: int | None = None, devices: Sequence[str] = ()) -> ProcessPlan:
    """Choose the processes for a device, or for several GPUs.

    Args:
        device: Torch device name, such as "cuda:1".
        jobs: On a CPU, trials at once (default: one per core, at most 8); on a GPU, processes that score (default: the
            cores not used by trainers).
        devices: Names of the GPUs, if there are several.
    """
    if device.startswith("cpu"):
        jobs = jobs or cpu_jobs()
        return ProcessPlan(jobs, 0, max(1, cpu_jobs() // jobs))
    trainers = max(1, len(devices))
    return ProcessPlan(trainers, jobs or max(1, usable_cores() - trainers), 1, tuple(devices))


def cpu_jobs() -> int:
    """Return how many trials a CPU trains at once, and the threads of a single trial: one per core, at most 8."""
    return min(_MOST_CPU_JOBS, usable_cores())


def usable_cores() -> int:
    """Return how many CPU cores this process may use, at least 1.

    The number is that of its CPU affinity, limited in a Slurm job by its share of the node and in a container by its
    quota of CPU time.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A batch script has all CPUs that its job has on the node; each of several tasks started by srun has its share.
    one_of_several = os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1"
    slurm = os.environ.get("SLURM_CPUS_PER_TASK" if one_of_several else "SLURM_CPUS_ON_NODE", "")
    share = int(slurm) if slurm.isdecimal() else cores
    return max(1, min(cores, share, math.ceil(_quota(Path("/"), cores))))


def _quota(root: Path, cores: float) -> float:
    """Return the smallest CPU limit, in cores, set by the control groups of this process or their parents.

    It is `cores` if no group sets a limit. `root` is the root of the file system.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return cores
    least = cores
    for controllers, group in (line.split(":", 2)[1:] for line in lines):
        # Version 2 names no controllers, and has quota and period in one file.
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if controllers else ("cpu.max",)
        place = mount / group.lstrip("/")
        for folder in (place, *place.parents):
            with suppress(OSError, ValueError):  # no limit, or a group that is not visible in a container
                text = " ".join((folder / name).read_text(encoding="utf-8") for name in names)
                quota, period = map(int, text.split())
                if quota > 0:
                    least = min(least, quota / period)
            if folder == mount:
                break
    return least
