"""How many processes train and score, and on what."""

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MOST_CPU_JOBS = 8


@dataclass(frozen=True)
class ProcessPlan:
    """How many processes there are, and on what.

    Attributes:
        trainers: Processes that train, and also score where there are no `scorers`.
        scorers: Processes that only score.
        threads: CPU threads of a trainer; a scorer has one.
        devices: That of each trainer; empty for the run's own.
    """

    trainers: int
    scorers: int
    threads: int
    devices: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """In words for the user, such as "2 at once" or "1 process trains, 15 score"."""
        train = "process trains" if self.trainers == 1 else "processes train"
        return f"{self.trainers} {train}, {self.scorers} score" if self.scorers else f"{self.trainers} at once"

    @property
    def unscored_limit(self) -> int:
        """Trained trials that may wait for their scores before a trainer is given another pack."""
        return 2 * (self.scorers or self.trainers)


def process_plan(device: str, jobs: int | None = None, devices: Sequence[str] = ()) -> ProcessPlan:
    """Choose the processes for a device, or for several GPUs.

    Args:
        device: torch's name of it, such as "cuda:1".
        jobs: On a CPU trials at once (default: one a core, at most 8), on a GPU processes that score (default: the
            cores that the trainers leave).
        devices: The GPUs, where there are several.
    """
    if device.startswith("cpu"):
        jobs = jobs or cpu_jobs()
        return ProcessPlan(jobs, 0, max(1, cpu_jobs() // jobs))
    trainers = max(1, len(devices))
    return ProcessPlan(trainers, jobs or max(1, usable_cores() - trainers), 1, tuple(devices))


def cpu_jobs() -> int:
    """Return how many trials a CPU trains at once, which is also the threads of one alone: one a core, at most 8."""
    return min(_MOST_CPU_JOBS, usable_cores())


def usable_cores() -> int:
    """Return how many CPU cores this process may use, at least 1.

    These are the cores that it may run on, in a Slurm job no more than its share of the node, and in a container no
    more than its quota of time is worth.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A batch script has all that its job has on the node; each of several tasks started by srun has its own share.
    one_of_several = os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1"
    slurm = os.environ.get("SLURM_CPUS_PER_TASK" if one_of_several else "SLURM_CPUS_ON_NODE", "")
    share = int(slurm) if slurm.isdecimal() else cores
    return max(1, min(cores, share, math.ceil(_quota(Path("/"), cores))))


def _quota(root: Path, cores: float) -> float:
    """The least of the limits, in cores, that the control groups of this process or their parents set on CPU time.

    It is `cores` where none does. `root` is that of the file system.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
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
            with suppress(OSError, ValueError):  # no limit here, or a group that a container does not see
                text = " ".join((folder / name).read_text(encoding="utf-8") for name in names)
                quota, period = map(int, text.split())
                if quota > 0:
                    least = min(least, quota / period)
            if folder == mount:
                break
    return least
