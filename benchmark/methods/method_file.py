"""Methods from a user's own file, `--method-file`: what it must hold, and how its methods join the others."""

import dataclasses
import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from benchmark.errors import UserError
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import Method
from benchmark.text import first_line

ENTRIES = "METHODS"  # what the file must define: its Method entries


def add_methods(files: Iterable[Path]) -> None:
    """Run method files and add what they register to ALL_METHODS, each method with the digest of its file's code.

    A file that has been added already is not run again.

    Args:
        files: Python files, each of which defines `METHODS`, a list or tuple of `Method`.

    Raises:
        UserError: A file cannot be read or run, registers nothing, or has a method that does not fit.
    """
    for file in files:
        try:
            code = file.read_bytes()
        except OSError as error:
            raise UserError(f"--method-file {file}: {error.strerror}") from None
        digest = hashlib.sha256(code).hexdigest()
        if any(method.source == digest for method in ALL_METHODS.values()):
            continue
        for method in _entries(file, code, digest):
            if method.name in ALL_METHODS:
                raise UserError(f"--method-file {file}: there is a method {method.name} already; give another name")
            if method.label in {other.label for other in ALL_METHODS.values()}:
                raise UserError(f"--method-file {file}: there is a label {method.label!r} already; give another")
            ALL_METHODS[method.name] = dataclasses.replace(method, source=digest)


def _entries(file: Path, code: bytes, digest: str) -> list[Method]:
    """The methods that a file registers, each with settings that its configuration takes."""
    name = f"method_file_{digest[:16]}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # where dataclasses look up the names in their annotations
    try:
        exec(compile(code, str(file), "exec"), module.__dict__)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise UserError(f"--method-file {file}: {where}{error.msg}") from None
    except (Exception, SystemExit) as error:
        raise UserError(f"--method-file {file}: {type(error).__name__}: {first_line(error)}") from None
    entries = getattr(module, ENTRIES, ())
    if not isinstance(entries, list | tuple) or not entries or not all(isinstance(one, Method) for one in entries):
        raise UserError(f"--method-file {file}: defines no {ENTRIES}, a list of Method; see docs/extending.md")
    for method in entries:
        if not re.fullmatch("[a-z][a-z0-9_]*", method.name):
            raise UserError(f"--method-file {file}: name {method.name!r}: use a-z, 0-9 and _, and begin with a letter")
        if "default" not in method.weights:
            raise UserError(f"--method-file {file}: {method.name}: weights has no set default")
        for weight_set in method.weights:
            try:
                method.settings(weight_set)
            except UserError as error:
                raise UserError(f"--method-file {file}: {error}") from None
    return list(entries)
