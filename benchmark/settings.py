"""Settings as the plain data that a trial's name is hashed from.

A setting that is added when records exist already must not rename them: it counts from the first time that it departs
from what was always done. A setting that a dataclass does not have is refused by name: pydantic's would drop it and go
on with the default.
"""

import dataclasses
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from benchmark.errors import UserError

_AT_DEFAULT_AS_BEFORE = "at_default_as_before"


def added_later(default: Any) -> Any:
    """A dataclass field that came after records were made, whose default is what the code did until then."""
    return dataclasses.field(default=default, metadata={_AT_DEFAULT_AS_BEFORE: True})


def plain_settings(settings: Any) -> dict[str, Any]:
    """A flat dataclass of settings as a dict, without fields `added_later` that are at their default."""
    return {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if not (field.metadata.get(_AT_DEFAULT_AS_BEFORE) and getattr(settings, field.name) == field.default)
    }


def check_settings(kind: type, settings: Mapping[str, Any], where: str, apart: Collection[str] = ()) -> None:
    """Raises UserError, `where` in front, for a name that the dataclass `kind` does not have or that is set `apart`,
    and for a value that its field does not take as it stands.

    A field of floats takes finite numbers, whole ones too; neither "0.05" nor True is a number, nor 2.0 a whole one.
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


def unknown_name(name: str, known: Collection[str]) -> str:
    """What to say of a name that is not among those known: the nearest of them, or all."""
    near = get_close_matches(str(name), known, n=1)
    return f"there is no {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}")


@cache
def _values(kind: type) -> dict[str, TypeAdapter]:
    """What the fields of a dataclass that can be given take, by name."""
    hints = get_type_hints(kind, include_extras=True)
    finite = ConfigDict(allow_inf_nan=False)
    return {
        field.name: TypeAdapter(hints[field.name], config=finite) for field in dataclasses.fields(kind) if field.init
    }
