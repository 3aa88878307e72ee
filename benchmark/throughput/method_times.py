"""The duration of each method's training step relative to a VAE's, measured in turns.

Turns let other load on the machine affect all methods alike. Claim C9 compares the times in a study's records, too, but
there each method is trained at another time.
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
    """The measurement of one method at one data set and latent dim.

    Attributes:
        dataset: The data set, whose shape alone counts.
        latent_dim: The size d of the latent space.
        method: The method.
        step_seconds: Of a single seed's step, the median over turns.
        times_vae: Its step over the VAE's of the same turn, the median over turns.
        low: The lower quartile of that ratio.
        high: The upper quartile of that ratio.
        turns: How many turns there were.
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
        trials: One for each method, UNIT among them, otherwise equal.
        device: Where to train.
        threads: Of torch.
        seconds: About how long to measure.
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
