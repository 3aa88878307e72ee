"""SSIM and MS-SSIM against torchmetrics' classes and a numpy reference; subsets, directions, reasons."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image
from torchmetrics.image import MultiScaleStructuralSimilarityIndexMeasure, StructuralSimilarityIndexMeasure

from benchmark.data.pixels import to_bytes, to_unit
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_quality import (
    mean_pair_score,
    ms_ssim_betas,
    ms_ssim_per_image,
    ms_ssim_scales,
    resized,
    ssim_per_image,
)
from benchmark.evaluation.image_subsets import random_subset
from benchmark.evaluation.protocols import Reconstruction, TrialOutputs
from benchmark.evaluation.reconstruction import ImageScoring, score_images
from benchmark.evaluation.scores import Unscorable

HERE = EvaluationContext()


@pytest.fixture
def pair(draw_images):
    """`pair(n, shape, noise)`: originals (uint8) and noisy copies (float in [0, 1])."""

    def make(n: int, shape=(1, 32, 32), noise: float = 0.1):
        originals = to_bytes(draw_images(n, shape).numpy())
        stream = np.random.default_rng(0)
        noisy = to_unit(originals) + noise * stream.normal(size=originals.shape)
        return originals, np.clip(noisy, 0, 1).astype(np.float32)

    return make


def reconstruction(originals, reconstructions, **settings):
    return Reconstruction(**settings).score(TrialOutputs(None, None, None, None, originals, reconstructions), HERE)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 64)])
def test_scores_are_torchmetrics(pair, shape):
    originals, reconstructions = pair(9, shape)
    values = reconstruction(originals, reconstructions).values
    one, other = torch.tensor(reconstructions), torch.tensor(originals) / 255
    betas = {32: (0.0448, 0.2856, 0.3001), 64: (0.0448, 0.2856, 0.3001, 0.2363)}[shape[-1]]
    betas = tuple(beta / sum(betas) for beta in betas)
    ssim = StructuralSimilarityIndexMeasure(data_range=1.0)(one, other)
    ms_ssim = MultiScaleStructuralSimilarityIndexMeasure(kernel_size=7, betas=betas, data_range=1.0)(one, other)
    assert values["ssim"] == pytest.approx(ssim.item(), abs=1e-6)
    assert values["ms_ssim"] == pytest.approx(ms_ssim.item(), abs=1e-6)


def test_ssim_is_the_formula_of_wang_et_al(pair):
    originals, reconstructions = pair(3)

    def blur(image):  # an 11 x 11 Gaussian window of sigma 1.5, reflected at the edge
        return scipy.ndimage.gaussian_filter(image, 1.5, radius=5, mode="mirror")

    expected = []
    for original, noisy in zip(originals[:, 0] / 255.0, reconstructions[:, 0].astype(float), strict=True):
        mean_1, mean_2 = blur(original), blur(noisy)
        var_1, var_2 = blur(original**2) - mean_1**2, blur(noisy**2) - mean_2**2
        covariance = blur(original * noisy) - mean_1 * mean_2
        luminance = (2 * mean_1 * mean_2 + 1e-4) / (mean_1**2 + mean_2**2 + 1e-4)
        expected.append((luminance * (2 * covariance + 9e-4) / (var_1 + var_2 + 9e-4)).mean())
    assert reconstruction(originals, reconstructions).values["ssim"] == pytest.approx(np.mean(expected), abs=1e-5)


@pytest.mark.parametrize("metric", ["ssim", "ms_ssim"])
def test_identity_scores_one_and_more_noise_scores_less(pair, metric):
    by_noise = [reconstruction(*pair(6, noise=noise)).values[metric] for noise in (0, 0.05, 0.2, 0.6)]
    assert by_noise[0] == pytest.approx(1, abs=1e-5)
    assert by_noise == sorted(by_noise, reverse=True)
    assert by_noise[-1] < 0.6


@pytest.mark.parametrize("score", [ssim_per_image, ms_ssim_per_image])
def test_the_batch_size_changes_nothing(pair, score):
    originals, reconstructions = pair(7)
    whole, three, single = (mean_pair_score(score, originals, reconstructions, size, "cpu") for size in (7, 3, 1))
    assert whole == pytest.approx(three, abs=1e-6) == pytest.approx(single, abs=1e-6)


@pytest.mark.parametrize(("side", "larger"), [(28, 64), (32, 176)])
def test_resized_scores_see_pillows_bilinear(pair, side, larger):
    originals, reconstructions = pair(2, (1, side, side))
    seen = []
    resized(lambda *images: seen.extend(images) or images[0], larger)(
        torch.tensor(reconstructions), torch.tensor(to_unit(originals))
    )
    for ours, images in zip(seen, (reconstructions, to_unit(originals)), strict=True):
        for one, image in zip(ours[:, 0], images[:, 0], strict=True):
            expected = Image.fromarray(image).resize((larger, larger), Image.Resampling.BILINEAR)
            assert np.abs(one.numpy() - np.asarray(expected)).max() < 1e-5


@pytest.mark.parametrize(
    ("side", "scales"),
    [(6, 0), (7, 1), (13, 1), (14, 2), (27, 2), (28, 3), (32, 3), (62, 3), (63, 4), (64, 4), (112, 5), (176, 5)],
)
def test_as_many_scales_as_fit(side, scales):
    assert ms_ssim_scales(side) == scales


@pytest.mark.parametrize("side", [7, 13, 14, 28, 32, 62, 63, 64, 112])
def test_every_accepted_side_runs_and_scores_identity_one(side):
    image = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    assert ms_ssim_per_image(image, image).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_betas_are_the_published_ones_rescaled():
    assert ms_ssim_betas(3) == pytest.approx((0.0448 / 0.6305, 0.2856 / 0.6305, 0.3001 / 0.6305))
    assert sum(ms_ssim_betas(5)) == pytest.approx(1)


def test_bytes_are_rounded_and_clamped_not_wrapped():
    assert to_bytes(np.array([-0.2, 0.0, 0.4 / 255, 0.6 / 255, 1.0, 1.01])).tolist() == [0, 0, 0, 1, 255, 255]
    every = np.arange(256, dtype=np.uint8)
    assert (to_bytes(to_unit(every)) == every).all()


def test_a_part_of_the_images_is_the_same_part_every_time(pair):
    originals, reconstructions = pair(20)
    rows = random_subset(20, 8)
    part = reconstruction(originals, reconstructions, n_images=8, fid_images=5)
    assert part.values == reconstruction(originals[rows], reconstructions[rows]).values
    assert part.details == {"n_images": 8, "fid_images": 5, "ms_ssim_scales": 3, "weights": {}, "weights_from": {}}


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.01, 1.01])
def test_reconstructions_outside_the_unit_range_are_not_scored(pair, value):
    originals, reconstructions = pair(4)
    reconstructions[2, 0, 5, 5] = value
    scores = reconstruction(originals, reconstructions)
    expected = "reconstructions leave [0, 1]" if math.isfinite(value) else "1 of 4 reconstructions are not finite"
    assert (scores.values, scores.unavailable) == ({}, dict.fromkeys(Reconstruction.metrics, expected))


def test_no_images_and_small_images_have_reasons(pair):
    originals, reconstructions = pair(3)
    empty = reconstruction(originals[:0], reconstructions[:0])
    assert empty.unavailable == dict.fromkeys(Reconstruction.metrics, "no test images")
    tiny = reconstruction(originals[..., :5, :5], reconstructions[..., :5, :5]).unavailable
    assert tiny["ssim"] == "images of 5 pixels a side are too small, 6 are needed"
    assert tiny["ms_ssim"] == "images of 5 pixels a side are too small, 7 are needed"
    assert tiny["lpips"] == "images of 5 pixels a side are too small, 31 are needed"
    assert reconstruction(originals[:1], reconstructions[:1]).unavailable["fid"] == "FID needs at least two images"


def test_shapes_must_agree(pair):
    originals, reconstructions = pair(3)
    with pytest.raises(ValueError, match="images_test"):
        reconstruction(originals, reconstructions[..., :28, :28])


@pytest.mark.parametrize(("trunk", "smallest"), [("alexnet", 31), ("vgg16", 16), ("squeezenet", 17)])
def test_the_side_that_lpips_sees_must_suit_its_network(pair, tmp_path, monkeypatch, trunk, smallest):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    images = pair(2, (1, 15, 15))

    def reason(side):
        scoring = ImageScoring(metrics=("lpips",), lpips_trunk=trunk, lpips_side=side)
        return score_images(*images, HERE, n_images=None, fid_images=None, scoring=scoring).unavailable["lpips"]

    assert reason(None) == f"images of 15 pixels a side are too small, {smallest} are needed"
    assert reason(smallest - 1) == f"images of {smallest - 1} pixels a side are too small, {smallest} are needed"
    assert reason(smallest).startswith("weights unavailable: ")


def test_only_what_is_asked_for_is_scored_and_recorded(pair):
    def scores(*metrics, n_images=None):
        scoring = ImageScoring(metrics=metrics)
        return score_images(*pair(3), HERE, n_images=n_images, fid_images=None, scoring=scoring)

    assert scores("fid", n_images=1).unavailable == {"fid": "FID needs at least two images"}
    assert scores("fid", n_images=1).details == {"n_images": 1, "fid_images": 1, "weights": {}, "weights_from": {}}
    assert scores("ssim").values == {"ssim": reconstruction(*pair(3)).values["ssim"]}
    assert scores("ssim").details == {"n_images": 3, "weights": {}, "weights_from": {}}
    assert scores("ms_ssim").details == {"n_images": 3, "ms_ssim_scales": 3, "weights": {}, "weights_from": {}}


def test_what_is_wrong_with_all_images_is_raised_by_their_name(pair):
    originals, others = pair(3)
    settings = {"n_images": None, "fid_images": None, "scoring": ImageScoring(), "others_are": "prior samples"}
    with pytest.raises(Unscorable, match=r"^no test images$"):
        score_images(originals[:0], others[:0], HERE, **settings)
    with pytest.raises(Unscorable, match=r"^prior samples leave \[0, 1\]$"):
        score_images(originals, others + 0.1, HERE, **settings)
