"""The training loop shared by all methods: an optimiser over shuffled batches of uint8 images kept on the device.

    train(model, ...)        trains one model
    advance_together(...)    interleaves the steps of several trainings; see benchmark.training.pack

Within an epoch nothing waits for the device: all data that a step reads or writes is on the device, in buffers with
fixed addresses. A step can therefore be captured as a CUDA graph.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

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
    """The result of a training, apart from the model.

    Attributes:
        curves: `loss` and every unweighted term -> mean over each epoch's batches; None if not finite.
        steps: Number of steps made.
        seconds: Wall-clock time; that of a pack is divided evenly among its seeds.
        diverged_at: The first step, counted from 0 over all epochs, whose loss was not finite, or the last step if the
            parameters after it were not finite; None if the training did not diverge.
        not_finite: What was not finite at that step: "loss" and names of terms, or "parameters".
        how: `Steps.how` of the steps.
        start: Result of the training whose parameters initialised this one; None without a warm start.
    """

    curves: dict[str, list[float | None]] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    diverged_at: int | None = None
    not_finite: tuple[str, ...] = ()
    how: str = ""
    start: "TrainingResult | None" = None

    def following(self, start: "TrainingResult") -> "TrainingResult":
        """Return this result as that of a training initialised by another, with the time of both."""
        return replace(self, seconds=start.seconds + self.seconds, start=start)

    def ended_before(self) -> "TrainingResult":
        """Return the result of a training that could not begin because this training, which precedes it, diverged."""
        return replace(self, curves={}, steps=0, start=self)

    def add_epoch(self, means: Mapping[str, float]) -> None:
        """Append an epoch's means by name to the curves."""
        for name, mean in means.items():
            self.curves.setdefault(name, []).append(mean if math.isfinite(mean) else None)

    def end(self, model: nn.Module, seconds: float, how: str) -> None:
        """Check the parameters after the last update, which no loss reflects, and put the model into eval mode.

        Args:
            model: The trained model; its gradients are dropped.
            seconds: Duration of the training.
            how: `Steps.how` of the steps.
        """
        if self.diverged_at is None and not all(bool(p.isfinite().all()) for p in model.parameters()):
            self.diverged_at, self.not_finite = self.steps - 1, ("parameters",)
        model.zero_grad(set_to_none=True)
        model.eval()
        self.seconds, self.how = seconds, how


@torch.no_grad()
def loss_and_terms(output: ModelOutput) -> Tensor:
    """Return the loss and the mean of every term of a model's output, without a graph: (1 + terms,)."""
    return torch.stack([output.loss, *(term.mean() for term in output.terms.values())])


class Training:
    """A training of one model in progress: its random streams, buffers and result.

    Args:
        model: The model, on the device of `images`; trained in place.
        images: uint8 (N, C, S, S), N >= the batch size.
        settings: Batch size, optimiser and precision.
        seed: Seed of the streams for data order and noise.
        steps: How the steps are executed; one operation after another by default.
        on_step: Called with every step's loss and mean terms, (1 + terms,) in the order of `names`; not called by
            replays of a captured step.
    """

    def __init__(
        self,
        model: ImageAutoencoder,
        images: Tensor,
        settings: TrainingSettings,
        seed: int,
        steps: Steps | None = None,
        on_step: Callable[[Tensor], None] = lambda values: None,
    ):
        device, shapes = images.device, model.noise_shapes(settings.batch_size)
        self.steps_per_epoch = len(images) // settings.batch_size
        self.result = TrainingResult()
        self.names: list[str] = []  # "loss" and the names of terms, known after the first step
        self._model, self._images, self._precision = model.train(), images, settings.precision
        self._steps, self._on_step = steps or EagerSteps(), on_step
        self._order_stream = generator("cpu", "data_order", seed=seed)
        self._noise_stream = generator(device, "noise", seed=seed)
        self._done = 0
        with self._steps.context():
            self._optimiser = _optimiser(model, settings, self._steps.captures)
            self._done_there = torch.zeros(1, dtype=torch.int64, device=device)  # as `_done`, counted on the device
            order_shape = (self.steps_per_epoch, settings.batch_size)
            self._order = torch.zeros(order_shape, dtype=torch.int64, device=device)
            self._noise = {name: torch.zeros(shapes[name], device=device) for name in sorted(shapes)}
            self._first_bad = torch.full((), -1, device=device)
        # One entry for the loss and each term, created by the first step: sums over the epoch, and which were not
        # finite at the first step whose loss was not finite.
        self._sums: Tensor | None = None
        self._not_finite: Tensor | None = None

    @property
    def how(self) -> str:
        """How the steps are executed, for the record."""
        return self._steps.how

    @property
    def over(self) -> bool:
        """Whether the training has diverged and must not continue."""
        return self.result.diverged_at is not None

    def begin_epoch(self) -> None:
        """Shuffle the images."""
        with self._steps.context():
            order = torch.randperm(len(self._images), generator=self._order_stream)
            self._order.copy_(order[: self._order.numel()].view_as(self._order))
            if self._sums is not None:
                self._sums.zero_()

    def advance(self) -> None:
        """Make one step."""
        with self._steps.context():
            for draws in self._noise.values():
                # One draw per step: the values of a larger draw would depend on the GPU's number of processors.
                draws.normal_(generator=self._noise_stream)
            self._steps.run(self._step)
        self._done += 1

    def end_epoch(self) -> None:
        """Read the results of the epoch's steps (at least one) from the device."""
        assert self._sums is not None and self._not_finite is not None
        with self._steps.context():
            sums, not_finite = self._sums.tolist(), self._not_finite.tolist()
            first_bad = int(self._first_bad)
        if self.over:
            return
        means = [total / self.steps_per_epoch for total in sums]
        self.result.add_epoch(dict(zip(self.names, means, strict=True)))
        self.result.steps = self._done
        if first_bad >= 0:
            self.result.diverged_at, self.result.not_finite = first_bad, tuple(compress(self.names, not_finite))

    def finish(self, seconds: float) -> None:
        """Complete the result and put the model into eval mode.

        Args:
            seconds: Duration of the training.
        """
        self.result.end(self._model, seconds, self._steps.how)

    def _step(self) -> None:
        rows = self._order.index_select(0, self._done_there % self.steps_per_epoch)[0]  # (B,)
        values = self._backward(to_unit_range(self._images[rows]))
        self._optimiser.step()
        with torch.no_grad():
            not_finite = ~torch.isfinite(values)
            if self._sums is None or self._not_finite is None:
                self._sums, self._not_finite = torch.zeros_like(values), torch.zeros_like(not_finite)
            bad = not_finite[0] & (self._first_bad < 0)
            self._first_bad.copy_(torch.where(bad, self._done_there[0], self._first_bad))
            self._not_finite |= bad & not_finite
            self._sums += values
            self._done_there += 1
        self._on_step(values)

    def _backward(self, images: Tensor) -> Tensor:
        """Compute gradients for images (B, C, S, S) in [0, 1]; return the loss and mean terms."""
        self._model.zero_grad(set_to_none=True)
        with forward_in(self._precision, self._model, images.device):
            output = self._model({"data": images, "noise": self._noise})
        output.loss.backward()
        self.names = ["loss", *output.terms]
        return loss_and_terms(output)


def _optimiser(model: nn.Module, settings: TrainingSettings, captures: bool) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "sgd":
        return torch.optim.SGD(model.parameters(), rate, settings.momentum, weight_decay=decay)
    return torch.optim.AdamW(model.parameters(), rate, weight_decay=decay, fused=True, capturable=captures)


def to_unit_range(images: Tensor) -> Tensor:
    """Convert uint8 0..255 to torch's default float type (float32), in [0, 1]."""
    return images.to(torch.get_default_dtype()) / 255


def run_epoch(trainings: Sequence[Training]) -> None:
    """Run one epoch of several trainings, interleaving their steps.

    Args:
        trainings: Trainings with the same number of images and the same batch size.
    """
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
    """Run several trainings to the end, interleaving their steps.

    A training whose loss becomes infinite or NaN ends after that epoch, and its model is unusable.

    Args:
        trainings: Trainings with the same number of images.
        settings: The settings of every training.
        on_epoch: Called with the number of completed epochs.

    Returns:
        Their results, in the same order.
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
    for training in trainings:
        training.finish(seconds / len(trainings))
    return [training.result for training in trainings]


def train(
    model: ImageAutoencoder,
    images: Tensor,
    settings: TrainingSettings,
    seed: int,
    on_epoch: OnEpoch = lambda epoch: None,
) -> TrainingResult:
    """Train one model.

    Args:
        model: The model; trained in place.
        images: uint8 (N, C, S, S) on the model's device, N >= the batch size.
        settings: Batch size, epochs, optimiser and precision.
        seed: Seed of the streams for data order and noise.
        on_epoch: Called with the number of completed epochs.
    """
    [result] = advance_together([Training(model, images, settings, seed)], settings, on_epoch)
    return result
