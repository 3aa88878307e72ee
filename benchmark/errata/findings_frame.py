"""Findings as a frame."""

from collections.abc import Iterable

import pandas as pd

from benchmark.errata.printed_cells import Finding


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Findings as rows of text, for CSV and reports.

    Columns: `check` (the rule), `kind` (see Kind), `statement` (a name in results/paper/statements.json, or empty),
    `section` and `quotation` (of the paper, or empty), `sentence` (the finding with its numbers), `cells` (their names,
    joined by ' '; see Cell.name), `comparisons` (int: how many the check made for this statement, pair of tables or
    table).
    """
    columns = ["check", "kind", "statement", "section", "quotation", "sentence", "cells", "comparisons"]
    texts = [
        vars(finding) | {"kind": str(finding.kind), "cells": " ".join(cell.name for cell in finding.cells)}
        for finding in findings
    ]
    return pd.DataFrame(texts, columns=columns).astype({"comparisons": "int64"})
