"""Types of option values for argparse: functions that convert text from the command line to a value."""

import argparse
import errno
import math
import re
from pathlib import Path


def path(text: str) -> Path:
    """Parse a path, expanding a leading ~ even if the shell has not (--out=~/x).

    Raises:
        ArgumentTypeError: The text is empty, there is no such home folder, or symbolic links lead in a circle.
    """
    try:
        found = Path(given(text)).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r}: no home folder with that name") from None
    try:
        found.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise argparse.ArgumentTypeError(f"{text!r}: its symbolic links lead in a circle; mend them") from None
    return found


def given(text: str) -> str:
    """Parse non-empty text.

    Empty text may come from unset variables in a script ("$A,$B"), which mean neither the default nor the current
    folder.

    Raises:
        ArgumentTypeError: The text has only blanks and commas.
    """
    if not text.replace(",", "").strip():
        raise argparse.ArgumentTypeError("is empty; give a value or omit the option")
    return text


def slurm_name(text: str) -> str:
    """Parse the name of a Slurm entity, such as a partition.

    Raises:
        ArgumentTypeError: The text is empty or has a character that is not allowed in such a name.
    """
    if not given(text).isprintable() or set(" '\"\\`$#%") & set(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a possible name in Slurm")
    return text


def slurm_memory(text: str) -> str:
    """Parse an amount of memory for Slurm, an integer with a unit, such as 16G.

    Raises:
        ArgumentTypeError: The text is not such an amount.
    """
    if not re.fullmatch("[1-9][0-9]*[KMGT]", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number with a unit, K, M, G or T, such as 16G")
    return text


def positive_number(text: str) -> float:
    """Parse a finite positive number.

    Raises:
        ArgumentTypeError: The text is not such a number.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above 0")
    return value


def positive(text: str) -> int:
    """Parse a positive integer of at most nine digits; times and sizes computed from a longer one would overflow.

    Raises:
        ArgumentTypeError: The text is not such an integer.
    """
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} must be a whole number of at least 1, of at most nine digits")
    return int(text)
