"""`throughput --methods`: compare the duration of every method's training step with a VAE's, across a study."""

from collections.abc import Iterable

from rich.console import Console

from benchmark.execution.process_plan import process_plan
from benchmark.studies.trials import Trial
from benchmark.throughput.method_times import UNIT, MethodTime, method_times


def compare_methods(trials: Iterable[Trial], device: str, seconds: float, console: Console) -> list[MethodTime]:
    """Measure every method's step relative to a VAE's, and print the times.

    Args:
        trials: One trial per method, data set and latent dimension. Those at a data set and latent dimension without a
            VAE, or with only a VAE, are ignored.
        device: Torch name of the device to train on.
        seconds: Approximate duration of the measurement at each data set and latent dimension.
        console: The console to print on.
    """
    places: dict[tuple[str, int], list[Trial]] = {}
    for trial in trials:
        places.setdefault((trial.data.name, trial.latent_dim), []).append(trial)
    found = []
    for (dataset, latent_dim), of_place in places.items():
        if UNIT not in [trial.method for trial in of_place] or len(of_place) < 2:
            continue
        times = method_times(of_place, device, process_plan(device).threads, seconds)
        found += times
        console.print(
            f"{dataset}, d = {latent_dim}: a step compared with that of {UNIT}, {times[0].turns} paired turns"
        )
        for one in times:
            span = f"{one.times_vae:.2f} times ({one.low:.2f} to {one.high:.2f})"
            console.print(f"  {one.method:19} {1000 * one.step_seconds:8.2f} ms, {span}")
    return found
