"""Loss weights chosen under one budget for every method: MNIST, d = 8, judged on held-out training images.

grids.py the settings tried, choice.py the criteria, files.py and figure.py what comes out.
"""
