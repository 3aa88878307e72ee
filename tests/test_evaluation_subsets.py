"""Which images are scored, and whether a latent space is alive."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from benchmark.evaluation.health import active_units, collapsed, explained_variance
from benchmark.evaluation.image_subsets import random_subset, stratified_subset
from benchmark.subsets import choose, last_of_every_class, shares


def test_stratified_counts_are_the_shares_and_do_not_depend_on_the_order_of_classes():
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [500, 300, 200]))
    rows = stratified_subset(labels, 100)
    assert np.bincount(labels[rows]).tolist() == [50, 30, 20]
    assert (np.diff(rows) > 0).all()  # ascending, so none twice


def test_shares_that_are_not_whole_go_to_the_largest_remainder():
    labels = np.repeat([0, 1, 2], [55, 33, 12])
    # exact shares of 10: 5.5, 3.3, 1.2
    assert np.bincount(labels[stratified_subset(labels, 10)]).tolist() == [6, 3, 1]


def test_a_class_too_rare_for_its_share_keeps_one_image_where_that_is_asked_for():
    labels = np.repeat([0, 1, 2, 3], [940, 30, 29, 1])
    # exact shares of 20: 18.8, 0.6, 0.58, 0.02; by largest remainder 19, 1, 0, 0
    kept = choose(1000, 20, labels, "subset", keep_classes=True)
    assert np.bincount(labels[kept]).tolist() == [17, 1, 1, 1]
    assert np.bincount(labels[stratified_subset(labels, 20)]).tolist() == [19, 1]  # as records have it


def test_shares_keep_their_bounds():
    counts = np.array([4, 1, 95])
    assert shares(counts, 60, np.zeros(3, int), counts).tolist() == [2, 1, 57]  # 2.4, 0.6, 57
    assert shares(counts, 60, np.zeros(3, int), counts - 1).tolist() == [3, 0, 57]
    with pytest.raises(ValueError, match="98 images of 0 to 97"):
        shares(counts, 98, np.zeros(3, int), counts - 1)


def test_the_last_of_every_class_wherever_they_lie():
    labels = np.array([4, 2, 4, 4, 2, 9, 4])
    assert np.flatnonzero(last_of_every_class(labels, np.array([1, 2, 0]))).tolist() == [3, 4, 6]
    assert last_of_every_class(labels, np.array([2, 4, 1])).all()


def test_every_call_takes_the_same_images_whatever_the_global_streams_do():
    labels = np.arange(1000) % 10
    first = stratified_subset(labels, 137)
    np.random.seed(99)  # noqa: NPY002
    assert (stratified_subset(labels, 137) == first).all()
    assert (random_subset(1000, 40) == random_subset(1000, 40)).all()
    assert first.tolist() != list(range(137))


def test_random_subset_is_spread_over_the_whole_set():
    rows = random_subset(10_000, 2_000)
    assert len(np.unique(rows)) == 2_000
    # The mean of 2,000 of 10,000 positions has a standard deviation of 58.
    assert rows.mean() == pytest.approx(4999.5, abs=250)


@pytest.mark.parametrize("n", [None, 7, 8])
def test_asking_for_all_or_more_gives_all(n):
    assert stratified_subset(np.array([1, 0, 1, 1, 0, 2, 2]), n).tolist() == list(range(7))
    assert random_subset(7, n).tolist() == list(range(7))


def test_active_units_are_those_with_a_hundredth_of_the_sampled_variance():
    rng = np.random.default_rng(1)
    means = rng.normal(size=(50_000, 3)) * np.sqrt([0.5, 0.011, 0.009])
    sampled = means + rng.normal(size=means.shape) * np.sqrt([0.5, 0.989, 0.991])  # an aggregate of variance 1
    assert active_units(means, sampled) == 2


def test_the_scale_of_the_codes_does_not_matter():
    rng = np.random.default_rng(1)
    means = rng.normal(size=(1000, 4)) * [1, 0.5, 0.01, 0.001]
    sampled = means + rng.normal(size=means.shape)
    for scale in (1e-6, 1.0, 1e6):
        assert active_units((means * scale).astype(np.float32), (sampled * scale).astype(np.float32)) == 2


def test_without_noise_every_unit_that_varies_is_active():
    latents = np.random.default_rng(0).normal(size=(30, 3)) * [1, 1e-8, 0]
    assert active_units(latents, latents) == 2


def test_a_dimension_with_values_that_are_not_finite_is_not_active():
    latents = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    latents[4, 0], latents[5, 1] = np.nan, np.inf
    assert active_units(latents, latents) == 1


def test_explained_variance_is_scikit_learns_r2():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2500, 1, 4, 4), dtype=np.uint8)
    reconstructions = (0.7 * images / 255 + 0.3 * rng.random(images.shape)).astype(np.float32)
    expected = r2_score(
        images.reshape(2500, -1) / 255, reconstructions.reshape(2500, -1), multioutput="variance_weighted"
    )
    assert 0.1 < expected < 0.99
    assert explained_variance(images, reconstructions) == pytest.approx(expected, rel=1e-6)


def test_explained_variance_of_perfection_the_mean_image_and_nonsense():
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 4), dtype=np.uint8)
    unit = images / 255
    assert explained_variance(images, unit) == pytest.approx(1)
    assert explained_variance(images, np.broadcast_to(unit.mean(0), unit.shape)) == pytest.approx(0, abs=1e-12)
    assert explained_variance(images, 1 - unit) < -1
    assert explained_variance(images, np.full_like(unit, np.nan)) is None
    assert explained_variance(images[:1], unit[:1]) is None  # one image has no variance


@pytest.mark.parametrize("pixel", [0, 7, 85, 255])
def test_images_that_do_not_differ_have_no_variance_to_explain(pixel):
    images = np.full((2500, 1, 32, 32), pixel, np.uint8)
    assert explained_variance(images, np.full(images.shape, 0.5)) is None


@pytest.mark.parametrize(
    ("active", "latent_dim", "verdict"),
    [
        (0, 2, True),
        (1, 2, False),
        (1, 4, True),
        (2, 4, False),
        (3, 8, True),
        (4, 8, False),
        (3, 128, True),
        (4, 128, False),
    ],
)
def test_collapse_is_fewer_than_half_of_the_dimensions_up_to_eight(active, latent_dim, verdict):
    assert collapsed(active, latent_dim, 0.9) is verdict


@pytest.mark.parametrize(("explained", "verdict"), [(None, True), (-0.1, True), (0.099, True), (0.1, False)])
def test_collapse_is_also_a_decoder_that_paints_the_mean_image(explained, verdict):
    assert collapsed(128, 128, explained) is verdict
