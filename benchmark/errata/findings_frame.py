"""Findings as a frame."""

from collections.abc import Iterable

import pandas as pd

from benchmark.errata.printed_cells import Finding


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Convert findings to a table for CSV and reports.

    Returns:
        One row per finding: `check`, `kind`, `statement`, `section`, `quotation`, `sentence` (see Finding), `cells`
        (their names, joined by ' '), `comparisons` (int).
    """
    columns = ["check", "kind", "statement", "section", "quotation", "sentence", "cells", "comparisons"]
    texts = [
        vars(finding) | {"kind": str(finding.kind), "cells": " ".join(cell.name for cell in finding.cells)}
        for finding in findings
    ]
    return pd.DataFrame(texts, columns=columns).astype({"comparisons": "int64"})
