"""What a GPU would refuse, on any machine: operands on two devices, a value that the host waits for, a bad capture.

Shapes and devices are checked, values are not; what needs a GPU is in docs/gpu.md.
"""

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import lpips
import numpy as np
import pytest
import torch
from fake_cuda import CheckedCuda, fake_cuda, on_fake_cuda, results_read_by, without_backward
from tiny_study import tiny_grid
from torch import Tensor

from benchmark.evaluation.frechet import fit_gaussian
from benchmark.evaluation.image_quality import (
    inception_features,
    ms_ssim_per_image,
    resized,
    ssim_per_image,
)
from benchmark.evaluation.inception import FastInception
from benchmark.evaluation.lpips_distance import feature_distance, lpips_features
from benchmark.evaluation.weight_conversion import inception_without_weights
from benchmark.execution import evaluate_trial
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import build_model
from benchmark.training import steps
from benchmark.training.loop import Training, loss_and_terms
from benchmark.training.pack import pack_trainings
from benchmark.training.training_settings import PRECISIONS, TrainingSettings
from models.base import ImageAutoencoder, draw_noise

B, D = 8, 4
SHAPE = (1, 32, 32)
SETTINGS = TrainingSettings(epochs=1, batch_size=B, width=0.125)
QUICK = {name for name, method in ALL_METHODS.items() if not method.control_of}
WEIGHTED = [
    pytest.param(name, weights, marks=() if name in QUICK or weights == "default" else pytest.mark.slow)
    for name, method in ALL_METHODS.items()
    for weights in method.weights
]
OF_EACH_MODEL = list({method.model: name for name, method in reversed(ALL_METHODS.items())}.values())


@contextmanager
def on_cuda(monkeypatch, name: str, weights: str = "default") -> Iterator[ImageAutoencoder]:
    """A method's model, within `fake_cuda`."""
    method = ALL_METHODS[name]
    model = build_model(method, method.settings(weights), SHAPE, D, SETTINGS.width, seed=0)
    with fake_cuda(monkeypatch):
        yield on_fake_cuda(model)


def are_there(*tensors: Tensor) -> bool:
    return {tensor.device.type for tensor in tensors} == {"cuda"}


# Forward passes ----------------------------------------------------------------------------------------------


@torch.no_grad()
def check_forward(model: ImageAutoencoder) -> None:
    images = torch.rand(B, *SHAPE, device="cuda")
    output = model({"data": images, "noise": draw_noise(model.noise_shapes(B), images.device)})
    assert are_there(loss_and_terms(output), output.z, output.recon_x)
    model.eval()
    predicted = model.predict(images)
    assert are_there(model.embed(images), model.reconstruct(images), predicted.embedding, predicted.recon_x)
    assert are_there(model.sample(3), model.sample(3, torch.Generator("cuda")))
    assert predicted.embedding.shape == (B, D) and predicted.recon_x.shape == images.shape


@pytest.mark.parametrize(("name", "weights"), WEIGHTED)
def test_every_method_stays_on_the_device(name, weights, monkeypatch):
    with on_cuda(monkeypatch, name, weights) as model:
        check_forward(model)


@pytest.mark.parametrize("name", OF_EACH_MODEL)
def test_evaluation_reads_what_it_has_computed_and_nothing_on_the_way(name, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_trial, "OTHER_DRAWS", 2)
    grid = tiny_grid(tmp_path, only="method=vae")
    [trial, *_], images = grid.trials(), grid.datasets["mnist"]
    with on_cuda(monkeypatch, name) as model:
        results_read_by(monkeypatch, evaluate_trial)
        model.eval()
        outputs = evaluate_trial.trial_outputs(model, images, "cuda", {"latents_train"})
        assert outputs.latents_test.shape == (60, D) and outputs.reconstructions_test.shape == (60, *SHAPE)
        assert evaluate_trial._health(model, images, trial, "cuda", outputs).plain["distortion"] > 0


def test_scores_of_images_stay_on_the_device(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision with a deprecated argument
        perceptual = lpips.LPIPS(pretrained=False, pnet_rand=True, verbose=False)
    inception = FastInception(inception_without_weights())
    with fake_cuda(monkeypatch), torch.inference_mode():
        on_fake_cuda(perceptual)
        pair = torch.rand(2, B, *SHAPE, device="cuda")
        for score in (ssim_per_image, ms_ssim_per_image, resized(ssim_per_image, 64)):
            assert are_there(score(*pair))
        one, other = (lpips_features(perceptual, images, 64) for images in pair)
        assert are_there(*one, *other, feature_distance(perceptual, one, other))
        features = inception_features(on_fake_cuda(inception), np.zeros((B, *SHAPE), np.uint8), 3, "cuda")
        gaussian = fit_gaussian(features)
        assert features.shape == (B, 2048) and are_there(features, gaussian.mean, gaussian.factor)


# Steps, and their capture ------------------------------------------------------------------------------------


def trained(
    monkeypatch, model: ImageAutoencoder, before: Callable[[Training], None] | None = None, **changes: object
) -> str:
    """How a training's steps end up: one is made eagerly, one captured and replayed, one replayed in another epoch.

    `before` is called before each of them.
    """
    monkeypatch.setattr(steps, "_STEPS_BEFORE_CAPTURE", 1)
    without_backward(monkeypatch, model)
    cuda = CheckedCuda().stand_in(monkeypatch)
    settings = dataclasses.replace(SETTINGS, **changes)
    images = torch.zeros(B, *SHAPE, dtype=torch.uint8, device="cuda")
    [training] = pack_trainings([model], images, settings, [0], "graphs")
    cuda.step = training._step
    for _ in range(3):
        training.begin_epoch()
        if before:
            before(training)
        training.advance()
    return training.how


@pytest.mark.parametrize("name", OF_EACH_MODEL)
def test_every_models_step_can_be_captured(name, monkeypatch):
    with on_cuda(monkeypatch, name) as model:
        assert trained(monkeypatch, model) == "captured"


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "name", [name if name == "hgmvae_g" else pytest.param(name, marks=pytest.mark.slow) for name in ALL_METHODS]
)
def test_every_methods_step_can_be_captured_in_every_precision(name, precision, monkeypatch):
    with on_cuda(monkeypatch, name) as model:
        assert trained(monkeypatch, model, precision=precision) == "captured"


def test_a_step_of_sgd_can_be_captured(monkeypatch):
    with on_cuda(monkeypatch, "vae") as model:
        assert trained(monkeypatch, model, **ALL_METHODS["vae_sgd_middle"].training.settings) == "captured"


# These checks fail for what they look for --------------------------------------------------------------------

FAULTS = {
    "two devices": (lambda terms, images: images + torch.zeros(B, 1, 1, 1), "at least two devices"),
    "a value": (lambda terms, images: terms["kl"].mean().item(), "_local_scalar_dense"),
    "a condition": (lambda terms, images: bool(terms["kl"].mean() > 0), "_local_scalar_dense|data-dependent"),
    "a count": (lambda terms, images: images[images > 0.5], "nonzero"),
    "a generator": (
        lambda terms, images: torch.randn(B, device="cuda", generator=torch.Generator()),
        "a draw on cuda:0 from a generator of cpu",
    ),
}
CAPTURE_FAULTS = {
    "a draw": (lambda terms, images: torch.randn(B, device="cuda"), "a random number"),
    "the host": (lambda terms, images: images * torch.ones(()), "a tensor of the host"),
    "a value": FAULTS["a value"],
}


def with_fault(monkeypatch, model: ImageAutoencoder, fault: Callable[..., object]) -> None:
    own = model.loss_terms

    def loss_terms(images, noise):
        found = own(images, noise)
        fault(found.terms, images)
        return found

    monkeypatch.setattr(model, "loss_terms", loss_terms)


@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=FAULTS)
def test_a_forward_pass_with_a_fault_raises(fault, said, monkeypatch):
    with on_cuda(monkeypatch, "vae") as model:
        with_fault(monkeypatch, model, fault)
        with pytest.raises(Exception, match=said):
            check_forward(model)


def test_an_evaluation_that_reads_on_the_way_raises(tmp_path, monkeypatch):
    images = tiny_grid(tmp_path, only="method=vae").datasets["mnist"]
    with on_cuda(monkeypatch, "vae") as model:
        results_read_by(monkeypatch, evaluate_trial)
        monkeypatch.setattr(model, "embed", lambda batch: torch.zeros(len(batch.cpu().numpy()), device="cuda"))
        with pytest.raises(AssertionError):
            evaluate_trial.trial_outputs(model, images, "cuda", {"latents_train"})


@pytest.mark.parametrize(("fault", "said"), CAPTURE_FAULTS.values(), ids=CAPTURE_FAULTS)
def test_a_step_with_a_fault_is_not_captured(fault, said, monkeypatch):
    with on_cuda(monkeypatch, "vae") as model:
        calls = 0

        def in_the_captured_step(terms, images):
            nonlocal calls
            calls += 1
            if calls == 2:
                fault(terms, images)

        with_fault(monkeypatch, model, in_the_captured_step)
        how = trained(monkeypatch, model)
        assert how.startswith("eager (capture failed: ") and said in how


def test_a_replay_that_reads_a_buffer_made_anew_raises(monkeypatch):
    def renew(training: Training) -> None:
        training._noise = {name: torch.zeros_like(draws) for name, draws in training._noise.items()}

    with on_cuda(monkeypatch, "vae") as model, pytest.raises(RuntimeError, match="reads other memory"):
        trained(monkeypatch, model, before=renew)
