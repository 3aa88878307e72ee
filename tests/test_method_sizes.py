"""What is known of a method without building it is so of the model that is built."""

import dataclasses

import pytest

from baselines.pythae_models import pythae
from benchmark.methods.control_methods import ALL_METHODS, CONTROLS
from benchmark.methods.registry import METHODS, build_model

SHAPES = ((1, 32, 32), (3, 32, 32), (1, 64, 64), (3, 64, 64))


@pytest.mark.parametrize("name", list(ALL_METHODS))
def test_parameters_are_counted_as_those_of_the_model(name):
    method = ALL_METHODS[name]
    for shape, latent_dim, width in zip(SHAPES, (2, 8, 3, 128), (0.25, 1.0, 0.125, 0.6), strict=True):
        model = build_model(method, method.settings("default"), shape, latent_dim, width, seed=0)
        trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        assert method.parameters(shape, latent_dim, width) == trained


@pytest.mark.parametrize("name", [*METHODS, *CONTROLS])
def test_the_settings_declared_are_those_of_the_configuration(name):
    method = ALL_METHODS[name]
    assert method.declared is not None  # so that the cards of these are printed without torch
    plain = dataclasses.replace(method, declared=None)
    for weight_set in method.weight_sets:
        assert plain.settings(weight_set) == method.settings(weight_set)
        assert repr(plain.settings(weight_set)) == repr(method.settings(weight_set))


def test_the_defaults_of_pythaes_methods_are_pythaes():
    for ours, theirs in (("vae", pythae.BetaVAEConfig), ("wae_imq", pythae.WAE_MMD_Config)):
        declared = ALL_METHODS[ours].declared
        assert declared is not None
        defaults = dataclasses.asdict(declared())
        known = dataclasses.asdict(theirs())
        assert defaults == {name: known[name] for name in defaults}
