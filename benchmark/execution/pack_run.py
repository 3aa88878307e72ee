"""Run of one pack: train its trials, store all checkpoints, then evaluate trial by trial."""

import dataclasses
import gc
from collections.abc import Callable, Iterator, Sequence
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
from benchmark.execution.packs import Pack, even_parts
from benchmark.execution.provenance import code_state, hardware, now
from benchmark.results.records import Identity, Record, UnfitRecord
from benchmark.results.store import Store
from benchmark.studies.trials import Trial
from benchmark.training.checkpoints import load_checkpoint, save_checkpoint
from benchmark.training.loop import TrainingResult
from benchmark.training.model_check import check_model
from benchmark.training.pack import train_pack
from benchmark.training.warm_start import train_warm_pack
from models.base import ImageAutoencoder

OnEpoch = Callable[[int], None]
# A trial, its trained model, and the entries that training adds to the trial's record.
Trained = tuple[Trial, ImageAutoencoder, dict[str, Any]]
# Errors that end the run because the next trial would meet them too: a full disk, a missing data set, a device in an
# invalid state.
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

    Trials whose checkpoints exist are not trained again, and come first. As many of the others as fit on the device are
    trained together, and all their checkpoints are stored before their first record is yielded. An error makes its
    trial fail, or, in training, all trials that were trained together; errors of ENDS_ALL are raised.

    Args:
        pack: Trials that differ only in their seed.
        dataset: Their images.
        images: The data set's training images, uint8 (N, C, S, S), on the device.
        context: Where they run.
        on_epoch: Called with the number of completed epochs.
        on_stored: Called if checkpoints replace all training.

    Yields:
        Each wanted trial, its record, and the outputs that `scored` still has to score; None in their place if the
        record is complete.

    Raises:
        UserError: Code or images differ from those in the trials' identities, or another error of ENDS_ALL.
    """
    _refuse_other_code_or_images(pack.trials[0], dataset)
    stored = [found for trial in pack.wanted_trials if (found := _stored(trial, context))]
    with_checkpoint = {trial.key for trial, *_ in stored}
    missing = [trial for trial in pack.wanted_trials if trial.key not in with_checkpoint]
    if not missing:
        on_stored()
    yield from _evaluated(_completed, stored, dataset, context)
    if not missing:
        return
    for part in even_parts(missing, seeds_that_fit(missing[0], images) if len(missing) > 1 else None):
        try:
            trained = _train(part, images, context, on_epoch)
        except ENDS_ALL:
            raise
        except Exception as error:
            yield from ((trial, failed_record(trial, context.device, error), None) for trial in part)
            continue
        yield from _evaluated(_finished, trained, dataset, context)


def _refuse_other_code_or_images(trial: Trial, dataset: Dataset) -> None:
    """Raise UserError if code or images have changed since the trials were planned.

    A checkout may be updated, or a data folder changed, while a study or its queued jobs are in progress.
    """
    revisions = {name: settings.get("revision") for name, settings in trial.protocols.items()}
    if not matches_this_code(Identity.parse(trial.identity)) or revisions != {
        name: PROTOCOLS[name].REVISION for name in revisions
    }:
        raise UserError("the code was updated during this run; start the same command again")
    if dataset.digest != trial.data.digest:
        raise UserError(f"{dataset.name}: its images changed during this run; start the same command again")


def _evaluated(
    evaluate: Callable[[Trained, Dataset, TrialContext], tuple[Record, TrialOutputs | None]],
    trained: Sequence[Trained],
    dataset: Dataset,
    context: TrialContext,
) -> Iterator[tuple[Trial, Record, TrialOutputs | None]]:
    """Yield the results of trained trials one by one; an error yields a failed record for its trial."""
    for one in trained:
        trial = one[0]
        try:
            record, outputs = evaluate(one, dataset, context)
        except ENDS_ALL:
            raise
        except Exception as error:
            record, outputs = failed_record(trial, context.device, error), None
        yield trial, record, outputs


def _finished(one: Trained, dataset: Dataset, context: TrialContext) -> tuple[Record, TrialOutputs | None]:
    trial, model, training = one
    parameters = sum(parameter.numel() for parameter in model.parameters())
    record = empty_record(trial, context.device).updated(**training, parameters=parameters)
    return measured(trial, model, dataset, context, record) if record.ok else (record, None)


def _completed(one: Trained, dataset: Dataset, context: TrialContext) -> tuple[Record, TrialOutputs | None]:
    """Evaluate a stored trial, completing its successful record if that belongs to this very model.

    The model differs if its checkpoint was damaged and the trial has been trained again since.
    """
    trial, model, training = one
    record = Store(context.out).read_record(trial.key)
    if record is None or not record.ok or record.plain["curves"] != training["curves"]:
        return _finished(one, dataset, context)
    return completed(trial, model, dataset, context, record), None


def _stored(trial: Trial, context: TrialContext) -> Trained | None:
    """Load the trial from its checkpoint; return None if that is missing or damaged, so that it is trained again."""
    model = trial_model(trial, trial.seed, context.device)
    try:
        training = load_checkpoint(model, Store(context.out).checkpoint_path(trial.key), trial.identity)
        said = {field: training[field] for field in ("curves", "timings", "training")}
        empty_record(trial, context.device).updated(**said, parameters=1)
    except (UserError, KeyError, UnfitRecord):
        return None
    return trial, model.eval(), said


def _train(trials: Sequence[Trial], images: Tensor, context: TrialContext, on_epoch: OnEpoch) -> list[Trained]:
    """Train trials together, in halves if memory does not suffice, and store their checkpoints."""
    try:
        return _train_at_once(trials, images, context, on_epoch)
    except torch.OutOfMemoryError:
        if len(trials) == 1:
            raise
    # Outside the handler, because the error keeps the tensors of its frames alive.
    gc.collect()
    torch.cuda.empty_cache()
    halves = even_parts(trials, -(-len(trials) // 2))
    return [trained for half in halves for trained in _train(half, images, context, on_epoch)]


def _train_at_once(trials: Sequence[Trial], images: Tensor, context: TrialContext, on_epoch: OnEpoch) -> list[Trained]:
    models = [trial_model(trial, trial.seed, context.device) for trial in trials]
    seeds = [trial.seed for trial in trials]
    check_model(trial_model(trials[0], seeds[0], context.device), images)
    if images.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(images.device)
    settings, start = trials[0].training, trials[0].warm_start
    if start is None:
        results = train_pack(models, images, settings, seeds, context.way, on_epoch)
    else:
        starts = [warm_start_model(trial, trial.seed, context.device) for trial in trials]
        check_model(warm_start_model(trials[0], seeds[0], context.device), images)
        stages = dataclasses.replace(settings, epochs=start.epochs), settings
        results = train_warm_pack(starts, models, images, stages, start.heads, seeds, context.way, on_epoch)
    trained = []
    for trial, model, result in zip(trials, models, results, strict=True):
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
