"""`calibrate`: choose the loss weights of every method with the same budget, on held-out training images."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.calibration.calibration_files import check_same_calibration, read_scores, write_results
from benchmark.calibration.calibration_page import setting_text
from benchmark.calibration.candidates import CALIBRATIONS, SEEDS_OF_FINALISTS, Setting
from benchmark.calibration.selection import CRITERIA, finalists, judged, outcome
from benchmark.commands.chosen_executor import chosen_executor, chosen_way
from benchmark.commands.declared_options import flag, option
from benchmark.commands.folders import RUNS, check_folders
from benchmark.commands.option_types import given, path
from benchmark.commands.options import DEVICE, ExecutionOptions, FetchedData
from benchmark.commands.watching import watched
from benchmark.commands.wording import command_line, print_written
from benchmark.data.dataset import data_marks
from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.heartbeat import Heartbeat
from benchmark.execution.numerics import set_numerics
from benchmark.execution.packs import packs_of
from benchmark.execution.provenance import provenance
from benchmark.execution.resume import pending
from benchmark.methods.registry import METHODS
from benchmark.names import asked_name
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions, make_trial, trial_data
from benchmark.studies.named_studies import GridCell, Study
from benchmark.studies.trials import Trial, TrialData
from benchmark.training.pack import default_pack

WEIGHT_SET = "calibration"
GridPoint = tuple[str, int]  # a method, and the index of one of its settings


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions(FetchedData, ExecutionOptions):
    """The options of `calibrate`."""

    out: Path | None = option(type=path, help="results folder (default: results/runs/calibration, or calibration-wide)")
    method: tuple[str, ...] | None = option(
        action="append",
        metavar="NAME",
        help="calibrate only this method; may be repeated (default: all methods that have a grid)",
    )
    wide: bool = flag(help="48 instead of 12 settings per method, at the paper's size: for a GPU")
    smoke: bool = flag(help="procedural images, two settings per method: a check that everything runs")
    device: str | None = option(type=given, help=DEVICE)


def calibrate(options: CalibrateOptions, console: Console) -> int:
    """Train every setting, then more seeds of the best settings, and write scores, choices and figure.

    Returns:
        The exit status: 0 if every method has a chosen setting, 3 if one has none or trainings are still to be done.

    Raises:
        UserError: Options are contradictory or impossible, or a folder is not usable or belongs to another calibration
            or a study.
        DataUnavailable: The images of MNIST are neither on disk nor downloadable.
    """
    check_folders(options.data_dir, options.weights_dir)
    if options.wide and options.smoke:
        raise UserError("--smoke: give either --wide or --smoke")
    calibration = CALIBRATIONS["wide" if options.wide else "smoke" if options.smoke else "reduced"]
    study, grids = calibration.study, _asked(calibration.grids, options.method)
    device, executor = chosen_executor(options, options.device)
    data_options = DataOptions.of(study, options.data_dir.resolve(), offline=True)
    dataset = dataclasses.replace(data_options, offline=options.offline).load("mnist", console.print)
    data = trial_data(study, dataset)
    # A choice for some methods gets a different folder from that for all methods.
    own = "-".join([study.name, *(sorted(grids) if options.method else ())])
    store = Store(options.out or RUNS / own, console.print)
    context = TrialContext(
        store.folder.resolve(), device, None, way=chosen_way(options.way, study.training.precision, device)
    )
    set_numerics(device, executor.threads, False)
    settings = [(method, number) for method, grid in grids.items() for number in range(len(grid))]
    every = {
        (place, seed): _trial(study, grids, place, seed, data, device)
        for place in settings
        for seed in range(SEEDS_OF_FINALISTS)
    }
    check_same_calibration(store, grids, every)

    def train(places: Iterable[tuple[GridPoint, int]]) -> dict[tuple[GridPoint, int], Trial]:
        trials = {place: every[place] for place in places}
        wanted = pending(list(trials.values()), store, set()).to_do
        console.print(f"{len(trials)} trials, {len(trials) - len(wanted)} done already; {executor.says} on {device}")
        packs = packs_of(list(trials.values()), wanted, options.pack or default_pack(device))
        with Heartbeat(console) as heartbeat:
            for _ in watched(executor, packs, context, data_options, heartbeat):
                pass
        return trials

    executor.check_folder(store)
    with store.locked():
        executor.check(store)
        trials = train([(place, 0) for place in settings])
        if not _is_whole(store, trials, console):
            return 3
        best = finalists(judged(read_scores(store, trials)))
        trials |= train([(place, seed) for place in best for seed in range(1, SEEDS_OF_FINALISTS)])
        if not _is_whole(store, trials, console):
            return 3
        scores = read_scores(store, trials)
        found = outcome(scores)
        notes = [*study.notes(), *data_marks(dataset)]
        made = {"command": command_line(), "notes": notes, "data": dataset.digest} | provenance(device)
        files = write_results(store.folder, grids, scores, found, made)
    for criterion, of_method in found.choices.items():
        console.print(f"{criterion}: {CRITERIA[criterion]}")
        for method, grid in grids.items():
            console.print(f"  {method}: {setting_text(method, grid, of_method.get(method))}")
    print_written(files, console)
    return 0 if set(grids) == set(found.choices["ranks"]) else 3


def _is_whole(store: Store, trials: Mapping[Any, Trial], console: Console) -> bool:
    """Return whether every training has ended, well or not, as a choice among all settings requires."""
    missing = 0
    for trial in trials.values():
        record = store.read_record(trial.key)
        if record is None or not record.done:
            missing += 1
            console.print(f"{trial}: {record.failure if record else 'not trained yet'}")
    if missing:
        console.print(
            f"{missing} trials are still to be trained before a choice can be made; the same "
            "command continues with them"
        )
    return not missing


def _asked(grids: Mapping[str, tuple[Setting, ...]], methods: tuple[str, ...] | None) -> dict[str, tuple[Setting, ...]]:
    asked = [asked_name("method", name, grids, f"--method {name}: no grid;") for name in methods or grids]
    return {method: grid for method, grid in grids.items() if method in asked}


def _trial(
    study: Study, grids: Mapping[str, tuple[Setting, ...]], place: GridPoint, seed: int, data: TrialData, device: str
) -> Trial:
    method, number = place
    cell = GridCell(study.tables[0].number, data.name, method, study.tables[0].latent_dims[0])
    trial = make_trial(study, cell, seed, data, device)
    settings = METHODS[method].settings("default", grids[method][number])
    return dataclasses.replace(trial, weight_set=WEIGHT_SET, settings=settings)
