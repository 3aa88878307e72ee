"""Frames as CSV that a spreadsheet shows as it is."""

from typing import Any

import pandas as pd

from benchmark.text import one_line

_FORMULA = tuple("=+-@")  # what a spreadsheet takes for the begin of one


def csv_text(frame: pd.DataFrame) -> str:
    """The frame without its index as CSV with LF line ends.

    Text stands on one line, and what could be a formula after an apostrophe; numbers are as pandas writes them.
    """
    columns = {_shown(name): _column(column) for name, column in frame.reset_index(drop=True).items()}
    text: str = pd.DataFrame(columns).to_csv(index=False, lineterminator="\n")
    return text


def _column(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        return column
    return pd.Series([_shown(value) for value in column], dtype=object)


def _shown(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
