"""The one training loop: AdamW over shuffled batches, data resident on the device as uint8.

    train(model, ...)        one model
    advance_together(...)    several trainings, a step each in turn; benchmark.training.pack says when that pays

Nothing inside an epoch waits for the device: everything a step reads or writes lies there, in buffers that stay where
they are. So a step is the same for one model and for stacked ones, and can be captured as a CUDA graph.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Protocol

import torch
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor, nn

from benchmark.streams import generator
from benchmark.training.precision import forward_in, kernels_of
from benchmark.training.steps import EagerSteps, Steps
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder

OnEpoch = Callable[[int], None]


@dataclass
class TrainingResult:
    """What a training leaves beside the model.

    `curves`: for `loss` and every unweighted term its mean over each epoch's batches (None where not finite).
    `diverged_at`: the first step, counted from 0 over all epochs, whose loss was not finite, or the last one if it
    left parameters that are not; None if there is none. `not_finite`: what was not at that step, "loss" and names of
    terms, or "parameters". `seconds`: a pack's time is shared out among its seeds. `how`: `Steps.how` of the steps.
    """

    curves: dict[str, list[float | None]] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    diverged_at: int | None = None
    not_finite: tuple[str, ...] = ()
    how: str = ""

    def add_epoch(self, means: Mapping[str, float]) -> None:
        """Append an epoch's means, by name, to the curves."""
        for name, mean in means.items():
            self.curves.setdefault(name, []).append(mean if math.isfinite(mean) else None)

    def end(self, model: nn.Module, seconds: float, how: str) -> None:
        """Look for damage of the last update, which shows in no loss any more, and leave `model` in eval mode."""
        if self.diverged_at is None and not all(bool(p.isfinite().all()) for p in model.parameters()):
            self.diverged_at, self.not_finite = self.steps - 1, ("parameters",)
        model.zero_grad(set_to_none=True)
        model.eval()
        self.seconds, self.how = seconds, how


class Objective(Protocol):
    """What a training needs of the model, or of the models stepped as one."""

    models: Sequence[ImageAutoencoder]
    names: list[str]  # "loss" and the terms, known after the first call of `backward`

    def parameters(self) -> Iterable[Tensor]: ...

    def backward(self, images: Tensor, noise: dict[str, Tensor]) -> Tensor:
        """Set the parameters' gradients for images (seeds, B, C, S, S) and noise (seeds, ...) by name.

        Returns the loss and the terms' means, (seeds, 1 + terms).
        """
        ...

    def finish(self) -> None:
        """Leave the trained state in `models`."""
        ...


class OneModel:
    """The objective of one model, by plain autograd."""

    def __init__(self, model: ImageAutoencoder, precision: str):
        self.models = [model.train()]
        self.names: list[str] = []
        self._precision = precision

    def parameters(self) -> Iterable[Tensor]:
        return self.models[0].parameters()

    def backward(self, images: Tensor, noise: dict[str, Tensor]) -> Tensor:
        [model] = self.models
        model.zero_grad(set_to_none=True)
        with forward_in(self._precision, model, images.device):
            output = model({"data": images[0], "noise": {name: draw[0] for name, draw in noise.items()}})
        output.loss.backward()
        self.names = ["loss", *output.terms]
        return loss_and_terms(output)[None]

    def finish(self) -> None:
        pass


@torch.no_grad()
def loss_and_terms(output: ModelOutput) -> Tensor:
    """The loss and every term's mean of a model's output, without a graph: (1 + terms,)."""
    return torch.stack([output.loss, *(term.mean() for term in output.terms.values())])


class Training:
    """A training under way, of one model or of several stepped as one: its streams, buffers and results.

    `images`: uint8 (N, C, S, S) on the models' device, N >= the batch size.
    """

    def __init__(
        self,
        objective: Objective,
        images: Tensor,
        settings: TrainingSettings,
        seeds: Sequence[int],
        steps: Steps | None = None,
    ):
        device, shapes = images.device, objective.models[0].noise_shapes(settings.batch_size)
        self.steps_per_epoch = len(images) // settings.batch_size
        self.results = [TrainingResult() for _ in seeds]
        self._objective, self._images, self._steps = objective, images, steps or EagerSteps()
        self._order_streams = [generator("cpu", "data_order", seed=seed) for seed in seeds]
        self._noise_streams = [generator(device, "noise", seed=seed) for seed in seeds]
        self._done = 0
        with self._steps.context():
            self._optimiser = torch.optim.AdamW(
                objective.parameters(),
                lr=settings.learning_rate,
                weight_decay=settings.weight_decay,
                fused=True,
                capturable=self._steps.captures,
            )
            self._done_there = torch.zeros(1, dtype=torch.int64, device=device)  # as `_done`, for the device to count
            order_shape = (len(seeds), self.steps_per_epoch, settings.batch_size)
            self._order = torch.zeros(order_shape, dtype=torch.int64, device=device)
            self._noise = {name: torch.zeros((len(seeds), *shapes[name]), device=device) for name in sorted(shapes)}
            self._sums: Tensor | None = None
            self._not_finite: Tensor | None = None  # of the loss and the terms, at the first bad step
            self._first_bad = torch.full((len(seeds),), -1, device=device)

    @property
    def how(self) -> str:
        """How its steps are executed, for the record."""
        return self._steps.how

    @property
    def over(self) -> bool:
        """Whether no seed is left whose training makes sense."""
        return all(result.diverged_at is not None for result in self.results)

    def begin_epoch(self) -> None:
        """Shuffle the images anew."""
        with self._steps.context():
            for row, stream in zip(self._order, self._order_streams, strict=True):
                row.copy_(torch.randperm(len(self._images), generator=stream)[: row.numel()].view_as(row))
            if self._sums is not None:
                self._sums.zero_()

    def advance(self) -> None:
        """One step of every seed."""
        with self._steps.context():
            for seed, stream in enumerate(self._noise_streams):
                for draws in self._noise.values():
                    # A step at a time: a larger draw would depend on how many processors the GPU has.
                    draws[seed].normal_(generator=stream)
            self._steps.run(self._step)
        self._done += 1

    def end_epoch(self) -> None:
        """Read what the epoch's steps have left on the device."""
        with self._steps.context():
            sums, first_bad, not_finite = (
                buffer.tolist() for buffer in (self._sums, self._first_bad, self._not_finite)
            )
        for result, totals, bad, flags in zip(self.results, sums, first_bad, not_finite, strict=True):
            if result.diverged_at is None:
                means = [total / self.steps_per_epoch for total in totals]
                result.add_epoch(dict(zip(self._objective.names, means, strict=True)))
                result.steps = self._done
                if bad >= 0:
                    result.diverged_at, result.not_finite = bad, tuple(compress(self._objective.names, flags))

    def finish(self, seconds: float) -> None:
        """Hand the trained state to the models; `seconds` is what each of them has taken."""
        self._objective.finish()
        for model, result in zip(self._objective.models, self.results, strict=True):
            result.end(model, seconds, self._steps.how)

    def _step(self) -> None:
        rows = self._order.index_select(1, self._done_there % self.steps_per_epoch)[:, 0]  # (seeds, B)
        values = self._objective.backward(to_unit_range(self._images[rows]), self._noise)
        self._optimiser.step()
        with torch.no_grad():
            not_finite = ~torch.isfinite(values)
            if self._sums is None:
                self._sums, self._not_finite = torch.zeros_like(values), torch.zeros_like(not_finite)
            bad = not_finite[:, 0] & (self._first_bad < 0)
            self._first_bad.copy_(torch.where(bad, self._done_there, self._first_bad))
            self._not_finite |= bad[:, None] & not_finite
            self._sums += values
            self._done_there += 1


def to_unit_range(images: Tensor) -> Tensor:
    """uint8 0..255 to torch's default float type (float32), in [0, 1]."""
    return images.to(torch.get_default_dtype()) / 255


def run_epoch(trainings: Sequence[Training]) -> None:
    """One epoch of trainings on equally many images, a step of each in turn."""
    for training in trainings:
        training.begin_epoch()
    for _ in range(trainings[0].steps_per_epoch):
        for training in trainings:
            training.advance()
    for training in trainings:
        training.end_epoch()


def advance_together(
    trainings: Sequence[Training], settings: TrainingSettings, on_epoch: OnEpoch = lambda epoch: None
) -> list[TrainingResult]:
    """Train to the end, a step of each training in turn, and return the results of all their seeds.

    A seed whose loss is not finite ends with that epoch; its model is then of no use. `on_epoch` is called with the
    number of epochs done.
    """
    started = time.perf_counter()
    with kernels_of(settings.precision):
        for epoch in range(settings.epochs):
            active = [training for training in trainings if not training.over]
            if not active:
                break
            run_epoch(active)
            on_epoch(epoch + 1)
    seconds = time.perf_counter() - started
    results = [result for training in trainings for result in training.results]
    for training in trainings:
        training.finish(seconds / len(results))
    return results


def train(
    model: ImageAutoencoder,
    images: Tensor,
    settings: TrainingSettings,
    seed: int,
    on_epoch: OnEpoch = lambda epoch: None,
) -> TrainingResult:
    """Train one model in place on uint8 `images` (N, C, S, S) that lie on its device; N >= the batch size.

    Data order and noise come from the streams of `seed`.
    """
    training = Training(OneModel(model, settings.precision), images, settings, [seed])
    [result] = advance_together([training], settings, on_epoch)
    return result
