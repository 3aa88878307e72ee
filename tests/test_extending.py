"""What the README says of adding a method is so: done in a copy of the checkout, with no edit of the tests."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from benchmark.files import REPOSITORY


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the checkout in which examples/plain_autoencoder.py has been added as it says itself."""
    copy = tmp_path_factory.mktemp("extended")
    for folder in ("benchmark", "models", "baselines", "tests", "examples"):
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "results" / "paper", copy / "results" / "paper")
    shutil.copytree(
        REPOSITORY / "results" / "reference" / "calibration", copy / "results" / "reference" / "calibration"
    )
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    shutil.copy(copy / "examples" / "plain_autoencoder.py", copy / "baselines")
    said = (copy / "examples" / "plain_autoencoder.py").read_text(encoding="utf-8")
    lines = (
        said.split("register it in benchmark/methods/registry.py:\n\n")[1].split("\n\n`./run_all.sh")[0].splitlines()
    )
    importing, registering = "\n".join(line[4:] for line in lines).split("...\n")
    registry = copy / "benchmark" / "methods" / "registry.py"
    text = registry.read_text(encoding="utf-8").replace("from baselines.swae", f"{importing}from baselines.swae", 1)
    registry.write_text(
        text.replace("\n\ndef build_model(", f"\n{registering}\n\ndef build_model(", 1), encoding="utf-8"
    )
    return copy


def python(folder, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def test_a_method_that_was_added_keeps_the_contract_of_all(extended):
    done = python(extended, "-m", "pytest", "tests/test_methods_contract.py", "-k", "plain_ae")
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 10


def test_a_method_without_a_card_has_one_that_says_so(extended):
    done = python(extended, "-m", "benchmark", "methods", "plain_ae")
    assert done.returncode == 0, done.stderr
    assert "this method has no card in benchmark/methods/cards.py yet" in done.stdout
    assert "| `weight` | 1.0 | not stated |" in done.stdout


@pytest.mark.slow
def test_a_method_that_was_added_is_trained_and_joins_the_tables_and_the_report(extended, tmp_path):
    asked = ("--study", "smoke", "--seeds", "1", "--only", "method=plain_ae,dataset=mnist", "--out", str(tmp_path))
    done = python(extended, "-m", "benchmark", "run", *asked)
    assert (done.returncode == 3 and "weights unavailable" in done.stdout) or done.returncode == 0, done.stdout
    seeds = pd.read_csv(tmp_path / "tables" / "table2_seeds.csv")
    [accuracy] = seeds[seeds["method"] == "plain_ae"]["value"]
    assert 0 <= accuracy <= 1
    assert python(extended, "-m", "benchmark", "report", str(tmp_path)).returncode == 0
    assert "Plain AE" in (tmp_path / "report.html").read_text(encoding="utf-8")
