"""The benchmark: study -> trial -> training -> evaluation -> record -> table; docs/glossary.md has the terms."""

from benchmark.environment import sanitize_environment

sanitize_environment()
