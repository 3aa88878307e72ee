"""Progress of a study: live bars in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from benchmark.execution.heartbeat import Heartbeat, can_redraw
from benchmark.execution.packs import Pack
from benchmark.execution.time_left import TimeLeft
from benchmark.execution.worker_processes import Event
from benchmark.results.records import OK
from benchmark.text import minutes

LEAST_WIDTH_OF_BARS = 60


class _Times(ProgressColumn):
    """Elapsed and remaining time, shown only for the first bar, that of the study."""

    max_refresh = 1.0  # seconds

    def __init__(self, left: Callable[[], float | None]):
        super().__init__(Column(no_wrap=True))
        self._left = left

    def render(self, task: Task) -> Text:
        if task.id:
            return Text("")
        return Text(f"{_clock_time(task.elapsed or 0)}{_about(self._left())}")


class BarProgress(AbstractContextManager["BarProgress"]):
    """A live view: one bar for the study, and one for the epochs of every pack in training.

    Args:
        heartbeat: Provides the console on which the bars are drawn.
        state: Forecast for the remaining trials.
        clock: Returns seconds on a monotonic scale.
    """

    def __init__(self, heartbeat: Heartbeat, state: TimeLeft, clock: Callable[[], float] = time.monotonic):
        self._state, self._clock = state, clock
        total = self._state.total
        # If space is short, the name wraps, and no number is truncated.
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(overflow="fold")),
            BarColumn(bar_width=10),
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(str(total)) + 1)),
            _Times(lambda: self._state.seconds(clock())),
            console=heartbeat.console,
        )
        self._study = self._progress.add_task("trials", total=total)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> "BarProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Update the bars after an event."""
        self._state.see(event, self._clock())
        name = str(event.what)
        if event.kind == "finished":
            self._progress.advance(self._study)
            if event.value != OK:
                self._progress.console.print(f"{name}: {event.value}")
        elif isinstance(event.what, Pack):
            first = event.what.trials[0]
            if event.kind == "started":
                self._bars[first.key] = self._progress.add_task(f"  {name}: epochs", total=first.epochs)
            elif event.kind == "epoch":
                self._progress.update(self._bars[first.key], completed=int(event.value))
            else:
                self._progress.remove_task(self._bars.pop(first.key))


class LineProgress(AbstractContextManager["LineProgress"]):
    """Plain lines: one on the study after each period of silence, and one for each trial that did not end well.

    Args:
        heartbeat: Prints the lines.
        state: Forecast for the remaining trials.
        clock: Returns seconds on a monotonic scale.
    """

    def __init__(self, heartbeat: Heartbeat, state: TimeLeft, clock: Callable[[], float] = time.monotonic):
        self._heartbeat, self._state, self._clock = heartbeat, state, clock
        self._started = clock()

    def __enter__(self) -> "LineProgress":
        self._heartbeat.says = self.line
        return self

    def __exit__(self, *_: object) -> None:
        self._heartbeat.says = None

    def show(self, event: Event) -> None:
        """Record an event; print a line if a trial did not end well, and after the last trial."""
        self._heartbeat.check()
        self._state.see(event, self._clock())
        if event.kind != "finished":
            return
        if event.value != OK:
            self._heartbeat.say(f"{event.what}: {event.value}")
        if self._state.done == self._state.total:
            self._heartbeat.say(self.line())

    def line(self) -> str:
        """Return the study's progress, such as "3:05 12/60 trials, 2 training, 1 evaluating, about 4 min left"."""
        now, state = self._clock(), self._state
        at_work = [
            f"{number} {doing}"
            for number, doing in ((state.training, "training"), (state.evaluating, "evaluating"))
            if number
        ]
        if not at_work and not state.done:
            at_work = ["processes start"]
        left = _about(state.seconds(now)) if state.done < state.total else ""
        return f"{_clock_time(now - self._started)} {', '.join([f'{state.done}/{state.total} trials', *at_work])}{left}"


def progress_view(
    heartbeat: Heartbeat, packs: Sequence[Pack], metric_seconds: Mapping[str, float] = MappingProxyType({})
) -> BarProgress | LineProgress:
    """Choose the view that suits a console.

    Bars need a terminal that can redraw lines and is wide enough for their names.

    Args:
        heartbeat: Provides the console on which progress is shown.
        packs: The packs still to be run.
        metric_seconds: As for `TimeLeft`.
    """
    drawn = can_redraw(heartbeat.console) and heartbeat.console.width >= LEAST_WIDTH_OF_BARS
    return (BarProgress if drawn else LineProgress)(heartbeat, TimeLeft(packs, metric_seconds))


def _about(left: float | None) -> str:
    return "" if left is None else f", about {minutes(left)} left"


def _clock_time(seconds: float) -> str:
    """Format a duration to the second: "0:09", "12:05", "3:30:00"."""
    whole_minutes, rest = divmod(int(seconds), 60)
    hours, of_hour = divmod(whole_minutes, 60)
    return f"{hours}:{of_hour:02d}:{rest:02d}" if hours else f"{of_hour}:{rest:02d}"
