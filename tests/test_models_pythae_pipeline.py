"""HGMVAE, GMVAE and SWAE are pythae models: its own TrainingPipeline and samplers accept them."""

import pytest
import torch
from pythae.models import BaseAE
from pythae.pipelines import TrainingPipeline
from pythae.samplers import NormalSampler
from pythae.trainers import BaseTrainerConfig

from benchmark.methods.registry import METHODS, build_model

SHAPE = (1, 32, 32)


def build(name: str):
    method = METHODS[name]
    return build_model(method, method.settings("default"), SHAPE, 2, 0.25, seed=0)


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_is_a_pythae_model(name):
    assert isinstance(build(name), BaseAE)


@pytest.mark.parametrize("name", ["hgmvae_g", "hgmvae_u", "gmvae", "swae"])
def test_pythaes_training_pipeline_trains_it(name, tmp_path, draw_images):
    images = draw_images(32)
    model = build(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        start = model({"data": images}).loss.item()
    config = BaseTrainerConfig(
        output_dir=str(tmp_path), num_epochs=3, per_device_train_batch_size=8, per_device_eval_batch_size=8,
        learning_rate=3e-3, no_cuda=True,
    )  # fmt: skip
    TrainingPipeline(model=model, training_config=config)(train_data=images, eval_data=draw_images(8, seed=1))

    (run,) = tmp_path.iterdir()
    saved = torch.load(run / "final_model" / "model.pt", weights_only=True)["model_state_dict"]
    assert saved.keys() == before.keys()
    assert not torch.equal(
        saved["encoder.trunk.fully_connected.weight"], before["encoder.trunk.fully_connected.weight"]
    )
    trained = build(name)
    trained.load_state_dict(saved)
    with torch.no_grad():
        assert trained({"data": images}).loss.item() < start
    samples = NormalSampler(trained.eval()).sample(num_samples=5, batch_size=5)
    assert samples.shape == (5, *SHAPE)
    assert trained.interpolate(images[:2], images[2:4], granularity=3).shape == (2, 3, *SHAPE)
