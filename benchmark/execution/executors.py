"""Where packs are trained and scored: on this machine, or as jobs of a cluster."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import ProcessPlan
from benchmark.execution.slurm import SlurmOptions, refuse_live_jobs, refuse_unsubmittable, run_on_slurm
from benchmark.execution.worker_processes import Event, run_packs
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions

EXECUTORS = ("local", "slurm")


def _any_folder(store: Store) -> None:
    """Accept the folder."""


@dataclass(frozen=True)
class Executor:
    """What makes the record of every wanted trial of some packs.

    Attributes:
        says: How it does so, in words for the user.
        threads: CPU threads of a process that trains.
        noted: What the manifest's note of a run has of it.
        run: Trains and scores packs, and yields events as they come; ending the iteration early ends the work that
            would not go on without it.
        check_folder: Raises UserError, before the folder is made, where results can never be written into it.
        check: Raises UserError where results may not be written into the folder now.
        after_interrupt: What a user who has pressed Ctrl-C must know; "" for nothing.
    """

    says: str
    threads: int
    noted: Mapping[str, Any]
    run: Callable[[list[Pack], TrialContext, DataOptions], Iterator[Event]]
    check_folder: Callable[[Store], None] = _any_folder
    check: Callable[[Store], None] = _any_folder
    after_interrupt: str = ""


def local_executor(plan: ProcessPlan, seconds: float, patience: float) -> Executor:
    """Make the executor that has worker processes of this machine.

    Args:
        plan: How many, and on what.
        seconds: As for `run_packs`.
        patience: As for `run_packs`.
    """
    return Executor(
        says=plan.says,
        threads=plan.threads,
        noted={"trainers": plan.trainers, "scorers": plan.scorers},
        run=partial(run_packs, plan=plan, seconds=seconds, patience=patience),
        check=refuse_live_jobs,
    )


def slurm_executor(options: SlurmOptions, patience: float) -> Executor:
    """Make the executor that has jobs of a cluster, which sees the results and data folders under the same paths.

    It accepts a folder with jobs: its own are rejoined, those of other packs refused, once the packs are known.

    Args:
        options: What is asked of Slurm.
        patience: As for `run_packs`.
    """
    return Executor(
        says=f"as Slurm jobs, at most {options.max_jobs} at once,",
        threads=1,
        noted={"executor": "slurm"},
        run=partial(run_on_slurm, options=options, patience=patience),
        check_folder=refuse_unsubmittable,
        after_interrupt="The jobs go on in the queue. The same command rejoins them; `status` shows them.",
    )
