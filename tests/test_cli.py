"""The command line: one clear line and status 2 for bad use, and runs that continue where they stopped."""

import dataclasses
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import study_samples
import torch
from test_hostile_results import made_study

from benchmark.cli import COMMANDS, build_parser, main
from benchmark.commands import chosen_study, plan_study
from benchmark.commands.wording import command_line
from benchmark.data.specs import DATASETS
from benchmark.errors import UserError
from benchmark.execution import executors
from benchmark.execution.resume import is_done
from benchmark.execution.worker_processes import run_packs
from benchmark.fields import parse_json
from benchmark.files import REPOSITORY
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.paper.tables import PAPER_FOLDER
from benchmark.results.store import Store
from benchmark.studies.grid import Selection
from benchmark.studies.named_studies import STUDIES
from benchmark.throughput.costs import Costs, Forecast

TINY = (
    "--study",
    "smoke",
    "--seeds",
    "1",
    "--device",
    "cpu",
    "--only",
    "table=2,dataset=mnist,method=vae,method=wae_rbf",
)


@pytest.fixture
def call(capfd):
    """`call(*arguments)` -> exit status, standard output, standard error."""

    def run(*arguments) -> tuple[int, str, str]:
        try:
            status = main([*map(str, arguments), *(["--no-report"] if arguments[:1] == ("run",) else [])])
        except SystemExit as end:
            status = end.code
        return status, *capfd.readouterr()

    threads = torch.get_num_threads()
    yield run
    torch.set_num_threads(threads)


def test_a_method_registered_with_a_misspelt_setting_is_one_line(call, tmp_path, monkeypatch):
    own = dataclasses.replace(ALL_METHODS["vae"], changes={"betta": 0.0})
    monkeypatch.setitem(ALL_METHODS, "vae", own)
    status, _, err = call("run", *TINY, "--out", tmp_path)
    assert (status, err) == (2, "benchmark: method vae, changes: there is no 'betta'; did you mean 'beta'?\n")
    assert not list(tmp_path.glob("records/*"))


def test_a_registry_that_cannot_be_loaded_is_one_line(capsys, monkeypatch):
    def fails(name):
        raise UserError("study mine, split: there is no 'oficial'; did you mean 'official'?")

    broken = ModuleType("benchmark.cli")
    broken.__getattr__ = fails
    monkeypatch.setitem(sys.modules, "benchmark.cli", broken)
    with pytest.raises(SystemExit) as end:
        runpy.run_module("benchmark", run_name="__main__")
    assert end.value.code == 2
    assert capsys.readouterr().err == "benchmark: study mine, split: there is no 'oficial'; did you mean 'official'?\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "COMMAND"),
        (("fly",), "there is no command 'fly'"),
        (("robust", "a", "b"), "robust is now verdict OUT OTHER"),
        (("trace",), "trace is now controls OUT --trace"),
        (("run", "--study", "huge"), "argument --study: invalid choice: 'huge'"),
        (("run", "--seeds", "0"), "argument --seeds: '0' must be a whole number of at least 1"),
        (("run", "--seeds", "many"), "argument --seeds: 'many' must be a whole number of at least 1"),
        (("run", "--jobs", "-2"), "argument --jobs: '-2' must be a whole number of at least 1"),
        (("plan", "--epochs", "1" + "0" * 400), "must be a whole number of at least 1, of at most nine digits"),
        (("audit", "no/such", "--jobs", "1" + "0" * 9), "must be a whole number of at least 1, of at most nine digits"),
        (("run", "--weights", "best"), "argument --weights: invalid choice"),
        (("run", "--study", "smoke", "--only", "method=vea"), "--only method=vea: no such method"),
        (("run", "--study", "smoke", "--only", "latent_dim=3"), "--only latent_dim=3: study smoke has only 8, 128"),
        (("run", "--study", "smoke", "--only", "table=1,method=vae"), "--only: selects nothing in this study"),
        (("run", "--study", "smoke", "--data-dir", "no/such"), "--data-dir no/such: no such folder"),
        (("plan", "--weights-dir", "no/such"), "--weights-dir no/such: no such folder"),
        (("run", "--only", "dataset=mine", "--offline"), "mine.npz does not exist in the data folder"),
        (("plan", "--only", "dataset=mine"), "mine.npz does not exist in the data folder"),
        (("run", "--only", "table=9"), "--only table=9: study "),
        (("run", "--study", "smoke", "--metrics", "fidd"), "--metrics fidd: no such metric"),
        (("run", "--study", "smoke", "--learning-rate", "0"), "--learning-rate: '0' must be a number above 0"),
        (("plan", "--study", "smoke", "--set", "vae.betta=1"), "--set vae.betta=1: there is no 'betta'; did you mean"),
        (("run", "--study", "smoke", "--set", "vae"), "--set vae: write METHOD.FIELD=VALUE"),
        (
            ("plan", "--study", "smoke", "--set", "swae.reg_weight=1", "--only", "table=1"),
            "--set swae: none of the selected trials uses this method",
        ),
        (("throughput", "--study", "smoke", "--only", "method=vae,dataset=none"), "dataset=none: study smoke has only"),
        (
            ("throughput", "--study", "smoke", "--only", "method=gmvae"),
            "name one combination of method, dataset and latent_dim",
        ),
        (("throughput", "--seconds", "0"), "argument --seconds: '0' must be a whole number"),
        (("throughput", "--out", "README.md"), "--out README.md: is not a folder"),
        (("error-rates", "--out", "README.md/rates"), "--out README.md: is not a folder; give another"),
        (("controls", "README.md", "--trace"), "controls --trace README.md: is not a folder; give another"),
        (("verdict", "a", "b", "--out", "README.md"), "--out README.md: is not a folder; give another"),
        (("run", "--study", "smoke", "--way", "graphs", "--device", "cpu"), "--way graphs: CUDA graphs need a GPU"),
        (("run", "--study", "smoke", "--tsne", "fast"), "argument --tsne: invalid choice: 'fast'"),
        (("run", "--study", "smoke", "--way", "fast"), "argument --way: invalid choice: 'fast'"),
        (
            ("run", "--study", "smoke", "--precision", "tf32", "--device", "cpu"),
            "--precision tf32: only GPUs support it",
        ),
        (("run", "--study", "smoke", "--way", "vmap"), "argument --way: invalid choice: 'vmap'"),
        (
            ("verdict", "a", "--out", "b"),
            "--out: requires OTHER; the verdicts of one folder are written to OUT/verdicts",
        ),
        (("controls",), "controls: name a results folder of the study controls"),
        (("calibrate", "--wide", "--smoke"), "--smoke: give either --wide or --smoke"),
        (("judge", "no/such"), "no/such: has no manifest.json"),
        (("run", "--study", "smoke", "--only", "dataset=mine"), "dataset 'mine': has no procedural stand-in"),
        (("run", "--device", "cuda:99"), "--device cuda:99: not usable here"),
        (("run", "--devices", "0,zero"), "--devices 0,zero: write the GPUs' numbers, each once"),
        (("run", "--devices", "1,1"), "--devices 1,1: write the GPUs' numbers, each once"),
        (("run", "--devices", "98,99"), "--device cuda:98: not usable here"),
        (("run", "--devices", "0", "--device", "cpu"), "--devices: give either --device or --devices"),
        (("run", "--device", "gpu"), "--device gpu: not usable here"),
        (("run", "--device", "meta"), "--device meta: only cpu and cuda are supported"),
        (("methods", "vea"), "methods vea: no such method"),
        (("tables", "no/such/folder"), "no/such/folder: has no manifest.json"),
        (("fetch", "imagenet"), "fetch imagenet: there are mnist"),
        (("run", "--out="), "argument --out: is empty; give a value or omit the option"),
        (("run", "--study", "smoke", "--only", ""), "argument --only: is empty"),
        (("plan", "--study", "smoke", "--only", " , "), "argument --only: is empty"),  # "$A,$B" of unset variables
        (("plan", "--study", "smoke", "--metrics", ","), "argument --metrics: is empty"),
        (("run", "--device="), "argument --device: is empty"),
        (("run", "--devices="), "argument --devices: is empty"),
        (("plan", "--data-dir", " "), "argument --data-dir: is empty"),
        (("plan", "--weights-dir="), "argument --weights-dir: is empty"),
        (("tables", ""), "argument out: is empty"),
        (("compare", "", "x"), "argument A: is empty"),
        (("compare", "x", ""), "argument B: is empty"),
        (("verdict", "x", ""), "argument OTHER: is empty"),
        (("errata", ""), "argument file: is empty"),
        (("tables", "~no-such-user/x"), "argument out: '~no-such-user/x': no home folder with that name"),
    ],
)
def test_bad_use_is_one_line_and_status_2(call, arguments, said):
    status, out, error = call(*arguments)
    assert status == 2
    assert said in error and len(error.strip().splitlines()) == 1
    assert "Table" not in out


PATHS = [
    *((name, "--out=~/x") for name in ("run", "plan", "throughput", "errata", "calibrate")),
    *(
        (name, "~/x")
        for name in ("judge", "status", "tables", "figures", "audit", "verdict", "report", "controls", "errata")
    ),
    *((name, "--data-dir=~/x") for name in ("run", "plan", "fetch", "controls", "calibrate")),
    *((name, "--weights-dir=~/x") for name in ("run", "plan", "fetch")),
    *((name, "out", f"--{what}-dir=~/x") for name in ("figures", "audit", "judge") for what in ("data", "weights")),
    ("compare", "~/x", "b"),
    ("compare", "a", "~/x"),
    ("compare", "a", "b", "--out=~/x"),
    ("verdict", "a", "~/x"),
    ("controls", "--trace", "~/x"),
    ("verdict", "a", "b", "--out=~/x"),
]


@pytest.mark.parametrize("arguments", PATHS, ids=" ".join)
def test_a_leading_tilde_is_the_home_folder_in_every_path(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    values = vars(build_parser().parse_args(arguments)).values()
    paths = [one for value in values for one in (value if isinstance(value, list) else [value])]
    assert tmp_path / "x" in paths
    assert "~" not in "".join(str(path) for path in paths if isinstance(path, Path))


def test_a_path_in_another_encoding_leaves_a_manifest_that_can_be_read(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmark", "run", "--out", os.fsdecode(b"/home/me/caf\xe9")])
    noted = command_line()
    assert noted == "python -m benchmark run --out 'caf?'" and parse_json(json.dumps(noted)) == noted


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--study", "smoke", "--reuse", "loop"),
        ("run", "--study", "smoke", "--out", "loop/out"),
        ("compare", "a", "b", "--out", "loop"),
        ("verdict", "loop", "b"),
    ],
    ids=" ".join,
)
def test_links_that_lead_in_a_circle_are_one_line(call, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    status, _, error = call(*arguments)
    assert status == 2 and "its symbolic links lead in a circle; mend them" in error
    assert len(error.strip().splitlines()) == 1


def test_a_current_folder_that_is_gone_is_no_traceback(call, tmp_path, monkeypatch):
    """Commands on whole paths do their work, and on relative ones say what is wrong."""
    made_study(tmp_path / "out")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    status, out, _ = call("pack", tmp_path / "out")
    assert (status, out) == (0, f"2 files of {tmp_path}/out/records moved into records.jsonl\n")
    status, _, error = call("compare", "a", "b", "--out", "c")
    assert (status, error) == (2, "benchmark: the current folder has been removed; change to one that exists\n")


def test_without_its_data_a_study_that_was_asked_for_says_what_is_missing(call, tmp_path):
    status, _, error = call(
        "run", "--study", "laptop", "--only", "table=1", "--offline", "--data-dir", tmp_path, "--out", tmp_path / "out"
    )
    assert status == 2 and "mnist.npz" in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_study_on_drawn_images_says_that_it_says_nothing(call, tmp_path):
    status, out, _ = call("run", *TINY, "--out", tmp_path)
    assert status == 0 and "Drawn images: the numbers say nothing about the methods or the paper." in out
    assert "MNIST [procedural]" in out and "paper's" not in out
    assert (tmp_path / "tables" / "tables.md").read_text().count("[procedural]") >= 2


def test_without_any_data_the_choice_falls_on_the_digits_that_are_installed(call, tmp_path):
    arguments = ("--data-dir", tmp_path, "--out", tmp_path / "out", "--device", "cpu")
    status, out, _ = call("plan", *arguments, "--only", "table=2,method=vae")
    assert status == 0
    first = out.splitlines()[0]
    assert (
        first.startswith("Study digits: none of the paper's data sets is in ")
        and "`./run_all.sh fetch` brings" in first
    )
    assert "mnist [subset]" in out and "To download: CIFAR" not in out and "procedural" not in out
    assert "--only dataset=" not in first
    np.savez(tmp_path / "mine.npz", x=np.zeros((9, 32, 32, 3), np.uint8))  # as of `fetch --from-folder`
    study, why = chosen_study.study_at_hand(None, "cpu", Selection(), tmp_path)
    assert study.name == "digits" and why.endswith("; for mine.npz add --only dataset=mine")
    _, out, _ = call("plan", *arguments, "--only", "dataset=cifar10,method=vae")  # which the digits cannot stand in for
    assert out.startswith("Study laptop: ") and "To download: CIFAR-10" in out
    np.savez(tmp_path / "celeba64.npz", x=np.zeros((9, 64, 64, 3), np.uint8))
    study, why = chosen_study.study_at_hand(None, "cpu", Selection(), tmp_path)
    assert study.name == "laptop" and why.startswith("no GPU in use")


def test_plan_counts_and_runs_nothing(call, tmp_path, monkeypatch):
    monkeypatch.setattr(plan_study, "measured_costs", lambda trials, known, device: Costs())
    monkeypatch.setattr(plan_study, "forecast", lambda trials, costs: Forecast(60.0 * len(trials), {}))
    monkeypatch.setattr(plan_study, "with_metric_costs", lambda trials, known, device: known)
    monkeypatch.setattr(plan_study, "metric_seconds", lambda trials, costs, left_out: {"fid": 600.0})
    status, out, _ = call("plan", "--study", "paper", "--jobs", 2, "--data-dir", tmp_path, "--out", tmp_path / "out")
    assert status == 0 and "830 unique trials, 0 of them with available data" in out
    assert "CIFAR-10, about 170 MB" in out and "alexnet-owt-7be5be79.pth, for FID or LPIPS" in out
    assert "0 done" in out and "830 to run" in out and "About 7.0 h, 2 at once" in out
    assert "  FID: about 10 min of one process's time in all\n" in out
    assert "mnist gmvae d=8 classification+clustering seed=0..9" in out
    assert len([line for line in out.splitlines() if line.endswith(" seed=0..9")]) == 83
    # By hand: 70,000 x 32^2 twice, 60,000 x 3 x 32^2, (162,770 + 19,962) x 3 x 64^2, 86,366 x 64^2.
    assert "2.9 GB of prepared images" in out and "--offline" not in out
    checkpoints = 0
    for dataset, method, latent_dim in {cell.kind for cell in STUDIES["paper"].cells()}:
        spec = DATASETS[dataset]
        checkpoints += 10 * 4 * ALL_METHODS[method].parameters((spec.channels, spec.size, spec.size), latent_dim)
    assert f"Disk: about {checkpoints / 1e9:.1f} GB of checkpoints" in out
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    status, out, _ = call("plan", *TINY, "--trials", "--out", tmp_path / "out")
    assert status == 0 and "2 unique trials" in out and "mnist wae_rbf d=8 seed=0  classification" in out
    assert "About " in out and "measured just now" in out and "GB of checkpoints" in out
    assert not (tmp_path / "out").exists()


def test_listings(call):
    _, out, _ = call("methods")
    assert [line.split()[0] for line in out.splitlines() if line.startswith(" ")] == list(ALL_METHODS)
    assert len([line for line in out.splitlines() if line.endswith(":")]) == 3  # headings
    _, out, _ = call("methods", "gmvae")
    assert "1611.02648" in out and "| `decoder_variance` | 0.05 | 1.0 |" in out
    _, out, _ = call("studies")
    assert all(f"{name}: " in out for name in STUDIES) and "830 trials" in out


def test_fetch_offline_names_every_missing_file_and_ends_with_3(call, tmp_path):
    status, out, _ = call("fetch", "--offline", "--data-dir", tmp_path, "--weights-dir", tmp_path)
    assert status == 3
    for missing in ("mnist.npz", "celeba64.npz", "rendered_chairs.tar"):
        assert missing in out


def test_a_run_continues_where_it_stopped_with_the_same_tables_byte_for_byte(call, tmp_path):
    status, out, _ = call("run", *TINY, "--out", tmp_path)
    assert status == 0 and "2 trials ok" in out

    def tables():
        return {path.name: path.read_bytes() for path in (tmp_path / "tables").iterdir()}

    whole, records = tables(), sorted((tmp_path / "records").iterdir())
    assert len(records) == 2 and {"table2.csv", "table2_seeds.csv", "table2.tex", "tables.md"} <= whole.keys()
    records[0].unlink()
    records[1].write_text("{ torn")
    before = records[1].stat().st_size
    status, out, _ = call("run", *TINY, "--out", tmp_path)
    assert status == 0 and "2 trials, 0 done already" in out and "is not valid JSON: moved aside" in out
    assert records[1].with_suffix(".unreadable").stat().st_size == before
    assert tables() == whole
    status, out, _ = call("run", *TINY, "--out", tmp_path)
    assert "2 trials, 2 done already" in out and tables() == whole
    runs = json.loads((tmp_path / "manifest.json").read_text())["runs"]
    assert [run["trials"] for run in runs] == [2, 2]
    assert runs[0]["numerics"] == json.loads(records[0].read_text())["provenance"]["numerics"]
    assert runs[0]["numerics"]["tf32"] is False

    # Other weights are other trials: nothing is mixed, no old record is touched, and the old command finds them.
    old = {path: path.read_bytes() for path in records}
    status, out, _ = call("run", *TINY, "--weights", "published", "--out", tmp_path)
    assert status == 0 and "2 trials, 0 done already" in out and "weight set published" in out
    assert len(list((tmp_path / "records").glob("*.json"))) == 4
    assert {path: path.read_bytes() for path in records} == old
    status, out, _ = call("run", *TINY, "--out", tmp_path)
    assert "2 trials, 2 done already" in out and tables() == whole

    # A changed training has its own folder.
    status, _, error = call("run", *TINY, "--epochs", 1, "--out", tmp_path)
    assert status == 2 and "belongs to the study smoke with no such changes; give another --out" in error

    # Another study has its own folder, and two runs do not write to one.
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"study": "laptop"}))
    status, _, error = call("run", *TINY, "--out", tmp_path)
    assert status == 2 and "belongs to the study laptop; give another --out" in error
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with Store(tmp_path).locked():
        status, _, error = call("run", *TINY, "--out", tmp_path)
    assert status == 2 and "another command is writing to it" in error

    # Tables come from records alone, and a lost record shows.
    records[0].unlink()
    status, out, _ = call("tables", tmp_path)
    assert status == 3 and "1 trials ok, 0 diverged, 0 failed, 1 not run\n" in out
    assert "Next: the same `run` again continues with the trial left\n" in out
    assert "not run" in (tmp_path / "tables" / "table2.csv").read_text()


def test_weights_that_arrive_later_cause_a_new_evaluation():
    without = {"reconstruction": {"fid": "weights unavailable: a.pth not in the cache"}}
    others = {"ssim": 0.5, "ms_ssim": 0.5, "lpips": 0.5}
    plain = study_samples.record("mnist", "vae", 8, 0, "reconstruction", others, unavailable=without)
    record, failed = study_samples.parsed(
        {"ok": plain, "failed": plain | {"status": "failed", "unavailable": {}}}
    ).values()
    assert is_done(record, set())
    assert is_done(record, {"b.pth"})
    assert not is_done(record, {"a.pth"})
    assert not is_done(failed, set())
    assert not is_done(None, set())


def test_a_bad_file_of_the_user_is_one_line(call, tmp_path):
    np.savez(tmp_path / "mine.npz", x=np.linspace(-1, 1, 300 * 28 * 28).reshape(300, 28, 28))
    status, _, error = call(
        "run", "--study", "laptop", "--only", "dataset=mine", "--data-dir", tmp_path, "--out", tmp_path / "out"
    )
    assert status == 2 and "mine.npz: x is float64, from -1 to 1; images must be integers" in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"schema": 1}', '{"schema": 1, "cells": 5}', "{"])
def test_a_spoilt_manifest_is_one_line_and_stays(call, tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    for arguments in (("tables", tmp_path), ("run", *TINY, "--out", tmp_path)):
        status, _, error = call(*arguments)
        assert status == 2 and "manifest" in error and len(error.strip().splitlines()) == 1
    assert path.read_text() == content


def test_an_out_folder_that_is_a_file_is_one_line(call, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    for out in (file, file / "deeper"):
        status, _, error = call("run", *TINY, "--out", out)
        assert (
            status == 2
            and f"{out}: could not be written" in error
            and "; move away the file" in error
            and len(error.strip().splitlines()) == 1
        )
        assert call("plan", *TINY, "--out", out)[0] == 0


def test_an_unlabelled_set_of_the_users_own_is_in_the_tables_that_need_no_labels(call, tmp_path):
    np.savez(tmp_path / "mine.npz", x=np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8))
    common = ("--study", "laptop", "--data-dir", tmp_path, "--out", tmp_path / "out")
    status, out, _ = call("plan", *common, "--only", "dataset=mine,method=vae")
    assert status == 0 and "mine: has no labels, so it is left out of Table 2" in out
    assert "Table 2: 0 cells" in out and "Table 3: 1 cells" in out
    status, _, error = call("plan", *common, "--only", "dataset=mine,table=1")
    assert status == 2 and "these tables need labels; Tables 3, 5 need no labels (--only table=3)" in error


def test_data_that_arrive_later_complete_the_study(call, tmp_path):
    folders = ("--data-dir", tmp_path, "--out", tmp_path / "out")
    arguments = ("run", "--study", "laptop", "--seeds", 1, "--offline", *folders)
    only = ("--only", "dataset=mine,dataset=cifar10,table=2,method=swae")
    rng = np.random.default_rng(0)

    def save(name, shape, n):
        x, y = rng.integers(0, 256, (n, *shape), dtype=np.uint8), np.arange(n) % 10
        np.savez(tmp_path / f"{name}.npz", x_train=x, y_train=y, x_test=x[:40], y_test=y[:40])

    save("mine", (28, 28), 100)
    status, out, _ = call(*arguments, *only)
    assert status == 3 and "  no images: cifar10: CIFAR-10: not found; `./run_all.sh fetch cifar10`" in out
    reason = "no data: CIFAR-10: not found; `./run_all.sh fetch cifar10` fetches it, or put "
    found, out, _ = call("status", tmp_path / "out")
    assert found == 0 and f"cifar10: {reason}" in out
    found, out, _ = call("tables", tmp_path / "out")
    assert found == 3 and "1 trials ok, 0 diverged, 0 failed, 0 not run, 1 without data\n" in out
    assert "Images missing: CIFAR-10   (./run_all.sh fetch)\n" in out
    assert reason.replace("`", r"\`") in (tmp_path / "out" / "tables" / "tables.md").read_text()
    save("cifar10", (32, 32, 3), 100)
    status, out, _ = call(*arguments, *only)
    assert status == 0 and "2 trials ok" in out and "Images missing" not in out
    assert "CIFAR-10 [subset]" in out


def test_only_adds_to_the_tables_what_stands_on_the_same_ground_and_drops_the_rest(call, tmp_path):
    folders = ("--data-dir", tmp_path, "--out", tmp_path / "out")
    arguments = ("run", "--study", "laptop", "--seeds", 1, "--offline", "--device", "cpu", *folders, "--only")
    rng = np.random.default_rng(0)

    def save(n):
        x, y = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), np.arange(n) % 10
        np.savez(tmp_path / "mine.npz", x_train=x, y_train=y, x_test=x[:40], y_test=y[:40])

    def cells():
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        return [(cell["dataset"], cell["method"]) for cell in manifest["cells"]]

    save(64)
    assert call(*arguments, "dataset=mine,table=2,method=vae")[0] == 0
    assert call(*arguments, "dataset=mine,table=2,method=swae")[0] == 0
    assert cells() == [("mine", "vae"), ("mine", "swae")]
    save(70)  # other images under the same name
    status, out, _ = call(*arguments, "dataset=mine,table=2,method=wae_rbf")
    assert status == 0 and cells() == [("mine", "wae_rbf")]
    assert "2 cells of an earlier run are removed from the tables" in out
    assert len(list((tmp_path / "out" / "records").glob("*.json"))) == 3


def test_what_changes_results_makes_other_trials_and_stands_on_the_tables(call, tmp_path):
    status, out, _ = call("run", *TINY, "--precision", "bfloat16", "--out", tmp_path)
    assert status == 0 and re.search(r"^  reduced: .*; \d+ more$", out, re.MULTILINE)  # the tables have them all
    assert "trained in bfloat16" in (tmp_path / "tables" / "table2.tex").read_text()
    _, out, _ = call("plan", *TINY, "--out", tmp_path)
    assert "0 done" in out and "2 to run" in out
    _, out, _ = call("plan", *TINY, "--precision", "bfloat16", "--out", tmp_path)
    assert "2 done" in out and "0 to run" in out


def test_a_tsne_that_is_not_installed_is_one_line_before_anything_is_run(call, tmp_path, monkeypatch):
    monkeypatch.setattr(
        chosen_study, "missing_library", lambda engine: f"{engine} is not installed; ./run_all.sh pip install {engine}"
    )
    status, _, error = call("run", *TINY, "--tsne", "openTSNE", "--out", tmp_path / "out")
    assert status == 2 and "--tsne openTSNE: openTSNE is not installed; ./run_all.sh pip install openTSNE" in error
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(chosen_study, "missing_library", lambda engine: None)
    monkeypatch.setattr(plan_study, "measured_costs", lambda trials, known, device: Costs())
    monkeypatch.setattr(plan_study, "forecast", lambda trials, costs: Forecast(60.0, {}))
    arguments = ("plan", "--study", "smoke", "--device", "cpu", "--only", "table=1,method=gmvae,latent_dim=8")
    status, out, _ = call(*arguments, "--tsne", "openTSNE", "--trials", "--out", tmp_path / "out")
    assert status == 0 and "reduced: clustering: tsne = openTSNE" in out
    _, reference, _ = call(*arguments, "--trials", "--out", tmp_path / "out")
    keys = [{line.split()[0] for line in text.splitlines() if "mnist gmvae" in line} for text in (out, reference)]
    assert len(keys[0]) == len(keys[1]) == 1 and not keys[0] & keys[1]


def test_a_strict_run_stops_at_the_first_trial_that_fails(call, tmp_path, monkeypatch):
    def first_fails(*arguments, **options):
        for event in run_packs(*arguments, **options):
            yield event if event.kind != "finished" else dataclasses.replace(event, value="failed")

    monkeypatch.setattr(executors, "run_packs", first_fails)
    status, out, _ = call("run", *TINY, "--jobs", "1", "--strict", "--out", tmp_path)
    assert status == 3
    assert "--strict: stopped at mnist vae d=8 seed=0: failed" in out
    assert "1 trials ok, 0 diverged, 0 failed, 1 not run" in out
    assert len(list((tmp_path / "records").iterdir())) == 1
    assert call("run", *TINY, "--jobs", "1", "--out", tmp_path)[0] == 0


def test_a_run_that_is_interrupted_is_noted_with_the_trials_that_ended(call, tmp_path, monkeypatch):
    def interrupted_after_the_first(*arguments, **options):
        for event in run_packs(*arguments, **options):
            yield event
            if event.kind == "finished":
                raise KeyboardInterrupt

    monkeypatch.setattr(executors, "run_packs", interrupted_after_the_first)
    assert call("run", *TINY, "--jobs", "1", "--out", tmp_path)[0] == 130
    monkeypatch.undo()
    assert call("run", *TINY, "--jobs", "1", "--out", tmp_path)[0] == 0
    assert [run.trials for run in Store(tmp_path).study_manifest().runs] == [1, 1]


def test_a_folder_that_is_moved_during_a_run_ends_it(call, tmp_path, monkeypatch):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"

    def moved_after_the_first(*arguments, **options):
        for event in run_packs(*arguments, **options):
            if event.kind == "finished":
                out.rename(elsewhere)
            yield event

    monkeypatch.setattr(executors, "run_packs", moved_after_the_first)
    status, _, error = call("run", *TINY, "--jobs", "1", "--out", out)
    assert status == 2
    assert error.endswith(
        "out: was moved or removed during this run; move it back, then start the same command again\n"
    )
    assert len(list((elsewhere / "records").iterdir())) == 1 and not out.exists()


def test_a_metric_that_was_asked_for_and_cannot_be_had_ends_with_one_line_and_status_3(call, tmp_path):
    asked = ("run", "--study", "smoke", "--epochs", 1, "--only", "table=5,dataset=fashion_mnist", "--device", "cpu")
    asked += ("--jobs", 1, "--data-dir", tmp_path, "--out", tmp_path / "out", "--offline")
    status, out, _ = call(*asked)
    assert status == 0 and "cannot be computed" not in out
    status, out, _ = call("status", tmp_path / "out")
    assert status == 0 and "not computed: FID, LPIPS; `run --metrics fid,lpips` adds" in out
    status, out, _ = call(*asked, "--metrics", "fid,ssim")
    [line] = [line for line in out.splitlines() if "cannot be computed" in line]
    assert status == 3 and line.startswith("--metrics fid: cannot be computed; weights unavailable: weights-inception")
    status, out, _ = call("report", tmp_path / "out")
    assert status == 0
    missing = dict(line.split(": ")[1:] for line in out.splitlines() if line.startswith("Not in the report: "))
    assert missing.pop("clustering") == "the study has none of Tables 1 and 4"  # nor has it planes or sweeps
    kinds = ("reconstructions", "manifold", "traversals")
    assert missing == dict.fromkeys(kinds, "not made yet; `judge` makes it")
    shutil.rmtree(tmp_path / "out" / "checkpoints")
    status, out, _ = call("report", tmp_path / "out")
    assert status == 0
    assert "Not in the report: traversals: its checkpoints are gone; the same `run --force` trains anew" in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<li>reconstructions: its checkpoints are gone" in page


@pytest.mark.parametrize(
    "command",
    [["errata", "--out"], ["compare", "A", "B", "--out"], ["verdict", "A", "B", "--out"], ["run", "--out"]],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("name", [".", "tables.csv", "new/deep"])
def test_no_command_writes_among_the_papers_numbers(call, tmp_path, command, name):
    (tmp_path / "link").symlink_to(PAPER_FOLDER)
    before = {path: path.read_bytes() for path in PAPER_FOLDER.iterdir()}
    status, out, error = call(*command, tmp_path / "link" / name)
    assert (status, out) == (2, "")
    assert error == (
        f"benchmark: {tmp_path / 'link' / name}: is in the folder of the paper's own numbers; name another output\n"
    )
    assert {path: path.read_bytes() for path in PAPER_FOLDER.iterdir()} == before


def test_errata_are_found_in_the_paper_and_in_any_table(call, tmp_path):
    status, out, _ = call("errata", "--out", tmp_path / "errata.csv")
    assert status == 0 and "103.076" in out and "60.24" in out
    assert out.index("contradiction: 38") < out.index("holds: 11") < out.index("by reading: 11")
    assert len((tmp_path / "errata.csv").read_text().splitlines()) == 1 + 76
    table = tmp_path / "table.csv"
    table.write_text("table,dataset,metric,method,latent_dim,value\n1,mnist,silhouette,vae,8,1.5\n")
    status, out, _ = call("errata", table)
    assert status == 0 and "SC: VAE 1.5 is above 1" in out and "No contradiction" not in out
    before = table.read_bytes()
    status, _, error = call("errata", table, "--out", tmp_path / "." / "table.csv")
    assert status == 2 and "table.csv: is the table itself; name another file" in error and table.read_bytes() == before
    table.write_text("a,b\n1,2\n")
    status, _, error = call("errata", table)
    assert status == 2 and "no column table" in error and len(error.strip().splitlines()) == 1
    status, _, error = call("errata", "--out", table / "below")
    assert status == 2 and error.endswith(
        "could not be written (File exists); move away the file or folder in the way and run again\n"
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1,mnist,silhouette,vae,8,0.5"], "No contradiction found in 1 number.\n"),
        (
            ["1,mnist,silhouette,vae,8,0.5", "4,mnist,silhouette,vae,8,0.5"],
            "No contradiction found in 2 numbers.\nholds: 1\n  Tables 1 and 4 share 1 cells; 1 of them agree.\n",
        ),
    ],
)
def test_a_table_without_errata_is_said_to_have_none(call, tmp_path, rows, said):
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["table,dataset,metric,method,latent_dim,value", *rows]))
    assert call("errata", table) == (0, said, "")


LARGE = ("torch", "sklearn", "scipy", "pandas", "pythae")
ASKING = """
import sys
from benchmark.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print("\\n", status, *sorted({large} & {{*sys.modules}}))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("stauts",),
        ("methods",),
        ("methods", "hgmvae_g"),
        ("studies",),
        ("errata",),
        ("status", "results/reference/laptop-cpu"),
    ],
    ids=" ".join,
)
def test_what_needs_no_large_library_loads_none(arguments):
    done = subprocess.run(
        [sys.executable, "-c", ASKING.format(large=set(LARGE)), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1].split() == ["2" if arguments == ("stauts",) else "0"]
    if arguments == ("stauts",):
        assert "there is no command 'stauts'; did you mean status or studies or audit?" in done.stderr


def test_every_command_says_what_it_does_and_gives_an_example_that_it_understands(capsys):
    for command in COMMANDS.values():
        assert build_parser().parse_args(shlex.split(command.example)).command == command.name
        with pytest.raises(SystemExit):
            main([command.name, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith(f"usage: python -m benchmark {command.name} ")
        assert f"Example: ./run_all.sh {command.example}" in said
