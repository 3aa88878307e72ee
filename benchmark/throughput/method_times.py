"""The duration of each method's training step relative to a VAE's, measured in turns.

Turns make other load on the machine affect all methods equally. Claim C9 also compares the times in a study's records,
but there the methods are trained at different times.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmark.execution.numerics import set_numerics
from benchmark.studies.trials import Trial
from benchmark.throughput.measurement import noise_images, paired_turns, quartiles_of_ratio, steps_per_turn, untrained
from benchmark.training.loop import run_epoch
from benchmark.training.pack import default_way

UNIT = "vae"


@dataclass(frozen=True)
class MethodTime:
    """The measurement of one method at one data set and latent dimension.

    Attributes:
        dataset: The data set, of which only the image shape matters.
        latent_dim: The latent dimension d.
        method: The method.
        step_seconds: Seconds per step of a single seed, median over turns.
        times_vae: Ratio of its step to the VAE's in the same turn, median over turns.
        low: Lower quartile of the ratio.
        high: Upper quartile of the ratio.
        turns: Number of turns.
    """

    dataset: str
    latent_dim: int
    method: str
    step_seconds: float
    times_vae: float
    low: float
    high: float
    turns: int


def method_times(trials: Sequence[Trial], device: str, threads: int, seconds: float) -> list[MethodTime]:
    """Measure methods in turns (see `paired_turns`).

    Args:
        trials: One trial per method, including UNIT, otherwise equal.
        device: Torch name of the device to train on.
        threads: Number of torch's threads.
        seconds: Approximate duration of the measurement.
    """
    set_numerics(device, threads)
    first = trials[0]
    images = noise_images(first, steps_per_turn(first, device)).to(device)
    trainings = [untrained(trial, images, [0], default_way(device)) for trial in trials]
    turns = paired_turns([partial(run_epoch, one) for one in trainings], device, seconds)
    unit = [trial.method for trial in trials].index(UNIT)
    steps = len(images) // first.training.batch_size
    found = []
    for i, trial in enumerate(trials):
        low, middle, high = quartiles_of_ratio(turns, work=i, unit=unit)
        median = statistics.median(turn[i] for turn in turns) / steps
        place = trial.data.name, trial.latent_dim, trial.method
        found.append(MethodTime(*place, median, middle, low, high, len(turns)))
    return found
