"""Admission of a precision: for which metrics are trials in bfloat16 shown to be as those in float32?

paired_differences.py takes the pairs of the study `admission` apart, admission_rule.py decides by metric,
committed_admission.py reads the decision that verdicts rest on.
"""
