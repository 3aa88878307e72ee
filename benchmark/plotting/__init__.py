"""The style of all figures, and writing them to files."""
