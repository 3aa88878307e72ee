"""A hand-made source for the tests of benchmark.figures: one table over dims, three seeds, every way to fall short."""

from pathlib import Path

from study_samples import cell, clustering, manifest, record, study_results

from benchmark.figures.study_source import StudySource


def trained(method, dim, seed, silhouette, **more):
    """An 'ok' record with curves of two epochs and a cost."""
    fields = {
        "curves": {"loss": [10.0 + seed, 5.0 + seed], "kl": [1.0, 100.0 * (seed + 1)]},
        "timings": {"training_seconds": 10.0 * (seed + 1)},
        "parameters": 1_000 * dim,
        "provenance": {"device": "cpu (test)", "platform": "Linux", "numerics": {"threads": 1}},
    }
    metrics = clustering(silhouette, 100.0 + seed, 1.0)
    return record("mnist", method, dim, seed, "clustering", metrics, **(fields | more))


def diverged(method, dim, seed):
    return trained(method, dim, seed, 0.9, status="diverged", reason="loss not finite at step 3")


def source_of(records, cells, device="cpu", images=None, folder=Path("nowhere"), **more) -> StudySource:
    def no_images(*asked):
        raise AssertionError(f"images were asked for: {asked}")

    return StudySource(
        study_results(manifest(cells, **more), {record["key"]: record for record in records}),
        lambda key: folder / f"{key}.safetensors",
        images or no_images,
        device,
    )


def sample(mark: str = "procedural") -> StudySource:
    """Table 1 on MNIST, which has the mark, d = 2, 8, 16.

    GMVAE: whole at 2; nothing has run at 8; one seed at 16. HGMVAE-G: seed 1 diverged at 2, seed 2 collapsed at 8.
    """
    records = [
        *(trained("gmvae", 2, seed, value) for seed, value in enumerate((0.1, 0.2, 0.6))),
        trained("gmvae", 16, 0, 0.4),
        trained("hgmvae_g", 2, 0, 0.3),
        diverged("hgmvae_g", 2, 1),
        trained("hgmvae_g", 2, 2, 0.5),
        *(trained("hgmvae_g", 8, seed, 0.5) for seed in (0, 1)),
        trained("hgmvae_g", 8, 2, 0.5, health={"active_units": 0, "explained_variance": 0.0, "collapsed": True}),
        *(trained("hgmvae_g", 16, seed, 0.25) for seed in (0, 1, 2)),
    ]
    cells = [cell(1, "mnist", method, dim) for dim in (2, 8, 16) for method in ("gmvae", "hgmvae_g")]
    return source_of(records, cells, marks={"mnist": [mark]})
