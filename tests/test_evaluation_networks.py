"""FID and LPIPS from end to end, on randomly initialised backbones saved in the official file format.

The references load the same files by the libraries' own ways, out of the torch hub cache.
"""

import hashlib
import io
from dataclasses import replace

import lpips
import numpy as np
import pytest
import torch
import torchvision
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3

from benchmark.evaluation import fid as fid_module
from benchmark.evaluation.backbones import BACKBONES
from benchmark.evaluation.image_quality import inception_features, lpips_per_image, mean_pair_score, to_bytes, to_unit
from benchmark.evaluation.networks import pretrained_inception, pretrained_lpips
from benchmark.evaluation.protocols import EvaluationContext, Reconstruction, TrialOutputs


class RandomInception(FeatureExtractorInceptionV3):
    """The network as constructed, at a scale at which 94 layers still pass a signal."""

    def load_state_dict(self, *_):
        for module in self.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A torch hub cache with both files, and the table of their digests."""
    folder = tmp_path_factory.mktemp("hub") / "checkpoints"
    folder.mkdir()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nothing = io.BytesIO()
        torch.save({}, nothing)
        nothing.seek(0)
        inception = RandomInception("random", ["2048"], feature_extractor_weights_path=nothing).state_dict()
        alexnet = torchvision.models.alexnet(weights=None).state_dict()
    for name in alexnet:  # the classifier has the official shapes, but 230 MB of it are one stored zero
        if name.startswith("classifier"):
            alexnet[name] = torch.zeros(1).expand(alexnet[name].shape)
    table = {}
    for name, state in (("inception", inception), ("alexnet", alexnet)):
        path = folder / BACKBONES[name].file_name
        torch.save(state, path)
        table[name] = replace(BACKBONES[name], sha256=hashlib.sha256(path.read_bytes()).hexdigest())
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


def inception(context):
    return pretrained_inception(context.backbones["inception"], None, True, "cpu")


def alexnet(context):
    return pretrained_lpips(context.backbones["alexnet"], None, True, "cpu")


def three(images) -> torch.Tensor:
    return torch.tensor(images).expand(-1, 3, -1, -1)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # lpips calls torchvision by a retired argument
def test_lpips_is_the_librarys_own(context, images):
    originals, reconstructions = images(5)
    reference = lpips.LPIPS(net="alex", verbose=False)  # loads the file from the hub cache by itself
    expected = reference(three(reconstructions), three(originals) / 255, normalize=True)
    scores = score(context, originals, reconstructions, fid_images=1)
    assert expected.std() > 1e-3 * expected.mean() > 0
    assert scores.values["lpips"] == pytest.approx(expected.mean().item(), rel=1e-5)


def test_lpips_is_zero_for_identity_grows_with_noise_and_ignores_the_batch_size(context, images):
    distances = lpips_per_image(alexnet(context).network)

    def mean(noise: float, batch_size: int) -> float:
        return mean_pair_score(distances, *images(5, (3, 64, 64), noise), batch_size, "cpu")

    assert mean(0, 5) == pytest.approx(0, abs=1e-7)
    assert 0 < mean(0.02, 5) < mean(0.1, 5) < mean(0.4, 5)
    assert mean(0.1, 2) == pytest.approx(mean(0.1, 5), rel=1e-5)


def test_features_are_those_of_torchmetrics_without_antialiasing(context, images):
    originals, _ = images(3)
    ours = inception_features(inception(context).network, originals, 2, "cpu")
    reference = NoTrainInceptionV3("inception-v3-compat", ["2048"], antialias=False)  # from the hub cache by itself
    expected = reference(three(originals))
    assert ours.shape == (3, 2048)
    assert expected.std(dim=0).mean() > 0.01 * expected.mean() > 0  # images differ, so agreement says something
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5 * expected.max().item())


def test_fid_is_that_of_torchmetrics(context, images):
    """torchmetrics takes the eigenvalues of a 2048 x 2048 product, so both sides are first turned, without a change
    of distance, into the 15 dimensions that the 16 images span."""
    originals, reconstructions = images(8)
    network = inception(context).network
    features = inception_features(network, np.concatenate([originals, to_bytes(reconstructions)]), 8, "cpu").double()
    origin = features.mean(0)
    basis = torch.linalg.svd(features - origin, full_matrices=False).Vh[:15].T

    class Turned(torch.nn.Module):
        num_features = 15

        def forward(self, batch):
            return (network(batch)[0].double() - origin) @ basis

    reference = FrechetInceptionDistance(feature=Turned())
    reference.update(three(originals), real=True)
    reference.update(three(to_bytes(reconstructions)), real=False)
    scores = score(context, originals, reconstructions)
    assert scores.values["fid"] == pytest.approx(reference.compute().item(), rel=1e-4)
    assert scores.values["fid"] > 0
    assert scores.details["fid_images"] == 8


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


def test_the_record_names_the_files_that_were_used(context, hub, images):
    scores = score(context, *images(4), fid_images=2)
    assert set(scores.values) == set(Reconstruction.metrics)
    assert scores.unavailable == {}
    assert scores.details == {
        "n_images": 4,
        "fid_images": 2,
        "ms_ssim_scales": 3,
        "weights": {backbone.file_name: backbone.sha256 for backbone in hub.values()},
    }


def test_building_the_networks_draws_nothing_from_the_global_stream(context):
    before = torch.random.get_rng_state()
    pretrained_lpips.cache_clear()
    pretrained_inception.cache_clear()
    alexnet(context), inception(context)
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
