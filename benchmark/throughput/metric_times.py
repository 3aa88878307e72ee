"""The cost of FID and LPIPS per image: networks run by their own libraries and by ours, in paired turns.

Weights are random, because they do not affect durations; so nothing is downloaded.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_quality import three_channels
from benchmark.evaluation.inception import FastInception
from benchmark.evaluation.lpips_distance import feature_distance, lpips_features
from benchmark.evaluation.pretrained_networks import lpips_without_trunk_weights
from benchmark.evaluation.reconstruction import LPIPS_BATCHES
from benchmark.evaluation.weight_conversion import inception_without_weights
from benchmark.execution.numerics import set_numerics
from benchmark.streams import generator
from benchmark.throughput.measurement import paired_turns, quartiles_of_ratio
from benchmark.throughput.step_lower_bound import timed

OURS = "ours"
_SIDE = 32
_LPIPS_TURN = 8  # batches


@dataclass(frozen=True)
class MetricTime:
    """The measurement of one way to compute what a metric needs of a reconstruction, in float32.

    Attributes:
        metric: "fid" or "lpips".
        side: The library that runs the network in its own way, or OURS.
        threads: Number of torch's threads.
        image_seconds: Seconds per image of 32 x 32 pixels, median over turns.
        times_library: Number of images processed while the library processes one, median over turns.
        low: Lower quartile of that ratio.
        high: Upper quartile of that ratio.
        turns: Number of turns.
    """

    metric: str
    side: str
    threads: int
    image_seconds: float
    times_library: float
    low: float
    high: float
    turns: int


@dataclass(frozen=True)
class _Work:
    """Alternative ways to do the same work, the library's first."""

    images: int
    sides: dict[str, Callable[[], object]]


def metric_times(device: str, threads: int, seconds: float) -> list[MetricTime]:
    """Measure each metric's network in turns (see `paired_turns`), the library's and ours, on the same images.

    For FID, a batch of reconstructions passes through Inception. For LPIPS, the library passes both images of each pair
    through AlexNet, and ours only the reconstruction, because the features of the real images are kept between trials.

    Args:
        device: Torch name of the device to compute on.
        threads: Number of torch's threads.
        seconds: Approximate duration of the measurement per metric.
    """
    set_numerics(device, threads)
    found = []
    for metric, prepare in _WORKS.items():
        work = prepare(device)
        with torch.inference_mode():
            turns = paired_turns(list(work.sides.values()), device, seconds)
        for i, side in enumerate(work.sides):
            low, middle, high = quartiles_of_ratio(turns, work=0, unit=i)  # the library's seconds over this side's
            median = statistics.median(turn[i] for turn in turns) / work.images
            found.append(MetricTime(metric, side, threads, median, middle, low, high, len(turns)))
    return found


@torch.inference_mode()
def image_seconds(metric: str, device: str) -> float:
    """Measure the seconds that a metric's network takes per reconstruction, with torch's current number of threads.

    Args:
        metric: "fid" or "lpips".
        device: Torch name of the device to compute on.
    """
    work = _WORKS[metric](device)
    ours = work.sides[OURS]
    return min(timed(ours, device) for _ in range(2)) / work.images


def _fid(device: str) -> _Work:
    with torch.random.fork_rng(devices=[]):
        library = inception_without_weights()
    ours = FastInception(library).to(device)
    library.eval().to(device)
    images = _images(EvaluationContext(device=device).batch_size)
    reconstructions = three_channels(images).to(device)
    sides = {"torch-fidelity": library, OURS: ours}
    return _Work(len(images), {name: partial(network, reconstructions) for name, network in sides.items()})


def _lpips(device: str) -> _Work:
    with torch.random.fork_rng(devices=[]):
        library = lpips_without_trunk_weights("alexnet").requires_grad_(False).eval().to(device)
        network = lpips_without_trunk_weights("alexnet").requires_grad_(False).eval().to(device)
    network.to(memory_format=torch.channels_last)
    batch_size = EvaluationContext(device=device).batch_size
    images = (_images(2 * LPIPS_BATCHES * batch_size * _LPIPS_TURN).to(device) / 255).chunk(2)
    kept = [lpips_features(network, batch) for batch in torch.split(images[0], LPIPS_BATCHES * batch_size)]

    def theirs() -> None:
        for originals, reconstructions in zip(*(torch.split(side, batch_size) for side in images), strict=True):
            library(three_channels(reconstructions), three_channels(originals), normalize=True)

    def ours() -> None:
        for features, reconstructions in zip(kept, torch.split(images[1], LPIPS_BATCHES * batch_size), strict=True):
            feature_distance(network, features, lpips_features(network, reconstructions))

    return _Work(len(images[0]), {"lpips": theirs, OURS: ours})


def _images(n: int) -> torch.Tensor:
    stream = generator("cpu", "evaluation", use="speed")
    return torch.randint(0, 256, (n, 1, _SIDE, _SIDE), generator=stream, dtype=torch.uint8)


_WORKS: dict[str, Callable[[str], _Work]] = {"fid": _fid, "lpips": _lpips}
