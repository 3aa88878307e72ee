"""The audit's worker processes, each of which loads and scores trials in turn; the parent writes the results."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.audit.audit_trial import audited
from benchmark.evaluation.context import EvaluationContext
from benchmark.execution.fork_server import ignore_signals, worker_context
from benchmark.execution.numerics import set_numerics
from benchmark.execution.stored_models import Images, NotAvailable, images_in, stored_model
from benchmark.execution.worker_loop import end_with_parent
from benchmark.methods.method_file import add_methods
from benchmark.results.records import Identity
from benchmark.text import short_message


@dataclass(frozen=True)
class StoredTrial:
    """One trial to audit.

    Attributes:
        key: The trial's key.
        identity: Its identity.
        checkpoint: The file of its weights.
    """

    key: str
    identity: Identity
    checkpoint: Path


@dataclass(frozen=True)
class AuditEnd:
    """The outcome of one trial's audit.

    Attributes:
        key: The trial's key.
        found: The result of `audited`; None if the audit failed.
        reason: The reason of a failure, in one line.
    """

    key: str
    found: Mapping[str, Any] | None
    reason: str = ""


def audit_trials(
    trials: Sequence[StoredTrial],
    context: EvaluationContext,
    data_dir: Path,
    jobs: int,
    method_files: Sequence[Path] = (),
) -> Iterator[AuditEnd]:
    """Audit trials in parallel; a failure does not stop the others.

    Args:
        trials: The trials.
        context: The device, and the location of pretrained weights.
        data_dir: The data folder; nothing is downloaded.
        jobs: Maximum number of processes, at least 1.
        method_files: Python files with the user's own methods.

    Yields:
        The outcome of each trial's audit, in order of completion.
    """
    if not trials:
        return
    pool = ProcessPoolExecutor(
        min(jobs, len(trials)),
        worker_context(),
        initializer=_prepare,
        initargs=(context.device, method_files),
    )
    ended = False
    try:
        tasks = {pool.submit(_audit, trial, context, data_dir): trial for trial in trials}
        for task in as_completed(tasks):
            try:
                yield task.result()
            except BrokenProcessPool:
                yield AuditEnd(
                    tasks[task].key, None, "a worker process was killed; the same command continues from here"
                )
        ended = True
    finally:
        pool.shutdown(wait=ended, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.kill()


def _prepare(device: str, method_files: Sequence[Path]) -> None:
    ignore_signals({signal.SIGINT})  # the parent ends its workers, through the pool by SIGTERM
    threading.Thread(target=end_with_parent, daemon=True).start()
    add_methods(method_files)
    set_numerics(device, threads=1)  # whatever a method file may have set


def _audit(trial: StoredTrial, context: EvaluationContext, data_dir: Path) -> AuditEnd:
    try:
        dataset = _images(data_dir)(trial.identity)
        model = stored_model(trial.identity, trial.checkpoint)
        return AuditEnd(trial.key, audited(trial.identity, model, dataset, context))
    except NotAvailable as reason:
        return AuditEnd(trial.key, None, str(reason))
    except Exception as error:  # an error in one trial must not stop the others
        return AuditEnd(trial.key, None, short_message(f"{type(error).__name__}: {error}"))


@cache
def _images(data_dir: Path) -> Images:
    """A cached loader of images, so that each process loads a data set once."""
    return images_in(data_dir, offline=True)
