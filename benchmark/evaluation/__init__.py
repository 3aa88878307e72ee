"""Evaluation: protocols turn a trained model's outputs into the paper's metrics; nothing here trains."""
