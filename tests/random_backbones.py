"""Randomly initialised backbones in the official files' format, with the digests that these files have."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import torch
import torchvision
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from benchmark.evaluation.backbones import ALL_BACKBONES, Backbone

CLASSIFIERS = {
    "alexnet": torchvision.models.alexnet,
    "vgg16": torchvision.models.vgg16,
    "squeezenet": torchvision.models.squeezenet1_1,
}


class RandomInception(FeatureExtractorInceptionV3):
    """The network at a scale at which 94 layers still pass a signal, and with statistics that a batch norm must use."""

    def load_state_dict(self, *_):
        for module in self.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, torch.nn.BatchNorm2d):
                for scale in (module.weight, module.running_var):
                    torch.nn.init.uniform_(scale, 0.5, 2.0)
                for shift in (module.bias, module.running_mean):
                    torch.nn.init.normal_(shift, std=0.2)


def random_inception() -> dict[str, torch.Tensor]:
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    return RandomInception("random", ["2048"], feature_extractor_weights_path=nothing).state_dict()


def random_classifier(name: str) -> dict[str, torch.Tensor]:
    """Kaiming's weights without biases; a classifier has the official shapes, but all of it is one stored zero."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in CLASSIFIERS[name](weights=None).state_dict().items()}
    return {
        key: torch.randn(shape) * (2 / shape[1:].numel()) ** 0.5
        if key.startswith("features") and key.endswith("weight")
        else torch.zeros(1).expand(shape)
        for key, shape in shapes.items()
    }


def save_backbones(folder: Path) -> dict[str, Backbone]:
    """All four in `folder`, under the official names; the same on every call."""
    table = {}
    with torch.random.fork_rng(devices=[]):
        for seed, (name, official) in enumerate(ALL_BACKBONES.items()):
            torch.manual_seed(seed)
            path = folder / official.file_name
            torch.save(random_inception() if name == "inception" else random_classifier(name), path)
            table[name] = replace(official, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return table
