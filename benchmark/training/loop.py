"""The one training loop: AdamW over shuffled batches, data resident on the device as uint8.

Nothing inside an epoch waits for the device: term sums and the first bad step are kept there and read once
an epoch.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from benchmark.streams import generator
from benchmark.trials import TrainingSettings
from models.base import ImageAutoencoder, draw_noise


@dataclass
class TrainingResult:
    """What a training leaves beside the model.

    `curves`: for `loss` and every unweighted term its mean over each epoch's batches (None where not finite).
    `diverged_at`: the first step, counted from 0 over all epochs, whose loss was not finite, or the last one if it
    left parameters that are not; None if there is none.
    """

    curves: dict[str, list[float | None]] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    diverged_at: int | None = None

    def add_epoch(self, means: Mapping[str, float]) -> None:
        """Append an epoch's means, by name, to the curves."""
        for name, mean in means.items():
            self.curves.setdefault(name, []).append(mean if math.isfinite(mean) else None)

    def end(self, model: nn.Module, seconds: float) -> None:
        """Look for damage of the last update, which shows in no loss any more, and leave `model` in eval mode."""
        if self.diverged_at is None and not all(bool(p.isfinite().all()) for p in model.parameters()):
            self.diverged_at = self.steps - 1
        model.eval()
        self.seconds = seconds


def adamw(parameters: Iterable[Tensor], settings: TrainingSettings) -> torch.optim.AdamW:
    """The optimiser of every training."""
    return torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)


def to_unit_range(images: Tensor) -> Tensor:
    """uint8 0..255 to torch's default float type (float32), in [0, 1]."""
    return images.to(torch.get_default_dtype()) / 255


def train(
    model: ImageAutoencoder,
    images: Tensor,
    settings: TrainingSettings,
    seed: int,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> TrainingResult:
    """Train `model` in place on uint8 `images` (N, C, S, S) that lie on its device; N >= the batch size.

    Data order and noise come from the streams of `seed`. `on_epoch` is called with the number of epochs done.
    A loss that is not finite ends the training at the end of its epoch; the model is then of no use.
    """
    device = images.device
    order_stream = generator("cpu", "data_order", seed=seed)
    noise_stream = generator(device, "noise", seed=seed)
    optimiser = adamw(model.parameters(), settings)
    noise_shapes = model.noise_shapes(settings.batch_size)
    steps_per_epoch = len(images) // settings.batch_size
    first_bad = torch.tensor(-1, device=device)
    result = TrainingResult()
    started = time.perf_counter()
    model.train()
    for epoch in range(settings.epochs):
        order = torch.randperm(len(images), generator=order_stream)[: steps_per_epoch * settings.batch_size]
        sums: Tensor | None = None
        for batch in order.to(device).split(settings.batch_size):
            noise = draw_noise(noise_shapes, device, noise_stream)
            output = model({"data": to_unit_range(images[batch]), "noise": noise})
            optimiser.zero_grad(set_to_none=True)
            output.loss.backward()
            optimiser.step()
            with torch.no_grad():
                bad = ~torch.isfinite(output.loss) & (first_bad < 0)
                first_bad = torch.where(bad, result.steps, first_bad)
                values = torch.stack([output.loss, *(term.mean() for term in output.terms.values())])
                sums = values if sums is None else sums + values
            result.steps += 1
        means = (total / steps_per_epoch for total in sums.tolist())
        result.add_epoch(dict(zip(("loss", *output.terms), means, strict=True)))
        on_epoch(epoch + 1)
        if first_bad.item() >= 0:
            result.diverged_at = int(first_bad.item())
            break
    result.end(model, time.perf_counter() - started)
    return result
