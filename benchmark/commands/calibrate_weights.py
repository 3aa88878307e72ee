"""`calibrate`: loss weights for every method, chosen under one budget on held-out training images."""

import argparse
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console

from benchmark.calibration.choice import CRITERIA, chosen, finalists, judged
from benchmark.calibration.files import read_scores, write_results
from benchmark.calibration.grids import CALIBRATION, GRIDS, SEEDS_OF_FINALISTS, SMOKE_CALIBRATION, SMOKE_GRIDS, Setting
from benchmark.commands.choices import RUNS, check_folders, chosen_executor, chosen_way, command_line, shown
from benchmark.errors import UserError
from benchmark.execution.grid import DataOptions, make_trial, trial_data
from benchmark.execution.numerics import set_numerics
from benchmark.execution.packs import packs_of
from benchmark.execution.progress import progress_view
from benchmark.execution.provenance import provenance
from benchmark.execution.resume import pending
from benchmark.execution.store import Store
from benchmark.execution.trial import TrialContext
from benchmark.studies import Cell, Study
from benchmark.training.pack import default_pack
from benchmark.trials import Trial, TrialData

WEIGHT_SET = "calibration"
Place = tuple[str, int]  # a method and the number of one of its settings


def calibrate(options: argparse.Namespace, console: Console) -> int:
    """Train every setting, then more seeds of the best; write scores, choice and figure. 3 where a method has none."""
    check_folders(options)
    study, grids = (SMOKE_CALIBRATION, SMOKE_GRIDS) if options.smoke else (CALIBRATION, GRIDS)
    grids = _asked(grids, options.method)
    device, executor = chosen_executor(options)
    data_options = DataOptions.of(study, options.data_dir.resolve(), offline=True)
    dataset = dataclasses.replace(data_options, offline=options.offline).load("mnist", console.print)
    data = trial_data(study, dataset)
    store = Store(options.out or RUNS / study.name, console.print)
    context = TrialContext(store.folder.resolve(), device, None, True, way=chosen_way(options, device))
    set_numerics(device, executor.threads, False)

    def train(places: Iterable[tuple[Place, int]]) -> dict[tuple[Place, int], Trial]:
        trials = {(place, seed): _trial(study, grids, place, seed, data, device) for place, seed in places}
        wanted = pending(list(trials.values()), store, set())
        console.print(f"{len(trials)} trials, {len(trials) - len(wanted)} done already; {executor.says} on {device}")
        packs = packs_of(list(trials.values()), wanted, options.pack or default_pack(device))
        with progress_view(console, len(wanted)) as view:
            for event in executor.run(packs, context, data_options):
                view.show(event)
        return trials

    with store.locked():
        executor.check(store)
        every = [(method, number) for method, grid in grids.items() for number in range(len(grid))]
        trials = train([(place, 0) for place in every])
        _check_whole(store, trials)
        best = finalists(judged(read_scores(store, trials)))
        trials |= train([(place, seed) for place in best for seed in range(1, SEEDS_OF_FINALISTS)])
        _check_whole(store, trials)
        scores = read_scores(store, trials)
        settings = judged(scores)
        choices = {
            "ranks": chosen(settings.loc[best], "ranks"),
            "label_free": chosen(settings, "label_free"),
        }
        made = {"command": command_line(), "notes": study.notes()} | provenance(device)
        write_results(store.folder, grids, scores, settings, choices, made)
    for criterion, of_method in choices.items():
        console.print(f"{criterion}: {CRITERIA[criterion]}")
        for method, number in of_method.items():
            console.print(f"  {method}: {grids[method][number] or 'default'}")
    console.print(f"Written: {shown(store.folder)}/calibration.csv, chosen.json, calibration.png")
    missing = sorted(set(grids) - set(choices["ranks"]))
    for method in missing:
        console.print(f"{method}: none of its settings is usable; the records say why")
    return 3 if missing else 0


def _check_whole(store: Store, trials: Mapping[Any, Trial]) -> None:
    """A choice among settings of which some were not trained would be none. Raises UserError."""
    missing = sum(store.read_record(trial.key) is None for trial in trials.values())
    if missing:
        raise UserError(f"{store.folder}: {missing} trainings are still to do; the same command goes on with them")


def _asked(grids: Mapping[str, tuple[Setting, ...]], methods: list[str] | None) -> dict[str, tuple[Setting, ...]]:
    if unknown := sorted(set(methods or ()) - set(grids)):
        raise UserError(f"--method {unknown[0]}: no grid; there are those of {', '.join(grids)}")
    return {method: grid for method, grid in grids.items() if not methods or method in methods}


def _trial(
    study: Study, grids: Mapping[str, tuple[Setting, ...]], place: Place, seed: int, data: TrialData, device: str
) -> Trial:
    method, number = place
    cell = Cell(study.tables[0].number, data.name, method, study.tables[0].latent_dims[0])
    trial = make_trial(study, cell, seed, data, "default", device)
    return dataclasses.replace(trial, weight_set=WEIGHT_SET, settings=trial.settings | grids[method][number])
