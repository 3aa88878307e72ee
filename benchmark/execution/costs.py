"""How long a study would take here: a few training steps and small evaluations, measured and scaled up.

Steps scale with their number; t-SNE with the number of points, the SVM with its square. Image metrics are
measured on a few images and scaled. It is a forecast of the order of magnitude, and says what it rests on.
"""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np
import torch

from benchmark.evaluation.protocols import PROTOCOLS, EvaluationContext, TrialOutputs
from benchmark.execution.trial import TrialContext, trial_model
from benchmark.streams import generator
from benchmark.training.loop import train
from benchmark.trials import Trial

MEASURED_STEPS = 2
PROBE = {"clustering": 500, "classification": 1_000, "reconstruction": 100}
EXPONENT = {"clustering": 1.0, "classification": 2.0, "reconstruction": 1.0}


@dataclass(frozen=True)
class Forecast:
    """Seconds of one worker, split by what they are spent on, for the whole list of trials."""

    training: float
    evaluation: dict[str, float]

    def wall(self, jobs: int) -> float:
        """Seconds on the clock with `jobs` workers kept busy."""
        return (self.training + sum(self.evaluation.values())) / jobs


def forecast(trials: list[Trial], context: TrialContext) -> Forecast:
    """Measure on this machine (some seconds per kind of trial) and add up over `trials`."""
    examples = {_kind(trial): trial for trial in trials}
    step_seconds = {kind: _step_seconds(trial, context.device) for kind, trial in examples.items()}
    training = sum(
        step_seconds[_kind(t)] * t.training.epochs * (t.data.n_train // t.training.batch_size) for t in trials
    )
    evaluation = {
        name: sum(_evaluation_size(t, name) ** EXPONENT[name] for t in trials if name in t.protocols)
        * _probe_seconds(name, context)
        / PROBE[name] ** EXPONENT[name]
        for name in PROBE
        if any(name in t.protocols for t in trials)
    }
    return Forecast(training, evaluation)


def _kind(trial: Trial) -> tuple:
    """Trials of one kind have steps of about the same length."""
    return trial.method, trial.data.image_shape, trial.latent_dim >= 32, trial.training.width


def _step_seconds(trial: Trial, device: str) -> float:
    model = trial_model(trial, seed=0).to(device)
    images = torch.zeros((MEASURED_STEPS * trial.training.batch_size, *trial.data.image_shape), dtype=torch.uint8)
    settings = dataclasses.replace(trial.training, epochs=1)
    train(model, images[: trial.training.batch_size].to(device), settings, seed=0)  # the first step is slower
    return train(model, images.to(device), settings, seed=0).seconds / MEASURED_STEPS


def _evaluation_size(trial: Trial, protocol: str) -> int:
    if protocol == "clustering":
        return min(trial.protocols[protocol]["n_images"], trial.data.n_test)
    return trial.data.n_train if protocol == "classification" else trial.data.n_test


def _probe_seconds(name: str, context: TrialContext) -> float:
    n = PROBE[name]
    stream = generator("cpu", "evaluation", use="forecast")
    labels = np.arange(n) % 10
    latents = torch.randn(n, 8, generator=stream).numpy() + labels[:, None]
    images = torch.randint(0, 256, (n, 1, 32, 32), generator=stream, dtype=torch.uint8).numpy()
    outputs = TrialOutputs(latents, labels, latents, labels, images, images.astype(np.float32) / 255)
    # Offline: a forecast never downloads weights; without them FID and LPIPS are not in it.
    evaluation = EvaluationContext(weights_dir=context.weights_dir, device=context.device, offline=True)
    protocol = PROTOCOLS[name]()
    started = time.perf_counter()
    protocol.score(outputs, evaluation)
    return time.perf_counter() - started
