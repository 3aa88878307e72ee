"""Studies for the tests of verdicts as people read them."""

import json
from pathlib import Path

import numpy as np
from study_samples import cell, clustering, manifest, packed_records, record

from benchmark.paper.tables import paper_numbers
from benchmark.verdict.claim_frames import claims_frame
from benchmark.verdict.claim_judging import judge_means, judge_printed, judge_runs

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
LAPTOP = REFERENCE / "laptop-cpu"


def laptop(run: str = "laptop-cpu"):
    """(manifest, records) of the laptop study, of a folder of results/reference."""
    folder = REFERENCE / run
    return json.loads((folder / "manifest.json").read_text()), packed_records(folder)


def every_verdict():
    """(manifest, records) of ten seeds in which each verdict occurs, all in Table 1 but `not comparable`."""
    printed = paper_numbers().set_index(["table", "dataset", "metric", "method", "latent_dim"])["value"]
    small = np.resize([-1e-3, 1e-3], 10)
    wanted = {
        ("gmvae", 8): small,
        ("hgmvae_g", 8): small + 0.2,
        ("hgmvae_u", 8): 100 * small,  # out of reach
        ("gmvae", 4): 20 * small + 0.02,  # undecided
    }
    runs = [
        record("mnist", method, dim, seed, "clustering", clustering(paper + move, 1.0, 1.0))
        for (method, dim), moves in wanted.items()
        for paper in [printed[1, "mnist", "silhouette", method, dim]]
        for seed, move in enumerate(moves)
    ]
    runs += [record("cifar10", "vae", 8, seed, "classification", {"svm_accuracy": 0.5}) for seed in range(10)]
    cells = [cell(1, "mnist", method, dim, range(10)) for method, dim in (*wanted, ("gmvae", 2))]
    cells.append(cell(2, "cifar10", "vae", 8, range(10)))
    study = manifest(cells, seeds=10, notes=[], marks={"cifar10": ["subset"]})
    return study, {run["key"]: run for run in runs}


def judge_numbers(rows):
    """The claims judged on printed numbers, in the form of `paper_numbers`."""
    place = ["table", "dataset", "metric", "method", "latent_dim"]
    return judge_means(rows.set_index(place)["value"].to_dict())


def claims_of(study):
    return claims_frame(judge_runs(study), judge_printed())
