"""Studies: named grids of trials, and the trials that they come to with the data at hand."""
