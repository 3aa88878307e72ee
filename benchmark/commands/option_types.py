"""What an option's text must be, as argparse's types: each returns the value, or raises ArgumentTypeError."""

import argparse
import re
from pathlib import Path


def path(text: str) -> Path:
    """A leading ~ is the home also where no shell has seen it (--out=~/x)."""
    try:
        return Path(given(text)).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r}: no home folder of that name") from None


def given(text: str) -> str:
    """An unset variable in a script is no wish for the default, nor for the folder where it runs."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a value, or leave it out")
    return text


def slurm_name(text: str) -> str:
    if not given(text).isprintable() or set(" '\"\\`$#%") & set(text):
        raise argparse.ArgumentTypeError(f"{text!r} is nothing that Slurm could call so")
    return text


def slurm_memory(text: str) -> str:
    if not re.fullmatch("[1-9][0-9]*[KMGT]", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number with a unit, K, M, G or T, such as 16G")
    return text


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)
