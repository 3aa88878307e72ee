"""The paper as printed: its tables, its claims, its sentences. Nothing here is ever extended."""
