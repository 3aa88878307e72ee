"""Contradictions within the paper's numbers and quoted sentences; any table with the same columns can be checked."""
