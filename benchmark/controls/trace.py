"""Trace of a training: the loss and F at every step of the first epoch, and SVM accuracy after every epoch."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.data.dataset import Dataset
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.protocols import Classification
from benchmark.execution.evaluate_trial import trial_model, trial_outputs
from benchmark.studies.trials import Trial
from benchmark.training.loop import Training, advance_together

FISHER = "fisher"


@dataclass(frozen=True)
class Trace:
    """The trace of one training.

    Attributes:
        steps: The steps of the first epoch before the first non-finite loss; columns step (from 1), loss and fisher
            (unweighted; NaN if the loss has no such term).
        epochs: Columns epoch (from 1) and svm_accuracy (in [0, 1]; NaN if the latents are constant or not finite),
            without an epoch that diverged.
        diverged_at: See `TrainingResult`.
    """

    steps: pd.DataFrame
    epochs: pd.DataFrame
    diverged_at: int | None


def trace(trial: Trial, dataset: Dataset, device: str) -> Trace:
    """Train a trial as `run` does, and trace it.

    The training is identical to that of a run, because tracing uses none of its random streams.

    Args:
        trial: A trial that is scored by the protocol `classification`.
        dataset: Its images.
        device: A torch device.
    """
    model = trial_model(trial, trial.seed, device)
    images = torch.from_numpy(np.array(dataset.x_train)).to(device)
    kept: list[Tensor] = []  # the loss and its terms of every step
    training = Training(model, images, trial.training, trial.seed, on_step=kept.append)
    protocol = Classification(**trial.protocols["classification"])
    accuracies = {}

    def judge(epoch: int) -> None:
        if not training.over:
            model.eval()
            outputs = trial_outputs(model, dataset, device, set(protocol.needs))
            accuracies[epoch] = protocol.score(outputs, EvaluationContext(device=device)).values.get("svm_accuracy")
            model.train()

    [result] = advance_together([training], trial.training, judge)
    seen = torch.stack(kept[: training.steps_per_epoch]).cpu().numpy()
    steps = pd.DataFrame(seen, columns=training.names, index=pd.RangeIndex(1, len(seen) + 1, name="step"))
    steps = steps.iloc[: result.diverged_at].reindex(columns=["loss", FISHER])
    epochs = pd.DataFrame({"epoch": list(accuracies), "svm_accuracy": list(accuracies.values())}, dtype=float)
    return Trace(steps.reset_index(), epochs.astype({"epoch": int}), result.diverged_at)
