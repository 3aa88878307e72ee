"""Causes of HGMVAE's gains: questions, each a contrast of trained methods, and their answers from runs."""
