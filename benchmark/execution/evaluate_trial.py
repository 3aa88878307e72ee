"""Evaluation of a trained model: compute its outputs, measure its health, and score it for the trial's record.

Whatever needs the images is computed immediately, on the device (`measured`). Whatever needs only the latents is left
to another process (`scored`), so that the device can continue training.
"""

import dataclasses
import platform
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.data.dataset import Dataset
from benchmark.errors import UserError
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.health import (
    active_units,
    collapsed,
    explained_variance,
    finite_mean,
    gap_to_prior,
    information_about_draws,
    rate,
    use_of_components,
)
from benchmark.evaluation.preconditions import required
from benchmark.evaluation.protocols import PROTOCOLS, TrialOutputs
from benchmark.execution.provenance import provenance
from benchmark.execution.resume import lacking_metrics
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import build_model
from benchmark.results.records import OK, RECORD_OBJECTS, RECORD_SCHEMA, Health, Identity, Json, Record
from benchmark.results.store import Store
from benchmark.streams import generator
from benchmark.studies.trials import Trial
from benchmark.text import error_line
from benchmark.training.loop import to_unit_range
from benchmark.training.memory_layout import laid_out
from benchmark.training.training_settings import has_current_revisions
from models.base import ImageAutoencoder, draw_noise
from models.losses import gaussian_log_density, reparameterised

EVALUATION_BATCH = 500
OTHER_DRAWS = 256  # per image: draws of the code's Gaussian condition (such as w) other than the image's own


@dataclass(frozen=True)
class TrialContext:
    """Where and how trials run; none of these settings changes a trial's identity.

    Attributes:
        out: The results folder.
        device: Torch device name, such as "cuda:1".
        weights_dir: Folder searched first for pretrained weights; None uses the torch hub cache.
        way: How packs are trained, one of `benchmark.training.pack.WAYS`.
        deterministic: Whether an operation without a bitwise repeatable kernel is an error.
        method_files: The files that define the user's own methods.
        weights_missing: As in EvaluationContext.
        left_out: Names of metrics that are not computed.
    """

    out: Path
    device: str
    weights_dir: Path | None
    way: str = "eager"
    deterministic: bool = False
    method_files: tuple[Path, ...] = ()
    weights_missing: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

    @property
    def evaluation(self) -> EvaluationContext:
        """The corresponding context for evaluation, which keeps its statistics in the results folder."""
        return EvaluationContext(
            self.weights_dir,
            self.device,
            statistics_dir=self.out / "statistics",
            weights_missing=self.weights_missing,
            left_out=self.left_out,
        )


def empty_record(trial: Trial, device: str, status: str = OK, reason: str | None = None) -> Record:
    """Make a trial's record without results.

    Args:
        trial: The trial.
        device: Torch name of the device that it ran on.
        status: One of `benchmark.results.records.RECORD_STATUSES`; the next run retries a "failed" trial.
        reason: Why the status is not OK; None if it is.
    """
    return Record.parse(
        {
            "schema": RECORD_SCHEMA,
            "key": trial.key,
            "identity": trial.identity,
            "status": status,
            "reason": reason,
            **{field: {} for field in RECORD_OBJECTS},
            "details": {},
            "provenance": provenance(device),
        }
    )


def failed_record(trial: Trial, device: str, error: Exception) -> Record:
    """Make the record of a trial that ended with an error; the first line of the error's message is the reason."""
    return empty_record(trial, device, "failed", error_line(error))


def write_result(store: Store, record: Record) -> str:
    """Write a record, unless it failed and would replace a successful one.

    This happens when adding scores to a finished trial fails. The successful record is then rewritten unchanged, so
    that a process that watches the folder sees that the attempt has ended.

    Args:
        store: The results folder.
        record: The record of this attempt.

    Returns:
        The record's status, or a message that nothing was added, with the reason.
    """
    earlier = store.read_record(record.key) if record.status == "failed" else None
    if earlier is None or not earlier.ok:
        store.write_record(record)
        return record.status
    store.write_record(earlier)
    return f"nothing was added to its record ({record.reason})"


def matches_this_code(identity: Identity) -> bool:
    """Return whether a trial of this identity has the same meaning for the current code.

    This holds if the revisions of its method, warm start and training are the current ones and its method file is
    unchanged. The checkout may have been updated since the trial was planned or trained.
    """
    method, start = ALL_METHODS.get(identity.method), identity.warm_start
    if method is None:
        return False
    if start and (
        start["method"] not in ALL_METHODS or ALL_METHODS[start["method"]].revision != start["method_revision"]
    ):
        return False
    same = (identity.method_revision, identity.method_source) == (method.revision, method.source)
    return same and has_current_revisions(identity.training)


def trial_model(trial: Trial, seed: int, device: str = "cpu") -> ImageAutoencoder:
    """Build the trial's model on a device, initialised from the random streams of a seed.

    Raises:
        ValueError: The method rejects the trial's settings; only this trial fails, not the study.
    """
    return _built(trial, trial.method, trial.settings, seed, device)


def warm_start_model(trial: Trial, seed: int, device: str = "cpu") -> ImageAutoencoder:
    """Build the model that is trained before the trial's model; the trial must have a warm start."""
    assert trial.warm_start is not None
    return _built(trial, trial.warm_start.method, trial.warm_start.settings, seed, device)


def _built(trial: Trial, name: str, settings: Json, seed: int, device: str) -> ImageAutoencoder:
    method, width = ALL_METHODS[name], trial.training.width
    try:
        model = build_model(method, settings, trial.data.image_shape, trial.latent_dim, width, seed)
    except UserError as error:
        raise ValueError(str(error)) from error
    return laid_out(model, device)


def measured(
    trial: Trial, model: ImageAutoencoder, dataset: Dataset, context: TrialContext, record: Record
) -> tuple[Record, TrialOutputs | None]:
    """Compute a trained trial's health and the scores that need images.

    Args:
        trial: The trial.
        model: Its trained model, on the device.
        dataset: Its images.
        context: Where it runs.
        record: The trial's record after training.

    Returns:
        The completed record, and the latents and labels that `scored` needs for the remaining scores; None in their
        place if no scores remain.
    """
    protocols = {name: PROTOCOLS[name] for name in trial.protocols}
    needs = {need for protocol in protocols.values() for need in protocol.needs}
    started = time.perf_counter()
    outputs = trial_outputs(model, dataset, context.device, needs)
    timings = {**record.timings, "outputs_seconds": round(time.perf_counter() - started, 3)}
    health = _health(model, dataset, trial, context.device, outputs)
    record = record.updated(timings=timings, health=health.plain)
    of_images = [name for name, protocol in protocols.items() if protocol.scores_images]
    record = _with_scores(record, trial, outputs, context, of_images)
    record = record.updated(peak_memory_mb=peak_memory_mb(context.device))
    left = any(not protocol.scores_images for protocol in protocols.values())
    return record, outputs.latents_only() if left else None


def scored(trial: Trial, record: Record, outputs: TrialOutputs, context: TrialContext) -> Record:
    """Add the scores of the latents to a record.

    Args:
        trial: The trial.
        record: The record returned by `measured`.
        outputs: The outputs returned by `measured`.
        context: Where it runs.
    """
    of_latents = [name for name in trial.protocols if not PROTOCOLS[name].scores_images]
    return _with_scores(record, trial, outputs, context, of_latents)


def completed(trial: Trial, model: ImageAutoencoder, dataset: Dataset, context: TrialContext, record: Record) -> Record:
    """Add to a finished trial's record the missing scores that this run can compute; existing scores stay unchanged.

    Args:
        trial: The trial.
        model: Its trained model, loaded from its checkpoint, on the device.
        dataset: Its images.
        context: Where it runs.
        record: The trial's record.

    Returns:
        The record, with a note of the metrics added and the provenance of the computation.
    """
    lacking = lacking_metrics(record, context.left_out)
    names = [name for name in trial.protocols if any(protocol == name for protocol, _ in lacking)]
    outputs = trial_outputs(model, dataset, context.device, {need for name in names for need in PROTOCOLS[name].needs})
    more = _with_scores(record, trial, outputs, context, names)
    added = [metric for name, metric in lacking if more.score(name, metric) is not None]
    if not added:
        return more
    note = {"metrics": added, "provenance": provenance(context.device)}
    return more.updated(added=[*record.plain.get("added", ()), note])


def _with_scores(
    record: Record, trial: Trial, outputs: TrialOutputs, context: TrialContext, names: list[str]
) -> Record:
    """Add the scores of protocols to a record; scores that it already has are neither recomputed nor replaced."""
    timings, metrics = {**record.timings}, {**record.metrics}
    unavailable, details = {**record.unavailable}, {**record.plain["details"]}
    for name in names:
        protocol, known = PROTOCOLS[name](**trial.protocols[name]), record.metrics.get(name, {})
        here = dataclasses.replace(context.evaluation, left_out=context.left_out | set(known))
        started = time.perf_counter()
        scores = protocol.score(outputs, here)
        seconds = time.perf_counter() - started + timings.get(f"{name}_seconds", 0.0)
        timings[f"{name}_seconds"] = round(seconds, 3)
        found = {**scores.values, **known}
        metrics[name] = {metric: found[metric] for metric in protocol.metrics if metric in found}
        reasons = {metric: reason for metric, reason in scores.unavailable.items() if metric not in known}
        if reasons:
            unavailable[name] = reasons
        else:
            unavailable.pop(name, None)
        if scores.details:
            details[name] = _with_more(details.get(name, {}), scores.details)
    return record.updated(timings=timings, metrics=metrics, unavailable=unavailable, details=details)


def _with_more(details: Json, more: Json) -> dict[str, Any]:
    """Merge a protocol's details with those of added metrics; "weights" and "weights_from" keep entries of both."""
    merged = {name: {**details.get(name, {}), **more[name]} for name in ("weights", "weights_from") if name in more}
    return {**details, **more, **merged}


def _health(model: ImageAutoencoder, dataset: Dataset, trial: Trial, device: str, outputs: TrialOutputs) -> Health:
    stream = generator(device, "evaluation", use="health")

    def sampled(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        noise = draw_noise(model.noise_shapes(len(images)), images.device, stream)
        output = model.objective(images, noise)
        distortion = (images - output.recon_x).square().flatten(1).sum(1, keepdim=True)
        return output.z, distortion, *(model.code_posterior(model.encoder(images), noise) or ())

    # In training's batch size, because the memory of a loss may grow with B * B, as for the pieces of the z-prior.
    codes, distortion, *posterior = in_batches(sampled, dataset.x_test, device, trial.training.batch_size)
    weights = component_weights(model, dataset.x_test, device)
    prior = draw_noise(model.prior_noise_shapes(len(codes)), torch.device(device), stream)
    with torch.no_grad():
        drawn = model.prior_latents(prior).float().cpu().numpy()
    active = active_units(required(outputs.latents_test, "latents_test"), codes)
    explained = explained_variance(
        required(outputs.images_test, "images_test"), required(outputs.reconstructions_test, "reconstructions_test")
    )
    of_code = rate(*posterior) if posterior else None
    plain: Json = {
        "active_units": active,
        "explained_variance": explained,
        "collapsed": collapsed(active, trial.latent_dim, explained),
        "rate": of_code,
        "rate_bounds": _rate_bounds(model, dataset, device, of_code),
        "distortion": finite_mean(distortion),
        "gap_to_prior": gap_to_prior(codes, drawn),
        **({} if weights is None else use_of_components(weights)),
    }
    return Health.parse(plain)


def _rate_bounds(model: ImageAutoencoder, dataset: Dataset, device: str, of_code: float | None) -> list[float] | None:
    """Estimate bounds [nats] on the information that the code carries about the image, excluding that about draws (w).

    The draws are those that the code's Gaussian depends on besides the image. Each estimate is a bound only on average.

    Returns:
        [low, high]; both equal `of_code`, the rate, if there are no such draws. None if the rate is None or a bound is
        not finite.
    """
    if of_code is None or not model.posterior_draws():
        return None if of_code is None else [of_code, of_code]
    stream = generator(device, "evaluation", use="rate bounds")

    def information(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        encoded, shapes = model.encoder(images), model.noise_shapes(len(images))
        draws = {name: shapes[name] for name in model.posterior_draws()}
        own = draw_noise(draws, images.device, stream)
        posterior = model.code_posterior(encoded, own)
        assert posterior is not None, "a code with draws has a posterior"
        mean, log_var = posterior
        codes = reparameterised(mean, log_var, torch.randn(mean.shape, device=images.device, generator=stream))
        given = [model.code_log_density(encoded, own, codes)]
        for _ in range(OTHER_DRAWS):
            given.append(model.code_log_density(encoded, draw_noise(draws, images.device, stream), codes))
        return information_about_draws(gaussian_log_density(codes, mean, log_var).sum(1), torch.stack(given))

    amounts = [finite_mean(column) for column in in_batches(information, dataset.x_test, device)]
    # Sorted, because each estimate is a bound only on average, so they may cross if the information is close to 0.
    finite = [amount for amount in amounts if amount is not None]
    return sorted(of_code - amount for amount in finite) if len(finite) == len(amounts) else None


def trial_outputs(model: ImageAutoencoder, dataset: Dataset, device: str, needs: set[str]) -> TrialOutputs:
    """Compute the outputs that protocols score, deterministic latents and reconstructions, on the CPU.

    Args:
        model: The model, on the device and in eval mode.
        dataset: Its images.
        device: Torch name of the model's device.
        needs: Names of fields of TrialOutputs. Training latents, component weights and factors are given only if they
            are among them; all other fields are always computed, because the trial's health needs them.
    """

    def codes(images: torch.Tensor) -> tuple[torch.Tensor]:
        return (model.embed(images),)

    def codes_and_reconstructions(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        predicted = model.predict(images)
        return predicted.embedding, predicted.recon_x

    latents_train = in_batches(codes, dataset.x_train, device)[0] if "latents_train" in needs else None
    weights = component_weights(model, dataset.x_test, device) if "component_weights_test" in needs else None
    factors = dataset.factors if "factors_test" in needs else None
    latents_test, reconstructions_test = in_batches(codes_and_reconstructions, dataset.x_test, device)
    return TrialOutputs(
        latents_train=latents_train,
        labels_train=dataset.y_train,
        latents_test=latents_test,
        labels_test=dataset.y_test,
        images_test=np.asarray(dataset.x_test),
        reconstructions_test=reconstructions_test,
        component_weights_test=weights,
        factors_test=None if factors is None else factors[dataset.n_train :],
        factor_names=dataset.factor_names,
    )


def component_weights(model: ImageAutoencoder, images: np.ndarray, device: str) -> np.ndarray | None:
    """Compute the component weights w of images, without noise.

    Args:
        model: The model, on the device and in eval mode.
        images: uint8 (N, C, S, S).
        device: Torch name of the model's device.

    Returns:
        float32 (N, K); None if the method is not a mixture.
    """

    def weights(batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = model.component_weights(batch)
        return () if found is None else (found,)

    if not in_batches(weights, images[:1], device):
        return None
    return in_batches(weights, images, device)[0]


@torch.no_grad()
def in_batches(
    function: Callable[[torch.Tensor], tuple[torch.Tensor, ...]],
    inputs: np.ndarray,
    device: str | torch.device,
    batch_size: int = EVALUATION_BATCH,
) -> list[np.ndarray]:
    """Apply a function to images or codes in batches.

    Args:
        function: Maps images (B, C, S, S) in [0, 1], or codes (B, d), on the device to any number of outputs (B, ...).
        inputs: Images, uint8 (N, C, S, S), or codes, float32 (N, d).
        device: Torch name of the function's device.
        batch_size: Maximum number of images or codes per batch.

    Returns:
        Each output as one float32 array (N, ...).
    """
    outputs = []
    for start in range(0, len(inputs), batch_size):
        # np.array copies, because torch.from_numpy warns about a read-only memory map.
        batch = torch.from_numpy(np.array(inputs[start : start + batch_size])).to(device)
        given = to_unit_range(batch) if batch.dtype == torch.uint8 else batch
        outputs.append([output.float().cpu().numpy() for output in function(given)])
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def peak_memory_mb(device: str) -> dict[str, float]:
    """Return the peak memory use in MiB.

    Returns:
        `process`: the peak of this process since its start; on a GPU also `device`: the peak of its allocator for this
        pack.
    """
    unit = 2**20 if platform.system() == "Darwin" else 2**10  # ru_maxrss is bytes on macOS, KiB on Linux
    peak = {"process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)}
    if device.startswith("cuda"):
        peak["device"] = round(torch.cuda.max_memory_reserved(device) / 2**20, 1)
    return peak
