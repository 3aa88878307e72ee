"""Studies: named grids of trials, and the trials that they amount to with the data at hand."""
