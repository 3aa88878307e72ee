"""Random damage: every reader ends with what it promises or with a UserError of one line, and with nothing else."""

import copy
import io
import json
import tempfile
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_hostile_results import made_record, made_study

from benchmark.comparison.sides import ComparedSide, read_side
from benchmark.data.dataset import Draft
from benchmark.data.images import centre_crop
from benchmark.data.npz import read_npz
from benchmark.data.specs import spec_for
from benchmark.errors import UserError
from benchmark.methods.registry import METHODS, build_model
from benchmark.results.frame import COLUMN_TYPES
from benchmark.results.manifest import Manifest
from benchmark.results.store import Store, named_record
from benchmark.training.checkpoints import load_checkpoint, save_checkpoint

pytestmark = pytest.mark.slow

FUZZ = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(content, path=()):
    """The path of every value inside plain data."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in items:
        yield (*path, name)
        yield from places(value, (*path, name))


@st.composite
def mutated(draw, original):
    """Plain data in which up to three values are replaced or removed."""
    content = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(list(places(content)) or [()])) or [None]
        place = content
        for name in parents:
            place = place[name]
        if last is None:
            break
        if draw(st.booleans()):
            place[last] = draw(JSON)
        else:
            del place[last]
    return content


def flipped(content: bytes, ends: bool = True):
    """The bytes with some changed, or cut short."""
    near_ends = st.integers(0, min(400, len(content) - 1)) | st.integers(max(0, len(content) - 400), len(content) - 1)
    place = near_ends | st.integers(0, len(content) - 1) if ends else st.integers(0, len(content) - 1)
    changes = st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=6)

    def change(changes, length):
        damaged = bytearray(content)
        for at, byte in changes:
            damaged[at] = byte
        return bytes(damaged[:length])

    return st.builds(change, changes, st.just(len(content)) | st.integers(0, len(content)))


def in_one_line(error: UserError) -> bool:
    return len(str(error)) > 0 and "\n" not in str(error)


@settings(FUZZ, max_examples=400)
@given(record=mutated(made_record(0)))
def test_a_mutated_record_is_a_record_or_is_told(tmp_path, record):
    key, said = made_record(0)["key"], []
    store = Store(tmp_path, said.append, look_only=True)
    store.record_path(key).parent.mkdir(exist_ok=True)
    store.record_path(key).write_text(json.dumps(record))
    found = store.read_record(key)
    if found is None:
        assert len(said) == 1 and key in said[0] and "\n" not in said[0]
    else:
        assert said == [] and named_record(found.plain, key) == found
        assert json.loads(json.dumps(found.plain, allow_nan=False)) == record
        frame = replace(study(), records={key: found}).frame
        [value] = frame.loc[frame["seed"] == 0, "value"]
        score = found.score("classification", "svm_accuracy")
        ok = found.ok and score is not None
        assert not isinstance(score, bool) and (value == score if ok else pd.isna(value))


@cache
def study():
    """A study of two seeds."""
    with tempfile.TemporaryDirectory() as folder:
        made_study(Path(folder))
        return Store(Path(folder)).read_study()


@FUZZ
@given(data=st.data())
def test_a_mutated_manifest_is_refused_or_gives_a_frame(data):
    changed = data.draw(mutated(study().manifest.plain))
    try:
        frame = replace(study(), manifest=Manifest.parse(changed)).frame
    except UserError as error:
        assert in_one_line(error)
        return
    assert list(frame.columns) == list(COLUMN_TYPES)
    ok = frame["status"] == "ok"
    assert (frame["value"].notna() == ok).all() and set(frame.loc[ok, "value"]) <= {0.5, 0.51}


CSV = "dataset,metric,method,latent_dim,seed,value\nmnist,ssim,vae,8,0,0.5\nmnist,ssim,vae,8,1,0.25\n"
PIECES = st.sampled_from(
    [",", "\n", '"', "\r", ";", "=", "\0", "é", "1e999", "nan", "-", " ", "1,5", "\ufeff", "8" * 12, "—", "\t", "N/A"]
)


@FUZZ
@given(cuts=st.lists(st.tuples(st.integers(0, len(CSV)), st.integers(0, 4), PIECES), min_size=1, max_size=4))
def test_a_mutated_csv_is_refused_or_a_side(tmp_path, cuts):
    text = CSV
    for at, removed, added in cuts:
        text = text[:at] + added + text[at + removed :]
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    try:
        side = read_side(path)
    except UserError as error:
        assert in_one_line(error) and str(error).startswith(f"{path}, line ")
        return
    assert isinstance(side, ComparedSide) and side.scores
    for score in (score for seeds in side.scores.values() for score in seeds.values()):
        assert np.isfinite(score.value) if score.status == "ok" else score.value is None


@FUZZ
@given(content=st.binary(max_size=200))
def test_bytes_that_are_no_csv_are_refused(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_side(path)
    assert in_one_line(caught.value)


@cache
def npz(compressed: bool) -> bytes:
    buffer = io.BytesIO()
    x = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    (np.savez_compressed if compressed else np.savez)(buffer, x=x, y=np.arange(12) % 3)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compressed", [False, True])
@settings(FUZZ, max_examples=200)
@given(data=st.data())
def test_a_damaged_npz_is_refused_or_a_draft(tmp_path, compressed, data):
    path = tmp_path / "mine.npz"
    path.write_bytes(data.draw(flipped(npz(compressed))))
    try:
        draft = read_npz(path, spec_for("mine"))
    except UserError as error:
        assert in_one_line(error) and str(path) in str(error)
        return
    counts = (11, 1) if draft.labels is None else (9, 3)  # the damage may have renamed y
    assert isinstance(draft, Draft) and (draft.n_train, draft.n_test) == counts


@pytest.mark.filterwarnings("ignore")
@settings(FUZZ, max_examples=200)
@given(data=st.data())
def test_a_damaged_header_of_an_array_is_refused_or_a_draft(tmp_path, data):
    """The zip around it is whole, with the check sums of what is damaged."""
    header = io.BytesIO()
    np.save(header, np.zeros((12, 28, 28), np.uint8))
    text = data.draw(flipped(header.getvalue()[:128], ends=False))
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", text + header.getvalue()[128:])
    try:
        draft = read_npz(path, spec_for("mine"))
    except UserError as error:
        assert in_one_line(error) and str(path) in str(error)
        return
    assert isinstance(draft, Draft) and draft.n_train + draft.n_test == 12


@cache
def model():
    method = METHODS["vae"]
    return build_model(method, method.settings("default"), (1, 32, 32), 2, 0.05, 0)


@cache
def checkpoint() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key.safetensors"
        save_checkpoint(model(), {"curves": {}, "timings": {}, "training": {}}, path)
        return path.read_bytes()


@settings(FUZZ, max_examples=60)
@given(data=st.data())
def test_a_damaged_checkpoint_is_refused_or_fits(tmp_path, data):
    path = tmp_path / "key.safetensors"
    path.write_bytes(data.draw(flipped(checkpoint())))
    shapes = {name: value.shape for name, value in model().state_dict().items()}
    try:
        assert isinstance(load_checkpoint(model(), path), dict)
    except UserError as error:
        assert in_one_line(error) and str(error).startswith(f"{path}: no checkpoint of this model")
    assert {name: value.shape for name, value in model().state_dict().items()} == shapes


@cache
def photograph() -> bytes:
    buffer = io.BytesIO()
    pixels = torch.arange(80 * 80, dtype=torch.uint8).reshape(80, 80).numpy()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(data=st.data())
def test_a_damaged_photograph_is_refused_or_an_image(data):
    try:
        pixels = centre_crop(data.draw(flipped(photograph())), "a.png", (80, 80), 70, "L")
    except UserError as error:
        assert in_one_line(error) and str(error).startswith("a.png: is ")
        return
    assert pixels.shape == (1, 64, 64) and pixels.dtype == np.uint8
