"""The pretrained weights of FID and LPIPS: how their files are found, downloaded, verified and loaded.

The libraries download these files themselves and load them with a pickle loader that may run code. Here a file is
loaded only after its SHA-256 has been compared with the digits that upstream publishes in the file's name, and only as
plain tensors. Reasons name places ("--weights-dir", "the torch hub cache"), never paths, because they are recorded.
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
    """One file of pretrained weights.

    Attributes:
        file_name: Its name on disk.
        url: Its address.
        sha256: The first hex digits of its digest, as many as are known, in lower case.
    """

    file_name: str
    url: str
    sha256: str

    @classmethod
    def from_url(cls, url: str) -> "Backbone":
        """Make the backbone of an address by the torch hub's convention, `<name>-<8 hex digits of the SHA-256>.pth`."""
        file_name = url.rsplit("/", 1)[-1]
        return cls(file_name, url, file_name.removesuffix(".pth").rsplit("-", 1)[-1])


# The addresses that torch-fidelity and torchvision name; repeated here, for those take seconds to import.
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
    """A file of weights is neither on disk nor downloadable, or is not the one that its name claims."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"weights unavailable: {reason}")


def find(name: str, weights_dir: Path | None, backbones: Mapping[str, Backbone] = BACKBONES) -> Path | None:
    """Find the verified file of a backbone on disk.

    Args:
        name: A key of `backbones`.
        weights_dir: Where to look before the torch hub cache, if given.
        backbones: The files by name.

    Returns:
        Its path; None where there is none.
    """
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
    """Find the verified file of a backbone, or download it.

    Args:
        name: A key of `backbones`.
        weights_dir: Where to look first and to store a download; None: the torch hub cache.
        offline: Do not download.
        backbones: The files by name.

    Returns:
        The path or, as a string, the reason why there is none.
    """
    try:
        return _located(backbones[name], weights_dir, offline)
    except WeightsUnavailable as reason:
        return str(reason)


def load_tensors(backbone: Backbone, weights_dir: Path | None, offline: bool) -> tuple[dict[str, torch.Tensor], str]:
    """Load a backbone's file, downloading it if need be.

    Args:
        backbone: The file.
        weights_dir: As for `obtain`.
        offline: Do not download.

    Returns:
        The state dict, on the CPU, and the full SHA-256 in hex.

    Raises:
        WeightsUnavailable: There is no verified file, or it does not hold plain tensors.
    """
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
    """The file in the first place that has one of this name; a wrong one there is an error, not skipped."""
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


# A study loads the same file once per trial: without a network each would wait for the same failure.
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
    """Download to a temporary name, verify, and only then rename."""
    folder.mkdir(parents=True, exist_ok=True)
    target, arriving = folder / backbone.file_name, folder / f"{backbone.file_name}.unverified"
    with _locked(folder):
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
def _locked(folder: Path) -> Iterator[None]:
    """Let workers that miss the same file wait for one download instead of overwriting each other's."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _without_addresses(error: Exception, backbone: Backbone) -> str:
    """The reason of a failed download, without the path that an error of the disk names: it is recorded."""
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
