"""Data frames as CSV text that a spreadsheet shows unchanged."""

from typing import Any

import pandas as pd

from benchmark.text import FORMULA_STARTS, one_line


def csv_text(frame: pd.DataFrame) -> str:
    """Write a frame without its index as CSV with LF line ends.

    Text is put on one line, with an apostrophe before what a spreadsheet could take for a formula; numbers are as
    pandas writes them.
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
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
