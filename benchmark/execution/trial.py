"""One trial from its settings to its record: build, train, checkpoint, reduce to outputs, score."""

import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.data import Dataset
from benchmark.errors import UserError
from benchmark.evaluation.health import active_units, collapsed, explained_variance
from benchmark.evaluation.protocols import PROTOCOLS, EvaluationContext, TrialOutputs
from benchmark.execution.provenance import provenance
from benchmark.execution.store import RECORD_OBJECTS, RECORD_SCHEMA, Store
from benchmark.methods import METHODS, build_model
from benchmark.streams import generator
from benchmark.training.checkpoints import load_checkpoint, save_checkpoint
from benchmark.training.loop import TrainingResult, to_unit_range, train
from benchmark.trials import Trial
from models.base import ImageAutoencoder, draw_noise

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class TrialContext:
    """Where and with what a trial runs; nothing here changes its identity."""

    out: Path
    device: str
    weights_dir: Path | None
    offline: bool
    reuse_training: bool = True  # False (--force): train anew even where a checkpoint is at hand


def run_trial(
    trial: Trial,
    dataset: Dataset,
    context: TrialContext,
    on_epoch: Callable[[int], None] = lambda epoch: None,
    previous: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a trial and return its record (written by the caller).

    With the record of an earlier, complete training and its checkpoint on disk only the evaluation is run again; a
    damaged checkpoint is replaced by a new training.
    """
    store = Store(context.out)
    checkpoint = store.checkpoint_path(trial.key)
    model = trial_model(trial, trial.seed).to(context.device)
    record = empty_record(trial, context.device) | {
        "details": {},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    if context.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(context.device)
    trained = previous is not None and previous["status"] == "ok" and checkpoint.exists() and context.reuse_training
    if trained:
        try:
            load_checkpoint(model, checkpoint)
        except UserError:  # damaged: the trial can still be made anew
            trained = False
            model = trial_model(trial, trial.seed).to(context.device)
    if trained:
        model.eval()
        record["curves"] = previous["curves"]
        record["timings"]["training_seconds"] = previous["timings"]["training_seconds"]
    else:
        result = _train(model, dataset, trial, context.device, on_epoch)
        record["curves"] = result.curves
        record["timings"]["training_seconds"] = round(result.seconds, 3)
        if result.diverged_at is not None:
            record["status"] = "diverged"
            record["reason"] = f"loss or parameters not finite at step {result.diverged_at}"
        else:
            save_checkpoint(model, checkpoint)
    if record["status"] == "ok":
        _evaluate(model, dataset, trial, context, record)
    record["peak_memory_mb"] = peak_memory_mb(context.device)
    return record


def empty_record(trial: Trial, device: str, status: str = "ok", reason: str | None = None) -> dict[str, Any]:
    """A trial's record without any result. One that is "failed" is tried again by the next run."""
    return {
        "schema": RECORD_SCHEMA,
        "key": trial.key,
        "identity": trial.identity,
        "status": status,
        "reason": reason,
        **{field: {} for field in RECORD_OBJECTS},
        "provenance": provenance(device),
    }


def trial_model(trial: Trial, seed: int) -> ImageAutoencoder:
    """The trial's model as initialised from the streams of `seed`, on the CPU."""
    return build_model(
        METHODS[trial.method], trial.settings, trial.data.image_shape, trial.latent_dim, trial.training.width, seed
    )


def _train(model, dataset: Dataset, trial: Trial, device: str, on_epoch) -> TrainingResult:
    images = torch.from_numpy(np.array(dataset.x_train)).to(device)  # a copy: the prepared images are a read-only map
    return train(model, images, trial.training, trial.seed, on_epoch)


def _evaluate(
    model: ImageAutoencoder, dataset: Dataset, trial: Trial, context: TrialContext, record: dict[str, Any]
) -> None:
    """Fill in metrics, what could not be computed, health and timings."""
    protocols = {name: PROTOCOLS[name](**settings) for name, settings in trial.protocols.items()}
    needs = {need for protocol in protocols.values() for need in protocol.needs}
    started = time.perf_counter()
    outputs = trial_outputs(model, dataset, context.device, needs)
    record["timings"]["outputs_seconds"] = round(time.perf_counter() - started, 3)
    evaluation = EvaluationContext(
        weights_dir=context.weights_dir,
        device=context.device,
        offline=context.offline,
    )
    for name, protocol in protocols.items():
        started = time.perf_counter()
        scores = protocol.score(outputs, evaluation)
        record["timings"][f"{name}_seconds"] = round(time.perf_counter() - started, 3)
        record["metrics"][name] = scores.values
        if scores.unavailable:
            record["unavailable"][name] = scores.unavailable
        if scores.details:
            record["details"][name] = scores.details
    record["health"] = _health(model, dataset, trial, context.device, outputs)


def _health(
    model: ImageAutoencoder, dataset: Dataset, trial: Trial, device: str, outputs: TrialOutputs
) -> dict[str, Any]:
    stream = generator(device, "evaluation", use="health")

    def sampled_codes(images: torch.Tensor) -> tuple[torch.Tensor]:
        noise = draw_noise(model.noise_shapes(len(images)), images.device, stream)
        return (model.objective(images, noise).z,)

    # In training's batches, because a loss may hold more than B rows at a time (the z-prior's pieces hold B * B).
    [sampled] = _in_batches(sampled_codes, dataset.x_test, device, trial.training.batch_size)
    active = active_units(outputs.latents_test, sampled)
    explained = explained_variance(outputs.images_test, outputs.reconstructions_test)
    return {
        "active_units": active,
        "explained_variance": explained,
        "collapsed": collapsed(active, trial.latent_dim, explained),
    }


def trial_outputs(model: ImageAutoencoder, dataset: Dataset, device: str, needs: set[str]) -> TrialOutputs:
    """Reduce a trained model to what protocols score: deterministic latents and reconstructions, on the CPU.

    Codes of the training images only where they are among the `needs`; the rest also tells the trial's health.
    """

    def codes(images: torch.Tensor) -> tuple[torch.Tensor]:
        return (model.embed(images),)

    def codes_and_reconstructions(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        predicted = model.predict(images)
        return predicted.embedding, predicted.recon_x

    latents_train = _in_batches(codes, dataset.x_train, device)[0] if "latents_train" in needs else None
    latents_test, reconstructions_test = _in_batches(codes_and_reconstructions, dataset.x_test, device)
    return TrialOutputs(
        latents_train=latents_train,
        labels_train=dataset.y_train,
        latents_test=latents_test,
        labels_test=dataset.y_test,
        images_test=np.asarray(dataset.x_test),
        reconstructions_test=reconstructions_test,
    )


@torch.no_grad()
def _in_batches(
    function: Callable[[torch.Tensor], tuple[torch.Tensor, ...]],
    images: np.ndarray,
    device: str,
    batch_size: int = EVALUATION_BATCH,
) -> list[np.ndarray]:
    """What `function` gives for batches of images in [0, 1]: each of its outputs as one float32 array."""
    outputs = []
    for start in range(0, len(images), batch_size):
        batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
        outputs.append([output.float().cpu().numpy() for output in function(to_unit_range(batch))])
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def peak_memory_mb(device: str) -> dict[str, float]:
    """High-water marks in MiB: of the process since it began, and of the GPU's allocator during this trial."""
    unit = 2**20 if platform.system() == "Darwin" else 2**10  # ru_maxrss is bytes on macOS, KiB on Linux
    peak = {"process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)}
    if device.startswith("cuda"):
        peak["device"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return peak
