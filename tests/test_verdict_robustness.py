"""Which claims flip between runs: a raised method, a lost one, and the command on folders."""

import copy
import shutil
from pathlib import Path

import pandas as pd
from verdict_samples import laptop

from benchmark.cli import main
from benchmark.verdict.claims import CLAIMS
from benchmark.verdict.robustness import robustness
from benchmark.verdict.standing import common

LAPTOP = Path(__file__).resolve().parent.parent / "results" / "reference" / "laptop-cpu"


def changed(change) -> tuple[dict, dict]:
    """The laptop study with `change` applied to every record."""
    manifest, records = copy.deepcopy(laptop())
    for record in records.values():
        change(record)
    return manifest, records


def best_classifier(record) -> None:
    scores = record["metrics"].get("classification", {})
    if record["identity"]["method"] == "hgmvae_g" and "svm_accuracy" in scores:
        scores["svm_accuracy"] = 0.999


def lost(record) -> None:
    if record["identity"]["method"] == "gmvae":
        record |= {"status": "failed", "reason": "on purpose", "metrics": {}}


def test_a_method_that_becomes_the_best_flips_the_claim_that_it_is_and_no_other():
    found = robustness({"default": laptop(), "other": changed(best_classifier)})
    assert len(found) == 2 * 2 * len(CLAIMS)
    flipped = found[found["flips"]]
    assert set(flipped["claim"]) == {"C4"} and set(flipped["run"]) == {"other"}
    assert flipped.set_index("by").loc["means", "state"] == "supported"


def test_a_missing_method_flips_nothing():
    found = robustness({"default": laptop(), "other": changed(lost)})
    assert not found["flips"].any()
    alone = robustness({"default": laptop()})
    both = found[found["run"] == "default"].reset_index(drop=True)
    assert not both["state"].equals(alone["state"])  # judged without it in the first run, too


def test_what_all_sides_have_is_kept_in_each_sides_numbers():
    one = {"a": {0: 1.0, 1: 2.0}, "b": {0: 3.0}, "c": {0: 4.0}}
    other = {"a": {1: 5.0, 2: 6.0}, "b": {1: 7.0}}
    third = {"a": {1: 8.0}, "b": {0: 9.0}, "c": {0: 1.0}}
    assert common(one, other, third) == ({"a": {1: 2.0}}, {"a": {1: 5.0}}, {"a": {1: 8.0}})


def test_the_command_shows_claims_by_weights_and_by_protocol(tmp_path, capsys):
    for name in ("one", "two"):
        shutil.copytree(LAPTOP, tmp_path / name, ignore=shutil.ignore_patterns("*.html", "tables", "verdicts"))
    assert main(["robust", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "robust.md").read_text()
    assert page in capsys.readouterr().out
    assert page.count("## With the weights, by ") == 2 and page.count("## With the protocol: ") == 2
    assert all(f"| {claim.name} | " in page for claim in CLAIMS)
    table = pd.read_csv(tmp_path / "page" / "robust.csv")
    assert not table["flips"].any() and len(table) == 4 * len(CLAIMS)


def test_one_folder_is_too_few_in_one_line(capsys):
    assert main(["robust", str(LAPTOP)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
