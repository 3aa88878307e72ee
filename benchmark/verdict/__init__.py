"""Judging a study's results against the paper's numbers and claims."""
