"""Tables from stored records: a manifest and its records in, CSV, LaTeX and text out; nothing is evaluated here."""

from benchmark.reporting.frame import Summary, long_frame, summary
from benchmark.reporting.tables import State, Table, TableCell, build_tables
from benchmark.reporting.text import render_text
from benchmark.reporting.write import write_tables

__all__ = [
    "State",
    "Summary",
    "Table",
    "TableCell",
    "build_tables",
    "long_frame",
    "render_text",
    "summary",
    "write_tables",
]
