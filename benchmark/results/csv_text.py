"""Conversion of data frames to CSV text that spreadsheets show unchanged."""

from typing import Any

import pandas as pd

from benchmark.text import FORMULA_STARTS, one_line


def csv_text(frame: pd.DataFrame) -> str:
    """Convert a frame, without its index, to CSV with LF line endings.

    Text is put on one line, with an apostrophe prepended if a spreadsheet could read it as a formula; numbers keep
    pandas' format.
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
