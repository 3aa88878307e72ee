"""An executor at work, as the terminal shows it."""

from rich.console import Console

from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.executors import Executor
from benchmark.execution.packs import Pack
from benchmark.execution.progress import progress_view
from benchmark.studies.grid import DataOptions


def watched(
    executor: Executor,
    packs: list[Pack],
    context: TrialContext,
    data: DataOptions,
    console: Console,
    strict: bool = False,
) -> int:
    """How many trials of the packs have come to an end; with `strict` the last may be the first that did not end well.

    Whoever ends it early is told what goes on without it.
    """
    goes_on = [executor.after_interrupt] if executor.after_interrupt else []
    ended = 0
    with progress_view(console, sum(len(pack.wanted) for pack in packs)) as view:
        try:
            for event in executor.run(packs, context, data):
                view.show(event)
                ended += event.kind == "finished"
                if strict and event.kind == "finished" and event.value != "ok":
                    stopped = f"--strict: stopped at {event.what}, which is {event.value}"
                    console.print(stopped, *goes_on, sep="\n")
                    break
        except KeyboardInterrupt:
            for line in goes_on:
                console.print(line)
            raise
    return ended
