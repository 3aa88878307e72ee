"""Measurement of the speed of training and evaluation on this machine, and forecasts of a study's duration."""
