"""What a training step of each method takes beside a VAE's: turn by turn, so that what else the machine does meets all.

C9 asks this of a study's records, too, but there each method is trained at another time.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.execution.evaluate_trial import trial_model
from benchmark.execution.numerics import set_numerics
from benchmark.studies.trials import Trial
from benchmark.throughput.measurement import noise_images, paired_turns, steps_of_a_turn
from benchmark.training.loop import run_epoch
from benchmark.training.pack import default_way, pack_trainings

UNIT = "vae"


@dataclass(frozen=True)
class MethodTime:
    """One method at one place. `step_seconds`: the median over turns, of one seed. `times_vae`: the median over turns
    of its step over the VAE's of the same turn, with its quartiles `low` and `high`; `turns`: of how many."""

    dataset: str
    latent_dim: int
    method: str
    step_seconds: float
    times_vae: float
    low: float
    high: float
    turns: int


def method_times(trials: Sequence[Trial], device: str, threads: int, seconds: float) -> list[MethodTime]:
    """For about `seconds` and three turns or more, after one to warm up, the sides' order to and fro.

    `trials`: of one data set and latent dim, one a method, UNIT among them, trained alike."""
    set_numerics(device, threads)
    first = trials[0]
    images = noise_images(first, steps_of_a_turn(first, device)).to(device)
    trainings = [
        pack_trainings([trial_model(trial, seed=0).to(device)], images, trial.training, [0], default_way(device))
        for trial in trials
    ]
    turns = paired_turns([lambda one=one: run_epoch(one) for one in trainings], device, seconds)
    unit = [trial.method for trial in trials].index(UNIT)
    steps = len(images) // first.training.batch_size
    found = []
    for i, trial in enumerate(trials):
        low, middle, high = statistics.quantiles((turn[i] / turn[unit] for turn in turns), n=4, method="inclusive")
        median = statistics.median(turn[i] for turn in turns) / steps
        place = trial.data.name, trial.latent_dim, trial.method
        found.append(MethodTime(*place, median, middle, low, high, len(turns)))
    return found
