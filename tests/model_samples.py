"""Small models of the suite's methods, and the noise that a forward pass of them takes."""

import torch

from benchmark.methods.control_methods import CONTROLS
from benchmark.methods.registry import METHODS, build_model
from models.base import draw_noise

K, D, B = 10, 3, 6  # components, latent dims, images


def build(name: str, d: int = D, **settings):
    method = (METHODS | CONTROLS)[name]
    return build_model(method, method.settings("default") | settings, (1, 32, 32), d, width=0.25, seed=0)


def noise_of(model, n: int, seed: int = 1):
    return draw_noise(model.noise_shapes(n), torch.device("cpu"), torch.Generator().manual_seed(seed))
