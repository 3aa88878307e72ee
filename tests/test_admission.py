"""For which metrics trials in bfloat16 count as those in float32: pairs, the rule, and what verdicts are told."""

import dataclasses
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from study_samples import cell, manifest, parsed, record
from tiny_study import TINY, tiny_grid
from verdict_samples import REFERENCE, claims_of

from benchmark.admission import committed_admission
from benchmark.admission.admission_page import admission_frame, render_admission
from benchmark.admission.admission_rule import MARGIN, AdmissionState, decide, pairs_needed
from benchmark.admission.committed_admission import admission_of, precision_notes
from benchmark.admission.paired_differences import PairOutcome, paired_differences
from benchmark.cli import main
from benchmark.commands.chosen_study import study_with_options
from benchmark.commands.closing_lines import closing_lines
from benchmark.errors import UserError
from benchmark.execution.packs import packs_of
from benchmark.files import REPOSITORY
from benchmark.metrics import METRICS
from benchmark.paper.tables import paper_numbers
from benchmark.results.csv_text import csv_text
from benchmark.results.manifest import Manifest
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.statistics import Tolerance
from benchmark.studies.named_studies import STUDIES
from benchmark.training.training_settings import TrainingSettings
from benchmark.verdict.cell_verdicts import PRINTED_TOLERANCES, cell_verdicts, departures, rank_agreements
from benchmark.verdict.claim_judging import judge_runs
from benchmark.verdict.verdict_page import verdicts_text

METHODS, DIMS, SEEDS = ("vae", "gmvae", "swae", "hgmvae_g"), (8, 128), range(5)
CONFIGURATIONS = [*itertools.product(METHODS, DIMS)]
TRAINING, IN_BFLOAT16 = TrainingSettings().plain(), TrainingSettings(precision="bfloat16").plain()
TOLERANCE = PRINTED_TOLERANCES["svm_accuracy"].amount
ACCURACY = 0.95


def pairs_study(differences, failed=(), seeds=SEEDS, tables=(2,), protocol="classification", metric="svm_accuracy"):
    """A study of one metric: (method, d, seed) -> a pair's difference, in tolerances of accuracy; None: one is not run.

    `failed` has (method, d, seed, "float32" or "bfloat16") of trials that diverged.
    """
    cells, own, paired = [], [], []
    for method, dim in CONFIGURATIONS:
        keys = {str(seed): f"low-{method}-{dim}-{seed}" for seed in seeds}
        cells += [cell(table, "mnist", method, dim, seeds) | {"paired_keys": keys} for table in tables]
        for seed in seeds:
            moved = differences[method, dim, seed]
            scores = {"float32": ACCURACY, "bfloat16": None if moved is None else ACCURACY + moved * TOLERANCE}
            for precision, score in scores.items():
                if score is None:
                    continue
                bad = {"status": "diverged", "reason": "loss not finite at step 17", "metrics": {}}
                more = bad if (method, dim, seed, precision) in failed else {}
                one = record("mnist", method, dim, seed, protocol, {metric: score}) | more
                if precision == "float32":
                    own.append(one)
                else:
                    paired.append(one | {"key": keys[str(seed)]})
    basis = {"device": "cpu", "training": TRAINING}
    plain = manifest(cells, study="admission", seeds=len(seeds), notes=[], basis=basis, paired_training=IN_BFLOAT16)
    whole = Manifest.parse(plain)
    other = StudyResults(whole.of_pairs(), parsed({one["key"]: one for one in paired}))
    return StudyResults(whole, parsed({one["key"]: one for one in own}), other)


def noise(spread, mean=0.0, between=0.0, seed=0, seeds=SEEDS):
    """Differences of every pair: a mean, deviations of configurations that sum to zero, and noise that does in each."""
    stream = np.random.default_rng(seed)
    found = {}
    for number, (method, dim) in enumerate(CONFIGURATIONS):
        own = stream.standard_normal(len(seeds))
        own = (own - own.mean()) / own.std(ddof=1) * spread
        for one, moved in zip(seeds, own, strict=True):
            found[method, dim, one] = mean + between * (-1) ** number + moved
    return found


def decision(study):
    [found] = decide(paired_differences(study, PRINTED_TOLERANCES))
    return found


# The pairs ---------------------------------------------------------------------------------------------------


def test_a_difference_is_the_second_precision_minus_the_first_in_tolerances():
    wanted = noise(0.3, 0.1)
    pairs = paired_differences(pairs_study(wanted), PRINTED_TOLERANCES)
    assert len(pairs) == 40 and set(pairs["outcome"]) == {PairOutcome.BOTH}
    for row in pairs.itertuples():
        assert row.difference == pytest.approx(wanted[row.method, row.latent_dim, row.seed], abs=1e-9)


def test_a_relative_tolerance_is_a_share_of_the_configurations_mean_in_float32():
    study = pairs_study({(method, dim, seed): 1.0 for method, dim in CONFIGURATIONS for seed in SEEDS})
    pairs = paired_differences(study, {"svm_accuracy": Tolerance(0.1, relative=True)})
    assert pairs["difference"].tolist() == pytest.approx([TOLERANCE / (0.1 * ACCURACY)] * 40)


def test_a_relative_tolerance_is_of_each_configurations_own_mean():
    def halved(records):
        half = {"classification": {"svm_accuracy": ACCURACY / 2}}
        return {
            key: one.updated(metrics=half) if one.identity.latent_dim == 128 else one for key, one in records.items()
        }

    study = pairs_study(dict.fromkeys(noise(0.1), 0.0))
    moved = pairs_study(dict.fromkeys(noise(0.1), 1.0)).paired
    study = StudyResults(study.manifest, halved(study.records), moved)
    pairs = paired_differences(study, {"svm_accuracy": Tolerance(0.1, relative=True)}).set_index("latent_dim")
    assert pairs.loc[8, "difference"].tolist() == pytest.approx([TOLERANCE / (0.1 * ACCURACY)] * 20)
    assert pairs.loc[128, "difference"].tolist() == pytest.approx([(ACCURACY / 2 + TOLERANCE) / (0.05 * ACCURACY)] * 20)


def test_a_metric_of_two_tables_counts_once():
    once, twice = (
        paired_differences(
            pairs_study(noise(0.1), tables=tables, protocol="reconstruction", metric="ssim"), PRINTED_TOLERANCES
        )
        for tables in ((3,), (3, 5))
    )
    assert once["difference"].notna().sum() == 40
    pd.testing.assert_frame_equal(once, twice)


# The rule ----------------------------------------------------------------------------------------------------


def test_a_small_difference_with_little_noise_is_admitted():
    found = decision(pairs_study(noise(0.2, 0.05, between=0.1)))
    assert found.state is AdmissionState.ADMITTED and found.pairs == found.asked == 40
    # By hand: the configurations' means are 0.05 plus and minus 0.1, their standard deviation 0.1 sqrt(8/7), and t of 7
    # degrees of freedom 2.36462.
    half = 2.36462 * 0.1 * np.sqrt(8 / 7) / np.sqrt(8)
    assert found.mean == pytest.approx(0.05)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.05 - half, 0.05 + half), abs=1e-5)
    assert found.spread == pytest.approx(0.2) and found.largest == pytest.approx(0.15)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_of_half_a_tolerance_is_not_admitted_whichever_way(sign):
    found = decision(pairs_study(noise(0.2, sign * 0.5, between=0.05)))
    assert found.state is AdmissionState.NOT_ADMITTED and "the whole interval is beyond 0.25" in found.reason


def test_noise_alone_is_not_admitted_and_says_how_many_pairs_would_be():
    found = decision(pairs_study(noise(1.5, 0.0, between=0.5)))
    assert found.state is AdmissionState.NOT_ADMITTED
    assert f"about {pairs_needed(1.5, 8)} pairs" in found.reason


def test_as_many_pairs_as_it_says_admit_four_studies_in_five_where_there_is_no_difference():
    spread, studies = 1.0, 4_000
    pairs = pairs_needed(spread, len(CONFIGURATIONS))
    means = np.random.default_rng(2).normal(
        0, spread / np.sqrt(pairs / len(CONFIGURATIONS)), (studies, len(CONFIGURATIONS))
    )
    half = stats.t.ppf(0.975, len(CONFIGURATIONS) - 1) * means.std(1, ddof=1) / np.sqrt(len(CONFIGURATIONS))
    assert np.mean(np.abs(means.mean(1)) + half <= MARGIN) == pytest.approx(0.8, abs=0.03)


def test_methods_that_the_precision_moves_apart_are_not_admitted_though_all_pairs_say_so_on_average():
    found = decision(pairs_study(noise(0.05, 0.0, between=0.6)))
    assert found.mean == pytest.approx(0, abs=1e-9) and found.over_pairs.within(MARGIN)
    assert found.state is AdmissionState.NOT_ADMITTED and not found.interval.within(MARGIN)
    assert abs(found.largest) == pytest.approx(0.6)


def test_a_part_of_the_pairs_decides_nothing_however_alike_they_are():
    zero = {(method, dim, seed): 0.0 for method, dim in CONFIGURATIONS for seed in range(2)}
    last = max(zero, key=lambda place: place[2])  # seed by seed, as the study runs
    found = decision(pairs_study(zero | {last: None}, seeds=range(2)))
    assert (found.state, found.pairs, found.asked) == (AdmissionState.NOT_DECIDED, 15, 16)
    assert found.reason == "15 of 16 pairs are measured; the decision needs all of them"
    assert decision(pairs_study(zero, seeds=range(2))).state is AdmissionState.ADMITTED


def test_a_part_of_the_methods_decides_nothing():
    alike = dict.fromkeys(noise(0.1), 0.0)
    fails = {(*place, precision) for place in alike if place[0] == "hgmvae_g" for precision in ("float32", "bfloat16")}
    found = decision(pairs_study(alike, failed=fails))
    assert found.state is AdmissionState.NOT_DECIDED and "6 of 8 configurations" in found.reason


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_trial_that_fails_in_one_precision_is_a_difference_and_never_dropped(precision):
    alike = dict.fromkeys(noise(0.1), 0.0)
    found = decision(pairs_study(alike, failed={("vae", 8, 3, precision)}))
    assert (found.state, found.one_alone, found.pairs) == (AdmissionState.NOT_ADMITTED, 1, 39)
    assert found.interval.within(MARGIN) and "only one trial has a value in 1 pair" in found.reason


def test_a_trial_that_fails_in_both_precisions_is_no_difference_and_is_counted():
    alike = dict.fromkeys(noise(0.1), 0.0)
    both = {("vae", 8, 3, precision) for precision in ("float32", "bfloat16")}
    found = decision(pairs_study(alike, failed=both))
    assert (found.state, found.neither, found.pairs) == (AdmissionState.ADMITTED, 1, 39)


def test_a_configuration_counts_once_in_the_mean_however_few_its_pairs_are():
    moved = {place: 0.2 if place[:2] == ("vae", 8) else 0.0 for place in noise(0.1)}
    fails = {("vae", 8, seed, precision) for seed in range(4) for precision in ("float32", "bfloat16")}
    found = decision(pairs_study(moved, failed=fails))
    assert found.pairs == 36 and found.mean == pytest.approx(0.2 / len(CONFIGURATIONS))  # over pairs 0.2 / 36


def test_a_partner_that_has_not_run_is_no_failure():
    study = pairs_study(dict.fromkeys(noise(0.1), 0.0) | {("vae", 8, 3): None})
    pairs = paired_differences(study, PRINTED_TOLERANCES)
    assert pairs["outcome"].value_counts().to_dict() == {PairOutcome.BOTH: 39, PairOutcome.NOT_MEASURED: 1}
    found = decision(study)
    assert (found.state, found.one_alone, found.pairs) == (AdmissionState.NOT_DECIDED, 0, 39)


def test_at_a_true_difference_of_the_margin_one_in_forty_is_admitted_even_where_methods_differ():
    """The chance of admitting wrongly is largest there, 2.5 %; an interval over pairs would admit more often."""
    stream = np.random.default_rng(1)
    draws, admitted, over_pairs = 1_000, 0, 0
    for _ in range(draws):
        apart = stream.normal(MARGIN, 0.2, len(CONFIGURATIONS))
        rows = [
            ("mnist", method, dim, seed, "svm_accuracy", mean + stream.normal(0, 0.1), PairOutcome.BOTH)
            for (method, dim), mean in zip(CONFIGURATIONS, apart, strict=True)
            for seed in SEEDS
        ]
        names = ["dataset", "method", "latent_dim", "seed", "metric", "difference", "outcome"]
        [found] = decide(pd.DataFrame(rows, columns=names))
        admitted += found.state is AdmissionState.ADMITTED
        over_pairs += found.over_pairs.within(MARGIN)
    assert admitted / draws < 0.04 < over_pairs / draws  # three standard errors above 2.5 %


# The study ---------------------------------------------------------------------------------------------------

PAIRED_TINY = dataclasses.replace(TINY, name="paired", paired_precision="bfloat16")


def test_the_study_trains_the_papers_size_in_both_precisions():
    study = STUDIES["admission"]
    assert study.training == TrainingSettings() and study.in_paired_precision.training.precision == "bfloat16"
    assert {(one.method, one.latent_dim) for one in study.cells()} == set(CONFIGURATIONS)
    assert all(note == "5 of 10 seeds" or " without d = " in note for note in study.notes())
    with pytest.raises(UserError, match="study admission trains every trial in float32 and in bfloat16; leave --prec"):
        study_with_options(study, "bfloat16", None)


def test_pairs_come_seed_by_seed_with_both_precisions_of_a_method_together(tmp_path):
    grid = tiny_grid(tmp_path, PAIRED_TINY)
    trials = grid.trials()
    wanted = [
        (method, seed, precision)
        for seed in range(2)
        for method in ("gmvae", "vae")
        for precision in ("float32", "bfloat16")
    ]
    assert [(one.method, one.seed, one.training.precision) for one in trials] == wanted
    packs = packs_of(trials, trials, 1)
    assert [pack.trials[0].key for pack in packs] == [one.key for one in trials]
    assert str(packs[1]) == "mnist gmvae d=2 bfloat16 seed=0"
    whole = packs_of(trials, trials, None)
    assert [len({one.training.precision for one in pack.trials}) for pack in whole] == [1] * 4
    # Each is the very trial that the same study without pairs has in its precision.
    for precision in ("float32", "bfloat16"):
        training = dataclasses.replace(TINY.training, precision=precision)
        alone = tiny_grid(tmp_path, dataclasses.replace(TINY, training=training)).trials()
        assert {one.key for one in alone} == {one.key for one in trials if one.training.precision == precision}


def test_the_trials_that_are_expected_without_data_are_both_of_a_pair(tmp_path):
    expected = tiny_grid(tmp_path, STUDIES["admission"]).expected_trials()
    assert len(expected) == 80 and sum(one.training.precision == "bfloat16" for one in expected) == 40


def test_the_tables_are_of_float32_alone_and_the_summary_of_all(tmp_path):
    grid = tiny_grid(tmp_path, PAIRED_TINY)
    written = Manifest.parse(json.loads(json.dumps(grid.manifest().plain)))
    assert (written.precision, written.of_pairs().precision) == ("float32", "bfloat16")
    assert {*written.trial_keys(), *written.of_pairs().trial_keys()} == {one.key for one in grid.trials()}
    assert written.of_pairs().of_pairs() is None and tiny_grid(tmp_path).manifest().of_pairs() is None
    study = pairs_study(noise(0.1) | {("vae", 8, 0): None}, failed={("swae", 8, 1, "bfloat16")})
    assert {row.value for row in study.frame.itertuples()} == {ACCURACY}
    assert dataclasses.astuple(study.summary) == (78, 1, 0, 1, 0)


def test_a_run_ends_with_failures_of_both_precisions_and_the_command_that_decides(tmp_path):
    study = pairs_study(noise(0.1), failed={("vae", 8, 0, "float32"), ("gmvae", 8, 1, "bfloat16")})
    said = closing_lines(study, None, tmp_path)
    assert "78 trials ok, 2 diverged, 0 failed, 0 not run" in said
    assert any("vae d=8 seed=0: diverged" in line for line in said)
    assert any("gmvae d=8 seed=1: diverged" in line for line in said)
    assert any(f"admission {tmp_path}   decides on bfloat16 metric by metric" in line for line in said)


@pytest.mark.slow
def test_a_study_of_pairs_runs_in_rounds_and_is_decided_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(STUDIES, "admission", dataclasses.replace(PAIRED_TINY, name="admission", seeds=1))
    out = tmp_path / "out"
    run = ["run", "--study", "admission", "--device", "cpu", "--jobs", "1", "--no-report", "--data-dir", str(tmp_path)]
    run += ["--out", str(out)]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    warning = "bfloat16: this processor has no instructions for it"
    assert main([*run, "--only", "table=2"]) == 0 and capsys.readouterr().out.count(warning) == 1
    assert main(run) == 0 and capsys.readouterr().out.count(warning) == 1
    assert main(run) == 0 and warning not in capsys.readouterr().out
    study = Store(out, look_only=True).read_study()
    assert dataclasses.astuple(study.summary) == (4, 0, 0, 0, 0) and [one.trials for one in study.manifest.runs] == [
        2,
        2,
    ]
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    assert capsys.readouterr().out.count(", bfloat16") == 2
    assert main(["admission", str(out)]) == 0
    assert "Not decided: SC, CH, DB, SVM" in capsys.readouterr().out
    pairs, decisions = pd.read_csv(out / "pairs.csv"), pd.read_csv(out / "admission.csv")
    assert len(pairs) == 3 + 1 and set(pairs["outcome"]) == {"both have a value"}
    assert (pairs["value"] != pairs["paired_value"]).any()
    assert set(decisions["state"]) == {"not decided"} and set(decisions["precision"]) == {"bfloat16"}


def test_a_folder_without_pairs_has_nothing_to_decide(capsys):
    assert main(["admission", str(REFERENCE / "validation-mnist")]) == 2
    assert "study validation has no pairs of trials" in capsys.readouterr().err


def test_the_page_names_states_failures_and_what_is_not_measured():
    alike = dict.fromkeys(noise(0.1), 0.0) | {("gmvae", 8, 2): None}
    study = pairs_study(alike, failed={("vae", 8, 3, "bfloat16")})
    study = dataclasses.replace(study, manifest=study.manifest.updated(notes=["3 of 10 epochs", "2 of *4* seeds"]))
    pairs = paired_differences(study, PRINTED_TOLERANCES)
    page = render_admission(study, pairs, decide(pairs))
    heading = "# Is bfloat16 equivalent to float32? Study admission, 40 pairs\n"
    assert page.startswith(heading)
    assert render_admission(study, pd.concat([pairs, pairs.assign(metric="ssim")]), []).startswith(heading)
    assert "Admitted: none. Not admitted: SVM" in page and "38 of 40" in page
    assert "\n\n3 of 10 epochs\n\n2 of \\*4\\* seeds\n\n" in page
    _, missing = page.split("## Pairs without two values\n\n")
    assert missing.partition("\n\n")[0].splitlines() == [
        "- one alone has a value (SVM accuracy): vae d=8 seed=3: loss not finite at step 17",
        "- not measured on both sides yet (SVM accuracy): 1 pair",
    ]


# What verdicts are told --------------------------------------------------------------------------------------


def in_bfloat16(**more):
    basis = {"device": "cpu", "training": IN_BFLOAT16} | more
    return Manifest.parse(manifest([], seeds=10, notes=["trained in bfloat16"], basis=basis))


@pytest.fixture
def commit(tmp_path, monkeypatch):
    """Make decisions the committed ones, given as metric=state."""

    def committed(**states):
        study = pairs_study(noise(0.1))
        found = [dataclasses.replace(decision(study), metric=metric, state=state) for metric, state in states.items()]
        file = tmp_path / f"{'-'.join(states.values())}.csv"
        file.write_text(csv_text(admission_frame(study, found)))
        monkeypatch.setattr(committed_admission, "_FILE", file)

    return committed


def test_an_admitted_precision_is_no_departure_and_is_said_beside_the_number(commit):
    commit(ssim=AdmissionState.ADMITTED, svm_accuracy=AdmissionState.NOT_ADMITTED)
    whole = in_bfloat16()
    assert departures(whole, "mnist", "reconstruction", "ssim") == ()
    [said] = precision_notes(whole, ["ssim"]).admitted
    assert said == "trained in bfloat16: admitted for SSIM (docs/precision.md)"
    [departure] = departures(whole, "mnist", "classification", "svm_accuracy")
    assert departure.startswith("trained in bfloat16: not admitted for SVM") and "the interval is within" in departure
    [unknown] = departures(whole, "mnist", "clustering", "silhouette")
    assert unknown.startswith("trained in bfloat16: not decided for SC (it is not in results/reference/admission/")


def test_an_admission_holds_for_its_revision_and_kind_of_device_alone(commit):
    commit(ssim=AdmissionState.ADMITTED)
    assert admission_of(in_bfloat16(), "ssim")[0] is AdmissionState.ADMITTED
    for other, named in (
        ({"device": "cuda"}, "device"),
        ({"training": IN_BFLOAT16 | {"precision_revision": 99}}, "precision revision"),
        ({"training": IN_BFLOAT16 | {"revision": 99}}, "revision"),
        ({"training": TrainingSettings(precision="tf32").plain()}, "precision"),
    ):
        state, reason = admission_of(in_bfloat16(**other), "ssim")
        assert state is AdmissionState.NOT_DECIDED and f"is for another {named}" in reason


def test_what_else_a_study_reduced_stays_a_departure_beside_an_admitted_precision(commit):
    commit(ssim=AdmissionState.ADMITTED)
    reduced = in_bfloat16().updated(notes=["trained in bfloat16", "2 of 10 epochs"])
    assert departures(reduced, "mnist", "reconstruction", "ssim") == ("2 of 10 epochs",)


def test_without_a_committed_study_nothing_is_admitted(tmp_path, monkeypatch):
    monkeypatch.setattr(committed_admission, "_FILE", tmp_path / "none.csv")
    state, reason = admission_of(in_bfloat16(), "ssim")
    assert state is AdmissionState.NOT_DECIDED and "it is not in results/reference/admission" in reason


@pytest.mark.parametrize(
    "text", ["metric,state\nssim,admitted\n", "metric,state,reason\nssim,perhaps,so\n", "\x00", "a\n1\n"]
)
def test_a_file_that_is_none_of_the_command_is_a_user_error(tmp_path, monkeypatch, text):
    file = tmp_path / "admission.csv"
    file.write_text(text)
    monkeypatch.setattr(committed_admission, "_FILE", file)
    with pytest.raises(UserError, match=r"reference/admission/admission.csv: is not a file written by `admission`"):
        admission_of(in_bfloat16(), "ssim")


def test_numbers_and_claims_of_an_admitted_precision_are_judged_as_the_papers(commit):
    """Ten seeds of the paper's SSIM of VAE on MNIST are reproduced in an admitted bfloat16, too."""
    printed = paper_numbers().query("table == 3 and dataset == 'mnist' and metric == 'ssim' and method == 'vae'")
    [value] = printed["value"]
    runs = [record("mnist", "vae", 128, s, "reconstruction", {"ssim": value, "ms_ssim": 0.5}) for s in range(10)]
    plain = in_bfloat16().plain | {"cells": [cell(3, "mnist", "vae", 128, range(10))]}
    study = StudyResults(Manifest.parse(plain), parsed({one["key"]: one for one in runs}))

    def judged():
        rows = cell_verdicts(study).dropna(subset="mean").set_index("metric")
        return rows["verdict"].to_dict(), rows["reason"].to_dict()

    commit(ssim=AdmissionState.ADMITTED)
    verdicts, reasons = judged()
    assert verdicts == {"ssim": "reproduced", "ms_ssim": "not comparable"}
    assert "trained in bfloat16: admitted for SSIM (docs/precision.md)" in reasons["ssim"]
    assert "trained in bfloat16: not decided for MS-SSIM" in reasons["ms_ssim"]
    [fifth] = [one for one in judge_runs(study) if one.claim.name == "C5"]
    assert "not decided for FID, MS-SSIM, LPIPS" in fifth.reduced and "admitted for SSIM" in fifth.reason
    page = verdicts_text(study.manifest, cell_verdicts(study), rank_agreements(study), claims_of(study))
    assert "Trained in bfloat16: admitted for SSIM" in page and "not decided for MS-SSIM" in page
    commit(ssim=AdmissionState.NOT_ADMITTED)
    assert judged()[0] == {"ssim": "not comparable", "ms_ssim": "not comparable"}


# docs/precision.md -------------------------------------------------------------------------------------------

PAGE = (REPOSITORY / committed_admission.SEE).read_text(encoding="utf-8")


def test_the_docs_say_what_is_admitted():
    file = REPOSITORY / committed_admission.RESULT
    if not file.is_file():
        assert "No study of pairs is committed yet" in PAGE
        return
    for row in pd.read_csv(file).itertuples():
        assert f"| {METRICS[row.metric].label} | {row.state} |" in PAGE


def test_the_docs_have_the_rules_numbers_and_the_chances_of_admission():
    assert MARGIN == 0.25 and "within a quarter of the tolerance" in PAGE
    stream = np.random.default_rng(3)
    rows = re.findall(r"^\| (0\.\d|1\.0) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 6
    for spread, *chances in rows:
        for pairs, chance in zip((40, 80, 160), chances, strict=True):
            means = stream.normal(0, float(spread) / np.sqrt(pairs / 8), (20_000, 8))
            half = stats.t.ppf(0.975, 7) * means.std(1, ddof=1) / np.sqrt(8)
            assert np.mean(np.abs(means.mean(1)) + half <= MARGIN) == pytest.approx(float(chance), abs=0.02)
