"""The benchmark: study -> trial -> training -> evaluation -> record -> table."""

from benchmark.environment import sanitize_environment

sanitize_environment()
