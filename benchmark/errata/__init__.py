"""The paper's contradictions, found in its numbers and quoted sentences; any table of its columns can be checked."""
