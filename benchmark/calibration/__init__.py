"""Loss weights chosen under one budget for every method: MNIST, d = 8, judged on held-out training images.

candidates.py has the settings that are tried, selection.py the criteria, the other modules write the results.
"""
