"""The types of option values, for argparse: functions from the text on the command line to the value."""

import argparse
import math
import re
from pathlib import Path


def path(text: str) -> Path:
    """Read a path; a leading ~ is the home folder also where no shell has expanded it (--out=~/x).

    Raises:
        ArgumentTypeError: The text is empty, or there is no such home folder.
    """
    try:
        return Path(given(text)).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r}: no home folder of that name") from None


def given(text: str) -> str:
    """Read a text that is not empty.

    An empty one may come from an unset variable in a script, which asks neither for the default nor for the current
    folder.

    Raises:
        ArgumentTypeError: The text is empty or blank.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a value, or leave it out")
    return text


def slurm_name(text: str) -> str:
    """Read the name of something that Slurm knows, such as a partition.

    Raises:
        ArgumentTypeError: The text is empty or has a character that no such name has.
    """
    if not given(text).isprintable() or set(" '\"\\`$#%") & set(text):
        raise argparse.ArgumentTypeError(f"{text!r} is nothing that Slurm could call so")
    return text


def slurm_memory(text: str) -> str:
    """Read an amount of memory for Slurm, a whole number with a unit, such as 16G.

    Raises:
        ArgumentTypeError: The text is no such amount.
    """
    if not re.fullmatch("[1-9][0-9]*[KMGT]", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number with a unit, K, M, G or T, such as 16G")
    return text


def positive_number(text: str) -> float:
    """Read a finite number above 0.

    Raises:
        ArgumentTypeError: The text is no such number.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above 0")
    return value


def positive(text: str) -> int:
    """Read a whole number of at least 1.

    Raises:
        ArgumentTypeError: The text is no such number.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)
