"""How fast training and evaluation are on this machine, and what a study would take."""
