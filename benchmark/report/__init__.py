"""One HTML page of everything that a study says."""
