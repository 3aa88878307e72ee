"""Compute samples, codes and reconstructions of a trained model.

./run_all.sh python examples/load_checkpoint.py results/runs/STUDY/checkpoints/KEY.safetensors [METHOD_FILE]
"""

import sys

import torch

import hgmvae_benchmark

model = hgmvae_benchmark.load(*sys.argv[1:])
with torch.no_grad():
    samples = model.sample(8)  # (8, C, S, S) in (0, 1)
    codes = model.embed(samples)  # (8, d)
    again = model.reconstruct(samples)  # of the samples' shape and range
print(f"{model.model_name}: samples {tuple(samples.shape)}, codes {tuple(codes.shape)}")
print(f"mean absolute difference of samples and their reconstructions: {(samples - again).abs().mean():.3f}")
