"""Validation of plain data from files: JSON that can be written again, and checks of its fields.

A check is a predicate: it returns whether a value is valid, and never raises.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

Check = Callable[[Any], bool]
NONE: Mapping[str, Check] = MappingProxyType({})

LARGEST = 1e100  # largest accepted number: its square, and sums of squares, are still finite floats
LARGEST_WHOLE = 2**53
LONGEST_NAME = 200  # bytes: file systems allow 255, and suffixes and temporary names need some of them


def parse_json(text: str) -> Any:
    """Parse a JSON text.

    Returns:
        The content, which `json.dumps` can write again.

    Raises:
        ValueError: The text is not JSON, contains NaN, infinity or a lone surrogate, has a name twice in one object, or
            is nested too deeply.
    """
    try:
        content = json.loads(text, object_pairs_hook=_object)
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    return content


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object from its names and values; raise ValueError if it has a name twice, of which one would be lost."""
    content = dict(pairs)
    if len(content) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{name[:40]!r} is twice in one object")
    return content


def is_text(value: Any) -> bool:
    """Check for a string."""
    return isinstance(value, str)


def is_boolean(value: Any) -> bool:
    """Check for a boolean."""
    return isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Check for a finite number in [-LARGEST, LARGEST] that is not a boolean."""
    return isinstance(value, int | float) and not is_boolean(value) and abs(value) <= LARGEST


def is_nonnegative(value: Any) -> bool:
    """Check for a number accepted by `is_number`, in [0, LARGEST]."""
    return isinstance(value, int | float) and is_number(value) and value >= 0


def is_positive(value: Any) -> bool:
    """Check for a number accepted by `is_number`, in (0, LARGEST]."""
    return is_nonnegative(value) and value > 0


def is_file_name(value: Any) -> bool:
    """Check for printable text that, with an extension, is a file name without a folder."""
    if not isinstance(value, str) or not value.isprintable() or value.startswith("."):
        return False
    return 0 < len(value.encode()) <= LONGEST_NAME and not {"/", "\\"} & set(value)


def whole(least: int = 0, most: int = LARGEST_WHOLE) -> Check:
    """Make a check for an integer in [least, most] that is not a boolean."""
    return lambda value: isinstance(value, int) and not is_boolean(value) and least <= value <= most


def or_none(check: Check) -> Check:
    """Make a check for None or a value that `check` accepts."""
    return lambda value: value is None or check(value)


def list_of(check: Check) -> Check:
    """Make a check for a list of any length whose items `check` accepts."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def object_of(check: Check, name: Check = is_text) -> Check:
    """Make a check for an object of any size whose names pass `name` and whose values pass `check`."""
    return lambda value: isinstance(value, Mapping) and all(map(name, value)) and all(map(check, value.values()))


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] = NONE) -> Check:
    """Make a check for an object with these fields; further fields are allowed."""
    return lambda value: isinstance(value, Mapping) and invalid_field(value, required, optional) is None


def invalid_field(
    content: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check] = NONE
) -> str | None:
    """Find the first field of an object that is missing or invalid.

    Args:
        content: The object.
        required: Checks of the required fields, by name.
        optional: Checks of the optional fields, by name.

    Returns:
        The field's name; None if every field is valid.
    """
    for name, check in {**required, **optional}.items():
        if name in content:
            if not check(content[name]):
                return name
        elif name in required:
            return name
    return None


def check_fields(content: Mapping[str, Any], required: Mapping[str, Check]) -> None:
    """Check an object with `invalid_field`.

    Raises:
        ValueError: A field is missing or invalid.
    """
    if unfit := invalid_field(content, required):
        raise ValueError(f"no usable field {unfit!r}")
