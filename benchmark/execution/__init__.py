"""Execution: from a study to records on disk."""
