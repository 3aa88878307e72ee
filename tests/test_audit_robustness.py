"""Which claims flip between runs: a raised method, a lost one, and the command on folders."""

import copy
import json
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from study_samples import packed_records, study_results
from verdict_samples import laptop

from benchmark.audit import robustness as robustness_module
from benchmark.audit.flip_rates import flip_rates
from benchmark.audit.robustness import robustness
from benchmark.cli import main
from benchmark.commands import compare_weights
from benchmark.errors import UserError
from benchmark.paper.claims import CLAIMS
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.verdict.claim_states import common

LAPTOP = Path(__file__).resolve().parent.parent / "results" / "reference" / "laptop-cpu"


@pytest.fixture
def few_repeats(monkeypatch):
    """Rates of flips, whose numbers are tested in test_audit_flip_rates.py, from ten repeats rather than a hundred."""
    monkeypatch.setattr(robustness_module, "flip_rates", partial(flip_rates, repeats=10))


def changed(change) -> StudyResults:
    """The laptop study with `change` applied to every record."""
    manifest, records = copy.deepcopy(laptop())
    for record in records.values():
        change(record)
    return study_results(manifest, records)


def best_classifier(record) -> None:
    scores = record["metrics"].get("classification", {})
    if record["identity"]["method"] == "hgmvae_g" and "svm_accuracy" in scores:
        scores["svm_accuracy"] = 0.999


def test_a_method_that_becomes_the_best_flips_the_claim_that_it_is_and_no_other(few_repeats):
    found = robustness({"default": study_results(*laptop()), "other": changed(best_classifier)}).states
    assert len(found) == 2 * (2 * len(CLAIMS) - 1)  # C9 by tests alone
    flipped = found[found["flips"]]
    assert set(flipped["claim"]) == {"C4"} and set(flipped["run"]) == {"other"}
    assert flipped.set_index("by").loc["means", "state"] == "supported"
    assert flipped.set_index("by").loc["tests", "state"] == "supported"  # HGMVAE-G's accuracy has no spread any more


@pytest.mark.parametrize("method", ["gmvae", "vae"])
def test_a_missing_method_flips_nothing(few_repeats, method):
    def lost(record) -> None:
        if record["identity"]["method"] == method:
            record |= {"status": "failed", "reason": "on purpose", "metrics": {}, "timings": {}}

    found = robustness({"default": study_results(*laptop()), "other": changed(lost)})
    assert not found.states["flips"].any()
    alone = robustness({"default": study_results(*laptop())})
    lacking = sum(
        len(record["metrics"].get(protocol, {}))
        for record in laptop()[1].values()
        for protocol in ("clustering", "classification", "reconstruction")
        if record["identity"]["method"] == method
    )
    assert 0 < lacking == alone.scores - found.scores


def test_runs_that_differ_in_more_than_weights_or_share_nothing_are_refused(few_repeats):
    manifest, records = laptop()
    default = study_results(manifest, records)

    def other(**change) -> StudyResults:
        return replace(default, manifest=default.manifest.updated(**change))

    with pytest.raises(UserError, match="default and other differ in 'notes'"):
        robustness(
            {
                "default": default,
                "other": other(notes=["1 epoch"]),
            }
        )
    with pytest.raises(UserError, match="default and other differ in 'study'"):
        robustness({"default": default, "other": other(study="paper")})
    data = copy.deepcopy(manifest["data"])
    data["mnist"]["digest"] = "other images"
    with pytest.raises(UserError, match="default and other differ in 'mnist'"):
        robustness({"default": default, "other": other(data=data)})
    del data["mnist"]  # a run on fewer sets is no other study
    assert robustness({"default": default, "other": other(data=data)}).scores > 0
    with pytest.raises(UserError, match="no score in common"):
        robustness({"default": default, "other": replace(default, records={})})


def test_what_all_sides_have_is_kept_in_each_sides_numbers():
    one = {"a": {0: 1.0, 1: 2.0}, "b": {0: 3.0}, "c": {0: 4.0}}
    other = {"a": {1: 5.0, 2: 6.0}, "b": {1: 7.0}}
    third = {"a": {1: 8.0}, "b": {0: 9.0}, "c": {0: 1.0}}
    assert common(one, other, third) == ({"a": {1: 2.0}}, {"a": {1: 5.0}}, {"a": {1: 8.0}})


def keep_one_alternative(audit):
    """Leave in a packed audit one other way to score accuracies: all of them would take half a minute."""
    results = [json.loads(line) for line in audit.read_text(encoding="utf-8").splitlines()]
    for result in results:
        of_codes = result["scores"].get("classification", {})
        result["scores"] = {"classification": {name: of_codes[name] for name in ("judged", "linear") if of_codes}}
    kept = [json.dumps(result) + "\n" for result in results if result["scores"]["classification"]]
    audit.write_text("".join(kept), encoding="utf-8")


def test_the_command_shows_claims_by_weights_and_by_protocol(tmp_path, capsys):
    for name in ("one", "two"):
        shutil.copytree(LAPTOP, tmp_path / name, ignore=shutil.ignore_patterns("*.html", "tables", "verdicts"))
        keep_one_alternative(tmp_path / name / "audit.jsonl")
    for record in packed_records(tmp_path / "two").values():
        best_classifier(record)
        Store(tmp_path / "two").write_record(Record.parse(record))
    assert main(["verdict", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "robust.md").read_text()
    assert page in capsys.readouterr().out
    assert page.count("## With the weights, by ") == 2 and page.count("## With the protocol: ") == 2
    assert re.search(r"\| C4 \|.*\| refuted \| → supported \|", page)
    table = pd.read_csv(tmp_path / "page" / "robust.csv")
    assert set(table[table["flips"]]["claim"]) == {"C4"} and len(table) == 2 * (2 * len(CLAIMS) - 1)


def test_other_studies_are_refused_before_their_audits_are_evaluated(monkeypatch, capsys):
    """The audit of the laptop study takes a minute."""
    monkeypatch.setattr(compare_weights, "findings", lambda *_: pytest.fail("the audit is evaluated"))
    assert main(["verdict", str(LAPTOP), str(LAPTOP.parent / "digits-cpu")]) == 2
    assert "differ in 'study'; their weights alone may differ" in capsys.readouterr().err


def test_one_folder_twice_is_too_few_in_one_line(capsys):
    assert main(["verdict", str(LAPTOP), str(LAPTOP)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
