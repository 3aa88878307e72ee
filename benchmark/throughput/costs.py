"""Forecast of a study's duration: steps and small evaluations, measured on this machine and scaled to all trials.

Training scales with the number of steps, t-SNE with the number of points, the SVM with its square, and image metrics
with the number of pixels; a forward pass counts as a third of a step. The forecast gives an order of magnitude.
"""

import dataclasses
import math
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.data.pixels import to_unit
from benchmark.errors import UserError
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.protocol_settings import METRIC_BACKBONES
from benchmark.evaluation.protocols import PROTOCOLS, TrialOutputs
from benchmark.execution.packs import Pack
from benchmark.execution.process_plan import ProcessPlan
from benchmark.execution.provenance import provenance
from benchmark.fields import check_fields, is_nonnegative, is_positive, list_of, object_of, parse_json
from benchmark.results.records import SETUP
from benchmark.studies.trials import Trial
from benchmark.throughput.measurement import noise_images, untrained
from benchmark.throughput.metric_times import image_seconds
from benchmark.throughput.step_lower_bound import timed
from benchmark.training.loop import run_epoch

MEASURED_STEPS = 2
# Number of images of a small evaluation, and the exponent with which its time grows with it. Images have 32 x 32 x 1
# pixels.
PROBES = {"clustering": 500, "classification": 1_000, "reconstruction": 100}
EXPONENTS = {"clustering": 1.0, "classification": 2.0, "reconstruction": 1.0}
_PROBE_PIXELS = 32 * 32

# Typical of a CPU core, in seconds: a step at full width, per image and pixel of its side; the small evaluations of
# PROBES' protocols; and the metrics of pretrained networks, per image.
_NOMINAL_STEP = 2e-5
_NOMINAL_PROTOCOLS = {"clustering": (500, 1.7), "classification": (1_000, 0.013), "reconstruction": (100, 0.03)}
_NOMINAL_METRICS = {"fid": 0.1, "lpips": 0.0003}


@dataclass(frozen=True)
class Costs:
    """Durations measured on one machine [s].

    Attributes:
        steps: Kind of trial (`kind`) -> duration of a training step of a single seed.
        pack_gain: Duration of a single seed's step divided by that of a packed seed's step.
        protocols: Protocol -> number of images of a small evaluation, and its duration.
        metrics: Metric that needs a pretrained network -> duration per image.
    """

    steps: dict[str, float] = field(default_factory=dict)
    pack_gain: float = 1.0
    protocols: dict[str, tuple[int, float]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


_COSTS = {
    "steps": object_of(is_nonnegative),
    "pack_gain": is_positive,
    "protocols": object_of(lambda probe: list_of(is_positive)(probe) and len(probe) == 2),
    "metrics": object_of(is_nonnegative),
}


@dataclass(frozen=True)
class Forecast:
    """The forecast duration of a list of trials in one process [s].

    Attributes:
        training: Duration of all training.
        evaluation: Protocol -> duration of all its evaluations; "outputs" stands for the models' forward passes.
    """

    training: float
    evaluation: dict[str, float]

    def wall(self, plan: ProcessPlan) -> float:
        """Return the elapsed seconds if all processes of the plan are always busy."""
        on_device = self.training + sum(v for name, v in self.evaluation.items() if _on_device(name))
        of_latents = sum(v for name, v in self.evaluation.items() if not _on_device(name))
        if plan.scorers:
            return max(on_device / plan.trainers, of_latents / plan.scorers)
        return (on_device + of_latents) / plan.trainers


def read_costs(path: Path, device: str) -> Costs:
    """Read the costs that `throughput` has written.

    Args:
        path: Path of its throughput.json.
        device: The device for which costs are required.

    Returns:
        The costs; empty if there is no file, or it is from another machine, device or version of torch.

    Raises:
        UserError: The file cannot be read, or is not a throughput.json.
    """
    here = provenance(device)
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if any(content[field] != here[field] for field in SETUP):
            return Costs()
        costs = content["costs"]
        check_fields(costs, _COSTS)
        protocols = {name: (images, seconds) for name, (images, seconds) in costs["protocols"].items()}
        return Costs(costs["steps"], costs["pack_gain"], protocols, costs["metrics"])
    except FileNotFoundError:
        return Costs()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); make it readable, or move it away") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not written by `throughput` ({error!r}); move it away") from None


def kind(trial: Trial) -> str:
    """Return the name of a trial's kind; trials of one kind have steps of similar duration."""
    settings = trial.training
    size = "d >= 32" if trial.latent_dim >= 32 else "d < 32"
    shape = "x".join(map(str, trial.data.image_shape))
    return f"{trial.method} {shape} {size} width {settings.width:g} batch {settings.batch_size} {settings.precision}"


def measured_costs(trials: Iterable[Trial], known: Costs, device: str, probes: dict[str, int] = PROBES) -> Costs:
    """Measure missing costs of trials, which takes several seconds per kind of trial.

    The costs of metrics of pretrained networks are measured by `with_metric_costs`.

    Args:
        trials: The trials to forecast.
        known: Costs that are not measured again.
        device: Torch name of the device to measure.
        probes: Protocol -> number of images to measure it with.

    Returns:
        `known` with the missing costs added.
    """
    steps, protocols = dict(known.steps), dict(known.protocols)
    for trial in trials:
        if kind(trial) not in steps:
            steps[kind(trial)] = step_seconds(trial, device)
        for name in _forecast_protocols(trial):
            if name not in protocols:
                protocols[name] = probes[name], protocol_seconds(name, probes[name], device)
    return dataclasses.replace(known, steps=steps, protocols=protocols)


def forecast(trials: list[Trial], costs: Costs) -> Forecast:
    """Forecast the duration of trials from costs, which must include all their kinds and protocols."""
    training, evaluation = 0.0, {"outputs": 0.0}
    for trial in trials:
        step = costs.steps[kind(trial)]
        training += step * trial.epochs * (trial.data.n_train // trial.training.batch_size) / costs.pack_gain
        # Every test image passes twice, because health also needs sampled codes; a training image only for the SVM.
        passes = 2 * trial.data.n_test + trial.data.n_train * ("classification" in trial.protocols)
        evaluation["outputs"] += step / 3 * passes / trial.training.batch_size
        for name in _forecast_protocols(trial):
            images, seconds = costs.protocols[name]
            growth = (_evaluated_images(trial, name) / images) ** EXPONENTS[name]
            evaluation[name] = evaluation.get(name, 0.0) + seconds * growth
    return Forecast(training, evaluation)


def longest_first(packs: Iterable[Pack], known: Costs, left_out: Collection[str]) -> list[Pack]:
    """Sort packs so that no long pack is left at the end of a study; packs of equal duration keep their order.

    Args:
        packs: The packs.
        known: Costs of this machine; nominal costs are used instead if any required cost is missing.
        left_out: Metrics that are not computed.
    """
    packs = list(packs)
    trials = [trial for pack in packs for trial in pack.trials]
    all_known = all(
        kind(trial) in known.steps
        and {*_forecast_protocols(trial)} <= {*known.protocols}
        and {metric for _, metric in _of_networks(trial)} <= {*known.metrics, *left_out}
        for trial in trials
    )
    costs = known if all_known else _nominal_costs(trials)

    def seconds(pack: Pack) -> float:
        of_pack = forecast(pack.wanted_trials, costs)
        of_metrics = metric_seconds(pack.wanted_trials, costs, left_out)
        return of_pack.training + sum(of_pack.evaluation.values()) + sum(of_metrics.values())

    return sorted(packs, key=seconds, reverse=True)


def _nominal_costs(trials: Iterable[Trial]) -> Costs:
    """Return costs for comparing trials: steps scale with batch size, width and image side, whatever the method."""
    steps = {
        kind(trial): _NOMINAL_STEP * trial.training.batch_size * trial.training.width * trial.data.image_shape[-1]
        for trial in trials
    }
    return Costs(steps, protocols=_NOMINAL_PROTOCOLS, metrics=_NOMINAL_METRICS)


def with_metric_costs(trials: Iterable[Trial], known: Costs, device: str) -> Costs:
    """Measure missing costs of the metrics of pretrained networks that trials have."""
    asked = {metric for trial in trials for _, metric in _of_networks(trial)} - known.metrics.keys()
    measured = {metric: image_seconds(metric, device) for metric in sorted(asked)}
    return dataclasses.replace(known, metrics=known.metrics | measured)


def with_nominal_metric_costs(known: Costs) -> Costs:
    """Add rough values for missing costs of the metrics of pretrained networks."""
    return dataclasses.replace(known, metrics={**_NOMINAL_METRICS, **known.metrics})


def metric_seconds(trials: Iterable[Trial], costs: Costs, left_out: Collection[str]) -> dict[str, float]:
    """Forecast the cost of metrics that need pretrained networks, in seconds of one process.

    Args:
        trials: The trials to score.
        costs: Costs that include all their metrics, from `with_metric_costs`.
        left_out: Metrics that are not computed.

    Returns:
        Metric -> seconds for all trials that have it, including the real images, once for each data set.
    """
    found: dict[str, float] = {}
    originals = set()
    for trial in trials:
        for name, metric in _of_networks(trial):
            if metric not in left_out:
                settings = trial.protocols[name]
                limits = (settings["n_images"], settings["fid_images"] if metric == "fid" else None)
                images = min(limit for limit in (trial.data.n_test, *limits) if limit is not None)
                first = (metric, trial.data, images) not in originals
                originals.add((metric, trial.data, images))
                found[metric] = found.get(metric, 0.0) + costs.metrics[metric] * images * (2 if first else 1)
    return found


def _of_networks(trial: Trial) -> list[tuple[str, str]]:
    """Return the trial's metrics of pretrained networks, each with its protocol."""
    pairs = ((name, metric) for name in trial.protocols for metric in PROTOCOLS[name].metrics)
    return [(name, metric) for name, metric in pairs if metric in METRIC_BACKBONES]


def step_seconds(trial: Trial, device: str) -> float:
    """Measure the duration of a training step of a single seed, in seconds."""
    images = noise_images(trial, MEASURED_STEPS).to(device)
    trainings = untrained(trial, images, [0], "eager")
    run_epoch(trainings)  # the first steps are slower
    return timed(lambda: run_epoch(trainings), device) / MEASURED_STEPS


def protocol_seconds(name: str, n: int, device: str) -> float:
    """Measure the duration of a protocol on random images or latents, without downloading weights for FID and LPIPS.

    Args:
        name: A key of PROTOCOLS.
        n: Number of images or latents.
        device: Torch name of the device to compute on.

    Returns:
        The duration in seconds.
    """
    stream = np.random.default_rng(0)
    labels = np.arange(n) % 10
    latents = (stream.standard_normal((n, 8)) + labels[:, None]).astype(np.float32)
    images = stream.integers(0, 256, (n, 1, 32, 32), dtype=np.uint8)
    outputs = TrialOutputs(latents, labels, latents, labels, images, to_unit(images))
    protocol = PROTOCOLS[name]()
    started = time.perf_counter()
    # Metrics of pretrained networks are forecast per image, so they are excluded even if their weights are available.
    protocol.score(outputs, EvaluationContext(device=device, left_out=frozenset(METRIC_BACKBONES)))
    return time.perf_counter() - started


def _on_device(name: str) -> bool:
    return name == "outputs" or name in METRIC_BACKBONES or PROTOCOLS[name].scores_images


def _forecast_protocols(trial: Trial) -> list[str]:
    """Return the trial's protocols whose growth of time is known; that of a user's own protocol is not."""
    return [name for name in trial.protocols if name in EXPONENTS]


def _evaluated_images(trial: Trial, protocol: str) -> float:
    """Return the size of an evaluation in units of the probe: latents, or images of 32 x 32 x 1 pixels."""
    if protocol == "clustering":
        return float(min(trial.protocols[protocol]["n_images"], trial.data.n_test))
    if protocol == "classification":
        return trial.data.n_train
    return trial.data.n_test * math.prod(trial.data.image_shape) / _PROBE_PIXELS
