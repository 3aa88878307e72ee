"""Where packs are trained and scored: on this machine, or as jobs of a cluster. The seam is `Executor`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import Crew
from benchmark.execution.slurm import SlurmOptions, refuse_live_jobs, refuse_unsubmittable, run_on_slurm
from benchmark.execution.worker_processes import Event, run_packs
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions

EXECUTORS = ("local", "slurm")


class Executor(Protocol):
    """Makes the record of every wanted trial of some packs.

    `says`: how, for people. `threads`: CPU threads of a process that trains. `noted`: what the manifest's note of a
    run has of it. `after_interrupt`: what a user must know who has pressed Ctrl-C, or nothing.
    """

    @property
    def says(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def noted(self) -> Mapping[str, Any]: ...
    @property
    def after_interrupt(self) -> str: ...

    def check_folder(self, store: Store) -> None:
        """Raises UserError where it can never write into the folder; before that is made."""

    def check(self, store: Store) -> None:
        """Raises UserError where it may not write into the folder now."""

    def run(self, packs: list[Pack], context: TrialContext, data: DataOptions) -> Iterator[Event]:
        """Events as they come; ending the iteration early ends what would not go on without it."""


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine. `seconds`, `patience`: as for `run_packs`."""

    crew: Crew
    seconds: float
    patience: float
    after_interrupt: str = ""

    @property
    def says(self) -> str:
        return self.crew.says

    @property
    def threads(self) -> int:
        return self.crew.threads

    @property
    def noted(self) -> dict[str, Any]:
        return {"trainers": self.crew.trainers, "scorers": self.crew.scorers}

    def check_folder(self, store: Store) -> None:
        """Any that can be written will do."""

    def check(self, store: Store) -> None:
        refuse_live_jobs(store)

    def run(self, packs: list[Pack], context: TrialContext, data: DataOptions) -> Iterator[Event]:
        return run_packs(packs, context, data, self.crew, self.seconds, self.patience)


@dataclass(frozen=True)
class Slurm:
    """Jobs of a cluster that sees the results and data folders under the same paths."""

    options: SlurmOptions
    patience: float
    threads: int = 1
    after_interrupt: str = "The jobs go on in the queue. The same command rejoins them; `status` shows them."

    @property
    def says(self) -> str:
        return f"as Slurm jobs, at most {self.options.max_jobs} at once,"

    @property
    def noted(self) -> dict[str, Any]:
        return {"executor": "slurm"}

    def check_folder(self, store: Store) -> None:
        refuse_unsubmittable(store)

    def check(self, store: Store) -> None:
        """Its own jobs are rejoined, those of other packs refused, once the packs are known."""

    def run(self, packs: list[Pack], context: TrialContext, data: DataOptions) -> Iterator[Event]:
        return run_on_slurm(packs, context, data, self.options, self.patience)
