"""Verdicts for people: counts, what a reader must know first, reasons, shortfalls, cost, and the `verdict` command."""

import json
import re
import shutil

import pandas as pd
import pytest
from study_samples import ODD_NAME, cell, manifest, sample, study_results
from verdict_samples import LAPTOP, claims_of, every_verdict, laptop

from benchmark.cli import main
from benchmark.results.manifest import Manifest
from benchmark.tables.trial_outcomes import shortfalls_frame
from benchmark.verdict.cell_verdicts import STANDING_DEPARTURES, cell_verdicts, rank_agreements
from benchmark.verdict.verdict_page import SAME_IMAGES, VERDICT_SIGNS, caveats, counts, reasons_frame


@pytest.fixture(scope="module")
def laptop_study():
    return laptop()


def test_counts_are_those_of_the_verdicts_and_stand_beside_the_order(laptop_study):
    study = study_results(*laptop_study)
    cells, agreements = cell_verdicts(study), rank_agreements(study)
    rows = counts(cells, agreements)
    assert [row["name"] for row in rows] == [
        *(f"Table {n}" for n in range(1, 6)),
        "All as printed",
        "All, repeats once",
    ]
    assert [row["total"] for row in rows] == [63, 16, 128, 105, 80, 392, 288]
    for row, (_, part) in zip(rows, cells.groupby("table"), strict=False):
        assert [row[verdict] for verdict in VERDICT_SIGNS] == [(part["verdict"] == v).sum() for v in VERDICT_SIGNS]
    for row, found in zip(rows, agreements.itertuples(), strict=False):
        interval = f"{found.tau:.2f} [{found.low:.2f}, {found.high:.2f}]"
        assert row["order"] == f"{interval}, {found.rankings} of {found.of} rankings"
    assert rows[5]["order"] == ""


def test_order_with_one_seed_has_no_interval_and_without_rivals_there_is_none():
    study, records = sample()
    for one in study["cells"]:
        one["keys"] = {seed: key for seed, key in one["keys"].items() if seed == "0"}
    made = study_results(study | {"marks": {}}, records)
    orders = [row["order"] for row in counts(cell_verdicts(made), rank_agreements(made))]
    assert re.fullmatch(r"-?[01]\.\d\d, \d+ of 21 rankings", orders[0])
    assert orders[1] == "no ranking"


def test_the_face_of_studies():
    study, records = every_verdict()
    made = study_results(study, records)
    cells, claims = cell_verdicts(made), claims_of(made)
    alone = "The claims' states are about this study alone."
    void = "Therefore 1 of the paper's 392 numbers are not comparable: ours neither reproduce nor contradict them, "
    assert caveats(made.manifest, cells, claims) == [
        "CIFAR-10: a subset of the images.",
        f"{void}whatever they are.",
        alone,
        SAME_IMAGES,
        *STANDING_DEPARTURES,
    ]
    whole = study_results(study | {"marks": {}}, records)
    assert caveats(whole.manifest, cell_verdicts(whole), claims_of(whole)) == [SAME_IMAGES, *STANDING_DEPARTURES]
    as_exact = cells.assign(if_exact=cells["if_exact"].replace("reproduced", "undecided"))
    number = (cells["verdict"] == "reproduced").sum()
    of = number + (cells["verdict"] == "contradicted").sum()
    rest = f"{number} of {of} verdicts rest on the assumption that the paper's mean varies as ours would."
    assert caveats(made.manifest, as_exact, claims)[3] == rest
    void = caveats(Manifest.parse(study | {"marks": {"cifar10": ["unverified"]}}), cells, claims)[0]
    assert (
        void == "CIFAR-10: not shown to be the published images, because no known digest or published checksum matched."
    )
    drawn = study | {
        "marks": {"mnist": ["procedural"], "cifar10": ["procedural"]},
        "seeds": 1,
        "weight_set": "published",
    }
    said = caveats(Manifest.parse(drawn), cells, claims)
    assert said == ["Drawn images in place of MNIST, CIFAR-10: numbers say nothing about the methods."]
    few = Manifest.parse(study | {"seeds": 1, "weight_set": "published"})
    assert caveats(few, cells, claims)[1:3] == [
        "1 seed, the paper has 10: too few to call a number reproduced.",
        "Loss weights: published.",
    ]


def test_each_reason_is_given_once_with_its_count(laptop_study):
    study = study_results(*laptop_study)
    reasons = reasons_frame(study.manifest, cell_verdicts(study))
    assert reasons["reason"].is_unique and reasons["numbers"].sum() == 392
    by_reason = reasons.set_index("reason")
    assert tuple(by_reason.loc["the study does not have this cell"]) == (
        "– not run",
        96,
        "Table 1 MNIST, Table 4 MNIST",
    )
    subset = reasons[reasons["reason"].str.endswith("batches of 32; data: subset")]
    assert (subset["verdict"].item(), subset["where"].item()) == ("≠ not comparable", "Table 3 CelebA, Table 5 CelebA")
    assert "seed" not in " ".join(reasons.loc[reasons["verdict"] == "≠ not comparable", "reason"])


def test_shortfalls_are_one_line_a_reason():
    frame = shortfalls_frame(study_results(*sample())).set_index("how")
    assert frame["trials"].to_dict() == {
        "not run": 5,
        "failed": 3,
        "metric unavailable": 3,
        "diverged": 1,
        "weights unavailable": 12,
        "no data": 9,
    }
    assert tuple(frame.loc["diverged"]) == ("loss not finite at step 17", 1, "MNIST", "HGMVAE-G", "8", "all")
    assert frame.loc["failed", "reason"] == "out of memory at 50%"
    assert frame.loc["metric unavailable", ["reason", "scores"]].tolist() == ["the latent is constant", "SC"]
    fid = frame.loc["weights unavailable"]
    assert (fid["reason"], fid["scores"]) == ("weights-inception_v3.pth", "FID")
    assert fid["data sets"] == f"{ODD_NAME}, CelebA"


def test_a_trial_that_two_tables_share_falls_short_once():
    study = manifest([cell(table, "mnist", "gmvae", 8) for table in (1, 4)])
    [row] = shortfalls_frame(study_results(study, {})).itertuples(index=False, name=None)
    assert row == ("not run", "", 3, "MNIST", "GMVAE", "8", "all")
    assert shortfalls_frame(study_results(manifest([]), {})).empty


def test_the_verdict_command_writes_csv_and_prints_markdown(tmp_path, capsys):
    folder = tmp_path / "out"
    shutil.copytree(LAPTOP, folder)
    assert main(["verdict", str(folder), "--format", "md"]) == 0
    out = capsys.readouterr().out
    frames = {path.stem: pd.read_csv(path) for path in (folder / "verdicts").glob("*.csv")}
    sizes = {"numbers": 392, "claims": 9, "claim_parts": 24, "summary": 12, "agreements": 5, "contests": 372}
    assert {name: len(frame) for name, frame in frames.items()} == sizes
    assert frames["numbers"]["reason"].notna().all()
    assert out.startswith("### Study laptop, weight set default, 3 seeds\n") and "Written" not in out
    widths = [len(re.findall(r"(?<!\\)\|", line)) - 1 for line in out.splitlines() if line.startswith("|")]
    assert set(widths[:9]) == {9} and set(widths[-11:]) == {3} and len([w for w in widths if w == 3]) == 11
    assert "| – not run | 96 | the study does not have this cell | Table 1 MNIST, Table 4 MNIST |" in out
    assert main(["verdict", str(folder)]) == 0
    decided = "Decided: 0 of the paper's 392 numbers, 2 of its 9 claims (for this study alone)"
    answer = f"{decided}\nWhy not more: 166 not comparable (reduced); "
    assert capsys.readouterr().out == f"{out}{answer}226 not run; 3 of 10 seeds\nWritten: {folder}/verdicts\n"


@pytest.mark.parametrize("command", ["verdict", "report"])
def test_bad_use_is_one_line(command, tmp_path, capsys):
    assert main([command, str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error == f"benchmark: {tmp_path}: has no manifest.json; give a results folder made by `run`\n"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "manifest.json").write_text(json.dumps(manifest([cell(1, "mnist", "gmvae", 8)])))
    (tmp_path / "verdicts").write_text("a file in the way")
    assert main(["verdict", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "numbers.csv: could not be written" in error and len(error.splitlines()) == 1
