"""Executors, which train and score packs on this machine or as jobs of a cluster."""

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
    """Accept any results folder."""


@dataclass(frozen=True)
class Executor:
    """A way to make the records of all wanted trials of packs.

    Attributes:
        says: Description for the user.
        threads: CPU threads of a process that trains.
        noted: Entries for the run's note in the manifest.
        run: Trains and scores packs and yields events as they occur. Ending the iteration early ends all work that
            cannot continue without it.
        check_folder: Called before the folder is created; raises UserError if results can never be written into it.
        check: Raises UserError if results must not be written into the folder now.
        after_interrupt: Message for a user who has pressed Ctrl-C; "" for none.
    """

    says: str
    threads: int
    noted: Mapping[str, Any]
    run: Callable[[list[Pack], TrialContext, DataOptions], Iterator[Event]]
    check_folder: Callable[[Store], None] = _any_folder
    check: Callable[[Store], None] = _any_folder
    after_interrupt: str = ""


def local_executor(plan: ProcessPlan, seconds: float, patience: float) -> Executor:
    """Make the executor that uses worker processes on this machine.

    Args:
        plan: Number of processes, and their devices.
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
    """Make the executor that uses jobs of a cluster, whose nodes see the results and data folders under the same paths.

    A folder with jobs is accepted: jobs of the same packs are rejoined, and jobs of other packs are refused when the
    packs are known.

    Args:
        options: Options for Slurm.
        patience: As for `run_packs`.
    """
    return Executor(
        says=f"as Slurm jobs, at most {options.max_jobs} at once,",
        threads=1,
        noted={"executor": "slurm"},
        run=partial(run_on_slurm, options=options, patience=patience),
        check_folder=refuse_unsubmittable,
        after_interrupt="The jobs stay in the queue. The same command follows them again; `status` shows them.",
    )
