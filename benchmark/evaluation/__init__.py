"""Evaluation: protocols that compute the paper's metrics from a trained model's outputs, without training."""
