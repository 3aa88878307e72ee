"""The style of every figure, and how it is written to files."""
