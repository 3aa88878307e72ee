"""How many processes train and score, and on what."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_CPU_JOBS = 8


@dataclass(frozen=True)
class Crew:
    """How many processes there are: `trainers`, which also score where there are no `scorers`. `threads`: CPU threads
    of a trainer; a scorer has one. `devices`: that of each trainer; none: the run's own."""

    trainers: int
    scorers: int
    threads: int
    devices: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """For people: "2 at once", "1 process trains, 15 score"."""
        train = "process trains" if self.trainers == 1 else "processes train"
        return f"{self.trainers} {train}, {self.scorers} score" if self.scorers else f"{self.trainers} at once"

    @property
    def unscored_limit(self) -> int:
        """Trained trials that may wait for their scores before a trainer is given another pack."""
        return 2 * (self.scorers or self.trainers)


def crew(device: str, jobs: int | None = None, devices: Sequence[str] = ()) -> Crew:
    """The processes for a device, or for several GPUs. `jobs`: on a CPU trials at once (default: one a core, at most
    8), on a GPU processes that score (default: the cores that the trainers leave)."""
    if device.startswith("cpu"):
        jobs = jobs or cpu_jobs()
        return Crew(jobs, 0, max(1, cpu_jobs() // jobs))
    trainers = max(1, len(devices))
    return Crew(trainers, jobs or max(1, usable_cores() - trainers), 1, tuple(devices))


def cpu_jobs() -> int:
    """Trials that a CPU trains at once, and threads that one has which is alone: one a core, at most 8."""
    return min(_MOST_CPU_JOBS, usable_cores())


def usable_cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
