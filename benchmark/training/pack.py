"""Training of a pack: models that differ in their seed alone, stacked and stepped together under `torch.func.vmap`.

Every seed keeps its own data order, noise, BatchNorm statistics and optimiser state, and AdamW works on each element
alone, so a seed's result is that of `loop.train` but for rounding, whoever its companions are.
"""

import copy
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from benchmark.streams import generator
from benchmark.training.loop import TrainingResult, adamw, to_unit_range
from benchmark.trials import TrainingSettings
from models.base import ImageAutoencoder, draw_noise


def train_pack(
    models: Sequence[ImageAutoencoder],
    images: Tensor,
    settings: TrainingSettings,
    seeds: Sequence[int],
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> list[TrainingResult]:
    """Train `models`, one a seed, in place on uint8 `images` (N, C, S, S) that lie on their device.

    As `loop.train` for each of them: curves, divergence and the models' final states. A seed that diverges does not
    touch the others; its curves end with the epoch in which it did. `seconds` is the pack's time over its size.
    """
    device = images.device
    for model in models:
        model.train()
    parameters, buffers = stack_module_state(list(models))
    skeleton = copy.deepcopy(models[0]).to("meta")
    optimiser = adamw(parameters.values(), settings)
    names: list[str] = []

    def loss_of_one(parameters, buffers, batch, noise):
        output = functional_call(skeleton, (parameters, buffers), ({"data": batch, "noise": noise},))
        names[:] = ["loss", *output.terms]
        return output.loss, torch.stack([output.loss, *(term.mean() for term in output.terms.values())]).detach()

    # Without no_grad the gradients would themselves be differentiable, and each step's graph be kept with the sums.
    step = torch.no_grad()(vmap(grad_and_value(loss_of_one, has_aux=True)))
    orders = [generator("cpu", "data_order", seed=seed) for seed in seeds]
    streams = [generator(device, "noise", seed=seed) for seed in seeds]
    shapes = models[0].noise_shapes(settings.batch_size)
    steps_per_epoch = len(images) // settings.batch_size
    used = steps_per_epoch * settings.batch_size
    first_bad = torch.full((len(models),), -1, device=device)
    results = [TrainingResult() for _ in models]
    steps = 0
    started = time.perf_counter()
    for epoch in range(settings.epochs):
        order = torch.stack([torch.randperm(len(images), generator=stream)[:used] for stream in orders]).to(device)
        sums: Tensor | float = 0.0
        for batch in order.split(settings.batch_size, dim=1):  # (seeds, B)
            draws = [draw_noise(shapes, device, stream) for stream in streams]
            noise = {name: torch.stack([draw[name] for draw in draws]) for name in shapes}
            gradients, (losses, values) = step(parameters, buffers, to_unit_range(images[batch]), noise)
            for name, parameter in parameters.items():
                parameter.grad = gradients[name]
            optimiser.step()
            first_bad = torch.where(~torch.isfinite(losses) & (first_bad < 0), steps, first_bad)
            sums = sums + values
            steps += 1
        bad = first_bad.tolist()
        for result, means, diverged_at in zip(results, (sums / steps_per_epoch).tolist(), bad, strict=True):
            if result.diverged_at is not None:
                continue
            result.add_epoch(dict(zip(names, means, strict=True)))
            result.steps = steps
            result.diverged_at = diverged_at if diverged_at >= 0 else None
        on_epoch(epoch + 1)
        if min(bad) >= 0:
            break
    _hand_back(models, parameters, buffers)
    seconds = (time.perf_counter() - started) / len(models)
    for model, result in zip(models, results, strict=True):
        result.end(model, seconds)
    return results


@torch.no_grad()
def _hand_back(models: Sequence[ImageAutoencoder], parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> None:
    for i, model in enumerate(models):
        state = model.state_dict(keep_vars=True)
        for name, stacked in (parameters | buffers).items():
            state[name].copy_(stacked[i])
