"""FID and LPIPS from end to end, on randomly initialised backbones saved in the official file format.

The references load the same files by the libraries' own ways, out of the torch hub cache.
"""

import errno
import hashlib
from dataclasses import replace
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from random_backbones import save_backbones
from safetensors import SafetensorError
from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3

from benchmark import tensor_files
from benchmark.data.pixels import to_bytes, to_unit
from benchmark.evaluation import fid as fid_module
from benchmark.evaluation import lpips_distance as lpips_module
from benchmark.evaluation.backbones import WeightsFile
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_quality import inception_features
from benchmark.evaluation.lpips_distance import lpips_distance, lpips_features
from benchmark.evaluation.pretrained_networks import LPIPS_TRUNKS, Pretrained, pretrained_inception, pretrained_lpips
from benchmark.evaluation.protocols import Reconstruction, TrialOutputs


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A torch hub cache with all files, and the table of their digests."""
    folder = tmp_path_factory.mktemp("hub") / "checkpoints"
    folder.mkdir()
    table = save_backbones(folder)
    before = torch.hub.get_dir()
    torch.hub.set_dir(folder.parent)
    yield table
    torch.hub.set_dir(before)
    pretrained_inception.cache_clear()
    pretrained_lpips.cache_clear()


@pytest.fixture(scope="module")
def context(hub):
    return EvaluationContext(backbones=hub)


@pytest.fixture
def images(draw_images):
    """`images(n, shape)`: originals (uint8) and noisy copies (float in [0, 1])."""

    def make(n: int, shape=(1, 32, 32), noise: float = 0.2):
        originals = to_bytes(draw_images(n, shape).numpy())
        noisy = to_unit(originals) + noise * np.random.default_rng(0).normal(size=originals.shape)
        return originals, np.clip(noisy, 0, 1).astype(np.float32)

    return make


def score(context, originals, reconstructions, **settings):
    outputs = TrialOutputs(None, None, None, None, originals, reconstructions)
    return Reconstruction(**settings).score(outputs, context)


def inception(context, antialias=False):
    return pretrained_inception(context.backbones["inception"], None, "cpu", antialias)


def trunk(context, name="alexnet"):
    return pretrained_lpips(context.backbones[name], None, "cpu", name)


def three(images) -> torch.Tensor:
    return torch.tensor(images).expand(-1, 3, -1, -1)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # lpips calls torchvision by a retired argument
@pytest.mark.parametrize(("name", "net"), [("alexnet", "alex"), ("vgg16", "vgg"), ("squeezenet", "squeeze")])
def test_lpips_is_the_librarys_own(context, images, name, net):
    originals, reconstructions = images(5)
    reference = lpips.LPIPS(net=net, verbose=False)  # loads the file from the hub cache by itself
    expected = reference(three(reconstructions), three(originals) / 255, normalize=True)
    assert expected.std() > 1e-3 * expected.mean() > 0
    for _ in range(2):  # the second time with kept features of the originals
        assert lpips_distance(trunk(context, name), originals, reconstructions, 5, "cpu") == pytest.approx(
            expected.mean().item(), rel=1e-5
        )


def test_the_originals_features_for_lpips_are_kept_up_to_a_limit_and_apart(context, images, monkeypatch):
    originals, reconstructions = images(6, (1, 64, 64))
    counted = []

    def count(network, batch, side=None):
        counted.append(len(batch))
        return lpips_features(network, batch, side)

    def distance(originals=originals, **more):
        counted.clear()
        return lpips_distance(trunk(context), originals, reconstructions, 3, "cpu", **more), len(counted)

    lpips_module._originals.clear()
    monkeypatch.setattr(lpips_module, "lpips_features", count)
    value, runs = distance()
    assert runs == 4 and distance() == (value, 2)
    [kept] = lpips_module._originals.values()
    size = lpips_module._bytes(*kept) // 2  # of a batch
    other, runs = distance(originals[::-1])
    assert runs == 4 and other != pytest.approx(value, rel=1e-3)
    smaller, runs = distance(side=32)
    assert runs == 4 and smaller != pytest.approx(value, rel=1e-3)
    for limit, again in ((size - 1, 4), (size, 3)):
        monkeypatch.setattr(lpips_module, "_KEPT_BYTES", limit)
        lpips_module._originals.clear()
        assert [distance(), distance()] == [(value, 4), (value, again)]


def test_the_judged_lpips_is_that_of_alexnet(context, images):
    originals, reconstructions = images(5)
    expected = lpips_distance(trunk(context), originals, reconstructions, 5, "cpu")
    scores = score(context, originals, reconstructions, fid_images=1)
    assert scores.values["lpips"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "side"), [("alexnet", 31), ("vgg16", 16), ("squeezenet", 17)])
def test_the_smallest_side_is_the_smallest_that_the_network_takes(context, name, side):
    network = trunk(context, name).network
    images = torch.rand(2, 1, 3, side, side)
    assert LPIPS_TRUNKS[name].min_side == side
    assert network(*images).item() > 0
    with pytest.raises(RuntimeError, match="too small"):
        network(*images[..., 1:, 1:])


@pytest.mark.parametrize("name", LPIPS_TRUNKS)
def test_lpips_is_zero_for_identity_grows_with_noise_and_ignores_the_batch_size(context, images, name):
    def mean(noise: float, batch_size: int) -> float:
        return lpips_distance(trunk(context, name), *images(5, (3, 64, 64), noise), batch_size, "cpu")

    assert mean(0, 5) == pytest.approx(0, abs=1e-7)
    assert 0 < mean(0.02, 5) < mean(0.1, 5) < mean(0.4, 5)
    assert mean(0.1, 2) == pytest.approx(mean(0.1, 5), rel=1e-5)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("side", [32, 320])  # antialiasing itself shows only where the resize makes smaller
def test_features_are_those_of_torchmetrics(context, images, antialias, side):
    originals, _ = images(3, (1, side, side))
    ours = inception_features(inception(context, antialias).network, originals, 2, "cpu")
    reference = NoTrainInceptionV3("inception-v3-compat", ["2048"], antialias=antialias)  # from the hub cache by itself
    expected = reference(three(originals))
    assert ours.shape == (3, 2048)
    assert expected.std(dim=0).mean() > 0.01 * expected.mean() > 0  # images differ, so agreement says something
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=3e-6 * expected.max().item())  # float32 rounding


@pytest.mark.slow
def test_fid_is_that_of_torchmetrics(context, images):
    """Our distance is that of torchmetrics.

    It takes the eigenvalues of a 2048 x 2048 product, so both sides are first turned, without a change of distance,
    into the 15 dimensions that the 16 images span.
    """
    originals, reconstructions = images(8)
    network = inception(context).network
    features = inception_features(network, np.concatenate([originals, to_bytes(reconstructions)]), 8, "cpu").double()
    origin = features.mean(0)
    basis = torch.linalg.svd(features - origin, full_matrices=False).Vh[:15].T

    class Turned(torch.nn.Module):
        num_features = 15

        def forward(self, batch):
            return (network(batch).double() - origin) @ basis

    reference = FrechetInceptionDistance(feature=Turned())
    reference.update(three(originals), real=True)
    reference.update(three(to_bytes(reconstructions)), real=False)
    scores = score(context, originals, reconstructions)
    assert scores.values["fid"] == pytest.approx(reference.compute().item(), rel=1e-4)
    assert scores.values["fid"] > 0
    assert scores.details["fid_images"] == 8


@pytest.mark.slow
def test_fid_is_zero_for_identity_and_grows_with_noise(context, images):
    originals, _ = images(8)
    values = [score(context, originals, images(8, noise=noise)[1]).values["fid"] for noise in (0, 0.05, 0.3)]
    assert values[0] == pytest.approx(0, abs=1e-6 * values[1])
    assert values[1] < values[2]


def test_the_originals_are_run_once_and_other_originals_are_not_mistaken_for_them(context, images, monkeypatch):
    originals, reconstructions = images(4)
    fid_module._originals.clear()
    sizes = []

    def counted(*arguments):
        sizes.append(arguments)
        return inception_features(*arguments)

    monkeypatch.setattr(fid_module, "inception_features", counted)
    first = fid_module.fid(inception(context), originals, reconstructions, 4, "cpu")
    assert fid_module.fid(inception(context), originals, reconstructions, 4, "cpu") == first
    assert len(sizes) == 3
    assert fid_module.fid(inception(context), originals[:, :, ::-1], reconstructions, 4, "cpu") != first
    assert len(sizes) == 5


@pytest.mark.slow
def test_the_originals_statistics_are_kept_on_disk_by_content(context, images, monkeypatch, tmp_path):
    originals, reconstructions = images(4)

    def fid(runs, originals=originals):
        fid_module._originals.clear()  # as in another process
        counted = []
        monkeypatch.setattr(fid_module, "inception_features", lambda *a: counted.append(a) or inception_features(*a))
        score = fid_module.fid(inception(context), originals, reconstructions, 4, "cpu", tmp_path / "statistics")
        assert len(counted) == runs
        return score

    first = fid(runs=2)
    [kept] = (tmp_path / "statistics").iterdir()
    assert fid(runs=1) == first
    assert fid(runs=2, originals=originals[:, :, ::-1]) != first
    for damage in (kept.read_bytes()[:-5], b"", b"{}"):
        kept.write_bytes(damage)
        assert fid(runs=2) == first
    assert fid(runs=1) == first


def of_file(digest: str, variant: str = "") -> Pretrained:
    return Pretrained(torch.nn.Identity(), WeightsFile(Path("a.pth"), "a.pth", digest, "official file"), variant)


def runs_of_the_network(monkeypatch, statistics_dir):
    """Replace an image's features by its first pixels; return a function that counts how often an FID computes some."""
    counted = []

    def features(network, images, batch_size, device):
        counted.append(len(images))
        return torch.tensor(images).flatten(1)[:, :3]

    def runs(network, originals, device):
        fid_module._originals.clear()  # as in another process
        counted.clear()
        fid_module.fid(network, originals, originals / np.float32(255), 4, device, statistics_dir)
        return len(counted)

    monkeypatch.setattr(fid_module, "inception_features", features)
    return runs


@pytest.mark.parametrize(
    "changed",
    [
        {"originals": np.full((4, 1, 32, 32), 7, np.uint8)},
        {"originals": np.zeros((2, 2, 32, 32), np.uint8)},
        {"network": of_file("bb")},
        {"network": of_file("aa", "antialiased")},
        {"device": "mps"},
        {"torch": "99.0.0"},
        {"revision": -1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_the_originals_statistics_are_used_again_only_where_nothing_that_they_depend_on_has_changed(
    changed, monkeypatch, tmp_path
):
    runs = runs_of_the_network(monkeypatch, tmp_path)
    same = {"network": of_file("aa"), "originals": np.zeros((4, 1, 32, 32), np.uint8), "device": "cpu"}
    assert (runs(**same), runs(**same)) == (2, 1)
    if "torch" in changed:
        monkeypatch.setattr(torch, "__version__", changed["torch"])
    if "revision" in changed:
        monkeypatch.setattr(fid_module, "STATISTICS_REVISION", changed["revision"])
    assert runs(*(changed.get(name, value) for name, value in same.items())) == 2


@pytest.mark.parametrize("fault", ["full disk", "file in the way", "damaged and not removable"])
def test_a_cache_that_cannot_be_written_costs_no_score(fault, monkeypatch, tmp_path):
    def of_full_disk(tensors, part, metadata):
        raise SafetensorError(f"I/O error: No space left on device (os error {errno.ENOSPC})")

    def refused(path, missing_ok=False):
        raise PermissionError(errno.EACCES, "Permission denied")

    folder = tmp_path / "statistics"
    runs = runs_of_the_network(monkeypatch, folder)
    same = of_file("aa"), np.zeros((4, 1, 32, 32), np.uint8), "cpu"
    if fault == "full disk":
        monkeypatch.setattr(tensor_files, "save_file", of_full_disk)
    elif fault == "file in the way":
        folder.touch()
    else:
        runs(*same)
        next(folder.iterdir()).write_bytes(b"{}")
        monkeypatch.setattr(Path, "unlink", refused)
    assert (runs(*same), runs(*same)) == (2, 2)


def test_users_who_share_a_data_folder_share_its_statistics_and_one_who_may_not_read_them_computes_them(
    monkeypatch, tmp_path
):
    runs = runs_of_the_network(monkeypatch, tmp_path)
    same = of_file("aa"), np.zeros((4, 1, 32, 32), np.uint8), "cpu"
    tmp_path.chmod(0o750)
    assert (runs(*same), runs(*same)) == (2, 1)
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o640

    def forbidden(path, device):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(fid_module, "load_file", forbidden)
    assert runs(*same) == 2 and kept.exists()


@pytest.mark.slow
def test_statistics_of_the_two_resizes_are_kept_apart(context, images, tmp_path):
    originals, reconstructions = images(2)

    def both(statistics_dir=None):
        fid_module._originals.clear()  # as in another process
        return [
            fid_module.fid(inception(context, antialias), originals, reconstructions, 2, "cpu", statistics_dir)
            for antialias in (False, True)
        ]

    plain, antialiased = both()
    assert len(fid_module._originals) == 2
    assert antialiased != pytest.approx(plain, rel=1e-3)
    for _ in range(2):  # written, then read
        assert both(tmp_path) == [plain, antialiased]
        assert len(list(tmp_path.iterdir())) == 2
    fid_module._originals.clear()
    alone = fid_module.fid(inception(context, antialias=True), originals, reconstructions, 2, "cpu")
    assert alone == antialiased


def test_the_record_names_the_files_that_were_used(context, hub, images):
    scores = score(context, *images(4), fid_images=2)
    assert set(scores.values) == set(Reconstruction.metrics)
    assert scores.unavailable == {}
    assert scores.details == {
        "n_images": 4,
        "fid_images": 2,
        "ms_ssim_scales": 3,
        "weights": {hub[name].file_name: hub[name].sha256 for name in ("inception", "alexnet")},
        "weights_from": {hub[name].file_name: "official file" for name in ("inception", "alexnet")},
    }


def test_building_the_networks_draws_nothing_from_the_global_stream(context):
    before = torch.random.get_rng_state()
    pretrained_lpips.cache_clear()
    pretrained_inception.cache_clear()
    trunk(context), inception(context), inception(context, antialias=True)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_network_with_other_names_is_a_reason(context, hub, images, tmp_path):
    table = {}
    for name, backbone in hub.items():
        path = tmp_path / backbone.file_name
        torch.save({"weight": torch.zeros(3)}, path)
        table[name] = replace(backbone, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    scores = score(EvaluationContext(tmp_path, backbones=table), *images(3))
    assert set(scores.values) == {"ssim", "ms_ssim"}
    for metric, name in (("fid", "inception"), ("lpips", "alexnet")):
        expected = f"weights unavailable: {hub[name].file_name} does not fit the network"
        assert scores.unavailable[metric] == expected
