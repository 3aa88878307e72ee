"""FID between originals and their reconstructions: Inception features, Gaussians, Fréchet distance."""

import hashlib
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from benchmark.data.pixels import to_bytes
from benchmark.evaluation.frechet import FittedGaussian, fit_gaussian, frechet_distance
from benchmark.evaluation.image_quality import inception_features
from benchmark.evaluation.pretrained_networks import Pretrained
from benchmark.tensor_files import write_tensors

# Incremented when the features of an image or the Gaussian fit change, so that older cached statistics are ignored.
STATISTICS_REVISION = 2

# Every trial on a data set has the same originals, which are half of FID's cost.
_KEPT = 3  # the variants that an audit uses: as judged, antialiased, cropped
_originals: OrderedDict[str, FittedGaussian] = OrderedDict()


def fid(
    inception: Pretrained,
    originals: NDArray[np.uint8],
    reconstructions: NDArray[np.float32],
    batch_size: int,
    device: str,
    statistics_dir: Path | None = None,
) -> float:
    """Compute the FID (Heusel et al. 2017) between originals and reconstructions.

    The originals' statistics are cached under a hash of their content, in this process and in `statistics_dir`.

    Args:
        inception: The feature network.
        originals: uint8 images (n, C, S, S), n >= 2.
        reconstructions: Float images in [0, 1] of the same shape; rounded to bytes, so that both have 256 levels.
        batch_size: Number of images per batch.
        device: The network's device.
        statistics_dir: Cache folder shared with other processes and later runs; None: no such cache.

    Returns:
        The FID, >= 0; NaN if the features are not finite.
    """

    def fitted(images: NDArray[np.uint8]) -> FittedGaussian:
        features = inception_features(inception.network, images, batch_size, device)
        # All devices but Apple's support float64.
        return fit_gaussian(features if device.startswith("cuda") else features.cpu())

    with torch.inference_mode():
        content = hashlib.sha256(np.ascontiguousarray(originals).data)
        made_with = (
            f"{originals.shape} {inception.weights.sha256} {device} torch {torch.__version__} {STATISTICS_REVISION}"
        )
        content.update(made_with.encode() + inception.variant.encode())
        key = content.hexdigest()
        if key not in _originals:
            path = statistics_dir / f"{key}.safetensors" if statistics_dir else None
            _originals[key] = (_read(path, device) if path else None) or fitted(originals)
            kept = _originals[key]
            with suppress(OSError):  # without the cache they are computed again, and no score is lost
                if path and not path.exists():
                    write_tensors(path, {"mean": kept.mean, "factor": kept.factor, "count": torch.tensor(kept.count)})
            while len(_originals) > _KEPT:
                _originals.popitem(last=False)
        return frechet_distance(_originals[key], fitted(to_bytes(reconstructions)))


def _read(path: Path, device: str) -> FittedGaussian | None:
    """The cached statistics; None if the file is missing, unreadable, or damaged (it is then removed if possible)."""
    try:
        tensors = load_file(path, device=device)
        return FittedGaussian(tensors["mean"], tensors["factor"], int(tensors["count"]))
    except OSError:
        return None
    except (SafetensorError, KeyError, ValueError):
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return None
