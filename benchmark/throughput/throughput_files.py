"""The files of `throughput`: sides and forecasts as CSV, a plot of the sides, and everything as JSON."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from benchmark.errors import UserError
from benchmark.execution.process_plan import ProcessPlan
from benchmark.fields import check_fields, is_positive, is_text, parse_json, whole
from benchmark.files import named_write_errors, write_text, write_texts, written_whole
from benchmark.plotting.figure_files import matplotlib_set_to
from benchmark.results.csv_text import csv_text
from benchmark.results.store import write_json
from benchmark.throughput.costs import Costs, Forecast
from benchmark.throughput.measurement import PYTHAE, Throughput, trainings_per_hour
from benchmark.throughput.method_times import MethodTime
from benchmark.throughput.metric_times import MetricTime

MEASUREMENTS = "throughput.json"
_METHODS, _METHODS_MADE = "methods.csv", "methods.json"
_TIMES = {
    **dict.fromkeys(("dataset", "method"), is_text),
    **dict.fromkeys(("times_vae", "low", "high"), is_positive),
    **dict.fromkeys(("latent_dim", "turns"), whole(1)),
}
_MADE = dict.fromkeys(("study", "device", "date", "command"), is_text)
_OURS, _THEIRS = "#0072b2", "#d55e00"  # distinguishable by colour-blind readers and in greyscale


def write_throughput(
    folder: Path,
    measured: Throughput,
    costs: Costs,
    forecasts: dict[str, Forecast],
    plan: ProcessPlan,
    starts: Mapping[str, float],
    metrics: Sequence[MetricTime],
    provenance: dict[str, Any],
) -> list[Path]:
    """Write training.csv, evaluation.csv, protocols.csv, studies.csv, throughput.png and throughput.json.

    Args:
        folder: Created if missing.
        measured: The speed of training.
        costs: The costs from which the forecasts are made.
        forecasts: Study -> forecast.
        plan: The processes that the forecasts assume.
        starts: Output of `start_seconds`.
        metrics: Output of `metric_times`.
        provenance: Provenance of the measurement.

    Returns:
        The paths of the files.

    Raises:
        UserError: The folder is not writable or its disk is full.
    """
    tables = {
        "training": sides_table(measured),
        "evaluation": metrics_table(metrics),
        "protocols": protocols_table(costs),
        "studies": studies_table(forecasts, plan),
    }
    texts = {
        f"{name}.csv": table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        for name, table in tables.items()
    }
    files = write_texts(folder, texts)
    plot, measurements = folder / "throughput.png", folder / MEASUREMENTS
    with named_write_errors(plot), matplotlib_set_to({}), written_whole(plot) as part:
        _plot(measured, provenance, part)
    content = {
        "training": dataclasses.asdict(measured),
        "evaluation": [dataclasses.asdict(one) for one in metrics],
        "costs": dataclasses.asdict(costs),
        "start_seconds": starts,
    }
    write_json(measurements, provenance | content)
    return [*files, plot, measurements]


def write_method_times(folder: Path, found: Sequence[MethodTime], provenance: dict[str, Any]) -> list[Path]:
    """Write methods.csv, with a row for each method, data set and latent dimension, and methods.json.

    Args:
        folder: Created if missing.
        found: The rows.
        provenance: Provenance of the measurement.

    Returns:
        The paths of the files.

    Raises:
        UserError: The folder is not writable or its disk is full.
    """
    times, made = folder / _METHODS, folder / _METHODS_MADE
    table = pd.DataFrame(found).rename(columns={"step_seconds": "milliseconds_per_step"})
    table["milliseconds_per_step"] *= 1000
    write_text(times, csv_text(table))
    write_json(made, provenance)
    return [times, made]


def read_method_times(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """Read the files of `write_method_times`; return None if the folder has none.

    Returns:
        methods.csv as a frame with the columns _TIMES, and the fields _MADE of the measurement's provenance.

    Raises:
        UserError: A file cannot be read, or was not written by `write_method_times`.
    """
    path = folder / _METHODS_MADE
    try:
        made = parse_json(path.read_text(encoding="utf-8"))
        check_fields(made, _MADE)
        path = folder / _METHODS
        frame = pd.read_csv(path, dtype=dict.fromkeys(("dataset", "method"), str), keep_default_na=False)
        for row in frame.to_dict("records"):
            check_fields({str(name): value for name, value in row.items()}, _TIMES)
        return frame[[*_TIMES]], {name: made[name] for name in _MADE}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); make it readable, or move it away") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not written by `throughput --methods` ({error!r}); move it away") from None


def sides_table(measured: Throughput) -> pd.DataFrame:
    """Make the table of sides, one row each."""
    return pd.DataFrame(
        {
            "side": one.side.name,
            "processes": one.side.processes,
            "threads_each": one.side.threads,
            "precision": one.side.precision,
            "seeds_at_once": one.side.seeds,
            "milliseconds_per_step_and_seed": 1000 * one.step_seconds,
            "times_pythae": one.times_pythae,
            "trainings_per_hour": trainings_per_hour(one, measured),
            "share_of_floor": one.floor_share,
            "peak_memory_mib": one.memory_mb,
            "steps": one.steps,
        }
        for one in measured.sides
    )


def metrics_table(metrics: Sequence[MetricTime]) -> pd.DataFrame:
    """Make the table of the metrics of pretrained networks, one row for each metric and side."""
    table = pd.DataFrame(metrics).rename(columns={"image_seconds": "milliseconds_per_image"})
    table["milliseconds_per_image"] *= 1000
    return table


def protocols_table(costs: Costs) -> pd.DataFrame:
    """Make the table of protocols, one row each, with the seconds for a number of random images or latents."""
    rows = [(name, images, seconds) for name, (images, seconds) in sorted(costs.protocols.items())]
    return pd.DataFrame(rows, columns=["protocol", "images", "seconds"])


def studies_table(forecasts: dict[str, Forecast], plan: ProcessPlan) -> pd.DataFrame:
    """Make the table of studies, one row each, with the hours in one process and the elapsed hours under the plan."""
    return pd.DataFrame(
        {
            "study": name,
            "training_hours": forecast.training / 3600,
            **{f"{part}_hours": seconds / 3600 for part, seconds in sorted(forecast.evaluation.items())},
            "wall_hours": forecast.wall(plan) / 3600,
            "trainers": plan.trainers,
            "scorers": plan.scorers,
        }
        for name, forecast in forecasts.items()
    )


def _plot(measured: Throughput, provenance: dict[str, Any], path: Path) -> None:
    names = [f"{one.side.name}, {one.side.seeds} at once" for one in measured.sides]
    milliseconds = [1000 * one.step_seconds for one in measured.sides]
    colours = [_THEIRS if one.side.way == PYTHAE else _OURS for one in measured.sides]
    figure = Figure(figsize=(7, 0.4 * len(names) + 1.6), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(names, milliseconds, color=colours)
    axes.bar_label(bars, [f"{one.times_pythae:.2f}x" for one in measured.sides], padding=3)
    reference = measured.sides[0]
    if reference.floor_share is not None:
        floor = milliseconds[0] * reference.floor_share
        axes.axvline(floor, color="black", linestyle="--", linewidth=1, label="floor: the arithmetic alone")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("milliseconds per step and seed")
    figure.suptitle(
        f"{measured.trial}\n{provenance['device']}, torch {provenance['versions']['torch']}; at each bar: trainings "
        "finished while pythae's trainer finishes one",
        fontsize=9,
    )
    figure.legend(loc="outside lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="png", dpi=150)
