"""Where packs are trained and scored: on this machine, or as jobs of a cluster, both behind `Executor`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import ProcessPlan
from benchmark.execution.slurm import SlurmOptions, refuse_live_jobs, refuse_unsubmittable, run_on_slurm
from benchmark.execution.worker_processes import Event, run_packs
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions

EXECUTORS = ("local", "slurm")


class Executor(Protocol):
    """Makes the record of every wanted trial of some packs."""

    @property
    def says(self) -> str:
        """How it does so, in words for the user."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads of a process that trains."""
        ...

    @property
    def noted(self) -> Mapping[str, Any]:
        """What the manifest's note of a run has of it."""
        ...

    @property
    def after_interrupt(self) -> str:
        """What a user who has pressed Ctrl-C must know; "" for nothing."""
        ...

    def check_folder(self, store: Store) -> None:
        """Check, before the folder is made, that results can ever be written into it.

        Raises:
            UserError: They cannot.
        """

    def check(self, store: Store) -> None:
        """Check that results may be written into the folder now.

        Raises:
            UserError: They may not.
        """

    def run(self, packs: list[Pack], context: TrialContext, data: DataOptions) -> Iterator[Event]:
        """Train and score the packs.

        Yields:
            Events as they come; ending the iteration early ends the work that would not go on without it.
        """


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine.

    Attributes:
        plan: How many, and on what.
        seconds: As for `run_packs`.
        patience: As for `run_packs`.
        after_interrupt: As in Executor.
    """

    plan: ProcessPlan
    seconds: float
    patience: float
    after_interrupt: str = ""

    @property
    def says(self) -> str:
        """How many processes train and score, in words."""
        return self.plan.says

    @property
    def threads(self) -> int:
        """CPU threads of a process that trains."""
        return self.plan.threads

    @property
    def noted(self) -> dict[str, Any]:
        """The numbers of processes that train and that score."""
        return {"trainers": self.plan.trainers, "scorers": self.plan.scorers}

    def check_folder(self, store: Store) -> None:
        """Accept any folder."""

    def check(self, store: Store) -> None:
        """Refuse a folder into which Slurm jobs may be writing.

        Raises:
            UserError: As `refuse_live_jobs`.
        """
        refuse_live_jobs(store)

    def run(self, packs: list[Pack], context: TrialContext, data: DataOptions) -> Iterator[Event]:
        """Train and score the packs, as `run_packs`."""
        return run_packs(packs, context, data, self.plan, self.seconds, self.patience)


@dataclass(frozen=True)
class Slurm:
    """Jobs of a cluster that sees the results and data folders under the same paths.

    Attributes:
        options: What is asked of Slurm.
        patience: As for `run_packs`.
        threads: As in Executor.
        after_interrupt: As in Executor.
    """

    options: SlurmOptions
    patience: float
    threads: int = 1
    after_interrupt: str = "The jobs go on in the queue. The same command rejoins them; `status` shows them."

    @property
    def says(self) -> str:
        """The most jobs at once, in words."""
        return f"as Slurm jobs, at most {self.options.max_jobs} at once,"

    @property
    def noted(self) -> dict[str, Any]:
        """The name of the executor."""
        return {"executor": "slurm"}

    def check_folder(self, store: Store) -> None:
        """Check that jobs of this folder can be submitted.

        Raises:
            UserError: As `refuse_unsubmittable`.
        """
        refuse_unsubmittable(store)

    def check(self, store: Store) -> None:
        """Accept any folder: its own jobs are rejoined, those of other packs refused, once the packs are known."""

    def run(self, packs: list[Pack], context: TrialContext, data: DataOptions) -> Iterator[Event]:
        """Train and score the packs, as `run_on_slurm`."""
        return run_on_slurm(packs, context, data, self.options, self.patience)
