"""Settings as the plain data that a trial's key is hashed from, and their validation.

A setting that is added when records exist already must not change their keys: it is hashed only where it differs from
its default, which is what the code did before. An unknown setting is refused by name; pydantic's own dataclasses would
drop it and continue with the default.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from benchmark.errors import UserError

if TYPE_CHECKING:  # the protocol of all dataclasses is known to type checkers alone
    from _typeshed import DataclassInstance

_AT_DEFAULT_AS_BEFORE = "at_default_as_before"


def added_later(default: Any) -> Any:
    """Declare a dataclass field that was added after records existed.

    Args:
        default: What the code did before the field existed.

    Returns:
        The field; typed Any, as `dataclasses.field` poses as its default's type.
    """
    return dataclasses.field(default=default, metadata={_AT_DEFAULT_AS_BEFORE: True})


def plain_settings(settings: "DataclassInstance") -> dict[str, Any]:
    """Return a flat dataclass of settings as a dict, without fields `added_later` that are at their default."""
    return {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if not (field.metadata.get(_AT_DEFAULT_AS_BEFORE) and getattr(settings, field.name) == field.default)
    }


def check_settings(
    kind: "type[DataclassInstance]", settings: Mapping[str, Any], where: str, apart: Collection[str] = ()
) -> None:
    """Check settings against the fields of a dataclass, without converting any value.

    A float field takes finite numbers, integers too; neither "0.05" nor True is a number, nor 2.0 an integer.

    Args:
        kind: The dataclass.
        settings: Values by field name.
        where: What the settings are of; the message of an error begins with it.
        apart: Fields that may not be given, because they are set elsewhere.

    Raises:
        UserError: A name is not a field that may be given, or a value does not fit its field.
    """
    values = {name: adapter for name, adapter in _values(kind).items() if name not in apart}
    for name, value in settings.items():
        if name not in values:
            raise UserError(f"{where}: {unknown_name(name, values)}")
        try:
            values[name].validate_python(value, strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise UserError(f"{where}: {name} = {value!r}: {reason[0].lower()}{reason[1:]}") from None


def parsed_setting(
    kind: "type[DataclassInstance]", name: str, text: str, where: str, apart: Collection[str] = ()
) -> Any:
    """Read the value of a setting from text, by the type of its field: a number, true, null, a [list], or a word.

    Args:
        kind: The dataclass.
        name: The field.
        text: What a user gave.
        where: As for `check_settings`.
        apart: As for `check_settings`.

    Raises:
        UserError: There is no such field that may be given, or the text is no value of it.
    """
    values = {name: adapter for name, adapter in _values(kind).items() if name not in apart}
    if name not in values:
        raise UserError(f"{where}: {unknown_name(name, values)}")
    try:
        json.loads(text)
    except ValueError:
        text = json.dumps(text)
    try:
        return values[name].validate_json(text, strict=True)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UserError(f"{where}: {reason[0].lower()}{reason[1:]}") from None


def unknown_name(name: str, known: Collection[str]) -> str:
    """Word the error for an unknown name: it suggests the nearest of the known names, or lists them all."""
    near = get_close_matches(str(name), known, n=1)
    return f"there is no {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}")


@cache
def _values(kind: "type[DataclassInstance]") -> dict[str, TypeAdapter[Any]]:
    """The validators of a dataclass's init fields, by name."""
    hints = get_type_hints(kind, include_extras=True)
    finite = ConfigDict(allow_inf_nan=False)
    return {
        field.name: TypeAdapter(hints[field.name], config=finite) for field in dataclasses.fields(kind) if field.init
    }
