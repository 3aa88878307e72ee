"""Learning on real images that need no download: scikit-learn's 1,797 digits, at a quarter of the width."""

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmark.methods.registry import METHODS, build_model
from benchmark.training.loop import to_unit_range, train
from benchmark.training.training_settings import TrainingSettings


def digits():
    """uint8 images (1797, 1, 32, 32), the 8 x 8 originals three times as large in a black border, and labels."""
    pixels, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(pixels).reshape(-1, 1, 8, 8) * 255 / 16
    large = torch.kron(small, torch.ones(1, 1, 3, 3, dtype=small.dtype))
    return torch.nn.functional.pad(large, (4, 4, 4, 4)).round().byte(), labels


def svm_accuracy(codes, labels) -> float:
    scaled = StandardScaler().fit(codes[:1300]).transform(codes)
    return SVC().fit(scaled[:1300], labels[:1300]).score(scaled[1300:], labels[1300:])


@pytest.mark.parametrize("name", [pytest.param("vae", marks=pytest.mark.slow), "hgmvae_g"])
def test_the_loss_falls_and_an_svm_on_the_codes_beats_chance(name):
    images, labels = digits()
    method = METHODS[name]
    model = build_model(method, method.settings("default"), (1, 32, 32), 8, 0.25, seed=0)
    with torch.no_grad():
        untrained = svm_accuracy(model.eval().embed(to_unit_range(images)), labels)
    result = train(model, images[:1300], TrainingSettings(epochs=8, batch_size=32), seed=0)
    with torch.no_grad():
        codes = model.embed(to_unit_range(images))
        held_out = to_unit_range(images[1300:])
        error = (model.reconstruct(held_out) - held_out).square().mean()
        mean_image = to_unit_range(images[:1300]).mean(0)
        of_mean_image = (mean_image - held_out).square().mean()
    assert result.curves["loss"][-1] < 0.7 * result.curves["loss"][0]
    assert error < 0.85 * of_mean_image  # not collapsed to the mean image
    # Chance is 0.1, but an untrained network's codes, standardised, already reach 0.6: that has to be beaten.
    accuracy = svm_accuracy(codes, labels)
    assert accuracy > 0.8
    assert accuracy > untrained + 0.15
