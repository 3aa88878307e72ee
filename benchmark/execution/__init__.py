"""Execution of a study, from its trials to their records on disk."""
