"""The pretrained networks, built from tensors that benchmark.evaluation.backbones has verified.

Their libraries are imported where they are used: they take seconds, which a process without weights need not wait for.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import torch

from benchmark.evaluation.backbones import Backbone, WeightsFile, WeightsUnavailable, load_tensors
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


LPIPS_TRUNKS: Mapping[str, LpipsTrunk] = {  # by the name of its backbone
    "alexnet": LpipsTrunk("alex", 31),
    "vgg16": LpipsTrunk("vgg", 16),
    "squeezenet": LpipsTrunk("squeeze", 17),
}


@dataclass(frozen=True)
class Pretrained:
    """A network with pretrained weights.

    Attributes:
        network: In evaluation mode.
        weights: The file of its weights.
        variant: Distinguishes networks that compute other features with the same file.
    """

    network: torch.nn.Module
    weights: WeightsFile
    variant: str = ""


@lru_cache(maxsize=2)
def pretrained_inception(
    backbone: Backbone, weights_dir: Path | None, offline: bool, device: str, antialias: bool = False
) -> Pretrained:
    """Load torch-fidelity's Inception: uint8 (B, 3, H, W) -> a tuple of one (B, 2048).

    Args:
        backbone: The file of weights.
        weights_dir: As for `backbones.obtain`.
        offline: Do not download.
        device: Where to put it.
        antialias: Resize to 299 pixels as `AntialiasedInception` does, rather than as TensorFlow 1 did.

    Raises:
        WeightsUnavailable: There are no weights, or they do not fit.
    """
    loaded = _pretrained(build_inception, backbone, weights_dir, offline, device)
    if antialias:
        return Pretrained(AntialiasedInception(loaded.network), loaded.weights, "antialiased")
    return loaded


@lru_cache(maxsize=len(LPIPS_TRUNKS))
def pretrained_lpips(
    backbone: Backbone, weights_dir: Path | None, offline: bool, device: str, trunk: str = "alexnet"
) -> Pretrained:
    """Load `lpips.LPIPS` with the linear weights that the package includes.

    Args:
        backbone: The file of the trunk's weights.
        weights_dir: As for `backbones.obtain`.
        offline: Do not download.
        device: Where to put it.
        trunk: A key of LPIPS_TRUNKS.

    Raises:
        WeightsUnavailable: There are no weights, or they do not fit.
    """
    return _pretrained(partial(build_lpips, trunk=trunk), backbone, weights_dir, offline, device)


class AntialiasedInception(torch.nn.Module):
    """Inception's features after PyTorch's antialiased bilinear resize to 299 pixels.

    This is the default of torchmetrics' FrechetInceptionDistance. Nothing is rounded between the resize and the
    network.
    """

    def __init__(self, inception: torch.nn.Module) -> None:
        super().__init__()
        side = inception.INPUT_IMAGE_SIZE
        assert isinstance(side, int)  # torch types every attribute of a module as a tensor or module
        self.side = side
        # In the order in which they are applied; the last stands for the classifier, which FID does not use.
        self.trunk = torch.nn.Sequential(*list(inception.children())[:-1])
        self.eval()

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        """Map uint8 (B, 3, H, W) to a tuple of one (B, 2048)."""
        resized = torch.nn.functional.interpolate(
            images.float(), (self.side, self.side), mode="bilinear", align_corners=False, antialias=True
        )
        return (self.trunk((resized - 128) / 128).flatten(1),)


def _pretrained(
    build: Callable[[State], torch.nn.Module], backbone: Backbone, weights_dir: Path | None, offline: bool, device: str
) -> Pretrained:
    state, file = load_tensors(backbone, weights_dir, offline)
    try:
        with torch.random.fork_rng(devices=[]):  # constructors draw weights that are then overwritten
            network = build(state)
    except (KeyError, RuntimeError) as error:  # names or shapes differ
        raise WeightsUnavailable(f"{backbone.file_name} does not fit the network") from error
    return Pretrained(network.requires_grad_(False).eval().to(device), file)


def build_inception(state: State) -> torch.nn.Module:
    """Build torch-fidelity's Inception without its classifier, which FID does not use."""
    network = inception_without_weights()
    network.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    return network


def build_lpips(state: State, trunk: str) -> torch.nn.Module:
    """Build LPIPS on torchvision's weights of a key of LPIPS_TRUNKS.

    The lpips package cuts torchvision's `features.<i>` into slices and keeps the index: `slice<j>.<i>.<parameter>`.
    """
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision with a deprecated argument
        loss = lpips.LPIPS(net=LPIPS_TRUNKS[trunk].net, pretrained=True, pnet_rand=True, verbose=False)
    loss.net.load_state_dict({key: state[f"features.{key.split('.', 1)[1]}"] for key in loss.net.state_dict()})
    network: torch.nn.Module = loss
    return network
