"""The answer that ends `run`, `tables` and `judge`: short enough for a screen, with the numbers of the records."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import study_samples
from study_samples import cell, clustering, manifest, record, study_results

from benchmark.audit.audit_files import read_results
from benchmark.cli import main
from benchmark.commands.closing_lines import MOST_LINES, WIDTH, closing_lines, decided, fitted, next_steps
from benchmark.report.study_verdicts import verdicts_of
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.verdict.verdict_page import answer, can_judge, is_drawn

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
# Folders of whole studies; the others hold what several studies came to.
STUDIES = sorted(path.parent.name for path in REFERENCE.glob("*/manifest.json"))


@pytest.fixture(autouse=True)
def _short_paths(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def of_reference(name: str) -> list[str]:
    store = Store(REFERENCE / name, print, look_only=True)
    study = store.read_study()
    return closing_lines(study, verdicts_of(study, read_results(store, list(study.records))), Path("out"))


def of_sample(**changes) -> list[str]:
    plain, records = study_samples.sample()
    study = study_results({**plain, **changes}, records)
    return closing_lines(study, verdicts_of(study, {}), Path("out"), seconds=120)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_ends_on_one_screen(name):
    lines = of_reference(name)
    assert 8 < len(lines) <= MOST_LINES == 20
    assert [line for line in lines if len(line) > WIDTH] == []


def test_the_laptop_study_in_short():
    lines = of_reference("laptop-cpu")
    assert lines[0] == "Study laptop, 3 seeds, weight set default: 81 min on cpu (x86_64)"
    assert lines[1] == "174 trials ok, 0 diverged, 0 failed, 0 not run, 30 without data"
    # As tables.md of the same folder has them.
    table = lines.index("MNIST                Accuracy↑ d=8  Silhouette↑ d=8  SSIM↑ d=128")
    assert "VAE                  0.932 ±0.003   –                0.404 ±0.067" in lines[table:]
    assert "HGMVAE-G             0.922 ±0.007   0.337 ±0.022     0.434 ±0.030" in lines[table:]
    assert "Not measured: FID (weights unavailable); LPIPS (weights unavailable)" in lines
    assert "Decided: 0 of the paper's 392 numbers, 2 of its 9 claims (for this study alone)" in lines
    assert "Why not more: 166 not comparable (reduced); 226 not run; 3 of 10 seeds" in lines
    assert "Images missing: 3D Chairs   (./run_all.sh fetch)" in lines
    assert lines[-1] == "Tables: out/tables/tables.md"  # no next step: an audit needs checkpoints


def test_a_claim_that_a_reduced_study_decides_is_of_that_study_alone():
    assert "Decided: 0 of the paper's 392 numbers, 1 of its 9 claims (for this study alone)" in of_reference("collapse")


def test_failures_are_counted_two_are_named_and_the_reasons_have_a_place():
    lines = of_sample()
    counts = lines.index("21 trials ok, 1 diverged, 3 failed, 5 not run, 9 without data")
    assert lines[counts + 1 : counts + 4] == [
        "  mnist gmvae d=16 seed=0: failed: out of memory at 50%",
        "  mnist gmvae d=16 seed=1: failed: out of memory at 50%",
        "  2 more; the reasons: out/tables/tables.md",
    ]
    assert len(lines) <= MOST_LINES
    assert "Images missing: 3D Chairs   (./run_all.sh fetch)" in lines
    assert "Next: the same `run` again continues with the 8 trials left" in lines


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "InvalidModelOutput: Mine.loss_terms: returns dict instead of LossTerms",
            [
                "  mnist gmvae d=16 seed=0: failed: InvalidModelOutput: Mine.loss_terms: returns",
                "    dict instead of LossTerms",
            ],
        ),
        (
            "word " * 40,
            [f"  mnist gmvae d=16 seed=0: failed:{' word' * 9}", f"    {' '.join(['word'] * 15)}…"],
        ),
    ],
)
def test_the_reason_of_a_failure_has_two_lines(reason, said):
    plain, records = study_samples.sample()
    records = {
        key: one if one["status"] == "ok" else one | {"status": "failed", "reason": reason}
        for key, one in records.items()
    }
    lines = closing_lines(study_results(plain, records), None, Path("out"))
    at = lines.index(said[0])
    assert lines[at : at + 2] == said and max(map(len, said)) <= WIDTH


def test_the_table_marks_collapse_missing_seeds_and_what_has_no_value():
    cells = [cell(1, "mnist", method, 8) for method in ("gmvae", "hgmvae_g", "hgmvae_u")]
    plain, records = study_samples.sample()
    study = study_results({**plain, "cells": cells, "marks": {}}, records)
    lines = closing_lines(study, None, Path("out"))
    at = lines.index("MNIST     Silhouette↑ d=8")
    assert lines[at + 1 : at + 5] == [
        "GMVAE     0.000 ±0.000",
        "HGMVAE-G  0.500 ±0.354†*",
        "HGMVAE-U  -0.125*",
        "Mean ± std over seeds; †: a seed collapsed; *: not all seeds",
    ]


def test_drawn_images_say_nothing_and_of_images_of_ones_own_the_paper_has_no_word():
    plain, records = study_samples.sample()

    def on(dataset, marks):
        one = {"cells": [cell(1, dataset, "gmvae", 8)], "marks": {dataset: marks}}
        return study_results(plain | one, records)

    drawn, own = on("mnist", ["procedural"]), on("mine", [])
    assert decided(drawn.manifest, None) == ["Drawn images: the numbers say nothing about the methods or the paper."]
    assert not can_judge(drawn.manifest) and not can_judge(own.manifest) and can_judge(on("mnist", []).manifest)
    assert not [line for line in closing_lines(own, None, Path("out")) if "paper" in line]
    assert "paper" not in answer(own.manifest, pd.DataFrame(), pd.DataFrame())


def test_the_table_has_each_score_at_the_latent_dim_where_most_methods_have_it():
    """SSIM at d = 128; clustering at both, so at the one where accuracy is."""
    runs = [
        *(
            record("mnist", method, d, 0, "clustering", clustering(0.1 * d, 9.0, 1.0))
            for method in ("gmvae", "hgmvae_g")
            for d in (2, 8)
        ),
        *(
            record("mnist", method, 128, 0, "reconstruction", {"ssim": 0.5, "ms_ssim": 0.9})
            for method in ("vae", "gmvae", "hgmvae_g")
        ),
    ]
    runs = [
        one | {"metrics": one["metrics"] | {"classification": {"svm_accuracy": 0.75}}}
        if one["identity"]["latent_dim"] == 8
        else one
        for one in runs
    ]
    cells = [
        *(cell(1, "mnist", method, d, (0,)) for method in ("gmvae", "hgmvae_g") for d in (2, 8)),
        *(cell(2, "mnist", method, 8, (0,)) for method in ("gmvae", "hgmvae_g")),
        *(cell(3, "mnist", method, 128, (0,)) for method in ("vae", "gmvae", "hgmvae_g")),
    ]
    study = study_results(manifest(cells, seeds=1), {one["key"]: one for one in runs})
    lines = closing_lines(study, None, Path("out"))
    at = lines.index("MNIST     Accuracy↑ d=8  Silhouette↑ d=8  SSIM↑ d=128")
    assert lines[at + 1 : at + 5] == [
        "vae       –              –                0.500",
        "GMVAE     0.750          0.800            0.500",
        "HGMVAE-G  0.750          0.800            0.500",
        "Mean over seeds",
    ]


def test_a_study_without_any_value_has_no_table():
    study = study_results(manifest([cell(1, "mnist", "gmvae", 8)]), {})
    lines = closing_lines(study, None, Path("out"))
    assert lines[1] == "0 trials ok, 0 diverged, 0 failed, 3 not run" and not any("d=8" in line for line in lines)
    assert lines[-1] == "Next: the same `run` again continues with the 3 trials left"


def test_a_metric_that_was_left_out_is_named_with_the_command_that_adds_it():
    unavailable = {"reconstruction": {"fid": "not asked for (--metrics fid)"}}
    scores = {"ssim": 0.5, "ms_ssim": 0.75, "lpips": 0.25}
    runs = [record("mnist", "vae", 128, seed, "reconstruction", scores, unavailable=unavailable) for seed in range(3)]
    records = {one["key"]: one for one in runs}
    study = study_results(manifest([cell(3, "mnist", "vae", 128)]), records)
    assert not any("--metrics" in line for line in closing_lines(study, None, Path("out")))
    Path("out/checkpoints").mkdir(parents=True)
    Path("out/checkpoints/key.safetensors").touch()
    lines = closing_lines(study, None, Path("out"))
    assert "Next: the same `run` with --metrics fid   adds FID" in lines
    assert not any(line.startswith("Not measured") for line in lines)
    assert [step.split("   ")[1] for step in next_steps(study, Path("out"))] == [
        "adds FID",
        "audits what the paper leaves open",
    ]


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ("", "the same `run` again"),
        (" --seeds 1", "the same `run` again"),
        (" --only method=swae", "a `run` whose --only has their cells"),  # the vae of an earlier run is not among them
        (" --only=method=swae", "a `run` whose --only has their cells"),
    ],
)
def test_what_the_last_run_did_not_select_is_not_said_to_come_with_the_same_run(given, run):
    runs = [{"command": f"./run_all.sh run{given}", "trials": 1}]
    study = study_results(manifest([cell(3, "mnist", "vae", 128)], seeds=1, runs=runs), {})
    assert next_steps(study, Path("out"))[0] == f"{run} continues with the 3 trials left"


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ("", "./run_all.sh run --study laptop"),
        (" --study laptop --metrics no-fid", "./run_all.sh run --study laptop"),
        (" --study laptop --seeds 1", "the same `run` with"),  # what was typed besides the study would be missing
        (" --out=elsewhere", "the same `run` with"),
    ],
)
def test_the_command_that_adds_a_metric_is_whole_or_not_given(given, run, tmp_path):
    unavailable = {"reconstruction": {"fid": "not asked for (--metrics fid)"}}
    one = record("mnist", "vae", 128, 0, "reconstruction", {"ssim": 0.5}, unavailable=unavailable)
    runs = [{"command": f"./run_all.sh run{given}", "trials": 1}]
    study = study_results(manifest([cell(3, "mnist", "vae", 128)], seeds=1, runs=runs), {one["key"]: one})
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "key.safetensors").touch()
    assert f"{run} --metrics fid   adds FID" in next_steps(study, tmp_path)


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (
            "run --seeds 1 --method-file a.py --method-file='b c.py' --out x",
            " --method-file a.py --method-file 'b c.py'",
        ),
        ("run --method-file=-a.py", " --method-file ./-a.py"),
        ("run --method-file", ""),  # edited by hand, as is the next
        ("run --method-file 'a.py", ""),
        (None, ""),
    ],
)
def test_the_next_command_has_the_method_files_of_the_last_run(command, given):
    one = record("mnist", "own", 8, 0, "classification", {"svm_accuracy": 0.5})
    runs = [{"command": command}] if command else []
    study = study_results(manifest([cell(2, "mnist", "own", 8, (0,))], seeds=1, runs=runs), {one["key"]: one})
    judge = "./run_all.sh judge out{}   audits what the paper leaves open"
    assert next_steps(study, Path("out")) == []  # without checkpoints
    Path("out/checkpoints").mkdir(parents=True)
    Path("out/checkpoints/key.safetensors").touch()
    assert next_steps(study, Path("out")) == [judge.format(given)]
    assert next_steps(study, Path("out"), method_files=[Path("c.py")]) == [judge.format(" --method-file c.py")]
    assert next_steps(study, Path("out"), audited=True) == []


@pytest.mark.parametrize(
    "name",
    ["plain", "with space", "semi;touch X", "-dash", "new\nline", "it's $HOME", "back\\slash\n'", "~"],
)
def test_a_shell_hands_a_printed_folder_to_the_command_as_it_is(name, tmp_path):
    one = record("mnist", "vae", 8, 0, "classification", {"svm_accuracy": 0.5})
    study = study_results(manifest([cell(2, "mnist", "vae", 8, (0,))], seeds=1), {one["key"]: one})
    (tmp_path / name / "checkpoints").mkdir(parents=True)
    (tmp_path / name / "checkpoints" / "key.safetensors").touch()
    [step] = next_steps(study, Path(name), method_files=[Path(name, "a.py")])
    assert step.isprintable()
    command = step.split("   ")[0].removeprefix("./run_all.sh")
    said = subprocess.run(["bash", "-c", f"printf '%s\\0'{command}"], capture_output=True, check=True).stdout
    judge, folder, flag, file = said.removesuffix(b"\0").split(b"\0")
    assert (judge, flag) == (b"judge", b"--method-file") and not folder.startswith(b"-")
    assert Path(os.fsdecode(folder)) == Path(name) and Path(os.fsdecode(file)) == Path(name, "a.py")


def test_as_many_items_as_fit_are_named_and_the_others_counted():
    assert fitted("images: ", ["MNIST", "CIFAR-10"]) == "images: MNIST; CIFAR-10"
    assert fitted("images: ", ["MNIST", "CIFAR-10", "CelebA"], width=24) == "images: MNIST; 2 more"
    assert fitted("images: ", ["a name of many letters", "b"], width=24) == "images: a name …; 1 more"


def test_drawn_images_are_told_from_real_ones():
    plain = manifest([cell(1, "mnist", "gmvae", 8)])
    assert is_drawn(study_results(plain | {"marks": {"mnist": ["procedural"]}}, {}).manifest)
    both = manifest([cell(1, "mnist", "gmvae", 8), cell(3, "celeba", "gmvae", 128)])
    assert not is_drawn(study_results(both | {"marks": {"mnist": ["procedural"]}}, {}).manifest)
    assert not is_drawn(study_results(plain | {"marks": {}}, {}).manifest)


def test_tables_prints_these_lines_alone_and_the_files_have_every_reason(tmp_path, capfd):
    out = shutil.copytree(REFERENCE / "laptop-cpu", tmp_path / "out")
    assert main(["tables", "out"]) == 3
    said = [line for line in capfd.readouterr().out.splitlines() if not re.fullmatch(r"(tables|verdicts), \d+ s", line)]
    assert len(said) <= MOST_LINES and "Tables: out/tables/tables.md" in said
    reasons = StudyResults(Store(out, print).study_manifest(), {}).manifest.unavailable
    assert reasons and all(reason[:60] in (out / "tables" / "tables.md").read_text() for reason in reasons.values())
