"""The paper as printed: its tables, its claims, its sentences; nothing of the suite's own belongs here."""
