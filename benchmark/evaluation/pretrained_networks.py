"""The pretrained networks, built from tensors that benchmark.evaluation.backbones has verified.

Their libraries are imported only where they are used, because importing them takes seconds.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmark.evaluation.backbones import Backbone, WeightsFile, WeightsUnavailable, load_tensors
from benchmark.evaluation.inception import FastInception
from benchmark.evaluation.weight_conversion import State, inception_without_weights


@dataclass(frozen=True)
class LpipsTrunk:
    """A feature network of LPIPS.

    Attributes:
        net: Its name in the lpips package.
        min_side: The smallest side in pixels that its strides allow.
    """

    net: str
    min_side: int


LPIPS_TRUNKS: Mapping[str, LpipsTrunk] = {  # keyed by the name of the backbone
    "alexnet": LpipsTrunk("alex", 31),
    "vgg16": LpipsTrunk("vgg", 16),
    "squeezenet": LpipsTrunk("squeeze", 17),
}


@dataclass(frozen=True)
class Pretrained:
    """A network with pretrained weights.

    Attributes:
        network: The network, in evaluation mode.
        weights: The file of its weights.
        variant: Distinguishes networks that compute different features from the same file.
    """

    network: torch.nn.Module
    weights: WeightsFile
    variant: str = ""


@lru_cache(maxsize=2)
def pretrained_inception(
    backbone: Backbone, weights_dir: Path | None, device: str, antialias: bool = False
) -> Pretrained:
    """Load FID's Inception in its fast arrangement: uint8 (B, 3, H, W) -> float32 (B, 2048).

    Args:
        backbone: The file of weights.
        weights_dir: See `backbones.obtain`.
        device: The device of the network.
        antialias: See `FastInception`.

    Raises:
        WeightsUnavailable: There are no weights, or they do not fit the network.
    """
    build = partial(build_inception, antialias=antialias)
    return _pretrained(build, backbone, weights_dir, device, "antialiased" if antialias else "")


@lru_cache(maxsize=len(LPIPS_TRUNKS))
def pretrained_lpips(backbone: Backbone, weights_dir: Path | None, device: str, trunk: str = "alexnet") -> Pretrained:
    """Load `lpips.LPIPS` with the linear weights that the package includes.

    Args:
        backbone: The file of the trunk's weights.
        weights_dir: See `backbones.obtain`.
        device: The device of the network.
        trunk: A key of LPIPS_TRUNKS.

    Raises:
        WeightsUnavailable: There are no weights, or they do not fit the network.
    """
    return _pretrained(partial(build_lpips, trunk=trunk), backbone, weights_dir, device)


def _pretrained(
    build: Callable[[State], torch.nn.Module],
    backbone: Backbone,
    weights_dir: Path | None,
    device: str,
    variant: str = "",
) -> Pretrained:
    state, file = load_tensors(backbone, weights_dir)
    try:
        with torch.random.fork_rng(devices=[]):  # constructors draw random weights, which are then overwritten
            network = build(state)
    except (KeyError, RuntimeError) as error:  # names or shapes differ
        raise WeightsUnavailable(f"{backbone.file_name} does not fit the network") from error
    return Pretrained(network.requires_grad_(False).eval().to(device), file, variant)


def build_inception(state: State, antialias: bool = False) -> torch.nn.Module:
    """Build FID's Inception from the state of torch-fidelity's, without the classifier, which FID does not use."""
    network = inception_without_weights()
    network.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    return FastInception(network, antialias)


def build_lpips(state: State, trunk: str) -> torch.nn.Module:
    """Build LPIPS on torchvision's trunk weights; `trunk` is a key of LPIPS_TRUNKS.

    The lpips package splits torchvision's `features.<i>` into slices and keeps the index: `slice<j>.<i>.<parameter>`.
    """
    loss = lpips_without_trunk_weights(trunk)
    loss.net.load_state_dict({key: state[f"features.{key.split('.', 1)[1]}"] for key in loss.net.state_dict()})
    network: torch.nn.Module = loss.to(memory_format=torch.channels_last)
    return network


def lpips_without_trunk_weights(trunk: str) -> Any:
    """Build `lpips.LPIPS` with the package's linear weights on a random trunk; `trunk` is a key of LPIPS_TRUNKS."""
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision with a deprecated argument
        return lpips.LPIPS(net=LPIPS_TRUNKS[trunk].net, pretrained=True, pnet_rand=True, verbose=False)
