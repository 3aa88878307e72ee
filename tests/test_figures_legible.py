"""Figures can be read: colours differ, no text lies on another, no legend on data, and pictures are large enough."""

from itertools import combinations

import numpy as np
import pytest
from figure_samples import sample, source_of
from matplotlib.legend import Legend
from matplotlib.text import Text
from study_samples import cell, record

from benchmark.figures import (
    clustering_scores,
    frontiers,
    manifold,
    reconstructions,
    training_cost,
    training_curves,
    traversals,
    tsne,
    weight_sweeps,
)
from benchmark.methods.control_methods import ALL_METHODS, SWEEPS
from benchmark.methods.look import GREY
from benchmark.methods.registry import METHODS
from benchmark.plotting.figure_files import matplotlib_set_to
from benchmark.plotting.style import CLASS_COLOURS, RC

CAPTION = ("One model per method, of seed 0 (the lowest with a checkpoint).",) * 3
LABELS = [method.label for method in METHODS.values()]
STREAM = np.random.default_rng(0)

# Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15
# (2009), severity 1.0, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colours: list[str], vision: str) -> np.ndarray:
    """The colours (n, 3) in CIE L*a*b*, D65, as a vision sees them."""
    srgb = np.array([[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in colours]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ np.array(VISIONS[vision]).T, 0, 1) @ TO_XYZ.T / TO_XYZ.sum(1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def test_the_distance_of_colours_is_the_cies():
    np.testing.assert_allclose(
        lab(["#FFFFFF", "#000000", "#FF0000"], "normal")[:2], [[100, 0, 0], [0, 0, 0]], atol=1e-3
    )
    np.testing.assert_allclose(lab(["#FF0000"], "normal")[0], [53.24, 80.09, 67.20], atol=0.02)


@pytest.mark.parametrize("vision", VISIONS)
def test_ten_classes_have_ten_colours_that_are_told_apart(vision):
    """Two and a half is a just noticeable difference; small points need several times as much."""
    assert len(CLASS_COLOURS) == 10
    *seen, white = lab([*CLASS_COLOURS, "#FFFFFF"], vision)
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 17
    assert min(np.linalg.norm(one - white) for one in seen) > 35


def images(*shape: int) -> np.ndarray:
    return STREAM.random((*shape, 1, 32, 32))


def line(method: str, label: str, dims: int) -> clustering_scores.Line:
    return clustering_scores.Line(method, label, *STREAM.random((3, dims)))


def plane() -> tsne.Plane:
    labels = np.arange(500) % 10
    return tsne.Plane(STREAM.normal(size=(10, 2))[labels] + 0.3 * STREAM.normal(size=(500, 2)), labels, -0.123, 0)


def clustering(methods: int, dims: tuple[int, ...]):
    lines = [line(*pair, len(dims)) for pair in zip(METHODS, LABELS[:methods], strict=False)]
    metrics = ("silhouette", "calinski_harabasz", "davies_bouldin")
    return clustering_scores.ClusteringPage("Table 1: MNIST", dims, dict.fromkeys(metrics, lines), CAPTION)


def planes(methods: int, dims: tuple[int, ...]):
    labels = tuple(LABELS[:methods])
    return tsne.Planes("MNIST", labels, dims, {(label, dim): plane() for label in labels for dim in dims}, CAPTION)


def swept():
    metrics = ("ssim", "ms_ssim", "lpips")
    methods = [method for sweep in SWEEPS for method in sweep.methods]
    records = [
        record("mnist", method, 128, seed, "reconstruction", dict(zip(metrics, STREAM.random(3).tolist(), strict=True)))
        for method in methods
        for seed in range(3)
    ]
    labels = {method: ALL_METHODS[method].label for method in methods}
    return source_of(records, [cell(3, "mnist", method, 128) for method in methods], method_labels=labels)


def frontier():
    metrics = ("svm_accuracy", "ssim", "fid")
    methods = [method for sweep in SWEEPS for method in sweep.methods]
    records = [
        record("mnist", method, 8, seed, "all", dict(zip(metrics, STREAM.random(3).tolist(), strict=True)))
        | {"health": {"rate": None if "wae" in method else 40 * STREAM.random()}}
        for method in methods
        for seed in range(3)
    ]
    labels = {method: ALL_METHODS[method].label for method in methods}
    return source_of(records, [cell(2, "mnist", method, 8) for method in methods], method_labels=labels)


def moved(methods: int, units: int):
    found = {label: traversals.Traversal(np.arange(119, 119 + units), images(units, 7)) for label in LABELS[:methods]}
    return traversals.Traversals("MNIST", found, CAPTION)


PAGES = {
    "clustering of ten": (clustering_scores, lambda: clustering(10, (2, 4, 8, 16, 32, 64, 128))),
    "clustering of two": (clustering_scores, lambda: clustering(2, (2, 8))),
    "curves": (training_curves, lambda: next(iter(training_curves.pages(sample())))[1]),
    "cost": (training_cost, lambda: next(iter(training_cost.pages(sample())))[1]),
    "planes of one": (tsne, lambda: planes(1, (8,))),
    "planes of two": (tsne, lambda: planes(2, (2, 4, 8, 16, 32, 64, 128))),
    "planes of eight": (tsne, lambda: planes(8, (2, 8, 32))),
    "reconstructions": (
        reconstructions,
        lambda: reconstructions.Reconstructions("MNIST", {label: images(10) for label in LABELS}, CAPTION),
    ),
    "manifold": (
        manifold,
        lambda: manifold.Manifold("MNIST", images(2, 2), {label: images(7, 7) for label in LABELS[:4]}, CAPTION),
    ),
    "weights": (weight_sweeps, lambda: next(weight_sweeps.pages(swept()))[1]),
    "frontier": (frontiers, lambda: next(frontiers.pages(frontier()))[1]),
    "traversals of ten": (traversals, lambda: moved(10, 8)),
    "traversals of three": (traversals, lambda: moved(3, 2)),
}


def drawn(name: str):
    """The figure of a page, and the extents of all texts that are drawn in it."""
    module, data = PAGES[name]
    texts, draw = {}, Text.draw

    def noted(text, renderer):
        if text.get_visible() and text.get_text().strip():
            texts[text] = text.get_window_extent(renderer)
        draw(text, renderer)

    with matplotlib_set_to(RC), pytest.MonkeyPatch.context() as patch:
        figure = module.draw(data())
        figure.draw_without_rendering()  # lays it out
        patch.setattr(Text, "draw", noted)
        figure.draw_without_rendering()
    return figure, texts


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_and_all_lies_within_the_page(name):
    figure, boxes = drawn(name)
    assert len(boxes) > 3
    for (one, box), (other, beside) in combinations(boxes.items(), 2):
        # A pixel less on each side: boxes have room around the letters.
        assert not box.padded(-1).overlaps(beside.padded(-1)), (one, other)
    for text, box in boxes.items():
        assert figure.bbox.padded(1).containsx(box.x0) and figure.bbox.padded(1).containsx(box.x1), text
        assert figure.bbox.padded(1).containsy(box.y0) and figure.bbox.padded(1).containsy(box.y1), text
    for legend in figure.findobj(Legend):
        assert not any(legend.get_window_extent().overlaps(axes.get_window_extent()) for axes in figure.axes)


@pytest.mark.parametrize(
    ("name", "across"), [("reconstructions", 10), ("manifold", 7), ("traversals of ten", 7), ("traversals of three", 7)]
)
def test_an_image_is_40_pixels_wide_in_the_report(name, across):
    """Whose figures are 60 rem wide on a page of 1,280 pixels, 960 of them."""
    figure, _ = drawn(name)
    widths = [axes.get_window_extent().width for axes in figure.axes if axes.images]
    assert len(widths) >= 1
    assert min(widths) / across * 960 / figure.bbox.width > 40


def test_the_legend_tells_ours_from_the_papers():
    with matplotlib_set_to(RC):
        [legend] = clustering_scores.draw(clustering(2, (2, 8))).findobj(Legend)
    filling = {
        text.get_text(): handle.get_markerfacecolor()
        for text, handle in zip(legend.texts, legend.legend_handles, strict=True)
    }
    assert list(filling.items())[-2:] == [("filled: ours", GREY), ("hollow: the paper's", "none")]
    [(_, unprinted)] = clustering_scores.pages(sample())
    for lines in unprinted.lines.values():
        for one in lines:
            one.paper[:] = np.nan
    with matplotlib_set_to(RC):
        [legend] = clustering_scores.draw(unprinted).findobj(Legend)
    assert [text.get_text() for text in legend.texts] == ["GMVAE", "HGMVAE-G"]
