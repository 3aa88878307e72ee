"""Functions of a model that return what they should not are named before training; the check leaves no trace."""

import re

import pytest
import torch
from tiny_study import records_of, tiny_grid
from torch import Tensor

from baselines.pythae_models import BetaVAE
from benchmark.execution import pack_run
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import build_model
from benchmark.training.loop import train
from benchmark.training.model_check import check_model
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder, InvalidModelOutput, LossTerms

D, B = 8, 4


def model_of(base: type[ImageAutoencoder], **functions) -> ImageAutoencoder:
    """A VAE's networks in a model of the class Mine, `base` with some of its functions replaced."""
    made = build_model(ALL_METHODS["vae"], ALL_METHODS["vae"].settings("default"), (1, 32, 32), D, 0.25, seed=0)
    made.__class__ = type("Mine", (base,), functions)
    return made


@pytest.fixture
def images(draw_images) -> Tensor:
    return (draw_images(2 * B) * 255).to(torch.uint8)


def terms_with(**changed):
    """`loss_terms` of a VAE with some of its fields replaced by functions of all of them."""

    def loss_terms(self, images, noise):
        found = vars(BetaVAE.loss_terms(self, images, noise))
        return LossTerms(**found | {name: change(found) for name, change in changed.items()})

    return loss_terms


WRONG_TERMS = {
    "a KL of every dimension": (
        terms_with(terms=lambda of: of["terms"] | {"kl": of["z"].square()}),
        f"term 'kl' has shape ({{n}}, {D}) instead of ({{n}},) or ()",
    ),
    "an error of every pixel": (
        terms_with(terms=lambda of: of["terms"] | {"reconstruction": of["recon_x"].square()}),
        "term 'reconstruction' has shape ({n}, 1, 32, 32) instead of ({n},) or ()",
    ),
    "no tensor": (terms_with(terms=lambda of: of["terms"] | {"kl": 1.0}), "term 'kl' is float instead of a tensor"),
    "no terms": (terms_with(terms=lambda of: {}), "there are no terms"),
    "no weight": (terms_with(weights=lambda of: {"kl": 1.0}), "term 'reconstruction' has no weight"),
    "no term": (terms_with(weights=lambda of: of["weights"] | {"l2": 1.0}), "weight 'l2' has no term"),
    "the loss's name": (
        terms_with(terms=lambda of: {"loss": of["terms"]["kl"]}, weights=lambda of: {"loss": 1.0}),
        "no term may be named 'loss'",
    ),
    "images": (
        terms_with(recon_x=lambda of: of["recon_x"][:, 0]),
        "recon_x has shape ({n}, 32, 32) instead of ({n}, 1, 32, 32)",
    ),
    "codes": (terms_with(z=lambda of: of["z"][:, :3]), f"z has shape ({{n}}, 3) instead of ({{n}}, {D})"),
    "a tensor": (lambda self, images, noise: images.mean(), "returns Tensor instead of LossTerms"),
}


@pytest.mark.parametrize(("loss_terms", "said"), WRONG_TERMS.values(), ids=WRONG_TERMS)
def test_terms_that_are_none_are_refused_by_name(loss_terms, said, images):
    model = model_of(BetaVAE, loss_terms=loss_terms)
    with pytest.raises(InvalidModelOutput, match=re.escape(f"Mine.loss_terms: {said.format(n=B)}")):
        train(model, images, TrainingSettings(epochs=1, batch_size=B), seed=0)
    with pytest.raises(InvalidModelOutput, match=re.escape(f"Mine.loss_terms: {said.format(n=2)}")):
        check_model(model, images)


def doubled(self, images):
    codes = self.encoder(images).embedding
    return torch.cat([codes, codes], 1)


WRONG_FUNCTIONS = {
    "twice the codes": (
        {"point_latents": doubled},
        f"Mine.point_latents: its result has shape (2, 16) instead of (2, {D})",
    ),
    "a head that is not there": (
        {"point_latents": lambda self, images: self.encoder(images)["mu"]},
        "Mine.point_latents: KeyError: 'mu'",
    ),
    "bytes": (
        {"decode": lambda self, codes: BetaVAE.decode(self, codes) * 255},
        "Mine.decode: its result has values from ",
    ),
    "flat images": (
        {"decode": lambda self, codes: BetaVAE.decode(self, codes).flatten(1)},
        "Mine.decode: its result has shape (2, 1024) instead of (2, 1, 32, 32)",
    ),
    "noise that is not drawn": (
        {"loss_terms": lambda self, images, noise: noise["eps"]},
        "Mine.loss_terms: KeyError: 'eps'",
    ),
    "noise of no shape": ({"noise_shapes": lambda self, n: {"x": "no"}}, "Mine.noise_shapes: TypeError: "),
}


@pytest.mark.parametrize(("functions", "said"), WRONG_FUNCTIONS.values(), ids=WRONG_FUNCTIONS)
def test_a_function_that_does_not_do_its_part_is_named(functions, said, images):
    with pytest.raises(InvalidModelOutput, match=re.escape(said)):
        check_model(model_of(BetaVAE, **functions), images)


@pytest.mark.parametrize("missing", ["noise_shapes", "loss_terms"])
def test_a_function_that_is_not_defined_is_named(missing, images):
    other = {"noise_shapes": lambda self, n: {}, "loss_terms": lambda self, images, noise: None}
    del other[missing]
    with pytest.raises(NotImplementedError, match=f"Mine does not define {missing}$"):
        check_model(model_of(ImageAutoencoder, **other), images)


def test_the_check_leaves_the_global_stream_as_it_is(images):
    def drawing(self, images, noise):
        torch.rand(3)
        return BetaVAE.loss_terms(self, images, noise)

    before = torch.get_rng_state()
    check_model(model_of(BetaVAE, loss_terms=drawing), images)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_trial_is_the_same_with_and_without_the_check(tmp_path, monkeypatch):
    """Also if the model counts its calls."""
    counted, terms = [], BetaVAE.loss_terms

    def counting(self, images, noise):
        self.calls = getattr(self, "calls", 0) + 1
        counted.append(self.calls)
        return terms(self, images, noise)

    monkeypatch.setattr(BetaVAE, "loss_terms", counting)
    grid = tiny_grid(tmp_path, only="method=vae,table=2")
    curves, calls = [], []
    for check in (pack_run.check_model, lambda model, images: None):
        monkeypatch.setattr(pack_run, "check_model", check)
        out = tmp_path / str(len(curves))
        [record] = records_of(grid.trials()[:1], grid.datasets["mnist"], TrialContext(out, "cpu", None))
        assert record.status == "ok"
        curves.append([record.plain[name] for name in ("curves", "metrics", "health")])
        calls.append([*counted])
        counted.clear()
    assert curves[0] == curves[1]
    assert calls[0] == [1, *calls[1]]


def test_a_trial_whose_codes_are_too_wide_fails_before_its_training(tmp_path, monkeypatch):
    grid = tiny_grid(tmp_path, only="method=vae,table=2")
    trial = grid.trials()[0]
    monkeypatch.setattr(BetaVAE, "point_latents", doubled)
    monkeypatch.setattr(pack_run, "train_pack", lambda *_: pytest.fail("was trained"))
    [record] = records_of([trial], grid.datasets["mnist"], TrialContext(tmp_path, "cpu", None))
    assert record.status == "failed"
    assert record.plain["reason"].startswith("InvalidModelOutput: BetaVAE.point_latents: its result has shape (2, ")
