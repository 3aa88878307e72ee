"""Studies: named grids of trials, and the trials that result from them with the available data."""
