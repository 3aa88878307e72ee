"""Methods from a user's own file (`--method-file`): its required content, and the registration of its methods."""

import dataclasses
import hashlib
import json
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from benchmark.errors import UserError
from benchmark.fields import Check, invalid_field, is_text, object_of, or_none, whole
from benchmark.methods.card_texts import Card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.look import Look
from benchmark.methods.own_training import OwnTraining
from benchmark.methods.registry import METHODS, Method
from benchmark.settings import unknown_name
from benchmark.text import first_line, folded
from models.base import ImageAutoencoder

ENTRIES = "METHODS"  # the name that the file must define: a list of Method
_LATENT_DIM = 2  # for a configuration made only to check that an entry's functions accept it
_SETTINGS: Check = object_of(lambda value: True)


def _is_empty_or_base(value: object) -> bool:
    return is_text(value) and (value == "" or value in METHODS)


_ENTRY: Mapping[str, Check] = {
    "label": lambda label: is_text(label) and label.strip() != "" and label.isprintable(),
    "heads": callable,
    "fixed": _SETTINGS,
    "weights": object_of(_SETTINGS),
    "networks": or_none(callable),
    "revision": whole(1),
    "residual_hidden": whole(),
    "training": lambda own: isinstance(own, OwnTraining),
    "changes": _SETTINGS,
    "calibrated_as": _is_empty_or_base,
    "control_of": _is_empty_or_base,
    "change": is_text,
    "card": or_none(lambda card: isinstance(card, Card)),
    "look": or_none(lambda look: isinstance(look, Look)),
}


def add_methods(files: Iterable[Path]) -> None:
    """Run method files and add their methods to ALL_METHODS, each with the SHA-256 of its file.

    A file that has already been added is not run again.

    Args:
        files: Python files that define `METHODS`, a list or tuple of `Method`.

    Raises:
        UserError: A file cannot be read or run, defines no methods, or has an invalid method or one whose name or label
            another method has.
    """
    added: dict[str, Path] = {}
    for file in files:
        try:
            code = file.read_bytes()
        except OSError as error:
            raise UserError(f"--method-file {file}: {error.strerror}") from None
        digest = hashlib.sha256(code).hexdigest()
        if any(method.source == digest for method in ALL_METHODS.values()):
            continue
        for method in _entries(file, code, digest):
            _check_unlike_others(method, file)
            ALL_METHODS[method.name] = dataclasses.replace(method, source=digest)
            added[method.name] = file
    for name, file in added.items():  # only after all are added, because a warm start may name another
        try:
            _check_training(ALL_METHODS[name])
        except UserError as error:
            for one in added:
                del ALL_METHODS[one]
            raise UserError(f"--method-file {file}: {error}") from None


def _check_unlike_others(method: Method, file: Path) -> None:
    """Raise UserError if a method's name or label is a spelling of another method's, as `benchmark.names` reads it."""
    spellings = {folded(written): other for other in ALL_METHODS.values() for written in (other.name, other.label)}
    for what, written in (("name", method.name), ("label", method.label)):
        if other := spellings.get(folded(written)):
            raise UserError(
                f"--method-file {file}: the {what} {written!r} is a spelling of {other.name} ({other.label}); "
                f"give another {what}"
            )


def _entries(file: Path, code: bytes, digest: str) -> list[Method]:
    """Run a file and return its methods after checking each."""
    name = f"method_file_{digest[:16]}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # because dataclasses look up the names in their annotations there
    try:
        with _importable(file.resolve().parent):
            exec(compile(code, str(file), "exec"), module.__dict__)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise UserError(f"--method-file {file}: {where}{error.msg}") from None
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        where = f"line {lines[-1]}: " if lines else ""
        raise UserError(f"--method-file {file}: {where}{type(error).__name__}: {first_line(error)}") from None
    entries = getattr(module, ENTRIES, ())
    if not isinstance(entries, list | tuple) or not entries or not all(isinstance(one, Method) for one in entries):
        raise UserError(f"--method-file {file}: defines no {ENTRIES}, a list of Method; see docs/extending.md")
    for method in entries:
        _check_entry(method, file)
    return list(entries)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the modules in a folder be imported within the block; installed ones and the suite's own come first."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _check_entry(method: Method, file: Path) -> None:
    """Raise UserError for a method from which no model can be built."""
    if not is_text(method.name) or not re.fullmatch("[a-z][a-z0-9_]{0,63}", method.name):
        raise UserError(
            f"--method-file {file}: name {method.name!r}: use at most 64 of the characters a-z, 0-9 and _, and begin "
            "with a letter"
        )
    where = f"--method-file {file}: {method.name}"
    if unfit := invalid_field(vars(method), _ENTRY):
        raise UserError(f"{where}: {unfit} cannot be {vars(method)[unfit]!r}; see benchmark.methods.registry.Method")
    if "default" not in method.weights:
        raise UserError(f"{where}: `weights` has no set `default`")
    if method.look and (fault := _look_fault(method.look)):
        raise UserError(f"{where}: look: {fault}")
    try:
        if not issubclass(method.model_class, ImageAutoencoder):
            raise TypeError(f"model {method.model_class.__name__} is not an ImageAutoencoder")
        if _lacks_decorator(method.config_class):
            raise TypeError(f"configuration {method.config_class.__name__} needs @dataclass(config=AS_DECLARED)")
        for weight_set in method.weights:
            settings = method.settings(weight_set)
            json.dumps(settings, allow_nan=False)  # because they are hashed as JSON
            if method.card and (unknown := sorted(set(method.card.sources) - set(settings))):
                raise UserError(f"method {method.name}, card: {unknown_name(unknown[0], settings)}")
            if not _are_heads(heads := _heads_of(method, weight_set)):
                raise UserError(f"{method.name}: heads must map names to sizes of at least 1, not {heads!r}")
    except UserError as error:
        raise UserError(f"--method-file {file}: {error}") from None
    except Exception as error:  # a user's own code may raise anything
        raise UserError(f"{where}: {type(error).__name__}: {first_line(error)}") from None


def _lacks_decorator(config: type) -> bool:
    """Whether a subclass of a dataclass declares fields without being one: these could not be set, nor be in a key."""
    return bool(vars(config).get("__annotations__")) and "__dataclass_fields__" not in vars(config)


def _look_fault(look: Look) -> str:
    """Return what matplotlib says against a colour, marker or line; "" if it can draw them."""
    from matplotlib.lines import Line2D  # imported late, because most commands draw nothing

    try:
        Line2D([], []).set(color=look.colour, marker=look.marker, linestyle=look.line)
    except (TypeError, ValueError) as error:
        return first_line(error)
    return ""


def _are_heads(value: object) -> bool:
    return bool(value) and object_of(whole(1))(value)


def _heads_of(method: Method, weight_set: str = "default") -> Mapping[str, int]:
    configuration = method.configuration(method.settings(weight_set), input_dim=(1, 32, 32), latent_dim=_LATENT_DIM)
    return method.heads(configuration)


def _check_training(method: Method) -> None:
    """Raise UserError for an unknown method or head in a warm start; training settings are checked with a study's."""
    own, where = method.training, f"method {method.name}, training"
    if not own.after:
        return
    if own.after not in ALL_METHODS:
        raise UserError(f"{where}: after: {unknown_name(own.after, ALL_METHODS)}")
    for names, known in ((own.heads, _heads_of(method)), (own.heads.values(), _heads_of(ALL_METHODS[own.after]))):
        for name in names:
            if name not in known:
                raise UserError(f"{where}: heads: {unknown_name(name, known)}")
