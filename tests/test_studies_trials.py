"""A trial's identity is its content: every setting changes the key, and nothing else does."""

import dataclasses
import hashlib
import json

import pytest

from benchmark.results.identity import identity_key
from benchmark.studies.trials import Trial, TrialData, WarmStart
from benchmark.training.training_settings import TrainingSettings, has_current_revisions

DATA = TrialData("mnist", "d1", "real", False, "official", 100, 50, (1, 32, 32))
TRIAL = Trial(
    DATA, "vae", 1, 8, 0, "default", {"beta": 0.05}, TrainingSettings(), {"clustering": {"revision": 1}}, "cpu"
)


def test_the_key_is_the_sha256_of_the_identity_in_canonical_json():
    expected = dataclasses.asdict(TRIAL) | {"dataset": "mnist"}
    for added_later in ("precision", "optimiser", "momentum"):
        del expected["training"][added_later]
    del expected["method_source"], expected["warm_start"]
    text = json.dumps(expected, sort_keys=True, separators=(",", ":"))
    assert TRIAL.key == hashlib.sha256(text.encode()).hexdigest()
    assert identity_key(json.loads(json.dumps(TRIAL.identity))) == TRIAL.key


def test_every_field_of_a_trial_its_data_and_its_training_changes_the_key():
    other = {str: lambda v: v + "x", int: lambda v: v + 1, float: lambda v: v * 2, bool: lambda v: not v}
    changed = [TRIAL]
    for name in ("data", "training"):
        part = getattr(TRIAL, name)
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            given = {"image_shape": (3, 64, 64), "precision": "tf32", "optimiser": "sgd", "momentum": 0.9}
            new = given.get(field.name) or other[type(value)](value)
            changed.append(dataclasses.replace(TRIAL, **{name: dataclasses.replace(part, **{field.name: new})}))
    for name in ("method", "method_revision", "latent_dim", "seed", "weight_set", "device"):
        value = getattr(TRIAL, name)
        changed.append(dataclasses.replace(TRIAL, **{name: other[type(value)](value)}))
    changed.append(dataclasses.replace(TRIAL, settings={"beta": 0.2}))
    changed.append(dataclasses.replace(TRIAL, protocols={"clustering": {"revision": 2}}))
    start = WarmStart("vae", 1, {"beta": 0.05}, 10, {"mean": "embedding"})
    other |= {dict: lambda v: v | {"x": "x"}}
    starts = [
        dataclasses.replace(start, **{field.name: other[type(value)](value)})
        for field in dataclasses.fields(start)
        if (value := getattr(start, field.name))
    ]
    changed += [dataclasses.replace(TRIAL, warm_start=one) for one in (start, *starts)]
    assert len(changed) == 1 + 8 + 9 + 6 + 2 + 1 + 5
    assert len({trial.key for trial in changed}) == len(changed)


def test_the_source_of_a_method_of_ones_own_changes_the_key():
    other = dataclasses.replace(TRIAL, method_source="0" * 64)
    assert other.key != TRIAL.key and other.identity["method_source"] == "0" * 64


def test_the_order_of_settings_does_not_matter_and_nan_is_no_setting():
    one = dataclasses.replace(TRIAL, settings={"a": 1, "b": 2})
    assert one.key == dataclasses.replace(TRIAL, settings={"b": 2, "a": 1}).key
    with pytest.raises(ValueError, match="JSON"):
        _ = dataclasses.replace(TRIAL, settings={"beta": float("nan")}).key


def test_a_precision_whose_meaning_has_changed_renames_its_own_trials_alone():
    before = TRIAL.identity["training"]
    assert before == {
        "epochs": 10, "batch_size": 128, "learning_rate": 1e-3, "weight_decay": 1e-2, "width": 1.0, "revision": 1,
    }  # fmt: skip
    for precision, now in (
        ("tf32", {"precision": "tf32"}),
        ("bfloat16", {"precision": "bfloat16", "precision_revision": 3}),
    ):
        training = TrainingSettings(precision=precision)
        assert training.plain() == before | now
        assert dataclasses.replace(TRIAL, training=training).identity["training"] == before | now
        assert has_current_revisions(before | now)
    assert dataclasses.replace(TrainingSettings(precision="bfloat16"), precision="float32").plain() == before


@pytest.mark.parametrize(
    "change",
    [
        {"precision": "bfloat16"},
        {"precision": "bfloat16", "precision_revision": 1},
        {"precision_revision": 3},
        {"revision": 2},
    ],
)
def test_a_training_of_another_revision_is_told_by_its_settings(change):
    assert not has_current_revisions(TRIAL.identity["training"] | change)


def test_an_unknown_precision_or_optimiser_is_refused():
    with pytest.raises(ValueError, match="precision 'float16': there are float32, tf32, bfloat16"):
        TrainingSettings(precision="float16")
    with pytest.raises(ValueError, match="optimiser 'adam': there are adamw, sgd"):
        TrainingSettings(optimiser="adam")
