"""`throughput`: measure the speed of training and evaluation on this machine, and forecast every study."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.chosen_device import chosen_device
from benchmark.commands.chosen_study import chosen_study, study_with_options
from benchmark.commands.declared_options import flag, option
from benchmark.commands.folders import THROUGHPUT, check_out
from benchmark.commands.option_types import path, positive
from benchmark.commands.options import GridOptions
from benchmark.commands.time_methods import compare_methods
from benchmark.commands.wording import command_line, print_written
from benchmark.data.specs import DATASETS
from benchmark.errors import UserError
from benchmark.execution.numerics import bfloat16_instructions, processor_name, set_numerics
from benchmark.execution.process_plan import cpu_jobs, process_plan
from benchmark.execution.provenance import device_name, provenance
from benchmark.metrics import METRICS
from benchmark.studies.grid import Selection, expected_data, expected_trials, make_trial
from benchmark.studies.named_studies import STUDIES, Study
from benchmark.studies.trials import Trial
from benchmark.text import minutes
from benchmark.throughput.costs import Costs, forecast, measured_costs, metric_seconds, with_metric_costs
from benchmark.throughput.measurement import PACKS, Throughput, TimedTrainer, measure, trainings_per_hour
from benchmark.throughput.method_times import UNIT
from benchmark.throughput.metric_times import metric_times
from benchmark.throughput.start_times import start_seconds
from benchmark.throughput.throughput_files import write_method_times, write_throughput
from benchmark.training.pack import default_pack, default_way

DEFAULT_ONLY = "method=hgmvae_g,dataset=mnist,latent_dim=8"
# Numbers of images, large enough to extrapolate from and small enough for a command that takes minutes.
_PROBES = {"clustering": 1_000, "classification": 4_000, "reconstruction": 500}
_METRIC_TURNS = 20  # seconds per metric of a pretrained network


@dataclass(frozen=True, kw_only=True)
class ThroughputOptions(GridOptions):
    """The options of `throughput`."""

    out: Path = option(type=path, default=THROUGHPUT, help="folder to write to")
    seconds: int = option(
        type=positive,
        default=90,
        help="seconds for the training part, or with --methods for each data set and latent dimension "
        "(default: %(default)s)",
    )
    beside: Path | None = option(
        type=path,
        default=None,
        metavar="CHECKOUT",
        help="another checkout of this suite to measure in the same turns (CPU)",
    )
    methods: bool = flag(
        help="measure instead one step of every method relative to a VAE's, at every data set and latent "
        "dimension that has both"
    )


def throughput(options: ThroughputOptions, console: Console) -> int:
    """Measure training beside pythae's trainer, and evaluation; forecast every study; write and print the results.

    It measures one kind of trial, on noise images, so that no data are needed, and takes at most five minutes. With
    --methods it measures instead a step of every method relative to that of a VAE.

    Returns:
        The exit status, 0.

    Raises:
        UserError: The device is not usable, --only does not select a measurable trial, or --out is not writable.
    """
    device = chosen_device(options.device)
    study, why = chosen_study(options.study, device)
    study = study_with_options(study, options.precision, options.weights)
    out = options.out
    if options.beside and not (options.beside / "benchmark").is_dir():
        raise UserError(f"--beside {options.beside}: is not a checkout of this suite")
    check_out("--out", out)
    console.print(
        f"Study {study.name}: {why}; {device_name(device)}, {processor_name()}, "
        f"bfloat16 instructions: {bfloat16_instructions()}"
    )
    if options.methods:
        return _methods_compared(study, options, device, console)
    trial = _chosen_trial(study, options, device)
    workers = process_plan(device)
    # As users would run them: pythae's trainer and our loop use all cores, processes one core each.
    measured = measure(trial, device, cpu_jobs(), workers.trainers, options.seconds, options.beside)
    _print_sides(measured, console)
    starts = start_seconds(trial, device)
    console.print(
        f"  until a process has completed its first step: {starts['worker']:.2f} s; in a new interpreter "
        f"{starts['interpreter']:.2f} s"
    )
    metrics = metric_times(device, cpu_jobs(), _METRIC_TURNS)
    for one in metrics:
        console.print(
            f"  {METRICS[one.metric].label}, {one.side}, {one.threads} threads: {1000 * one.image_seconds:.3g} ms "
            f"an image, {one.times_library:.2f} times as fast as the library"
        )
    set_numerics(device, workers.threads)
    costs = Costs(pack_gain=_pack_gain(measured, device))
    forecasts = {}
    for name, other in STUDIES.items():
        trials = expected_trials(other, other.cells(), device)
        costs = with_metric_costs(trials, measured_costs(trials, costs, device, _PROBES), device)
        cost = forecast(trials, costs)
        of_metrics = metric_seconds(trials, costs, other.metrics_left_out)
        forecasts[name] = dataclasses.replace(cost, evaluation=cost.evaluation | of_metrics)
        console.print(f"{name}: about {minutes(forecasts[name].wall(workers))}, {workers.says}; {len(trials):,} trials")
    for name, (images, seconds) in costs.protocols.items():
        console.print(f"  {name}: {seconds:.2f} s for {images:,} images")
    where = {"command": command_line(), "processor": processor_name()} | provenance(device)
    print_written(write_throughput(out, measured, costs, forecasts, workers, starts, metrics, where), console)
    return 0


def _methods_compared(study: Study, options: ThroughputOptions, device: str, console: Console) -> int:
    cells = Selection.parse(options.only).cells_of(study)
    trials = expected_trials(dataclasses.replace(study, seeds=1), cells, device)
    found = compare_methods(trials, device, options.seconds, console)
    if not found:
        raise UserError(
            f"--only {options.only}: no data set and latent dimension of study {study.name} "
            f"with {UNIT} and another method"
        )
    where = {"command": command_line(), "study": study.name} | provenance(device)
    print_written(write_method_times(options.out, found, where), console)
    return 0


def _chosen_trial(study: Study, options: ThroughputOptions, device: str) -> Trial:
    only = options.only or DEFAULT_ONLY
    kinds = {(c.dataset, c.method, c.latent_dim): c for c in Selection.parse(only).cells_of(study)}
    if len(kinds) != 1:
        raise UserError(
            f"--only {only}: {len(kinds)} kinds of trial of study {study.name}; name one combination of method, "
            "dataset and latent_dim that it has"
        )
    [cell] = kinds.values()
    return make_trial(study, cell, 0, expected_data(study, DATASETS[cell.dataset]), device)


def _pack_gain(measured: Throughput, device: str) -> float:
    """Return the ratio of a single seed's step time in our loop to that in the device's largest default pack.

    It is 1 if runs are not packed.
    """
    if default_pack(device) == 1:
        return 1.0
    sides = {(one.side.name, one.side.seeds): one.step_seconds for one in measured.sides}
    return sides["loop", 1] / sides[default_way(device), PACKS[-1]]


def _print_sides(measured: Throughput, console: Console) -> None:
    console.print(
        f"{measured.trial}: {measured.operations_per_image / 1e6:.1f} MFLOP an image; large convolutions: "
        f"{measured.rate / 1e9:,.0f} GFLOP/s; medians of {measured.rounds} paired turns"
    )
    for one in measured.sides:
        console.print(_line(one, measured))


def _line(one: TimedTrainer, measured: Throughput) -> str:
    side = one.side
    arithmetic = f"{one.floor_share:.0%} arithmetic" if one.floor_share else "floor not known"
    memory = f"{one.memory_mb:,.0f} MiB" if one.memory_mb else "memory not known"
    return (
        f"  {side.name:19} {side.processes} x {side.threads} threads, {side.seeds:2} at once: "
        f"{1000 * one.step_seconds:7.2f} ms a step and seed, {one.times_pythae:5.2f} times as fast as pythae, "
        f"{arithmetic}, "
        f"{trainings_per_hour(one, measured):,.1f} trainings an hour, {memory} a process"
    )
