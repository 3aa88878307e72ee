"""`speed`: training here beside pythae's trainer, packs of seeds and the arithmetic's floor."""

import argparse
import dataclasses

import torch
from rich.console import Console

from benchmark.commands.choices import chosen_device, chosen_study, command_line
from benchmark.data import DATASETS
from benchmark.errors import UserError
from benchmark.execution.grid import Selection, expected_data, make_trial
from benchmark.execution.numerics import set_numerics
from benchmark.execution.provenance import device_name, provenance
from benchmark.execution.speed import device_rate, measure
from benchmark.execution.store import write_json
from benchmark.execution.workers import default_jobs


def speed(options: argparse.Namespace, console: Console) -> int:
    """Measure how fast a study trains here, beside pythae's trainer, packs of seeds and the arithmetic's floor.

    One of each kind of trial, at d = 8 and 128 unless --only names others; on noise, so no data are needed.
    """
    device = chosen_device(options.device)
    study, why = chosen_study(options, device)
    console.print(f"Study {study.name}: {why}; {device_name(device)}")
    if options.out and not options.out.parent.is_dir():
        raise UserError(f"--out {options.out}: its folder does not exist; make it first")
    set_numerics(device, options.threads or default_jobs("cpu"))
    selection = Selection.parse(options.only)
    selection.check(study)
    dims = {cell.latent_dim for cell in study.cells()} if "latent_dim" in selection.axes else {8, 128}
    data = {name: expected_data(study, spec) for name, spec in DATASETS.items()}
    cells = [cell for cell in study.cells() if cell.latent_dim in dims and selection.keeps(cell)]
    kinds = {(cell.method, data[cell.dataset].image_shape, cell.latent_dim): cell for cell in cells}
    if not kinds:
        raise UserError("--only: nothing is left at d = 8 and 128; add a latent_dim")
    rate = device_rate(device)
    console.print(f"Large convolutions: {rate / 1e9:,.0f} GFLOP/s with {torch.get_num_threads()} threads")
    measured = []
    for cell in kinds.values():
        trial = make_trial(study, cell, 0, data[cell.dataset], options.weights, device)
        found = measure(trial, device, rate, pack_size=options.pack)
        measured.append(dataclasses.asdict(found))
        console.print(
            f"{found.method:20} {'x'.join(map(str, found.image_shape)):8} d={found.latent_dim:<4} "
            f"{found.operations_per_image / 1e6:6.1f} MFLOP an image; {1000 * found.step_seconds:7.2f} ms a step, "
            f"{found.floor_share:4.0%} of it arithmetic; pythae {found.pythae_ratio:.2f} times as long, "
            f"{found.pack_size} seeds packed {found.packed_ratio:.2f} times (per seed)"
        )
    if options.out:
        content = {"command": command_line(), "device_rate": rate, "speeds": measured} | provenance(device)
        write_json(options.out, content)
    return 0
