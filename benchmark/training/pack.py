"""Training of a pack, the seeds of one kind of trial, on one device: the ways there are, and which one a device gets.

Every seed keeps its own data order, noise, BatchNorm statistics and optimiser state, and AdamW works on each element
alone, so a seed's result is that of training it alone but for rounding, whoever its companions are.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from benchmark.training.loop import (
    OneModel,
    OnEpoch,
    Training,
    TrainingResult,
    advance_together,
    loss_and_terms,
)
from benchmark.training.precision import forward_in
from benchmark.training.steps import CapturedSteps, EagerSteps, Steps
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder


@dataclass(frozen=True)
class Way:
    """A way to train a pack: seeds `stacked` into one step under vmap or stepped in turn; steps `captured` as CUDA
    graphs (each on a stream of its own) or launched one operation after another."""

    stacked: bool
    captured: bool
    says: str


# vmap runs the seeds' convolutions as one grouped convolution with the seeds in its channels.
WAYS = {
    "eager": Way(False, False, "the seeds' steps in turn, as they are"),
    "graphs": Way(False, True, "each seed's step a captured CUDA graph, on parallel streams"),
    "vmap": Way(True, False, "one step of the stacked seeds under torch.func.vmap"),
    "vmap_graph": Way(True, True, "one captured CUDA graph of the step under vmap"),
}


def default_way(device: str) -> str:
    """What `device` gets. On CPUs measured (results/reference/throughput); graphs on GPUs are a prediction."""
    return "graphs" if device.startswith("cuda") else "eager"


def default_pack(device: str) -> int | None:
    """Most seeds in a pack, None for as many as fit: on CPUs packs gain nothing, processes in parallel do."""
    return None if device.startswith("cuda") else 1


def train_pack(
    models: Sequence[ImageAutoencoder],
    images: Tensor,
    settings: TrainingSettings,
    seeds: Sequence[int],
    way: str = "eager",
    on_epoch: OnEpoch = lambda epoch: None,
) -> list[TrainingResult]:
    """Train `models`, one a seed, in place on uint8 `images` (N, C, S, S) that lie on their device.

    As `loop.train` for each of them: curves, divergence and the models' final states. A seed that diverges does not
    touch the others. Raises as `pack_trainings`.
    """
    return advance_together(pack_trainings(models, images, settings, seeds, way), settings, on_epoch)


def pack_trainings(
    models: Sequence[ImageAutoencoder], images: Tensor, settings: TrainingSettings, seeds: Sequence[int], way: str
) -> list[Training]:
    """The trainings of a pack, to be advanced together. `way` is a key of WAYS.

    ValueError for captured steps on a device without CUDA, and for bfloat16 under vmap.
    """
    chosen = WAYS[way]
    if chosen.captured and images.device.type != "cuda":
        raise ValueError(f"{way} needs a CUDA device, not {images.device}")
    if chosen.stacked and settings.precision == "bfloat16":
        raise ValueError(f"{way} knows no bfloat16: vmap has no rule for a BatchNorm of mixed types")

    def steps() -> Steps:
        return CapturedSteps(images.device) if chosen.captured else EagerSteps()

    if chosen.stacked:
        return [Training(StackedModels(models, settings.precision), images, settings, seeds, steps())]
    return [
        Training(OneModel(model, settings.precision), images, settings, [seed], steps())
        for model, seed in zip(models, seeds, strict=True)
    ]


class StackedModels:
    """The objective of models of equal shape, stacked and stepped together under vmap."""

    def __init__(self, models: Sequence[ImageAutoencoder], precision: str):
        self.models = [model.train() for model in models]
        self.names = names = []  # no `self` in the closure below: the cycle would keep the pack after its end
        self._parameters, self._buffers = stack_module_state(self.models)
        skeleton = copy.deepcopy(self.models[0]).to("meta")

        def loss_of_one(parameters, buffers, images, noise):
            with forward_in(precision, skeleton, images.device):
                output = functional_call(skeleton, (parameters, buffers), ({"data": images, "noise": noise},))
            names[:] = ["loss", *output.terms]
            return output.loss, loss_and_terms(output)

        # Without no_grad the gradients would themselves be differentiable, and each step's graph be kept.
        self._gradients = torch.no_grad()(vmap(grad_and_value(loss_of_one, has_aux=True)))

    def parameters(self) -> Iterable[Tensor]:
        return self._parameters.values()

    def backward(self, images: Tensor, noise: dict[str, Tensor]) -> Tensor:
        gradients, (_, values) = self._gradients(self._parameters, self._buffers, images, noise)
        for name, parameter in self._parameters.items():
            parameter.grad = gradients[name]
        return values

    @torch.no_grad()
    def finish(self) -> None:
        for i, model in enumerate(self.models):
            state = model.state_dict(keep_vars=True)
            for name, stacked in (self._parameters | self._buffers).items():
                state[name].copy_(stacked[i])
