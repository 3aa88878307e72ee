"""`throughput --methods`: what a step of every method takes beside VAE's, at every place of a study."""

import argparse
import dataclasses

from rich.console import Console

from benchmark.commands.option_values import command_line, shown
from benchmark.errors import UserError
from benchmark.execution.process_plan import crew
from benchmark.execution.provenance import provenance
from benchmark.studies.grid import Selection, expected_trials
from benchmark.studies.named_studies import Study
from benchmark.studies.trials import Trial
from benchmark.throughput.method_times import UNIT, method_times
from benchmark.throughput.throughput_files import write_method_times


def compare_methods(study: Study, options: argparse.Namespace, device: str, console: Console) -> int:
    """Every method beside VAE, at each data set and latent dim of the study that has both."""
    cells = Selection.parse(options.only).cells_of(study)
    places: dict[tuple[str, int], list[Trial]] = {}
    for trial in expected_trials(dataclasses.replace(study, seeds=1), cells, options.weights, device):
        places.setdefault((trial.data.name, trial.latent_dim), []).append(trial)
    found = []
    for (dataset, latent_dim), trials in places.items():
        if UNIT not in [trial.method for trial in trials] or len(trials) < 2:
            continue
        of_place = method_times(trials, device, crew(device).threads, options.seconds)
        found += of_place
        console.print(f"{dataset}, d = {latent_dim}: a step beside that of {UNIT}, {of_place[0].turns} paired turns")
        for one in of_place:
            span = f"{one.times_vae:.2f} times ({one.low:.2f} to {one.high:.2f})"
            console.print(f"  {one.method:19} {1000 * one.step_seconds:8.2f} ms, {span}")
    if not found:
        raise UserError(f"--only {options.only}: no place of study {study.name} with {UNIT} and another method")
    write_method_times(options.out, found, {"command": command_line(), "study": study.name} | provenance(device))
    console.print(f"Written: {shown(options.out)}/methods.csv and methods.json")
    return 0
