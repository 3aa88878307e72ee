"""Loss weights chosen under one budget for every method, on held-out training images of MNIST at d = 8.

candidates.py has the settings that are tried, selection.py the criteria; the other modules write the results.
"""
