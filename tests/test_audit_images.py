"""The audit's image alternatives: which there are, what each compares, and that each says which of two is worse."""

import math
from dataclasses import fields, replace

import lpips
import numpy as np
import pytest
import torch
from PIL import Image
from random_backbones import save_backbones
from torchmetrics.functional.image import structural_similarity_index_measure
from torchmetrics.image import MultiScaleStructuralSimilarityIndexMeasure, StructuralSimilarityIndexMeasure

from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.audit.reconstruction_protocols import OTHER_IMAGES, SCORINGS, reconstruction_alternatives
from benchmark.data.pixels import to_bytes, to_unit
from benchmark.evaluation.backbones import ALL_BACKBONES
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.fid import fid
from benchmark.evaluation.image_quality import ms_ssim_betas, ms_ssim_per_image, ms_ssim_scales
from benchmark.evaluation.image_subsets import random_subset
from benchmark.evaluation.lpips_distance import lpips_distance
from benchmark.evaluation.pretrained_networks import pretrained_inception, pretrained_lpips
from benchmark.evaluation.protocols import Reconstruction

METRICS = {
    JUDGED: ("fid", "ssim", "ms_ssim", "lpips"),
    "FID antialiased": ("fid",),
    "LPIPS VGG": ("lpips",),
    "LPIPS SqueezeNet": ("lpips",),
    "SSIM valid window": ("ssim",),
    "SSIM zero border": ("ssim",),
    "SSIM uniform 7 x 7": ("ssim",),
    "MS-SSIM at 176": ("ms_ssim",),
    "MS-SSIM valid window": ("ms_ssim",),
    "MS-SSIM five scales": ("ms_ssim",),
    "pixels in [-1, 1]": ("ssim", "ms_ssim"),
    "pixels of mean 0": ("ssim", "ms_ssim"),
    "cropped to 28": ("fid", "ssim", "ms_ssim", "lpips"),
    "x sampled": ("fid", "ssim", "ms_ssim", "lpips"),
    "prior samples": ("fid",),
}
ALWAYS = list(METRICS)[1:12]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    yield EvaluationContext(folder, backbones=save_backbones(folder))
    pretrained_inception.cache_clear()
    pretrained_lpips.cache_clear()


@pytest.fixture
def without_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return EvaluationContext(tmp_path)


def noisy(originals, noise, seed):
    values = to_unit(originals) + noise * np.random.default_rng(seed).normal(size=originals.shape)
    return np.clip(values, 0, 1).astype(np.float32)


@pytest.fixture
def outputs(draw_images):
    """`outputs(n)`: padded images, and three sets at `noise` from them, each with its own draw."""

    def make(n: int, shape=(1, 28, 28), padding: int = 2, noise: float = 0.1) -> AuditOutputs:
        sides = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
        originals = np.pad(to_bytes(draw_images(n, shape).numpy()), sides)
        others = [noisy(originals, noise, seed) for seed in range(3)]
        unused = dict.fromkeys(("latents_train", "labels_train", "latents_test", "labels_test"))
        return AuditOutputs(
            **unused,
            images_test=originals,
            reconstructions_test=others[0],
            sampled_reconstructions_test=others[1],
            prior_samples=others[2],
        )

    return make


def scored(outputs, context, **judged):
    return dict(reconstruction_alternatives(outputs, Reconstruction(**judged), context))


def cropped(outputs):
    """Rows and columns 2 to 29, cut by hand."""
    kept = range(2, 30)
    return replace(
        outputs,
        images_test=outputs.images_test.take(kept, axis=2).take(kept, axis=3),
        reconstructions_test=outputs.reconstructions_test.take(kept, axis=2).take(kept, axis=3),
    )


@pytest.mark.parametrize(
    ("images", "names"),
    [
        ({"shape": (1, 28, 28)}, [*ALWAYS, "cropped to 28", "x sampled", "prior samples"]),
        ({"shape": (3, 32, 32), "padding": 0}, [*ALWAYS, "x sampled", "prior samples"]),
        ({"shape": (1, 60, 60)}, [*ALWAYS, "x sampled", "prior samples"]),
        ({"shape": (1, 30, 30), "padding": 1}, [*ALWAYS, "x sampled", "prior samples"]),
    ],
)
def test_which_there_are_depends_on_size_and_border(outputs, without_weights, images, names):
    found = scored(outputs(3, **images), without_weights)
    assert list(found) == [JUDGED, *names]
    assert list(METRICS) == [JUDGED, *SCORINGS, *OTHER_IMAGES] and list(SCORINGS) == ALWAYS
    for name, scores in found.items():
        assert set(scores.values) | set(scores.unavailable) == set(METRICS[name])


def test_one_pixel_in_one_border_rules_the_crop_out(outputs, without_weights):
    made = outputs(4)
    made.images_test[3, 0, 31, 17] = 1
    assert "cropped to 28" not in scored(made, without_weights, n_images=2)


def test_what_the_model_does_not_have_is_not_yielded(outputs, without_weights):
    bare = replace(outputs(3), sampled_reconstructions_test=None, prior_samples=None)
    assert list(scored(bare, without_weights)) == [JUDGED, *ALWAYS, "cropped to 28"]


def test_missing_weights_are_a_reason_and_stop_nothing_else(outputs, without_weights):
    found = scored(outputs(3), without_weights)
    files = {"fid": "inception", "lpips": "alexnet"}
    for name, metrics in METRICS.items():
        trunk = {"LPIPS VGG": "vgg16", "LPIPS SqueezeNet": "squeezenet"}.get(name, "alexnet")
        for metric in set(metrics) & set(files):
            backbone = ALL_BACKBONES[trunk if metric == "lpips" else files[metric]]
            assert found[name].unavailable[metric] == (
                f"weights unavailable: {backbone.file_name} not in --weights-dir or the torch hub cache; put it there"
            )
        assert set(found[name].values) == set(metrics) - set(files)


def test_the_judged_scores_come_first_and_are_the_protocols_own(outputs, context):
    made, judged = outputs(5), Reconstruction(n_images=4, fid_images=2)
    name, scores = next(reconstruction_alternatives(made, judged, context))
    assert (name, scores) == (JUDGED, judged.score(made, context))
    assert set(scores.values) == set(judged.metrics)


def test_every_alternative_knows_identity_and_which_noise_is_worse(outputs, context):
    by_noise = [scored(outputs(3, noise=noise), context, fid_images=2) for noise in (0, 0.1, 0.4)]
    perfect = {"fid": 0, "ssim": 1, "ms_ssim": 1, "lpips": 0}
    for name, metrics in METRICS.items():
        for metric in metrics:
            none, some, more = (scores[name].values[metric] for scores in by_noise)
            if metric == "fid":
                assert none == pytest.approx(0, abs=1e-6 * some), name
            else:
                assert none == pytest.approx(perfect[metric], abs=1e-5), (name, metric)
            away = [abs(value - perfect[metric]) for value in (none, some, more)]
            assert away == sorted(away) and away[2] > 1.1 * away[1] > 0, (name, metric, away)


def test_the_crop_is_the_crop(outputs, context):
    made = replace(outputs(4), sampled_reconstructions_test=None, prior_samples=None)
    by_hand = cropped(made)
    one, other = torch.tensor(by_hand.reconstructions_test), torch.tensor(by_hand.images_test) / 255
    assert one.shape == (4, 1, 28, 28)
    found = scored(made, context, fid_images=2)["cropped to 28"]
    ssim = StructuralSimilarityIndexMeasure(data_range=1.0)
    ms_ssim = MultiScaleStructuralSimilarityIndexMeasure(kernel_size=7, betas=ms_ssim_betas(3), data_range=1.0)
    assert found.values["ssim"] == pytest.approx(ssim(one, other).item(), abs=1e-6)
    assert found.values["ms_ssim"] == pytest.approx(ms_ssim(one, other).item(), abs=1e-6)
    judged = Reconstruction(fid_images=2).score(by_hand, context)
    assert found.values["fid"] == pytest.approx(judged.values["fid"], rel=1e-6)
    assert judged.unavailable == {"lpips": "images of 28 pixels a side are too small, 31 are needed"}
    assert found.details["ms_ssim_scales"] == 3
    network = pretrained_lpips(context.backbones["alexnet"], context.weights_dir, "cpu", "alexnet").network
    pair = [torch.tensor(larger(side.numpy(), 64)).expand(-1, 3, -1, -1) for side in (one, other)]
    assert found.values["lpips"] == pytest.approx(network(*pair, normalize=True).mean().item(), rel=1e-4)


def larger(images, side):
    """Pillow's bilinear, which for a larger side is the plain one, on float pixels."""
    return np.stack(
        [
            [np.asarray(Image.fromarray(channel).resize((side, side), Image.Resampling.BILINEAR)) for channel in image]
            for image in images
        ]
    )


@pytest.mark.parametrize("images", [{}, {"shape": (3, 64, 64), "padding": 0}])
def test_ms_ssim_at_176_is_that_of_torchmetrics(outputs, without_weights, images):
    made = outputs(3, **images)
    pair = [torch.tensor(larger(side, 176)) for side in (made.reconstructions_test, to_unit(made.images_test))]
    exact = MultiScaleStructuralSimilarityIndexMeasure(betas=ms_ssim_betas(5), data_range=1.0)(*pair).item()
    by_default = MultiScaleStructuralSimilarityIndexMeasure(data_range=1.0)(*pair).item()  # betas sum to 1.0001
    found = scored(made, without_weights)
    scores = found["MS-SSIM at 176"]
    assert scores.values["ms_ssim"] == pytest.approx(exact, abs=2e-6)
    assert scores.values["ms_ssim"] == pytest.approx(by_default, abs=1e-4)
    assert abs(scores.values["ms_ssim"] - found[JUDGED].values["ms_ssim"]) > 1e-3
    assert scores.details == {"n_images": 3, "ms_ssim_scales": 5, "weights": {}, "weights_from": {}}


# ---- SSIM's border, MS-SSIM's scales and the pixels' origin, each against a loop over windows ----


def gaussian_window(size):
    """The weights (size, size) of a Gaussian of sigma 1.5 about pixel size // 2."""
    line = np.array([math.exp(-((at - size // 2) ** 2) / 4.5) for at in range(size)])
    return np.outer(line, line) / line.sum() ** 2


def terms(one, other, weights, unbiased=1.0, least=(1e-4, 9e-4)):
    """Means over the windows that lie within two images (S, S) of SSIM, and of its factor of contrast and structure."""
    size, c1, c2 = len(weights), *least
    ssim, contrast = [], []
    for top in range(len(one) - size + 1):
        for left in range(len(one) - size + 1):
            a, b = (image[top : top + size, left : left + size] for image in (one, other))
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            spread = (weights * ((a - mean_a) ** 2 + (b - mean_b) ** 2)).sum() * unbiased
            shared = (weights * (a - mean_a) * (b - mean_b)).sum() * unbiased
            contrast.append((2 * shared + c2) / (spread + c2))
            ssim.append((2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1) * contrast[-1])
    return np.mean(ssim), np.mean(contrast)


def halved(image):
    return image.reshape(len(image) // 2, 2, -1, 2).mean((1, 3))


def in_scales(one, other, scales):
    """MS-SSIM by `terms`, its window cut to the image."""
    betas, product = ms_ssim_betas(scales), 1.0
    for scale, beta in enumerate(betas):
        ssim, contrast = terms(one, other, gaussian_window(min(11, len(one))))
        product *= max(0, ssim if scale == len(betas) - 1 else contrast) ** beta
        one, other = halved(one), halved(other)
    return product


BY_LOOP = {
    ("SSIM valid window", "ssim"): lambda one, other: terms(one, other, gaussian_window(11))[0],
    ("SSIM zero border", "ssim"): lambda one, other: terms(np.pad(one, 5), np.pad(other, 5), gaussian_window(11))[0],
    ("SSIM uniform 7 x 7", "ssim"): lambda one, other: terms(one, other, np.full((7, 7), 1 / 49), 49 / 48)[0],
    ("MS-SSIM valid window", "ms_ssim"): lambda one, other: in_scales(one, other, 2),
    ("MS-SSIM five scales", "ms_ssim"): lambda one, other: in_scales(one, other, 5),
}


@pytest.mark.parametrize(("name", "metric"), BY_LOOP)
def test_windows_are_those_of_a_loop(outputs, without_weights, name, metric):
    made = outputs(3)
    pairs = zip(made.reconstructions_test[:, 0].astype(float), to_unit(made.images_test)[:, 0], strict=True)
    expected = np.mean([BY_LOOP[name, metric](one, other.astype(float)) for one, other in pairs])
    found = scored(made, without_weights)
    assert found[name].values == {metric: pytest.approx(expected, abs=2e-6)}
    assert abs(expected - found[JUDGED].values[metric]) > 1e-3


def test_a_window_that_leaves_no_pixel_out_is_torchmetrics_own(outputs, without_weights):
    """Torchmetrics' uniform window without its border, the estimates of variance made unbiased by its constants."""
    made = outputs(4, shape=(3, 32, 32), padding=0)
    pair = torch.tensor(made.reconstructions_test), torch.tensor(to_unit(made.images_test))
    # (2 f cov + c2) / (f var + c2) with f = 49/48 is that of c2 / f.
    settings = {"gaussian_kernel": False, "kernel_size": 7, "data_range": 1.0, "k2": 0.03 * math.sqrt(48 / 49)}
    _, whole = structural_similarity_index_measure(*pair, return_full_image=True, **settings)
    within = whole[..., 3:-3, 3:-3].mean().item()
    assert scored(made, without_weights)["SSIM uniform 7 x 7"].values["ssim"] == pytest.approx(within, abs=2e-6)
    _, whole = structural_similarity_index_measure(*pair, return_full_image=True, data_range=1.0)
    within = whole[..., 5:-5, 5:-5].mean().item()
    assert scored(made, without_weights)["SSIM valid window"].values["ssim"] == pytest.approx(within, abs=2e-6)


@pytest.mark.parametrize(("side", "valid"), [(32, 2), (64, 3)])
def test_ms_ssim_has_the_scales_that_its_record_says(outputs, without_weights, side, valid):
    found = scored(outputs(2, shape=(3, side, side), padding=0), without_weights)
    names = (JUDGED, "MS-SSIM valid window", "MS-SSIM five scales", "pixels of mean 0", "MS-SSIM at 176")
    scales = [found[name].details["ms_ssim_scales"] for name in names]
    assert scales == [ms_ssim_scales(side), valid, 5, ms_ssim_scales(side), 5]


def test_the_second_scale_of_32_pixels_has_6_by_6_values_as_judged():
    stream = torch.Generator().manual_seed(0)
    one, other = torch.rand((2, 1, 32, 32), generator=stream, dtype=torch.float64).split(1)
    arrays = [image[0, 0].numpy() for image in (one, other)]
    betas = ms_ssim_betas(3)
    product = 1.0
    for size, beta in zip((22, 6), betas[:2], strict=True):
        assert len(arrays[0]) - 11 + 1 == size
        product *= max(0.0, terms(*arrays, gaussian_window(11))[1]) ** beta
        arrays = [halved(image) for image in arrays]
    coarsest = [np.pad(image, 5, mode="reflect") for image in arrays]
    product *= max(0.0, terms(*coarsest, gaussian_window(11))[0]) ** betas[2]
    assert ms_ssim_per_image(one, other).item() == pytest.approx(product, abs=1e-6)


def test_the_origin_of_the_pixels_counts_and_their_unit_does_not(outputs, without_weights):
    made = outputs(4, shape=(3, 32, 32), padding=0)
    made.images_test[:, 1] //= 3  # channels of different means
    found = scored(made, without_weights)
    one, other = torch.tensor(made.reconstructions_test), torch.tensor(to_unit(made.images_test))
    ssim = StructuralSimilarityIndexMeasure(data_range=2.0)
    assert found["pixels in [-1, 1]"].values["ssim"] == pytest.approx(ssim(2 * one - 1, 2 * other - 1).item(), abs=1e-5)
    mean, std = other.mean((0, 2, 3), keepdim=True), 0.3081
    normalised = [(images - mean) / std for images in (one, other)]
    assert normalised[1].mean().abs() < 1e-6
    for metric, of_library in (
        ("ssim", StructuralSimilarityIndexMeasure(data_range=1 / std)),
        (
            "ms_ssim",
            MultiScaleStructuralSimilarityIndexMeasure(kernel_size=7, betas=ms_ssim_betas(3), data_range=1 / std),
        ),
    ):
        value = found["pixels of mean 0"].values[metric]
        assert value == pytest.approx(of_library(*normalised).item(), abs=1e-5)
        assert abs(value - found[JUDGED].values[metric]) > 1e-3


@pytest.mark.parametrize(
    ("name", "backbone", "net"), [("LPIPS VGG", "vgg16", "vgg"), ("LPIPS SqueezeNet", "squeezenet", "squeeze")]
)
def test_lpips_is_taken_on_the_network_of_its_name(outputs, context, name, backbone, net):
    made = replace(outputs(3), sampled_reconstructions_test=None, prior_samples=None)
    trunk = pretrained_lpips(context.backbones[backbone], context.weights_dir, "cpu", backbone)
    assert isinstance(trunk.network, lpips.LPIPS) and trunk.network.pnet_type == net
    expected = lpips_distance(trunk, made.images_test, made.reconstructions_test, 3, "cpu")
    found = scored(made, context, fid_images=1)[name]
    assert found.values == {"lpips": pytest.approx(expected, rel=1e-6)}
    used = context.backbones[backbone]
    assert found.details == {
        "n_images": 3,
        "weights": {used.file_name: used.sha256},
        "weights_from": {used.file_name: "official file"},
    }


def test_each_fid_compares_its_own_images(outputs, context):
    made = outputs(9, noise=0.3)
    rows = random_subset(9, 5)[random_subset(5, 2)]
    found = scored(made, context, n_images=5, fid_images=2)

    def expected(others, antialias=False):
        backbone = context.backbones["inception"]
        inception = pretrained_inception(backbone, context.weights_dir, "cpu", antialias)
        return pytest.approx(fid(inception, made.images_test[rows], others[rows], 2, "cpu"), rel=1e-6)

    assert found["x sampled"].values["fid"] == expected(made.sampled_reconstructions_test)
    assert found["prior samples"].values["fid"] == expected(made.prior_samples)
    assert found["FID antialiased"].values["fid"] == expected(made.reconstructions_test, antialias=True)
    values = {round(scores.values["fid"], 6) for scores in found.values() if "fid" in scores.values}
    assert len(values) == 5  # judged, antialiased, cropped, sampled, prior
    assert {scores.details["n_images"] for scores in found.values()} == {5}


def test_all_look_at_the_judged_images(outputs, without_weights):
    made = outputs(9)
    rows = random_subset(9, 4)
    images = [field.name for field in fields(made) if isinstance(getattr(made, field.name), np.ndarray)]
    part = replace(made, **{name: getattr(made, name)[rows] for name in images})
    found, alone = scored(made, without_weights, n_images=4), scored(part, without_weights)
    assert {name: scores.values for name, scores in found.items()} == {
        name: scores.values for name, scores in alone.items()
    }
    assert found["x sampled"].values != found[JUDGED].values


def test_images_that_cannot_be_scored_stop_no_other_alternative(outputs, without_weights):
    made = outputs(4)
    made.sampled_reconstructions_test[1, 0, 3, 3] = np.nan
    made.prior_samples[0, 0, 0, 0] = 1.5
    found = scored(made, without_weights)
    assert found["x sampled"].unavailable == dict.fromkeys(
        METRICS["x sampled"], "1 of 4 sampled reconstructions are not finite"
    )
    assert found["prior samples"].unavailable == {"fid": "prior samples leave [0, 1]"}
    assert set(found["MS-SSIM at 176"].values) == {"ms_ssim"}
    made.reconstructions_test[:] = 2
    spoiled = scored(made, without_weights)
    assert spoiled["LPIPS VGG"].unavailable == {"lpips": "reconstructions leave [0, 1]"}
    assert list(spoiled) == list(METRICS)


def test_without_test_images_all_say_so(outputs, without_weights):
    made = outputs(1)
    empty = replace(
        made,
        images_test=made.images_test[:0],
        reconstructions_test=made.reconstructions_test[:0],
        sampled_reconstructions_test=None,
        prior_samples=None,
    )
    for name, scores in scored(empty, without_weights).items():
        assert scores.unavailable == dict.fromkeys(METRICS[name], "no test images")
