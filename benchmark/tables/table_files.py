"""The files of a study's tables: CSV (wide, and per seed) and LaTeX of each, and tables.tex and tables.md of all.

Every file is written atomically, and the same records give the same bytes.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.files import write_texts
from benchmark.results.csv_text import csv_text
from benchmark.results.study_results import StudyResults
from benchmark.tables.latex import render_document, render_latex
from benchmark.tables.layout import Row, Table, TableCell, build_tables
from benchmark.tables.markdown import render_text

NOT_ASKED = "not asked"
_OF_A_TABLE = re.compile(r"table\d+(_seeds)?\.csv|table\d+\.tex", re.ASCII)


def seeds_csv(frame: pd.DataFrame, table_number: int) -> str:
    """Write one table in long form as CSV: the rows and columns of `long_frame`, with values at full precision."""
    return csv_text(frame[frame["table"] == table_number])


def wide_csv(table: Table) -> str:
    """Write a table in the paper's layout as CSV, at full precision, which pandas.read_csv reads without options.

    Each row starts with study, weight_set, seeds, notes and marks, followed by its identification (dataset, metric, and
    method or latent_dim). Each column c of the table (a method, or d<dim>) becomes seven: c_mean, c_std (ddof 1), c_n,
    c_state, c_rank, c_collapsed, c_paper. The last column contains the row's footnotes.
    """
    return csv_text(pd.DataFrame([_wide_row(table, row) for row in table.rows], dtype=object))


def write_tables(study: StudyResults, folder: Path) -> list[Path]:
    """Write table<N>.csv, table<N>_seeds.csv, table<N>.tex, tables.tex and tables.md.

    Files of tables that the study no longer has, from an earlier run, are removed.

    Args:
        study: The study; a table without cells in its manifest is not written, and nothing is if no table has any.
        folder: The output folder, created if missing.

    Returns:
        The paths of the files.

    Raises:
        UserError: A record's trial is not the one of its cell, or the folder cannot be written.
    """
    tables = build_tables(study)
    texts: dict[str, str] = {}
    for table in tables:
        name = f"table{table.paper.number}"
        texts[f"{name}.csv"] = wide_csv(table)
        texts[f"{name}_seeds.csv"] = seeds_csv(study.frame, table.paper.number)
        texts[f"{name}.tex"] = render_latex(table)
    if tables:
        texts["tables.tex"] = render_document(tables)
        texts["tables.md"] = "\n".join(render_text(table) for table in tables)
    written = write_texts(folder, texts)
    for path in folder.glob("table*"):
        if _OF_A_TABLE.fullmatch(path.name) and path.name not in texts:
            path.unlink()
    return written


def _wide_row(table: Table, row: Row) -> dict[str, Any]:
    manifest = table.manifest
    values: dict[str, Any] = {
        "study": manifest.study,
        "weight_set": manifest.weight_set,
        "seeds": manifest.seeds,
        "notes": "; ".join(manifest.reductions),
        "marks": "; ".join(manifest.marks.get(row.dataset, ())),
        "dataset": row.dataset,
    }
    values |= {"metric": row.metric, "method": row.method} if table.dims_across else {}
    values |= {} if table.dims_across else {"latent_dim": row.latent_dim, "metric": row.metric}
    footnotes = []
    for column in table.columns:
        name = f"d{column}" if table.dims_across else str(column)
        cell = table.cell(row, column)
        values |= {f"{name}_{field}": value for field, value in _cell_fields(cell).items()}
        footnotes += [f"{name}: {note}" for note in (cell.notes if cell else ())]
    return values | {"footnotes": "; ".join(footnotes)}


def _cell_fields(cell: TableCell | None) -> dict[str, Any]:
    if cell is None:
        return (
            dict.fromkeys(("mean", "std", "n")) | {"state": NOT_ASKED} | dict.fromkeys(("rank", "collapsed", "paper"))
        )
    return {
        "mean": cell.mean,
        "std": cell.std,
        "n": len(cell.values),
        "state": str(cell.state),
        "rank": cell.rank,
        "collapsed": cell.collapsed,
        "paper": cell.paper,
    }
