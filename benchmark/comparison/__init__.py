"""Comparison of two results: which scores differ beyond noise, and how their settings differ."""
