"""The paper's tables from a study's frame: their layout, and their CSV, LaTeX and text."""
