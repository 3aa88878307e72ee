"""The audit for people: its summary as text, and Tables 6 and 7 beside the paper's."""

import copy

import pandas as pd
import pytest
from audit_samples import audit_of, audit_results, frame_of, scored, trials
from study_samples import cell, manifest, record, study_results

from benchmark.audit.audit_files import audit_frame
from benchmark.audit.audit_page import (
    DISTANCE_MEANING,
    FLIPS_MEANING,
    SPREAD_MEANING,
    audit_sections,
    audit_text,
    flips_frame,
    nearest_frame,
    spread_frame,
)
from benchmark.audit.findings import Findings, findings
from benchmark.audit.flips import COLUMNS as FLIP_COLUMNS
from benchmark.audit.outputs import JUDGED
from benchmark.audit.own_tables import with_own_tables
from benchmark.audit.spread import COLUMNS as SPREAD_COLUMNS
from benchmark.results.manifest import Manifest
from benchmark.table_specs import OWN_TABLES, TABLES
from benchmark.tables.layout import CellState, build_tables
from benchmark.tables.table_files import write_tables
from benchmark.verdict.cell_verdicts import cell_verdicts, rank_agreements
from benchmark.verdict.claim_frames import contests_frame
from benchmark.verdict.claim_judging import judge_runs

ODD = "M|N*IST"


def audited_by_hand():
    """Findings with odd characters wherever a name comes from outside, each number of its own."""
    records = trials(
        "clustering", ["silhouette", "davies_bouldin"], [("mnist", "gmvae", 8)], (0, 1), lambda *place: 0.5
    )
    scores = frame_of(
        records,
        {
            "clustering": {
                "latents": lambda d, metric, *place: "one <cluster>" if metric == "silhouette" else 1.0,
                "first half": lambda d, metric, *place: "one <cluster>" if place[2] == 0 else 1.0,
            }
        },
    )
    rows = [
        (1, "all", "latents", 4, 4, 0.994, True),
        (1, "all", JUDGED, 4, 4, 1.5, False),
        (1, "all", "first half", 3, 4, 0.5, False),
        (1, "silhouette", JUDGED, 2, 2, 0.25, True),
        (1, "silhouette", "latents", 2, 2, 12.345, False),
    ]
    distances = pd.DataFrame(rows, columns=["table", "metric", "alternative", "cells", "of", "distance", "nearest"])
    moved = [
        ("clustering", "latents", "C1", "tests", "undecided", "undecided", False, None, None),
        ("clustering", "latents", "C2", "means", "supported", "contradicted", True, 0.305, 0.5),
        ("clustering", "arg max w labels", "C2", "means", "supported", "undecided", True, 0.305, 0.5),
        ("clustering", "first half", "C2", "means", "supported", "contradicted", True, 0.305, 0.5),
        ("clustering", "last half", "C2", "means", "supported", "supported", False, 0.305, 0.5),
        ("clustering", "latents", "C3", "tests", "supported", "contradicted", True, None, None),
    ]
    sizes = [
        ("mnist", "silhouette", "training", 0.0123, 2, 0.0365),
        ("mnist", "silhouette", "first - last half", -0.0004, 2, 0.0365),
        ("mnist", "calinski_harabasz", "training", 12.34, 2, None),
        ("mnist", "calinski_harabasz", "choice of images", 5.06, 2, None),
        ("mnist", "calinski_harabasz", "first - last half", -3.21, 2, None),
    ]
    return Findings(
        scores,
        distances,
        pd.DataFrame(moved, columns=FLIP_COLUMNS),
        pd.DataFrame(sizes, columns=SPREAD_COLUMNS),
        scores.iloc[:2].assign(recorded=0.4),
        audited=2,
        trials=7,
        lacking={"SSIM valid window": 2, "pixels in [-1, 1]": 1},
    )


STUDY = manifest([], study="a_b|c", notes=["8 of\n10 *epochs*", "subset"], dataset_labels={"mnist": ODD})


def test_the_summary_word_for_word():
    text = audit_text(Manifest.parse(STUDY), audited_by_hand())
    assert text == "\n\n".join(
        [
            r"### Audit of study a_b\|c, weight set default, 3 seeds",
            "2 of 7 trials evaluated again from their checkpoints, under 2 alternatives to the judged protocols.",
            r"Reduced against the paper: 8 of 10 \*epochs\*; subset.",
            "2 scores differ from those in the trials' records (audit/drifted.csv): other images, device or versions.",
            "Not computed in up to 2 trials, which were audited before these alternatives were added: "
            "“SSIM valid window”, “pixels in [-1, 1]”. The command audit computes them from the checkpoints.",
            r"Without a score (4): SC, DB: one \<cluster\>.",
            "#### Nearest to the paper's numbers",
            "| table | metric | numbers | judged | nearest | farthest | protocols |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
            "| 1 | all | 4 | 1.50 | latents (0.99) | judged (1.50) | 2 |\n"
            "| 1 | SC | 2 | 0.25 | judged (0.25) | latents (12.35) | 2 |",
            DISTANCE_MEANING,
            "#### Conclusions that depend on the protocol",
            "| claim | judged by | as judged | otherwise | alternatives | other seeds | other seeds, no difference |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
            "| C3 | tests | supported | contradicted: “latents” | 1 of 1 | – | – |\n"
            "| C2 | means | supported | "
            "contradicted: “latents”, “first half”; undecided: “arg max w labels” | 3 of 4 | 30% | 50% |",
            "By means, 3 of 4 states flip; with other seeds alone 1.2 would, and 2.0 if nothing differed. "
            + FLIPS_MEANING,
            "#### Where the spread comes from",
            "| data set | metric | training | first - last half | choice of images | the paper's gap |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
            r"| M\|N\*IST | SC | 0.012 | 0.000 | – | 0.036 |"
            "\n"
            r"| M\|N\*IST | CH | 12.3 | -3.2 | 5.1 | – |",
            SPREAD_MEANING + "\n",
        ]
    )


def test_drawn_images_are_not_measured_against_the_paper():
    def headings(marks):
        plain = manifest([cell(1, "mnist", "gmvae", 8)], marks={"mnist": marks})
        return [section.heading for section in audit_sections(Manifest.parse(plain), audited_by_hand())]

    others = ["Conclusions that depend on the protocol", "Where the spread comes from"]
    assert headings(["subset"]) == ["Nearest to the paper's numbers", *others]
    assert headings(["procedural"]) == others


def test_what_was_not_found_is_said():
    nothing = audited_by_hand()
    nothing = Findings(
        nothing.scores[nothing.scores["alternative"] == JUDGED],
        nothing.distances.iloc[:0],
        nothing.flips[~nothing.flips["flips"]],
        nothing.spread.iloc[:0],
        nothing.drifted.iloc[:0],
        audited=2,
        trials=2,
        lacking={},
    )
    assert audit_text(Manifest.parse(STUDY | {"notes": [], "seeds": 1}), nothing) == "\n\n".join(
        [
            r"### Audit of study a_b\|c, weight set default, 1 seed",
            "2 of 2 trials evaluated again from their checkpoints, under 0 alternatives to the judged protocols.",
            "#### Nearest to the paper's numbers",
            "No trials for a printed number were run.",
            "#### Conclusions that depend on the protocol",
            "None. By means, 0 of 1 states flip; with other seeds alone 0.3 would, and 0.5 if nothing differed.",
            "#### Where the spread comes from",
            "No clustering was audited.\n",
        ]
    )


def test_a_claim_whose_judged_state_hangs_on_what_was_scored_has_a_row_for_each():
    rows = [
        ("clustering", "latents", "C2", "means", "supported", "contradicted", True, 0.25, 0.5),
        ("clustering", "arg max w labels", "C2", "means", "undecided", "supported", True, 0.25, 0.5),
        ("clustering", "last half", "C2", "means", "supported", "supported", False, 0.25, 0.5),
    ]
    base = audited_by_hand()
    made = Findings(
        base.scores, base.distances, pd.DataFrame(rows, columns=FLIP_COLUMNS), base.spread, base.drifted, 2, 7, {}
    )
    assert flips_frame(made).to_numpy().tolist() == [
        ["C2", "means", "supported", "contradicted: “latents”", "1 of 2", "25%", "50%"],
        ["C2", "means", "undecided", "supported: “arg max w labels”", "1 of 1", "25%", "50%"],
    ]


def test_a_real_audit_goes_through_from_scores_to_text():
    cells = [cell(1, "mnist", method, 8, (0, 1)) for method in ("gmvae", "hgmvae_g", "hgmvae_u")]
    records = trials(
        "clustering",
        ["silhouette"],
        [("mnist", one["method"], 8) for one in cells],
        (0, 1),
        lambda d, metric, method, dim, seed: 0.3 + 0.1 * (method == "hgmvae_g") + 0.01 * seed,
    )
    results = audit_of(records, {"clustering": {"latents": lambda *place: 0.9 - place[-1]}})
    study = manifest(cells, seeds=2)
    found = findings(study_results(study, records), audit_results(results))
    # Printed: 0.404, 0.442, 0.427. Means: 0.305, 0.405, 0.305, and 0.595, 0.495, 0.595 in the latents.
    judged = (0.099 + 0.037 + 0.122) / 3 / 0.03
    latents = (0.191 + 0.053 + 0.168) / 3 / 0.03
    shown = nearest_frame(found)
    first = ["SC", 3, f"{judged:.2f}", f"judged ({judged:.2f})", f"latents ({latents:.2f})", 2]
    assert shown[shown["table"] == 1].drop(columns="table").to_numpy().tolist() == [["all", *first[1:]], first]
    assert spread_frame(Manifest.parse(study), found)["training"].tolist() == ["0.007"]
    text = audit_text(Manifest.parse(study), found)
    assert "2 alternatives" not in text and "1 alternatives" in text


# ---- Tables 6 and 7 ----

RECOVERY, FACTORS = OWN_TABLES[6].metrics, OWN_TABLES[7].metrics


def with_own():
    """(study, results): MNIST with Tables 2 and 3, chairs and CelebA with Table 3; SWAE was not audited."""
    methods = ("vae", "gmvae", "hgmvae_g", "swae")
    labelled = {method: 0.1 * position for position, method in enumerate(methods)}
    runs = [record("mnist", m, 8, s, "classification", {"svm_accuracy": 0.9}) for m in methods for s in range(3)]
    runs += [record(d, "gmvae", 128, s, "reconstruction", {"ssim": 0.5}) for d in ("chairs", "celeba") for s in (0, 1)]
    records = {run["key"]: run for run in runs}
    results = audit_of(records, {"classification": {"linear": lambda *place: 0.99}})
    for key, result in list(results.items()):
        where = records[key]["identity"]
        if where["method"] == "swae" or (where["method"], where["seed"]) == ("hgmvae_g", 2):
            del results[key]
        elif where["dataset"] == "mnist":
            value = labelled[where["method"]] + 0.01 * where["seed"]
            without = [name for name in RECOVERY if where["method"] == "vae" and name.startswith("weights_")]
            result["scores"]["recovery"] = {
                JUDGED: scored(
                    {name: value for name in RECOVERY if name not in without}, dict.fromkeys(without, "no weights w_k")
                )
            }
        elif where["dataset"] == "chairs":
            result["scores"]["disentanglement"] = {JUDGED: scored(dict.fromkeys(FACTORS, 0.25 + 0.5 * where["seed"]))}
    cells = [cell(2, "mnist", method, 8) for method in methods]
    cells += [cell(3, dataset, "gmvae", 128, (0, 1)) for dataset in ("chairs", "celeba")]
    return study_results(manifest(cells, notes=[], seeds=3), records), audit_results(results)


def test_own_tables_have_cells_for_what_was_scored_and_leave_the_rest_alone():
    study, results = with_own()
    kept = copy.deepcopy((study, results))
    extended = with_own_tables(study, results)
    assert (study, results) == kept
    cells = [one.plain for one in extended.manifest.cells]
    assert cells[: len(study.manifest.cells)] == [one.plain for one in study.manifest.cells]
    assert cells[len(study.manifest.cells) :] == [
        *(cell(6, "mnist", method, 8) for method in ("vae", "gmvae", "hgmvae_g")),
        cell(7, "chairs", "gmvae", 128, (0, 1)),
    ]
    assert extended.records.keys() == study.records.keys()
    for key, one in extended.records.items():
        assert one.metrics.items() >= study.records[key].metrics.items()  # and not those of an alternative
    assert with_own_tables(study, {}) is study
    stray = {"gone": {"key": "gone", "scores": {"recovery": {JUDGED: scored({"kmeans_nmi": 1.0})}}}}
    assert with_own_tables(study, audit_results(stray)) is study


def test_scores_reasons_and_ranks_of_table_6_and_7():
    tables = {table.paper.number: table for table in build_tables(with_own_tables(*with_own()))}
    assert list(tables) == [2, 3, 6, 7]
    six = tables[6]
    best = six.cells["mnist", "kmeans_accuracy", "gmvae", 8]
    assert best.values == pytest.approx((0.1, 0.11, 0.12))
    assert (best.state, best.rank, best.paper, best.notes) == (CellState.COMPLETE, 1, None, ())
    assert six.cells["mnist", "kmeans_accuracy", "vae", 8].rank == 2
    short = six.cells["mnist", "kmeans_accuracy", "hgmvae_g", 8]
    assert (short.values, short.asked, short.state, short.rank) == (
        pytest.approx((0.2, 0.21)),
        3,
        CellState.INCOMPLETE,
        None,
    )
    without = six.cells["mnist", "weights_ari", "vae", 8]
    assert (without.values, without.state) == ((), CellState.METRIC_UNAVAILABLE)
    assert without.notes == ("metric unavailable: no weights w_k (all 3 seeds)",)
    seven = tables[7].cells["chairs", "mig", "gmvae", 128]
    assert (seven.mean, seven.std) == pytest.approx((0.5, 0.125**0.5))
    assert seven.asked == 3 and seven.rank is None


def test_a_seed_that_was_not_audited_says_so():
    six = next(table for table in build_tables(with_own_tables(*with_own())) if table.paper.number == 6)
    [note] = six.cells["mnist", "kmeans_accuracy", "hgmvae_g", 8].notes
    assert note == "metric unavailable: not audited (seed 2)"


def test_verdicts_and_counts_are_the_same_with_own_tables():
    study, results = with_own()
    extended = with_own_tables(study, results)
    assert extended.summary == study.summary
    pd.testing.assert_frame_equal(cell_verdicts(extended), cell_verdicts(study))
    pd.testing.assert_frame_equal(rank_agreements(extended), rank_agreements(study))
    pd.testing.assert_frame_equal(
        contests_frame(judge_runs(extended)).astype(str), contests_frame(judge_runs(study)).astype(str)
    )
    assert set(audit_frame(study.records, results)["protocol"]) == {
        "classification",
        "reconstruction",
        "recovery",
        "disentanglement",
    }


def test_own_tables_are_written_in_every_form_and_never_as_the_papers(tmp_path):
    study, results = with_own()
    plain, both = tmp_path / "plain", tmp_path / "both"
    write_tables(study, plain)
    names = {path.name for path in write_tables(with_own_tables(study, results), both)}
    for number in (2, 3):
        for name in (f"table{number}.csv", f"table{number}_seeds.csv", f"table{number}.tex"):
            assert (both / name).read_bytes() == (plain / name).read_bytes()
    text, document = (both / "tables.md").read_text(), (both / "tables.tex").read_text()
    for number, metric, n_scored in ((6, "kmeans_nmi", 8), (7, "dci_completeness", 2)):
        assert {f"table{number}.csv", f"table{number}_seeds.csv", f"table{number}.tex"} <= names
        wide = pd.read_csv(both / f"table{number}.csv")
        assert list(wide["metric"]) == list(OWN_TABLES[number].metrics)
        papers = [column for column in wide if column.endswith("_paper")]
        assert len(papers) == len({column.removesuffix("_mean") for column in wide if column.endswith("_mean")}) > 0
        assert wide[papers].isna().all(axis=None)
        seeds = pd.read_csv(both / f"table{number}_seeds.csv")
        assert ((seeds["metric"] == metric) & (seeds["status"] == "ok")).sum() == n_scored
        latex = (both / f"table{number}.tex").read_text()
        title = f"{OWN_TABLES[number].title} (Table {number}: not in the paper, scored from checkpoints by the audit)."
        for shown in (latex, text):
            assert title in shown
            assert f"Table {number} of the paper" not in shown
        assert f"\\label{{tab:hgmvae-{number}}}" in latex and "the paper's value" not in latex
        assert f"\\setcounter{{table}}{{{number - 1}}}\n\\input{{table{number}.tex}}" in document
        assert f"### Table {number}\n" in text
    assert "Table 2 of the paper" in text and set(TABLES).isdisjoint(OWN_TABLES)
    own = text[text.index("### Table 6") :]
    assert "the paper's value" not in own
    line = next(line for line in own.splitlines() if line.startswith("| GMVAE"))
    assert "**0.110** ±0.010" in line and "(" not in line
    assert "0.205 ±0.007 [2/3] [b]" in own
