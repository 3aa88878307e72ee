"""Settings as plain data, from which a trial's key is hashed, and their validation.

A setting added when records already exist must not change their keys. It is therefore hashed only if it differs from
its default, which describes what the code did before. Unknown settings are errors, whereas pydantic's own dataclasses
would ignore them.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from benchmark.errors import UserError

if TYPE_CHECKING:  # the protocol of all dataclasses exists for type checkers only
    from _typeshed import DataclassInstance

_AT_DEFAULT_AS_BEFORE = "at_default_as_before"


def added_later(default: Any) -> Any:
    """Declare a dataclass field that was added after records existed.

    Args:
        default: The value that describes what the code did before the field existed.

    Returns:
        The field, typed Any because `dataclasses.field` is annotated with the type of its default.
    """
    return dataclasses.field(default=default, metadata={_AT_DEFAULT_AS_BEFORE: True})


def plain_settings(settings: "DataclassInstance") -> dict[str, Any]:
    """Return a flat dataclass of settings as a dict, without `added_later` fields that equal their default."""
    return {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if not (field.metadata.get(_AT_DEFAULT_AS_BEFORE) and getattr(settings, field.name) == field.default)
    }


def check_settings(
    kind: "type[DataclassInstance]", settings: Mapping[str, Any], where: str, apart: Collection[str] = ()
) -> None:
    """Check settings against the fields of a dataclass, without converting any value.

    Float fields accept finite numbers and integers, but neither "0.05" nor True; integer fields do not accept 2.0.

    Args:
        kind: The dataclass.
        settings: Values by field name.
        where: What the settings belong to; the error message begins with it.
        apart: Fields that may not be given because they are set elsewhere.

    Raises:
        UserError: A name is unknown or may not be given, or a value does not fit its field.
    """
    values = {name: adapter for name, adapter in _values(kind).items() if name not in apart}
    for name, value in settings.items():
        if not values:
            raise UserError(f"{where}: {kind.__name__} has no settings, so no {name!r} either; is it a @dataclass?")
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
    """Parse the value of a setting according to the type of its field: a number, true, null, a [list], or a word.

    Args:
        kind: The dataclass.
        name: The field's name.
        text: The text that the user gave.
        where: What the setting belongs to; the error message begins with it.
        apart: Fields that may not be given because they are set elsewhere.

    Raises:
        UserError: The name is unknown or may not be given, or the text does not fit the field.
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
    """Return an error message for an unknown name that suggests the nearest known name, or else lists all of them."""
    near = get_close_matches(str(name), known, n=1)
    return f"there is no {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}")


@cache
def _values(kind: "type[DataclassInstance]") -> dict[str, TypeAdapter[Any]]:
    """Return the validators of a dataclass's init fields, by name."""
    hints = get_type_hints(kind, include_extras=True)
    finite = ConfigDict(allow_inf_nan=False)
    return {
        field.name: TypeAdapter(hints[field.name], config=finite) for field in dataclasses.fields(kind) if field.init
    }
