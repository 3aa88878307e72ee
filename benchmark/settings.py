"""Settings as the plain data that a trial's name is hashed from.

A setting that is added when records exist already must not rename them: it counts from the first time that it departs
from what was always done.
"""

import dataclasses
from typing import Any

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
