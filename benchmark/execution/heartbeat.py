"""Progress messages while a command works: a spinner in a terminal, elsewhere a line after each period of silence."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console

from benchmark.output import OutputLost

SECONDS_BETWEEN_LINES = 9.0  # checked every second, so a reader waits for at most ten


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Prints from time to time what a command is doing, from its own thread, because the work may block for long.

    Args:
        console: The console to print on.
        clock: Returns seconds on a monotonic scale.

    Attributes:
        console: The console to print on.
        says: Makes the line printed after SECONDS_BETWEEN_LINES without output; None prints nothing.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic):
        self.console, self._clock = console, clock
        self.says: Callable[[], str] | None = None
        self._last_line = clock()
        self._lost: OutputLost | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.check()

    @contextmanager
    def during(self, work: str) -> Iterator[None]:
        """Report work while it lasts: with a spinner in a terminal, otherwise by lines with the seconds elapsed."""
        if can_redraw(self.console):
            with self.console.status(f"{work} ..."):
                yield
            return
        started = self._clock()
        self.says = lambda: f"{work}, {self._clock() - started:.0f} s"
        try:
            yield
        finally:
            self.says = None

    def say(self, line: str) -> None:
        """Print a line now, which also restarts the period of silence.

        Raises:
            OutputLost: The output can no longer be written.
        """
        self.check()
        self._last_line = self._clock()
        self.console.print(line)

    def beat(self) -> None:
        """Print a line if it is due."""
        if (says := self.says) and self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self.say(says())

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            try:
                self.beat()
            except OutputLost as lost:  # `check` raises it in the main thread
                self._lost = lost
                return

    def check(self) -> None:
        """Raise the error that ended the thread, if any.

        Raises:
            OutputLost: The output can no longer be written.
        """
        if self._lost:
            raise self._lost


def can_redraw(console: Console) -> bool:
    """Return whether a console is a terminal that can redraw its last lines."""
    return console.is_terminal and not console.is_dumb_terminal
