"""The figures that need models and images, of a study trained in seconds on drawn images."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny_study import TINY, records_of, tiny_grid

from benchmark.evaluation.clustering import separation
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.stored_models import NotAvailable, images_in
from benchmark.figures import manifold, reconstructions, trained_models, traversals, tsne
from benchmark.figures.all_figures import make_figures
from benchmark.figures.study_source import CannotDraw, kinds, read_source
from benchmark.figures.trained_models import dataset_of
from benchmark.plotting.panels import centres, gap_of, mosaic
from benchmark.results.store import Store
from benchmark.table_specs import TABLES

STUDY = replace(
    TINY,
    tables=(
        dataclasses.replace(TABLES[1], methods=("gmvae",), latent_dims=(2,)),
        dataclasses.replace(TABLES[3], methods=("vae", "hgmvae_g"), datasets=("mnist",), latent_dims=(16,)),
    ),
    training=replace(TINY.training, epochs=10, learning_rate=5e-3),
)
TOLERANCE = 1e-5  # of a pixel in [0, 1]: batches of other sizes round differently


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    grid, store = tiny_grid(out, STUDY), Store(out)
    context = TrialContext(out, "cpu", None)
    for cell_trials in grid.cells.values():
        for record in records_of(list(cell_trials.values()), grid.datasets["mnist"], context):
            store.write_record(record)
    store.write_manifest(grid.manifest())
    return out


@pytest.fixture
def source(folder):
    return read_source(folder, None, images_in(folder, offline=True), "cpu", report=lambda line: None)


def page(pages, name):
    return dict(pages)[name]


def kind_of(source, method):
    return next(kind for kind in kinds(source) if kind.method == method)


def without_checkpoints(source, *keys):
    def path(key):
        return source.checkpoint("none" if key in keys else key)

    return replace(source, checkpoint=path)


def test_reconstructions_are_of_one_image_of_every_class_for_all_methods(source):
    data = page(reconstructions.pages(source), "reconstructions_mnist_d16")
    assert list(data.rows) == ["originals", "VAE", "HGMVAE-G"]
    assert {rows.shape for rows in data.rows.values()} == {(10, 1, 32, 32)}
    model = trained_models.trained(source, kind_of(source, "vae"))
    dataset = dataset_of(source, model.record.identity)
    images = trained_models.some_test_images(dataset, 10)
    np.testing.assert_allclose(data.rows["originals"], images / 255, atol=1e-7)
    np.testing.assert_allclose(data.rows["VAE"], model.decode(model.encode(images)), atol=TOLERANCE)
    shown = [np.flatnonzero((dataset.x_test == image).all((1, 2, 3)))[0] for image in images]
    assert dataset.y_test[shown].tolist() == list(range(10))


def test_models_are_those_of_the_run(source):
    """The loaded weights give the explained variance that the run recorded."""
    model = trained_models.trained(source, kind_of(source, "hgmvae_g"))
    images = np.asarray(dataset_of(source, model.record.identity).x_test)
    error = (images / 255 - model.decode(model.encode(images))) ** 2
    spread = (images / 255 - (images / 255).mean(0)) ** 2
    assert 1 - error.sum() / spread.sum() == pytest.approx(model.record.health.explained_variance, abs=1e-4)


def test_the_corners_of_a_manifold_are_the_reconstructions_of_its_images(source):
    data = page(manifold.pages(source), "manifold_mnist_d16")
    for method in ("vae", "hgmvae_g"):
        model = trained_models.trained(source, kind_of(source, method))
        images = (255 * data.corners).round().astype(np.uint8)
        own = model.decode(model.encode(images.reshape(4, 1, 32, 32)))
        grid = data.grids[model.label]
        assert grid.shape == (7, 7, 1, 32, 32)
        corners = grid[[0, 0, -1, -1], [0, -1, 0, -1]]
        np.testing.assert_allclose(corners, own, atol=TOLERANCE)
        differences = [np.abs(own[a] - own[b]).max() for a in range(4) for b in range(a)]
        assert min(differences) > 100 * TOLERANCE  # so that exchanged corners would be seen


def test_bilinear_codes_are_the_closed_form():
    corners = np.array([[[0.0, 1.0], [4.0, 1.0]], [[0.0, 3.0], [8.0, 3.0]]])
    codes = manifold.bilinear(corners, 5)
    np.testing.assert_allclose(codes[2, 2], corners.mean((0, 1)))
    np.testing.assert_allclose(codes[1, 3], [0.75 * 3 + 0.25 * 6, 1.5])
    np.testing.assert_array_equal(codes[[0, 0, -1, -1], [0, -1, 0, -1]], corners.reshape(4, 2))


def test_a_traversals_middle_column_is_the_images_own_reconstruction(source):
    data = page(traversals.pages(source), "traversals_mnist_d16")
    for method in ("vae", "hgmvae_g"):
        model = trained_models.trained(source, kind_of(source, method))
        dataset = dataset_of(source, model.record.identity)
        start = trained_models.some_test_images(dataset, 10)[:1]
        shown = data.methods[model.label]
        assert shown.images.shape == (8, 7, 1, 32, 32)
        own = np.broadcast_to(model.decode(model.encode(start)), (8, 1, 32, 32))
        np.testing.assert_allclose(shown.images[:, 3], own, atol=TOLERANCE)
        assert np.abs(shown.images[0, 0] - shown.images[0, -1]).max() > 1_000 * TOLERANCE
        spread = model.encode(np.asarray(dataset.x_test)).std(0)
        assert set(shown.units) == set(np.argsort(spread)[-8:])
        assert (np.diff(spread[shown.units]) <= 0).all()


def test_only_one_unit_moves_and_by_its_own_spread():
    codes = np.array([[0.0, 10.0, 5.0], [2.0, 30.0, 5.0]])  # standard deviations 1, 10, 0
    units, path = traversals.moved(np.array([1.0, 1.0, 1.0]), codes)
    assert units.tolist() == [1, 0, 2]
    assert path.shape == (3, 7, 3)
    assert path[0].tolist() == [[1, 1 + 10 * k, 1] for k in range(-3, 4)]
    assert path[1].tolist() == [[1 + k, 1, 1] for k in range(-3, 4)]
    assert (path[2] == 1).all()
    wide = traversals.moved(np.zeros(20), np.arange(40.0).reshape(2, 20) ** 2)[0]
    assert wide.tolist() == list(range(19, 11, -1))


def test_the_plane_is_the_one_of_the_scores(source):
    """Its silhouette is the recorded one: the same images, perplexity and start."""
    data = page(tsne.pages(source), "tsne_mnist")
    assert (data.methods, data.dims) == (("GMVAE",), (2,))
    plane = data.planes["GMVAE", 2]
    assert plane.points.shape == (60, 2)
    assert separation(plane.points, plane.labels)["silhouette"] == pytest.approx(plane.silhouette, abs=1e-6)
    record = source.study.records[kind_of(source, "gmvae").seeds[0].key]
    assert plane.silhouette == record.metrics["clustering"]["silhouette"]


def test_all_are_written(source, tmp_path):
    made = dict(make_figures(source, ["tsne", "reconstructions", "manifold", "traversals"], tmp_path))
    assert list(made) == ["tsne_mnist", "reconstructions_mnist_d16", "manifold_mnist_d16", "traversals_mnist_d16"]
    for png, pdf in made.values():
        with Image.open(png) as image:
            assert np.asarray(image.convert("L")).std() > 10
        assert pdf.read_bytes().startswith(b"%PDF")


def test_the_next_seed_stands_in_for_one_without_a_checkpoint(source):
    kind = kind_of(source, "vae")
    first, second = kind.seeds
    assert trained_models.trained(source, kind).seed == 0
    assert trained_models.trained(without_checkpoints(source, first.key), kind).seed == 1
    with pytest.raises(CannotDraw, match=r"^no checkpoint \(seeds 0, 1\)$"):
        trained_models.trained(without_checkpoints(source, first.key, second.key), kind)


def test_a_method_without_a_model_is_named_and_the_others_are_shown(source):
    keys = [seed.key for seed in kind_of(source, "hgmvae_g").seeds]
    data = page(manifold.pages(without_checkpoints(source, *keys)), "manifold_mnist_d16")
    assert list(data.grids) == ["VAE"]
    assert "Not shown: HGMVAE-G: no checkpoint (seeds 0, 1)." in data.caption


def test_pages_without_the_images_of_the_trials_are_skipped(source):
    def gone(identity):
        raise NotAvailable("mnist: not here")

    for module in (reconstructions, manifold, traversals, tsne):
        [(_, reason)] = module.pages(replace(source, images=gone))
        assert str(reason) == "mnist: not here"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method_revision": 99}, "trained by another revision of the code"),
        ({"training": {"width": 0.25, "revision": 99}}, "trained by another revision of the code"),
        (
            {"latent_dim": 16, "settings": {"beta": 1.0}, "training": {"width": 0.5, "revision": 1}},
            "no checkpoint of this",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_not_shown(source, change, reason):
    kind = kind_of(source, "vae")
    records = dict(source.study.records)
    for seed in kind.seeds:
        records[seed.key] = seed.record.updated(identity={**seed.record.identity.plain, **change})
    source = replace(source, study=replace(source.study, records=records))
    with pytest.raises(CannotDraw, match=reason):
        trained_models.trained(source, kind_of(source, "vae"))


def test_a_mosaic_has_white_gaps_and_every_image_in_its_place():
    images = np.linspace(0, 0.9, 6).reshape(2, 3, 1, 1, 1) * np.ones((2, 3, 1, 32, 32))
    picture = mosaic(images)
    assert gap_of(32) == 2
    assert picture.shape == (2 * 32 + 2, 3 * 32 + 2 * 2)
    rows, columns = centres(2, 32), centres(3, 32)
    assert rows.tolist() == [15.5, 49.5]
    for row, y in enumerate(rows):
        for column, x in enumerate(columns):
            assert picture[int(y), int(x)] == images[row, column, 0, 0, 0]
    assert (picture[32:34] == 1).all()
    assert (picture[:, 66:68] == 1).all()
    colour = np.zeros((1, 1, 3, 8, 8))
    colour[:, :, 1] = 0.5
    assert mosaic(colour).tolist() == np.broadcast_to([0, 0.5, 0], (8, 8, 3)).tolist()


def test_images_without_labels_are_drawn_at_random(source):
    dataset = dataset_of(source, trained_models.trained(source, kind_of(source, "vae")).record.identity)
    unlabelled = replace(dataset, labels=None)
    one, two = (trained_models.some_test_images(unlabelled, 4) for _ in range(2))
    assert one.shape == (4, 1, 32, 32)
    np.testing.assert_array_equal(one, two)
    with pytest.raises(CannotDraw, match="has no labels"):
        tsne._plane(replace(source, images=lambda *asked: unlabelled), kind_of(source, "gmvae"))
