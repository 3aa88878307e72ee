"""Running an executor with its progress shown in the terminal."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.executors import Executor
from benchmark.execution.heartbeat import Heartbeat
from benchmark.execution.packs import Pack
from benchmark.execution.progress import progress_view
from benchmark.execution.worker_processes import Event
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions


def watched(
    executor: Executor,
    packs: list[Pack],
    context: TrialContext,
    data: DataOptions,
    heartbeat: Heartbeat,
    strict: bool = False,
    metric_seconds: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[Event]:
    """Run packs and show their progress; if stopped early, print what continues without this process.

    Args:
        executor: The executor that runs them.
        packs: The packs.
        context: Where and how trials run.
        data: How their images are found.
        heartbeat: Shows the progress.
        strict: Whether to stop at the first trial that does not end well.
        metric_seconds: As for `TimeLeft`.

    Yields:
        The event of each trial that has ended.

    Raises:
        KeyboardInterrupt: The user has pressed Ctrl-C.
        UserError: The results folder has been moved or removed.
    """
    continuing = [executor.after_interrupt] if executor.after_interrupt else []
    lock = Store(context.out).lock_path
    with progress_view(heartbeat, packs, metric_seconds) as view:
        try:
            for event in executor.run(packs, context, data):
                if not lock.exists():  # its writers would make the folder again, with the results since then alone
                    raise UserError(
                        f"{context.out}: was moved or removed during this run; move it back, then start the same "
                        "command again"
                    )
                view.show(event)
                if event.kind != "finished":
                    continue
                yield event
                if strict and event.value != "ok":
                    stopped = f"--strict: stopped at {event.what}: {event.value}"
                    heartbeat.console.print(stopped, *continuing, sep="\n")
                    break
        except KeyboardInterrupt:
            for line in continuing:
                heartbeat.console.print(line)
            raise
