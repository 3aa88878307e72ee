"""Standard output and error: every encoding takes what is printed, and an output that takes no more says so."""

import codecs
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

from rich.console import Console

# For what has no decomposition into ASCII letters and means something here.
_STAND_INS = {
    "±": "+-", "×": "x", "†": "#", "·": "*", "•": "*", "−": "-", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"',
    "”": '"', "→": "->", "↑": "^", "↓": "v", "≤": "<=", "≥": ">=", "≠": "!=", "✓": "yes", "✗": "no", "§": "Sec. ",
    "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda", "μ": "mu", "σ": "sigma", "Σ": "Sigma", "τ": "tau",
    "χ": "chi", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i",
}  # fmt: skip
_ERRORS = "stand-in"


class OutputLost(Exception):
    """Standard output takes no more."""

    def __init__(self, error: OSError):
        super().__init__(error.strerror or str(error))
        self.reader_left = isinstance(error, BrokenPipeError)


class _Output:
    """Standard output that tells its own failures from those of files."""

    def __init__(self, stream: Any):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._lost():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._lost():
            self._stream.flush()

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _discard(self._stream)
            raise OutputLost(error) from None


@contextmanager
def standard_output() -> Iterator[None]:
    """Within the block sys.stdout and sys.stderr take every character, and at its end all of it is written.

    Raises OutputLost where standard output takes no more (a full disk, a reader that has left).
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)
    output = _Output(sys.stdout)
    with redirect_stdout(output):
        try:
            yield
        finally:
            output.flush()


def say_error(line: str) -> None:
    """One line on standard error; nowhere where that is lost, for the exit status says it too."""
    try:
        print(f"benchmark: {line}", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def hold_closed_streams() -> None:
    """Give the null device to those of the three standard streams that are closed (`2>&-`): the first files opened
    would have their numbers, and what a library prints would land there."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one


def plain_console() -> Console:
    """A console for text as it stands. In a file it writes as into a pipe, whatever FORCE_COLOR says."""
    # Brackets are text here: rich would take [procedural] or [a] for markup and swallow it.
    return Console(soft_wrap=True, markup=False, highlight=False, force_terminal=sys.stdout.isatty())


def _discard(stream: Any) -> None:
    """Let the stream's file be the null device, for Python flushes it once more at its end."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    """For one character that an encoding lacks; a byte of a file name that was no text is that byte again."""
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _STAND_INS.get(character) or plain or "?", error.start + 1


codecs.register_error(_ERRORS, _stand_in)
