"""The benchmark: study -> trial -> training -> evaluation -> record -> table."""

from benchmark.environment import settle

settle()
