"""A study of seconds on procedural images, for the tests of benchmark.execution and of the command line."""

import dataclasses
from typing import Any

import numpy as np
import torch

from benchmark.data.dataset import Dataset
from benchmark.execution.evaluate_trial import TrialContext, scored
from benchmark.execution.pack_run import run_pack
from benchmark.execution.packs import Pack
from benchmark.results.records import Record
from benchmark.studies.grid import DataOptions, Grid, Selection, build_grid
from benchmark.studies.named_studies import Study
from benchmark.studies.trials import Trial
from benchmark.table_specs import TABLES
from benchmark.training.training_settings import TrainingSettings

TINY = Study(
    "tiny",
    "for tests",
    (
        dataclasses.replace(TABLES[1], methods=("gmvae",), latent_dims=(2,)),
        dataclasses.replace(TABLES[2], methods=("vae",), datasets=("mnist",)),
    ),
    seeds=2,
    training=TrainingSettings(epochs=2, batch_size=32, width=0.25),
    n_train=96,
    n_test=60,
    images="drawn",
    protocol_settings={"clustering": {"perplexity": 10.0}},
)


def tiny_grid(tmp_path, study: Study = TINY, only: str | None = None) -> Grid:
    options = DataOptions.of(study, tmp_path, offline=True)
    return build_grid(study, Selection.parse(only), options, "cpu", report=lambda line: None)


def records_of(trials: list[Trial], dataset: Dataset, context: TrialContext, **more: Any) -> list[Record]:
    """The records of trials of one kind, trained as one pack and scored in this process."""
    pack = Pack(tuple(trials), frozenset(trial.key for trial in trials))
    images = torch.from_numpy(np.array(dataset.x_train))
    return [
        scored(trial, record, outputs, context) if outputs else record
        for trial, record, outputs in run_pack(pack, dataset, images, context, **more)
    ]
