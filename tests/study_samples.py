"""A hand-made study for the tests of tables and verdicts: three seeds, and every way in which a cell can fall short."""

import json
from pathlib import Path
from typing import Any

from benchmark.results.manifest import Manifest
from benchmark.results.records import Record
from benchmark.results.study_results import StudyResults

ODD_NAME = "50%_of [A&B]"


def packed_records(folder: Path) -> dict[str, dict[str, Any]]:
    """Key -> record of a folder of results/reference, as its records.jsonl has them."""
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["key"]: record for record in map(json.loads, lines)}


def record(dataset, method, dim, seed, protocol, metrics, **more):
    """An 'ok' record with one protocol; `more` replaces whole fields."""
    return {
        "key": f"{dataset}-{method}-{dim}-{seed}",
        "identity": {"dataset": dataset, "method": method, "latent_dim": dim, "seed": seed},
        "status": "ok",
        "reason": None,
        "metrics": {protocol: metrics},
        "unavailable": {},
        "health": {"active_units": dim, "explained_variance": 0.75, "collapsed": False},
    } | more


def parsed(records):
    """Key -> record, of plain ones that may lack what is the same in all."""
    return {key: Record.parse({"schema": 1, "curves": {}, "timings": {}} | one) for key, one in records.items()}


def study_results(study, records):
    """A plain manifest and plain records as `Store.read_study` gives them."""
    return StudyResults(Manifest.parse(study), parsed(records))


def cell(table, dataset, method, dim, seeds=(0, 1, 2)):
    keys = {str(seed): f"{dataset}-{method}-{dim}-{seed}" for seed in seeds}
    return {"table": table, "dataset": dataset, "method": method, "latent_dim": dim, "keys": keys}


def manifest(cells, **more):
    return {
        "schema": 1,
        "study": "laptop",
        "seeds": 3,
        "weight_set": "default",
        "notes": ["5,000 of 60,000 training images", "2 of 10 epochs"],
        "marks": {},
        "unavailable": {},
        "data": {},
        "runs": [],
        "method_labels": {"gmvae": "GMVAE", "hgmvae_g": "HGMVAE-G", "hgmvae_u": "HGMVAE-U"},
        "dataset_labels": {"mnist": "MNIST"},
        "cells": cells,
    } | more


def clustering(silhouette, calinski_harabasz, davies_bouldin):
    return {
        "silhouette": silhouette,
        "calinski_harabasz": calinski_harabasz,
        "davies_bouldin": davies_bouldin,
    }


def sample():
    """(manifest, records) of Table 1 (clustering) and Table 3 (reconstruction)."""
    runs = [
        # Complete, its silhouette truly zero.
        *(record("mnist", "gmvae", 8, s, "clustering", clustering(0.0, 100.0 + s, 1.5)) for s in range(3)),
        # Seed 1 diverged; seed 2 collapsed.
        record("mnist", "hgmvae_g", 8, 0, "clustering", clustering(0.25, 110.0, 1.0)),
        record(
            "mnist",
            "hgmvae_g",
            8,
            1,
            "clustering",
            {},
            status="diverged",
            reason="loss not finite at step 17",
            health={},
        ),
        record(
            "mnist",
            "hgmvae_g",
            8,
            2,
            "clustering",
            clustering(0.75, 130.0, 2.0),
            health={"active_units": 2, "explained_variance": 0.312, "collapsed": True},
        ),
        # One value only: seeds 1 and 2 have not run.
        record("mnist", "hgmvae_u", 8, 0, "clustering", clustering(-0.125, 90.0, 3.0)),
        # d = 16: all failed, none run, one metric that could not be computed.
        *(
            record("mnist", "gmvae", 16, s, "clustering", {}, status="failed", reason="out of memory\n at 50%")
            for s in range(3)
        ),
        *(
            record(
                "mnist",
                "hgmvae_u",
                16,
                s,
                "clustering",
                {"calinski_harabasz": 50.0, "davies_bouldin": 1.0},
                unavailable={"clustering": {"silhouette": "the latent is constant"}},
            )
            for s in range(3)
        ),
        *(
            record(
                dataset,
                method,
                128,
                s,
                "reconstruction",
                {"ssim": ssim, "ms_ssim": 0.9, "lpips": 0.125},
                unavailable={"reconstruction": {"fid": "weights unavailable: weights-inception_v3.pth"}},
            )
            for s in range(3)
            for dataset, method, ssim in (
                ("celeba", "gmvae", 0.5004),
                ("celeba", "hgmvae_g", 0.4996),
                ("celeba", "hgmvae_u", 0.25),
                (ODD_NAME, "gmvae", 0.5),
            )
        ),
    ]
    cells = [
        *(cell(1, "mnist", method, dim) for method in ("hgmvae_u", "gmvae", "hgmvae_g") for dim in (16, 8)),
        cell(3, ODD_NAME, "gmvae", 128),
        *(cell(3, "celeba", method, 128) for method in ("gmvae", "hgmvae_g", "hgmvae_u")),
        *(cell(3, "chairs", method, 128, seeds=()) for method in ("gmvae", "hgmvae_g", "hgmvae_u")),
    ]
    study = manifest(
        cells,
        marks={"mnist": ["procedural"], "celeba": ["subset"], "chairs": []},
        unavailable={"chairs": "no chairs64.npz in the data folder and --offline"},
    )
    return study, {run["key"]: run for run in runs}
