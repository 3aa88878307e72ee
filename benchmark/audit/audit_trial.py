"""The audit of one stored trial: every alternative to its protocols, and protocols that the paper does not have."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from benchmark.audit.classification_protocols import classification_alternatives
from benchmark.audit.clustering_protocols import clustering_alternatives
from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.audit.reconstruction_protocols import reconstruction_alternatives
from benchmark.data.dataset import Dataset
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.disentanglement import Disentanglement
from benchmark.evaluation.protocols import PROTOCOLS, Protocol, TrialOutputs
from benchmark.evaluation.recovery import ClusterRecovery
from benchmark.evaluation.scores import Scores
from benchmark.execution.evaluate_trial import in_batches, trial_outputs
from benchmark.results.records import Identity
from benchmark.streams import generator
from benchmark.training.memory_layout import laid_out
from models.base import ImageAutoencoder, draw_noise

# Incremented when an alternative, or a protocol of OWN_PROTOCOLS, changes what it measures. An added one does not
# increment it: earlier results remain valid, and `audit_files.lacking` lists what they lack.
REVISION = 1

Alternatives = Callable[[AuditOutputs, Any, EvaluationContext], Iterator[tuple[str, Scores]]]

ALTERNATIVES: Mapping[str, Alternatives] = {
    "clustering": clustering_alternatives,
    "classification": classification_alternatives,
    "reconstruction": reconstruction_alternatives,
}
# They measure what the paper does not. No study requests them, so they are not part of a trial's identity.
OWN_PROTOCOLS: Mapping[str, Protocol] = {
    "recovery": ClusterRecovery(),
    "disentanglement": Disentanglement(),
}


def audited(
    identity: Identity, model: ImageAutoencoder, dataset: Dataset, context: EvaluationContext
) -> dict[str, Any]:
    """Score a trial under every alternative to its protocols, and under OWN_PROTOCOLS.

    The judged protocol itself is included as JUDGED and scored again; it has no other alternative if it is not in
    ALTERNATIVES. A protocol of OWN_PROTOCOLS is left out if the data set lacks the labels or factors that it needs.

    Args:
        identity: The trial's identity.
        model: The trained model, in eval mode.
        dataset: The trial's images.
        context: The device, and the location of pretrained weights.

    Returns:
        Plain data: `scores`, protocol -> alternative -> {"values", "unavailable", "details"} (see `Scores`), and
        `seconds`, the duration per protocol.
    """
    judged = {name: PROTOCOLS[name](**settings) for name, settings in identity.protocols.items()}
    outputs = audit_outputs(
        laid_out(model, context.device), dataset, context.device, judged, identity.training["batch_size"]
    )
    scores: dict[str, dict[str, Any]] = {}
    seconds: dict[str, float] = {}
    for name, protocol in judged.items():
        started = time.perf_counter()
        if name in ALTERNATIVES:
            found = ALTERNATIVES[name](outputs, protocol, context)
            scores[name] = {alternative: _plain(score) for alternative, score in found}
        else:  # a user's own protocol
            scores[name] = {JUDGED: _plain(protocol.score(outputs, context))}
        seconds[name] = round(time.perf_counter() - started, 3)
    for name, protocol in OWN_PROTOCOLS.items():
        if all(getattr(outputs, need) is not None for need in protocol.needs):
            started = time.perf_counter()
            scores[name] = {JUDGED: _plain(protocol.score(outputs, context))}
            seconds[name] = round(time.perf_counter() - started, 3)
    return {"scores": scores, "seconds": seconds}


def audit_outputs(
    model: ImageAutoencoder,
    dataset: Dataset,
    device: str,
    judged: Mapping[str, Protocol],
    batch_size: int,
) -> AuditOutputs:
    """Compute the outputs that the judged protocols, their alternatives and OWN_PROTOCOLS need.

    The noise of the posterior and of the prior comes from separate random streams, the same for every trial.

    Args:
        model: The model, on `device` and in eval mode.
        dataset: The trial's images.
        device: A torch device.
        judged: The trial's protocols by name.
        batch_size: Batch size of the training. Sampled reconstructions come from the method's loss, which may have
            several rows per image, so larger batches may not fit in memory.
    """
    needs = {need for protocol in judged.values() for need in protocol.needs}
    outputs = trial_outputs(model, dataset, device, needs | {"component_weights_test", "factors_test"})
    others = {name: getattr(outputs, name) for name in TrialOutputs.__dataclass_fields__}
    if "reconstruction" in judged:
        posterior = generator(device, "evaluation", use="sampled reconstructions")
        [others["sampled_reconstructions_test"]] = in_batches(
            lambda images: (_sampled(model, images, posterior),), dataset.x_test, device, batch_size
        )
        prior = generator(device, "evaluation", use="prior samples")
        [others["prior_samples"]] = in_batches(
            lambda images: (model.sample(len(images), prior),), dataset.x_test, device
        )
    return AuditOutputs(**others)


def _sampled(model: ImageAutoencoder, images: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
    output = model.objective(images, draw_noise(model.noise_shapes(len(images)), images.device, stream))
    sampled: torch.Tensor = output.recon_x
    return sampled


def _plain(score: Scores) -> dict[str, Any]:
    return {"values": score.values, "unavailable": score.unavailable, "details": score.details}
