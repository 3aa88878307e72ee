"""The pretrained files behind FID and LPIPS: where they are found, how they are fetched, verified and opened.

The libraries download these files themselves and open them with a pickle loader that may run code. Here a file is
opened only after its SHA-256 has been compared with the digits upstream publishes in the file's name, and only as
plain tensors. Reasons speak of places ("--weights-dir", "the torch hub cache"), never of paths: they are recorded.
"""

import fcntl
import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.data.download import download
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation.scores import Unscorable

_TIMEOUT = 30.0  # seconds without a byte
_TORCH_HUB = "https://download.pytorch.org/models"
_TORCH_FIDELITY = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0"


@dataclass(frozen=True)
class Backbone:
    """One file of pretrained weights; `sha256` holds the first hex digits that are known, lower case."""

    file_name: str
    url: str
    sha256: str

    @classmethod
    def from_url(cls, url: str) -> "Backbone":
        """The torch hub's convention: `<name>-<first 8 hex digits of the SHA-256>.pth`."""
        file_name = url.rsplit("/", 1)[-1]
        return cls(file_name, url, file_name.removesuffix(".pth").rsplit("-", 1)[-1])


# The addresses that torch-fidelity and torchvision name; said again here, for those take seconds to import.
BACKBONES: Mapping[str, Backbone] = {
    "inception": Backbone.from_url(f"{_TORCH_FIDELITY}/weights-inception-2015-12-05-6726825d.pth"),
    "alexnet": Backbone.from_url(f"{_TORCH_HUB}/alexnet-owt-7be5be79.pth"),
}

# Apart, because VGG16 alone is half a gigabyte that no study needs.
AUDIT_BACKBONES: Mapping[str, Backbone] = {
    "vgg16": Backbone.from_url(f"{_TORCH_HUB}/vgg16-397923af.pth"),
    "squeezenet": Backbone.from_url(f"{_TORCH_HUB}/squeezenet1_1-b8a52dc0.pth"),
}


class WeightsUnavailable(Unscorable):
    """The file is neither here nor to be had, or is not what its name says."""

    def __init__(self, reason: str):
        super().__init__(f"weights unavailable: {reason}")


def find(name: str, weights_dir: Path | None, backbones: Mapping[str, Backbone] = BACKBONES) -> Path | None:
    """The verified file of backbone `name` in --weights-dir or the torch hub cache, or None. No network."""
    try:
        return _on_disk(backbones[name], weights_dir)
    except WeightsUnavailable:
        return None


def weights_at_hand(weights_dir: Path | None, backbones: Mapping[str, Backbone] = BACKBONES) -> set[str]:
    """File names of those of the backbones that are here and verified."""
    return {backbone.file_name for name, backbone in backbones.items() if find(name, weights_dir, backbones)}


def obtain(
    name: str, weights_dir: Path | None, *, offline: bool, backbones: Mapping[str, Backbone] = BACKBONES
) -> Path | str:
    """The verified file of backbone `name`, downloaded unless `offline`; or, as a string, why there is none.

    A download goes to `weights_dir`, else to the torch hub cache.
    """
    try:
        return _located(backbones[name], weights_dir, offline)
    except WeightsUnavailable as reason:
        return str(reason)


def load_tensors(backbone: Backbone, weights_dir: Path | None, offline: bool) -> tuple[dict[str, torch.Tensor], str]:
    """The file's state dict, on the CPU, and its full SHA-256. Raises WeightsUnavailable."""
    path = _located(backbone, weights_dir, offline)
    content = path.read_bytes()  # what is hashed is what is opened
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(backbone.sha256):
        raise WeightsUnavailable(f"{backbone.file_name} changed while it was read")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a malformed file makes the unpickler raise nearly anything
        raise WeightsUnavailable(f"{backbone.file_name} does not hold plain tensors") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsUnavailable(f"{backbone.file_name} does not hold plain tensors")
    return state, digest


def _places(weights_dir: Path | None) -> dict[str, Path]:
    given = {"--weights-dir": weights_dir} if weights_dir else {}
    return given | {"the torch hub cache": Path(torch.hub.get_dir()) / "checkpoints"}


def _on_disk(backbone: Backbone, weights_dir: Path | None) -> Path | None:
    """The first place that has a file of this name decides: a wrong one there is said, not passed over."""
    for place, folder in _places(weights_dir).items():
        path = folder / backbone.file_name
        if not path.is_file():
            continue
        digest = _digest(path)
        if digest is None:
            raise WeightsUnavailable(f"{backbone.file_name} in {place} cannot be read; check its permissions")
        if not digest.startswith(backbone.sha256):
            raise WeightsUnavailable(
                f"{backbone.file_name} in {place} has SHA-256 {digest[:8]}..., not {backbone.sha256[:8]}... as its "
                "name says: cut short, or other weights; move it away"
            )
        return path
    return None


# A study asks for the same file once per trial: without a network each would wait for the same failure.
_failed_downloads: dict[tuple[str, Path], str] = {}


def _located(backbone: Backbone, weights_dir: Path | None, offline: bool) -> Path:
    if path := _on_disk(backbone, weights_dir):
        return path
    places = _places(weights_dir)
    missing = f"{backbone.file_name} not in {' or '.join(places)}"
    remedy = "put it there or give --weights-dir" if weights_dir is None else "put it there"
    if offline:
        raise WeightsUnavailable(f"{missing}; {remedy}")
    folder = next(iter(places.values()))
    attempt = (backbone.url, folder)
    if attempt not in _failed_downloads:
        try:
            return _downloaded(backbone, folder)
        except (UserError, OSError) as error:
            _failed_downloads[attempt] = _without_addresses(error, backbone)
    raise WeightsUnavailable(f"{missing} ({_failed_downloads[attempt]}); {remedy}")


def _downloaded(backbone: Backbone, folder: Path) -> Path:
    """Download to a name of its own, verify, and only then take the file's name."""
    folder.mkdir(parents=True, exist_ok=True)
    target, arriving = folder / backbone.file_name, folder / f"{backbone.file_name}.unverified"
    with _alone_in(folder):
        if target.is_file() and (_digest(target) or "").startswith(backbone.sha256):
            return target  # another process fetched it meanwhile
        download(backbone.url, arriving, timeout=_TIMEOUT, attempts=2)
        digest = _digest(arriving) or ""
        if not digest.startswith(backbone.sha256):
            arriving.unlink()
            raise DataUnavailable(f"download has SHA-256 {digest[:8]}..., not {backbone.sha256[:8]}...")
        arriving.replace(target)
    return target


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Workers that miss the same file wait for one download instead of writing over each other's."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _without_addresses(error: Exception, backbone: Backbone) -> str:
    """The reason of a failed download; one that concerns the disk names a path, which no record may hold."""
    if isinstance(error, DataUnavailable):
        return str(error).removeprefix(f"{backbone.url}: ")
    return "the download could not be written to disk"


def _digest(path: Path) -> str | None:
    """SHA-256 in hex; None when the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
