"""Plain data that come from files: JSON that can be written again, and checks of what its fields hold.

A check is a function of a value that says whether it is what was meant; never does one raise.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Check = Callable[[Any], bool]
NONE: Mapping[str, Check] = MappingProxyType({})

LARGEST = 1e100  # of a number: squares, and sums of these, are floats still
LARGEST_WHOLE = 2**53
LONGEST_NAME = 200  # bytes: file systems have 255, of which endings and temporary names need some


def parse_json(text: str) -> Any:
    """The content of a JSON text.

    Raises ValueError for what is none, and for NaN, infinity, half a surrogate and too deep a nesting.
    """
    try:
        content = json.loads(text)
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    return content


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Finite, of at most LARGEST either way, and no boolean."""
    return isinstance(value, int | float) and not is_flag(value) and abs(value) <= LARGEST


def is_amount(value: Any) -> bool:
    return is_number(value) and value >= 0


def is_file_name(value: Any) -> bool:
    """Text that, with an ending, names a file in its folder and nothing elsewhere, and that can be printed."""
    if not is_text(value) or not value.isprintable() or value.startswith("."):
        return False
    return 0 < len(value.encode()) <= LONGEST_NAME and not {"/", "\\"} & set(value)


def whole(least: int = 0, most: int = LARGEST_WHOLE) -> Check:
    """A whole number from `least` to `most`, and no boolean."""
    return lambda value: isinstance(value, int) and not is_flag(value) and least <= value <= most


def or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def object_of(check: Check, name: Check = is_text) -> Check:
    """An object of any size: every name and every value is what was meant."""
    return lambda value: isinstance(value, Mapping) and all(map(name, value)) and all(map(check, value.values()))


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] = NONE) -> Check:
    """An object with these fields; it may have others."""
    return lambda value: isinstance(value, Mapping) and unfit_field(value, required, optional) is None


def unfit_field(
    content: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check] = NONE
) -> str | None:
    """The name of the first field that is missing or not what was meant; None if there is none."""
    for name, check in (required | optional).items():
        if name in content:
            if not check(content[name]):
                return name
        elif name in required:
            return name
    return None
