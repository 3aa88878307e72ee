"""Training initialised with the parameters of another method, trained just before under the same seed."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from benchmark.training.loop import OnEpoch, TrainingResult
from benchmark.training.pack import train_pack
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder

_HEADS = "encoder.heads."


@torch.no_grad()
def begin_with(model: nn.Module, trained: nn.Module, heads: Mapping[str, str]) -> None:
    """Copy parameters and buffers with the same names, and the given heads, from a trained model into a model.

    A head that is K times as large gets K copies, so that each of K components begins as the single code of the trained
    model.

    Args:
        model: The model to initialise, in place; other parameters stay unchanged.
        trained: A trained model with the same trunk and decoder.
        heads: Head of `model` -> corresponding head of `trained`.

    Raises:
        RuntimeError: Two entries of the same name differ in shape.
    """
    of_heads = {f"{_HEADS}{own}.": f"{_HEADS}{other}." for own, other in heads.items()}
    known = trained.state_dict()
    for name, value in model.state_dict().items():
        head = name.rpartition(".")[0] + "."
        found = known.get(name.replace(head, of_heads.get(head, head)))
        if found is not None:
            copies = len(value) // len(found) if head in of_heads else 1
            value.copy_(torch.cat([found] * copies) if copies > 1 else found)


def train_warm_pack(
    starts: Sequence[ImageAutoencoder],
    models: Sequence[ImageAutoencoder],
    images: Tensor,
    stages: tuple[TrainingSettings, TrainingSettings],
    heads: Mapping[str, str],
    seeds: Sequence[int],
    way: str = "eager",
    on_epoch: OnEpoch = lambda epoch: None,
) -> list[TrainingResult]:
    """Train a pack of models, then train a second pack initialised with their parameters.

    Each stage is a separate training by `train_pack`: the optimiser and the streams of data order and noise are
    initialised anew, so either stage sees the same data as it would alone.

    Args:
        starts: The models that are trained first, one per seed, in place.
        models: The models initialised with their parameters and then trained in place.
        images: uint8 (N, C, S, S) on the models' device, N >= the batch size.
        stages: The settings of both stages.
        heads: As for `begin_with`.
        seeds: Seeds of the streams.
        way: One of `benchmark.training.pack.WAYS`.
        on_epoch: Called with the number of completed epochs, counted over both stages.

    Returns:
        The results of `models`, with those of the first stage as `start`. If the first stage diverged, the result
        reports its divergence, without curves, and the model is not trained.
    """
    before, own = stages
    first = train_pack(starts, images, before, seeds, way, on_epoch)
    going = [i for i, result in enumerate(first) if result.diverged_at is None]
    for i in going:
        begin_with(models[i], starts[i], heads)
    second = train_pack(
        [models[i] for i in going],
        images,
        own,
        [seeds[i] for i in going],
        way,
        lambda epoch: on_epoch(before.epochs + epoch),
    )
    found = dict(zip(going, second, strict=True))
    return [found[i].following(start) if i in found else start.ended_before() for i, start in enumerate(first)]
