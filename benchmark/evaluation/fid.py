"""FID between originals and their reconstructions: Inception features, Gaussians, Fréchet distance."""

import hashlib
from collections import OrderedDict

import numpy as np
import torch

from benchmark.evaluation.frechet import FittedGaussian, fit_gaussian, frechet_distance
from benchmark.evaluation.image_quality import inception_features, to_bytes
from benchmark.evaluation.networks import Pretrained

# Every trial on a data set has the same originals, and half of FID's cost is theirs.
_KEPT = 2
_originals: OrderedDict[tuple[str, str, str], FittedGaussian] = OrderedDict()


def fid(
    inception: Pretrained, originals: np.ndarray, reconstructions: np.ndarray, batch_size: int, device: str
) -> float:
    """Heusel et al. 2017, >= 0. `originals` uint8, `reconstructions` float in [0, 1], both (n, C, S, S), n >= 2;
    the latter are rounded to bytes, so both sides have the same 256 levels."""

    def fitted(images: np.ndarray) -> FittedGaussian:
        features = inception_features(inception.network, images, batch_size, device)
        # float64 is on every device but Apple's
        return fit_gaussian(features if device.startswith("cuda") else features.cpu())

    with torch.inference_mode():
        key = (hashlib.sha256(np.ascontiguousarray(originals)).hexdigest(), inception.sha256, device)
        if key not in _originals:
            _originals[key] = fitted(originals)
            while len(_originals) > _KEPT:
                _originals.popitem(last=False)
        return frechet_distance(_originals[key], fitted(to_bytes(reconstructions)))
