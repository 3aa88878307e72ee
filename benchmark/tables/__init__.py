"""The paper's tables from a study's results: their layout, and how they are written as CSV, LaTeX and Markdown."""
