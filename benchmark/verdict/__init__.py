"""Judging results: against the paper's numbers and claims, against one another, and the paper against itself."""
