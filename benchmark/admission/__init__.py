"""Admission of a precision: for which metrics are trials in bfloat16 shown to be equivalent to those in float32?

paired_differences.py computes the differences of the study `admission`'s pairs, admission_rule.py decides per metric,
committed_admission.py reads the decision that verdicts use.
"""
