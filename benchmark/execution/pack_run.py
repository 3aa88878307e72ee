"""One pack from its settings to its trials' records: train, store every checkpoint, then evaluate trial by trial."""

import dataclasses
import gc
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from benchmark.data.dataset import Dataset
from benchmark.errors import UserError
from benchmark.evaluation.protocols import PROTOCOLS, TrialOutputs
from benchmark.execution.evaluate_trial import (
    TrialContext,
    completed,
    empty_record,
    failed_record,
    matches_this_code,
    measured,
    trial_model,
    warm_start_model,
)
from benchmark.execution.memory import seeds_that_fit
from benchmark.execution.packs import Pack
from benchmark.execution.provenance import code_state, hardware, now
from benchmark.results.records import Identity, Record, UnfitRecord
from benchmark.results.store import Store
from benchmark.studies.trials import Trial
from benchmark.training.checkpoints import load_checkpoint, save_checkpoint
from benchmark.training.loop import TrainingResult
from benchmark.training.pack import train_pack
from benchmark.training.warm_start import train_warm_pack
from models.base import ImageAutoencoder

OnEpoch = Callable[[int], None]
# A trial, its trained model, and what training contributes to the trial's record.
Trained = tuple[Trial, ImageAutoencoder, dict[str, Any]]
# Errors that end the run, because the next trial would meet them, too: a full disk, a vanished data set, a device that
# has lost its state.
ENDS_ALL = (OSError, UserError, torch.AcceleratorError)


def run_pack(
    pack: Pack,
    dataset: Dataset,
    images: Tensor,
    context: TrialContext,
    on_epoch: OnEpoch = lambda epoch: None,
    on_stored: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Trial, Record, TrialOutputs | None]]:
    """Train and evaluate a pack.

    Trials whose checkpoints are all there are not trained again; where one is missing or damaged the whole pack is, as
    it was put together first. All its checkpoints are stored before its first record is given out. A pack that is too
    large for the device is trained in parts. An error costs the trial it belongs to, one in training the part; those of
    ENDS_ALL are raised.

    Args:
        pack: Trials that differ in their seed alone.
        dataset: Their images.
        images: The data set's training images, uint8 (N, C, S, S), on the device.
        context: Where they run.
        on_epoch: Called with the number of epochs done.
        on_stored: Called where checkpoints take the place of a training.

    Yields:
        Every wanted trial, its record, and the outputs that `scored` still has to score, None where the record is
        complete.

    Raises:
        UserError: Code or images are no longer those that the trials are named after, or another error of ENDS_ALL.
    """
    _refuse_other_code_or_images(pack.trials[0], dataset)
    whole = _stored(pack, context)
    most = seeds_that_fit(pack.trials[0], images) if whole is None and len(pack.trials) > 1 else None
    for part in pack.split(most):
        stored = whole if part == pack else _stored(part, context)
        if stored:
            on_stored()
        try:
            trained = stored or _train(part, images, context, on_epoch)
        except ENDS_ALL:
            raise
        except Exception as error:
            yield from ((trial, failed_record(trial, context.device, error), None) for trial in part.wanted_trials)
            continue
        finish = _completed if stored else _finished
        yield from (finish(*one, dataset, context) for one in trained)


def _refuse_other_code_or_images(trial: Trial, dataset: Dataset) -> None:
    """Raise UserError where code or images have changed since the trials were laid out.

    A checkout may be updated, and a data folder changed, while a study or its queued jobs are under way.
    """
    revisions = {name: settings.get("revision") for name, settings in trial.protocols.items()}
    if not matches_this_code(Identity.parse(trial.identity)) or revisions != {
        name: PROTOCOLS[name].REVISION for name in revisions
    }:
        raise UserError("the code was updated while this run was under way; give the same command again")
    if dataset.digest != trial.data.digest:
        raise UserError(f"{dataset.name}: its images changed while this run was under way; give the same command again")


def _finished(
    trial: Trial, model: ImageAutoencoder, training: dict[str, Any], dataset: Dataset, context: TrialContext
) -> tuple[Trial, Record, TrialOutputs | None]:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    try:
        record = empty_record(trial, context.device).updated(**training, parameters=parameters)
        if not record.ok:
            return trial, record, None
        return trial, *measured(trial, model, dataset, context, record)
    except ENDS_ALL:
        raise
    except Exception as error:
        return trial, failed_record(trial, context.device, error), None


def _completed(
    trial: Trial, model: ImageAutoencoder, training: dict[str, Any], dataset: Dataset, context: TrialContext
) -> tuple[Trial, Record, TrialOutputs | None]:
    """As `_finished`; a record of this very model that ended well is completed, not made anew."""
    record = Store(context.out).read_record(trial.key)
    if record is None or not record.ok:
        return _finished(trial, model, training, dataset, context)
    return trial, completed(trial, model, dataset, context, record), None


def _stored(pack: Pack, context: TrialContext) -> list[Trained] | None:
    """The wanted trials as their checkpoints have them; None unless every checkpoint is there and readable."""
    store, trained = Store(context.out), []
    for trial in pack.wanted_trials:
        model = trial_model(trial, trial.seed, context.device)
        try:
            training = load_checkpoint(model, store.checkpoint_path(trial.key))
            said = {field: training[field] for field in ("curves", "timings", "training")}
            empty_record(trial, context.device).updated(**said, parameters=1)
        except (UserError, KeyError, UnfitRecord):  # missing or damaged: the trial can still be trained anew
            return None
        trained.append((trial, model.eval(), said))
    return trained


def _train(pack: Pack, images: Tensor, context: TrialContext, on_epoch: OnEpoch) -> list[Trained]:
    """Train the whole pack, in halves where memory does not suffice, and store the wanted trials' checkpoints."""
    try:
        return _train_at_once(pack, images, context, on_epoch)
    except torch.OutOfMemoryError:
        if len(pack.trials) == 1:
            raise
    # Outside of the handler, because the error keeps the tensors of its frames alive.
    gc.collect()
    torch.cuda.empty_cache()
    halves = pack.split(-(-len(pack.trials) // 2))
    return [trained for half in halves for trained in _train(half, images, context, on_epoch)]


def _train_at_once(pack: Pack, images: Tensor, context: TrialContext, on_epoch: OnEpoch) -> list[Trained]:
    models = [trial_model(trial, trial.seed, context.device) for trial in pack.trials]
    seeds = [trial.seed for trial in pack.trials]
    if images.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(images.device)
    settings, start = pack.trials[0].training, pack.trials[0].warm_start
    if start is None:
        results = train_pack(models, images, settings, seeds, context.way, on_epoch)
    else:
        starts = [warm_start_model(trial, trial.seed, context.device) for trial in pack.trials]
        stages = dataclasses.replace(settings, epochs=start.epochs), settings
        results = train_warm_pack(starts, models, images, stages, start.heads, seeds, context.way, on_epoch)
    trained = []
    for trial, model, result in zip(pack.trials, models, results, strict=True):
        if trial.key not in pack.wanted:
            continue
        training = {
            "curves": result.curves,
            "timings": {"training_seconds": round(result.seconds, 3)},
            "training": {"way": context.way, "steps": result.how, "pack_seeds": seeds}
            | {"hardware": hardware(context.device), "date": now()}
            | ({} if result.start is None else {"warm_start": _of_start(result.start)})
            | code_state(),
        }
        if result.diverged_at is None:
            save_checkpoint(model, training, Store(context.out).checkpoint_path(trial.key), trial.identity)
        else:
            training["status"] = "diverged"
            before = start is not None and result.start is not None and result.start.diverged_at is not None
            whose = f" of its warm start ({start.method})" if start and before else ""
            training["reason"] = f"not finite at step {result.diverged_at}{whose}: {', '.join(result.not_finite)}"
        trained.append((trial, model, training))
    return trained


def _of_start(start: TrainingResult) -> dict[str, Any]:
    return {"curves": start.curves, "steps": start.steps, "seconds": round(start.seconds, 3)}
