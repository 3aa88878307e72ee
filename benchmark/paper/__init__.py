"""The paper as printed: its tables, claims and sentences; nothing of the suite's own belongs here."""
