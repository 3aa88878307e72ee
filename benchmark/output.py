"""Standard output and error streams that accept every character in any encoding and report failed writes."""

import codecs
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

from rich.console import Console

# Replacements for characters that have no decomposition into ASCII letters.
_STAND_INS = {
    "±": "+-", "×": "x", "†": "#", "·": "*", "•": "*", "−": "-", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"',
    "”": '"', "→": "->", "↑": "^", "↓": "v", "≤": "<=", "≥": ">=", "≠": "!=", "✓": "yes", "✗": "no", "§": "Sec. ",
    "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda", "μ": "mu", "σ": "sigma", "Σ": "Sigma", "τ": "tau",
    "χ": "chi", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i",
}  # fmt: skip
_ERRORS = "stand-in"


class OutputLost(Exception):
    """Standard output can no longer be written.

    Attributes:
        reader_left: True if the reader of a pipe has ended, False for other causes such as a full disk.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.reader_left = isinstance(error, BrokenPipeError)


class _Output:
    """Standard output whose write errors are raised as OutputLost, to tell them from those of other files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._checked():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._checked():
            self._stream.flush()

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _discard(self._stream)
            raise OutputLost(error) from None


@contextmanager
def standard_output() -> Iterator[None]:
    """Make sys.stdout and sys.stderr accept every character within the block, and flush sys.stdout at its end.

    Raises:
        OutputLost: Standard output cannot be written (a full disk, or a reader that has ended).
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


def print_error(line: str) -> None:
    """Print one line on standard error; do nothing if that fails, because the exit status also reports the error."""
    try:
        print(f"benchmark: {line}", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def replace_closed_streams() -> None:
    """Open the null device in place of every standard stream that is closed (`2>&-`).

    Otherwise the first opened files would get their descriptors, and libraries' output would be written into those
    files.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free descriptor: `number`


def plain_console() -> Console:
    """Make a console that prints text literally, with colour only on a terminal, regardless of FORCE_COLOR."""
    # rich would interpret brackets, as in [procedural] or [a], as markup and drop them.
    return Console(soft_wrap=True, markup=False, highlight=False, force_terminal=sys.stdout.isatty())


def _discard(stream: TextIO) -> None:
    """Redirect the stream's file to the null device, because Python flushes it again at exit."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace one character that an encoding lacks; restore a byte of a file name that could not be decoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _STAND_INS.get(character) or plain or "?", error.start + 1


codecs.register_error(_ERRORS, _stand_in)
