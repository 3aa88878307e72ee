"""A sign of life while a command works: a spinner in a terminal, elsewhere a line after every silence."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console

from benchmark.output import OutputLost

SECONDS_BETWEEN_LINES = 9.0  # so that with the look every second a reader waits for at most ten


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Says now and then what a command is doing, from a thread of its own, since the work itself may take long.

    Args:
        console: Where the lines are written.
        clock: Seconds on any monotonic scale.

    Attributes:
        console: As above.
        says: Makes the line that is written whenever nothing has been said for SECONDS_BETWEEN_LINES; None for silence.
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
        """Tell of some work while it lasts: as a spinner in a terminal, else by lines with the seconds it has taken."""
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
        """Write a line now, after which none is due for a while.

        Raises:
            OutputLost: The output cannot be written any more.
        """
        self.check()
        self._last_line = self._clock()
        self.console.print(line)

    def beat(self) -> None:
        """Write a line if one is due."""
        if (says := self.says) and self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self.say(says())

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            try:
                self.beat()
            except OutputLost as lost:  # which the main thread has to end by
                self._lost = lost
                return

    def check(self) -> None:
        """Raise what befell the thread.

        Raises:
            OutputLost: The output cannot be written any more.
        """
        if self._lost:
            raise self._lost


def can_redraw(console: Console) -> bool:
    """Whether a console is a terminal that can redraw its last lines."""
    return console.is_terminal and not console.is_dumb_terminal
