"""`audit` from checkpoints to files: what it evaluates again, what it leaves, and how it ends when things go wrong."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.audit import audit_processes
from benchmark.audit.audit_files import is_current, read_results, write_result
from benchmark.audit.audit_processes import StoredTrial
from benchmark.audit.audit_trial import ALTERNATIVES, OWN_PROTOCOLS, audit_outputs, audited
from benchmark.audit.outputs import JUDGED
from benchmark.cli import main
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.protocols import PROTOCOLS
from benchmark.execution.stored_models import images_in, stored_model
from benchmark.results.store import Store
from benchmark.streams import generator

# Both at d = 8 have classification, hgmvae_u there and at d = 128 clustering, and at d = 128 reconstruction of labelled
# images; chairs have factors.
ONLY = "dataset=mnist,dataset=chairs,method=hgmvae_u,method=vae"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with trained trials of all protocols, one seed each; do not write to it."""
    folder = tmp_path_factory.mktemp("study")
    arguments = [
        "run",
        "--no-report",
        "--study",
        "smoke",
        "--epochs",  # of sixteen steps, enough that noise in a code makes its reconstruction worse
        "4",
        "--device",
        "cpu",
        "--jobs",
        "1",
        "--only",
        ONLY,
    ]
    assert main([*arguments, "--out", str(folder), "--data-dir", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(study, tmp_path):
    return shutil.copytree(study, tmp_path / "copy")


@pytest.fixture
def audit(capfd, folder, study):
    """`audit(*arguments)` -> exit status and what was said, of the copy, in one worker process."""

    def call(*arguments):
        threads = torch.get_num_threads()
        status = main(["audit", str(folder), "--data-dir", str(study), "--offline", "--jobs", "1", *arguments])
        torch.set_num_threads(threads)
        said = capfd.readouterr()
        return status, said.out + said.err

    return call


def keys_of(folder, **wanted):
    store = Store(folder)
    return [
        record.key
        for record in store.read_study().own_records()
        if all(getattr(record.identity, name) == value for name, value in wanted.items())
    ]


@pytest.mark.slow
def test_every_alternative_is_there_and_the_records_are_confirmed(audit, folder):
    status, said = audit()
    assert status == 0
    scores = pd.read_csv(folder / "audit" / "scores.csv")
    records = Store(folder).read_study().records
    assert set(scores["key"]) == set(records)
    assert set(scores["protocol"]) == {*PROTOCOLS, *OWN_PROTOCOLS}
    # The checkpoints, evaluated again, have the scores of the records: nothing has drifted.
    assert pd.read_csv(folder / "audit" / "drifted.csv").empty
    judged = scores[(scores["alternative"] == JUDGED) & scores["protocol"].isin(PROTOCOLS)].dropna(subset="value")
    assert len(judged) == 12  # 2 x 3 clustering, 2 accuracies, 2 x 2 similarities; no weights here
    for row in judged.itertuples():
        assert row.value == pytest.approx(records[row.key].score(row.protocol, row.metric), rel=1e-5)
    for name in ("distances", "flips", "spread"):
        assert (folder / "audit" / f"{name}.csv").is_file()
    for table in (6, 7):
        assert f"Table {table}" in (folder / "tables" / "tables.md").read_text()
    assert "Nearest to the paper's numbers" not in said  # the images are drawn
    # Each trial was scored under its own protocols, and under ours where there is something to compare with.
    of_chairs = scores[scores["key"].isin(keys_of(folder, dataset="chairs"))]
    assert set(of_chairs["protocol"]) == {"reconstruction", "disentanglement"}
    assert "recovery" in set(scores[scores["key"].isin(keys_of(folder, dataset="mnist"))]["protocol"])
    # Weights of mixtures alone are those of a mixture.
    weights = scores[scores["metric"] == "weights_accuracy"].set_index("method")
    assert weights.loc[["hgmvae_u"], "value"].notna().all()
    assert weights.loc[["vae"], "value"].isna().all()

    # All is there: nothing is evaluated a second time, nor by `tables`, which keeps Tables 6 and 7.
    status, said = audit()
    assert (status, "0 to audit" in said) == (0, True)
    assert f"{len(records)} of {len(records)} trials evaluated again from their checkpoints (0 now, " in said
    before = (folder / "tables" / "table6.csv").read_bytes()
    (folder / "tables" / "table6.csv").unlink()
    assert main(["tables", str(folder)]) == 0
    assert (folder / "tables" / "table6.csv").read_bytes() == before


@pytest.mark.slow
def test_only_what_has_changed_is_evaluated_again(audit, folder):
    [key] = keys_of(folder, dataset="mnist", method="vae", latent_dim=8)
    path = folder / "audit" / f"{key}.json"
    store = Store(folder)
    write_result(store, key, "abc", ["one.pth"], {"scores": {}, "seconds": {}})
    [result] = read_results(store, [key, "none"]).values()
    assert is_current(result, "abc", ["one.pth"])
    assert is_current(result, "abc", [])  # weights that have gone cost nothing
    assert not is_current(result, "abd", ["one.pth"])
    assert not is_current(result, "abc", ["one.pth", "two.pth"])
    assert not is_current(None, "abc", [])
    text = path.read_text()
    for spoilt in (text[: len(text) // 2], text.replace('"revision": ', '"revision": 99'), "[]", '{"revision": 1}'):
        path.write_text(spoilt)
        assert read_results(store, [key]) == {}

    [other] = keys_of(folder, dataset="mnist", method="hgmvae_u", latent_dim=128)
    shutil.copy(folder / "checkpoints" / f"{other}.safetensors", folder / "checkpoints" / f"{key}.safetensors")
    status, said = audit("--only", "table=2,dataset=mnist")
    assert status == 3  # of two one has the model of another trial
    assert "2 to audit" in said
    assert "1 not audited: " in said and "no checkpoint of this model" in said
    [found] = keys_of(folder, dataset="mnist", method="hgmvae_u", latent_dim=8)
    store.forget([found])
    assert not (folder / "audit" / f"{found}.json").exists()


def test_a_folder_without_checkpoints_says_so(audit, folder):
    shutil.rmtree(folder / "checkpoints")
    status, said = audit()
    assert status == 2
    assert "no usable checkpoints" in said


def test_what_is_missing_is_counted(audit, folder):
    lost, kept = keys_of(folder, latent_dim=128)
    trials = len(keys_of(folder))
    (folder / "checkpoints" / f"{lost}.safetensors").unlink()
    status, said = audit("--only", "latent_dim=128")
    assert status == 3
    assert "2 trials with a result, 1 with a checkpoint, 1 to audit" in said
    assert "1 not audited: no checkpoint here\n" in said
    assert f"1 of {trials} trials evaluated again from their checkpoints (1 now, 0 by earlier audits)" in said
    assert (folder / "audit" / f"{kept}.json").is_file()
    # Without any checkpoint the earlier result stands, and that is said.
    (folder / "checkpoints" / f"{kept}.safetensors").unlink()
    status, said = audit("--only", "latent_dim=128")
    assert status == 3
    assert "2 trials with a result, 0 with a checkpoint, 0 to audit" in said
    assert "2 not audited: no checkpoint here; an earlier audit's result is kept for 1 of them" in said
    assert f"1 of {trials} trials evaluated again from their checkpoints (0 now, 1 by earlier audits)" in said


def test_bad_use_is_one_line(audit):
    for arguments, said in (
        (("--only", "latent_dim=3"), "--only: selects no cell of study smoke; its manifest.json lists them"),
        (("--weights-dir", "no/such"), "--weights-dir no/such: no such folder"),
        (("--device", "meta"), "--device meta"),
    ):
        status, text = audit(*arguments)
        assert status == 2
        assert said in text.splitlines()[-1]


def test_images_that_are_not_here_are_said(study):
    [key] = keys_of(study, dataset="chairs")
    identity = Store(study).read_record(key).identity
    identity = dataclasses.replace(identity, data=identity.data | {"digest": "0" * 64})
    ended = audit_processes._audit(
        StoredTrial(key, identity, Store(study).checkpoint_path(key)), EvaluationContext(), study
    )
    assert (ended.key, ended.found) == (key, None)
    assert "their digest differs" in ended.reason


def test_a_trial_that_fails_says_why(monkeypatch, study):
    def broken(*_):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(audit_processes, "stored_model", broken)
    [key] = keys_of(study, dataset="mnist", method="vae", latent_dim=8)
    identity = Store(study).read_record(key).identity
    ended = audit_processes._audit(StoredTrial(key, identity, study), EvaluationContext(), study)
    assert ended == audit_processes.AuditEnd(key, None, "ZeroDivisionError: by zero")


def in_background(folder, study):
    """The audit of one trial by a process of its own."""
    command = [sys.executable, "-m", "benchmark", "audit", str(folder), "--data-dir", str(study), "--offline"]
    return subprocess.Popen(
        [*command, "--jobs", "1", "--only", "table=2,dataset=mnist,method=vae"],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def children(process):
    """The ids of a process's children; none where it has ended."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return []


def worker_of(process):
    """The id of its first worker process, a child of the server that forks them; waits until there is one."""
    for _ in range(600):
        for child in children(process.pid):
            if b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes() and (workers := children(child)):
                return int(workers[0])
        time.sleep(0.1)
    raise AssertionError("no worker process")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_a_worker_that_is_killed_is_said(folder, study):
    process = in_background(folder, study)
    os.kill(worker_of(process), signal.SIGKILL)
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode in (2, 3), said
    assert "a worker process was killed" in said
    assert not list((folder / "audit").glob(".*.part"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_an_interrupted_audit_leaves_no_process(folder, study):
    process = in_background(folder, study)
    worker = worker_of(process)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130, said
    assert "interrupted" in said
    deadline = time.monotonic() + 30  # a worker that is still importing ends when it has
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()


def test_the_settings_of_the_audits_own_protocols_are_fixed():
    assert {name: dataclasses.asdict(protocol) for name, protocol in OWN_PROTOCOLS.items()} == {
        "recovery": {"n_images": 10_000, "revision": 1},
        "disentanglement": {
            "n_images": 10_000,
            "bins": 20,
            "trees": 50,
            "depth": 10,
            "left_out": ("model",),
            "revision": 1,
        },
    }


def test_sampled_and_prior_images_are_the_models(study):
    [key] = keys_of(study, dataset="mnist", method="hgmvae_u", latent_dim=128)
    identity = Store(study).read_record(key).identity
    dataset = images_in(study, offline=True)(identity)
    model = stored_model(identity, Store(study).checkpoint_path(key))
    judged = {name: PROTOCOLS[name](**settings) for name, settings in identity.protocols.items()}
    one, again = (audit_outputs(model, dataset, "cpu", judged, batch_size=32) for _ in range(2))
    assert one.sampled_reconstructions_test.shape == one.prior_samples.shape == one.images_test.shape
    np.testing.assert_array_equal(one.sampled_reconstructions_test, again.sampled_reconstructions_test)
    np.testing.assert_array_equal(one.prior_samples, again.prior_samples)
    # Each has a stream of its own, on which committed audits depend.
    prior = generator("cpu", "evaluation", use="prior samples")
    with torch.no_grad():
        np.testing.assert_array_equal(one.prior_samples, model.sample(dataset.n_test, prior).numpy())
    # Noise in the code makes reconstructions worse, not better.
    images = one.images_test / 255
    errors = [
        np.square(images - found).mean() for found in (one.reconstructions_test, one.sampled_reconstructions_test)
    ]
    assert errors[0] < errors[1]
    assert one.component_weights_test.shape == (dataset.n_test, 10)
    np.testing.assert_allclose(one.component_weights_test.sum(1), 1, rtol=1e-5)
    assert one.latents_train is None  # no protocol of this trial needs it
    found = audited(identity, model, dataset, EvaluationContext())
    assert set(found["scores"]) == set(found["seconds"]) == {"clustering", "reconstruction", "recovery"}
    assert set(ALTERNATIVES) == set(PROTOCOLS)


def test_an_error_in_a_trial_is_its_reason_in_one_line_that_a_terminal_does_not_obey(monkeypatch):
    def broken(data_dir):
        raise ValueError("no \x1b[31mimages\nat all")

    monkeypatch.setattr(audit_processes, "_images", broken)
    end = audit_processes._audit(StoredTrial("k", None, Path("k")), EvaluationContext(), Path())
    assert (end.key, end.found, end.reason) == ("k", None, "ValueError: no [31mimages at all")
