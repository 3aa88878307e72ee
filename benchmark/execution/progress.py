"""Progress of a study: live bars in a terminal, plain lines elsewhere."""

import time
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from benchmark.execution.packs import Pack
from benchmark.execution.worker_processes import Event
from benchmark.results.records import OK

SECONDS_BETWEEN_LINES = 15
LEAST_WIDTH_OF_BARS = 60


class BarProgress(AbstractContextManager["BarProgress"]):
    """A live view: one bar for the study, one for the epochs of every pack in training.

    Args:
        console: Where the bars are drawn.
        total: Trials of the study still to do.
    """

    def __init__(self, console: Console, total: int):
        # Where there is little room the name is wrapped, and no number is cut.
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(overflow="fold")),
            BarColumn(bar_width=10),
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(str(total)) + 1)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=len("0:00:00"))),
            console=console,
        )
        self._study = self._progress.add_task("trials", total=total)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> "BarProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Bring the bars up to date with an event."""
        name = str(event.what)
        if event.kind == "finished":
            self._progress.advance(self._study)
            if event.value != OK:
                self._progress.console.print(f"{name}: {event.value}")
        elif isinstance(event.what, Pack):
            first = event.what.trials[0]
            if event.kind == "started":
                self._bars[first.key] = self._progress.add_task(f"  {name}: epochs", total=first.training.epochs)
            elif event.kind == "epoch":
                self._progress.update(self._bars[first.key], completed=int(event.value))
            else:
                self._progress.remove_task(self._bars.pop(first.key))


class LineProgress(AbstractContextManager["LineProgress"]):
    """A line every quarter of a minute in which something happened, and one for each trial that did not end well.

    Args:
        console: Where the lines are written.
        total: Trials of the study still to do.
    """

    def __init__(self, console: Console, total: int):
        self._console, self._total, self._done = console, total, 0
        self._started = self._last_line = time.monotonic()

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: Event) -> None:
        """Write a line for an event where one is due."""
        now = time.monotonic()
        due = now - self._last_line >= SECONDS_BETWEEN_LINES
        if event.kind == "epoch" and due and isinstance(event.what, Pack):
            self._last_line = now
            self._line(f"{event.what}: {event.value} of {event.what.trials[0].training.epochs} epochs")
        if event.kind != "finished":
            return
        self._done += 1
        if event.value != OK:
            self._line(f"{event.what}: {event.value}")
        if due or self._done == self._total:
            self._last_line = now
            left = (now - self._started) / self._done * (self._total - self._done)
            self._line(f"{self._done}/{self._total} trials done, about {minutes(left)} left")

    def _line(self, text: str) -> None:
        self._console.print(text)


def progress_view(console: Console, total: int) -> BarProgress | LineProgress:
    """Choose the view that fits a console.

    Bars need a terminal that can redraw them and is wide enough for their names.

    Args:
        console: Where progress is shown.
        total: Trials of the study still to do.
    """
    drawn = console.is_terminal and not console.is_dumb_terminal and console.width >= LEAST_WIDTH_OF_BARS
    return (BarProgress if drawn else LineProgress)(console, total)


def minutes(seconds: float) -> str:
    """Format a duration for the user: "40 s", "12 min", "3.5 h".

    Args:
        seconds: The duration.
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
