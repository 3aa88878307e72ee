"""The two pretrained networks, built around tensors that benchmark.evaluation.backbones has verified."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import lpips
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from benchmark.evaluation.backbones import Backbone, WeightsUnavailable, load_tensors

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Pretrained:
    """A network in evaluation mode, and the SHA-256 of the file it came from."""

    network: torch.nn.Module
    sha256: str


@lru_cache(maxsize=2)
def pretrained_inception(backbone: Backbone, weights_dir: Path | None, offline: bool, device: str) -> Pretrained:
    """torch-fidelity's Inception: uint8 (B, 3, H, W) -> a tuple of one (B, 2048); resized as TensorFlow 1 did.

    Raises WeightsUnavailable.
    """
    return _pretrained(build_inception, backbone, weights_dir, offline, device)


@lru_cache(maxsize=2)
def pretrained_lpips(backbone: Backbone, weights_dir: Path | None, offline: bool, device: str) -> Pretrained:
    """`lpips.LPIPS` on AlexNet with the linear weights that the package brings. Raises WeightsUnavailable."""
    return _pretrained(build_lpips, backbone, weights_dir, offline, device)


def _pretrained(
    build: Callable[[State], torch.nn.Module], backbone: Backbone, weights_dir: Path | None, offline: bool, device: str
) -> Pretrained:
    state, digest = load_tensors(backbone, weights_dir, offline)
    try:
        with torch.random.fork_rng(devices=[]):  # constructors draw weights that are then overwritten
            network = build(state)
    except (KeyError, RuntimeError) as error:  # names or shapes differ
        raise WeightsUnavailable(f"{backbone.file_name} does not fit the network") from error
    return Pretrained(network.requires_grad_(False).eval().to(device), digest)


def build_inception(state: State) -> torch.nn.Module:
    """The constructor opens what it is given without restriction, so it gets our own copy of the plain tensors."""
    copy = io.BytesIO()
    torch.save(state, copy)
    copy.seek(0)
    return FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=copy)


def build_lpips(state: State) -> torch.nn.Module:
    """lpips cuts torchvision's `features.<i>` into slices and keeps the index: `slice<j>.<i>.<parameter>`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision by a retired argument
        network = lpips.LPIPS(net="alex", pretrained=True, pnet_rand=True, verbose=False)
    network.net.load_state_dict({key: state[f"features.{key.split('.', 1)[1]}"] for key in network.net.state_dict()})
    return network
