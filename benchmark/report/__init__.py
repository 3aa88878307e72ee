"""A study's results as one HTML page."""
