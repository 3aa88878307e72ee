"""The benchmark: study -> trial -> training -> evaluation -> record -> table."""
