"""What the documentation repeats from the code is what the code says."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_samples import packed_records
from verdict_samples import judge_numbers

from benchmark.audit.audit_page import flips_text
from benchmark.audit.reconstruction_protocols import SCORINGS
from benchmark.comparison.compare import compare
from benchmark.comparison.comparison_page import conclusion, render_comparison
from benchmark.comparison.shift_tests import METHODS_ALPHA
from benchmark.comparison.sides import read_side
from benchmark.comparison.tolerances import RESULT_TOLERANCES
from benchmark.controls.answers import MEASURES
from benchmark.errata.listing import listing
from benchmark.errata.printed_cells import FindingKind
from benchmark.errata.table_checks import paper_errata
from benchmark.methods.cards import render_all_cards
from benchmark.methods.control_methods import SWEEPS
from benchmark.metrics import METRICS
from benchmark.operating_characteristics.claim_rates import FAMILY, G_AHEAD, JUDGED, NONE, NONE_WIDER, PRINTED
from benchmark.operating_characteristics.number_rates import ALL_NUMBERS, EXACT, SAME
from benchmark.operating_characteristics.rates_page import IN_SHORT, comparison_in_short
from benchmark.paper.claims import CLAIMS
from benchmark.paper.tables import paper_numbers
from benchmark.statistics import ALPHA, Estimate, Tolerance, difference_from_printed
from benchmark.studies.grid import Selection
from benchmark.studies.named_studies import STUDIES
from benchmark.verdict.cell_verdicts import LEAST_CHANCE, PRINTED_TOLERANCES, verdict_on
from benchmark.verdict.claim_effects import MARGINS, Effects, contest_weight, decide
from benchmark.verdict.claim_judging import judge_printed

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "results" / "reference"
LAPTOP, CONTROLS = REFERENCE / "laptop-cpu", REFERENCE / "laptop-controls" / "controls"


@pytest.fixture(scope="module")
def page() -> str:
    """docs/controls.md on one line."""
    return " ".join((ROOT / "docs" / "controls.md").read_text(encoding="utf-8").split())


def test_the_cards_in_the_docs_are_those_of_the_registry():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert page == render_all_cards(), "write it anew: python -m benchmark methods --all > docs/methods.md"


def test_the_list_of_studies_counts_each_ones_trials_rightly():
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    for study in STUDIES.values():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{study.name}` |"))
        assert f"| {study.n_trials:,} |" in row


def test_the_docs_have_the_controls_verdicts():
    page = (CONTROLS / "controls.md").read_text(encoding="utf-8")
    in_short = page[page.index("## In short") : page.index("## (a)")]
    assert in_short in (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")


def test_the_docs_have_the_rates_of_the_controls(page):
    answers = pd.read_csv(CONTROLS / "answers.csv").query("question == 'a' and measure == 'svm_accuracy'")
    whole = answers.set_index("dataset").loc["all"]
    assert f"behind by {-whole['advantage']:.3f} ({-whole['high']:.3f} to {-whole['low']:.3f})" in page
    most_behind = answers[answers["dataset"] != "all"].nsmallest(2, "advantage")
    assert set(zip(most_behind["dataset"], most_behind["latent_dim"], strict=True)) == {
        ("fashion_mnist", 8),
        ("fashion_mnist", 32),
    }
    means = pd.read_csv(CONTROLS / "means.csv").set_index("method")
    ours = means.loc["hgmvae_g"]
    of_w = ours["rate"] - (ours["rate_low"] + ours["rate_high"]) / 2
    assert f"the code's information about w: {of_w.min():.1f} to {of_w.max():.1f} nats" in page
    records = packed_records(CONTROLS.parent).values()
    bounds = [one["health"]["rate_bounds"] for one in records if one["identity"]["method"] == "hgmvae_g"]
    assert len(bounds) == 30 and 0.5 < max(high - low for low, high in bounds) < 0.6
    for method, low, high in (("hgmvae_g_bce", 10.6, 11.4), ("vae_bce", 7.5, 9.8)):
        of_bce = means.loc[method].query("latent_dim > 2")
        middle = (of_bce["rate_low"] + of_bce["rate_high"]) / 2
        assert (round(middle.min(), 1), round(middle.max(), 1)) == (low, high)
        assert f"{low} to {high}" in page


def _hgmvae_below_others() -> tuple[int, int]:
    """In how many of the pairs of HGMVAE-G or -U with a baseline, by the chosen settings, its accuracy is lower."""
    scores = pd.read_csv(REFERENCE / "calibration" / "calibration.csv")
    chosen = json.loads((REFERENCE / "calibration" / "chosen.json").read_text())["ranks"]
    of = {
        method: scores[(scores["method"] == method) & (scores["departure"].map(json.loads) == setting)]
        .sort_values("seed")["svm_accuracy"]
        .tolist()
        for method, setting in chosen.items()
    }
    ours = [name for name in of if name.startswith("hgmvae")]
    highs = [
        stats.ttest_rel(of[name], of[other]).confidence_interval(0.95).high
        for name in ours
        for other in of
        if other not in ours
    ]
    return sum(high < 0 for high in highs), len(highs)


# docs/findings.md, item by item -----------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> str:
    return " ".join((ROOT / "docs" / "findings.md").read_text(encoding="utf-8").split())


def _interval(row: pd.Series, sign: int = 1) -> str:
    low, high = sorted((sign * row["low"], sign * row["high"]))
    return f"{low:.3f} to {high:.3f}"


def test_finding_1_counts_the_papers_contradictions(found):
    contradictions = sum(one.kind == FindingKind.CONTRADICTION for one in listing(paper_errata()))
    assert f"in {contradictions} places" in found


def test_finding_2_says_how_the_readings_ended(found):
    readings = REFERENCE / "readings"
    records = packed_records(readings).values()
    of_print = [record["status"] for record in records if record["identity"]["method"] == "hgmvae_g_as_printed"]
    assert of_print == ["diverged"] * 3 and "diverges under 3 of 3 seeds" in found
    trained = [record["curves"] for record in records if record["status"] == "ok"]
    z_rates = [sum(curve[-1] for name, curve in curves.items() if name.startswith("z_")) for curves in trained]
    assert f"at most at {max(z_rates):.3f} nats" in found
    answers = pd.read_csv(readings / "controls" / "answers.csv").query("question == 'e' and dataset == 'all'")
    of_fisher = answers.set_index("measure").loc["svm_accuracy"]
    assert f"SVM accuracy {of_fisher['advantage']:+.3f}, 95 % interval {_interval(of_fisher)})" in found


def test_the_page_on_the_audit_counts_the_claims_that_the_protocol_decides():
    page = " ".join((ROOT / "docs" / "audit.md").read_text(encoding="utf-8").split())
    by_tests = pd.read_csv(LAPTOP / "audit" / "flips.csv").query("by == 'tests'")
    of_c3 = by_tests[by_tests["claim"] == "C3"]
    others = of_c3["state"].value_counts()
    assert f"by tests, {by_tests['flips'].sum()} of {len(by_tests)} states under another reading differ" in page
    assert set(of_c3["judged"]) == {"open"}
    under = f"supported under {others['supported']} and refuted under {others['refuted']} of {len(of_c3)} readings"
    assert f"C3 is open as judged, {under}" in page
    kept = by_tests.groupby("claim")["flips"].sum()
    assert kept.index[kept == 0].tolist() == ["C4", "C5", "C7"] and "C4, C5 and C7 keep their states" in page


def _table2_distances() -> pd.DataFrame:
    """By reading and data set: how many tolerances our means, and a constant 0.9, lie from the paper's numbers."""
    scores = pd.read_csv(LAPTOP / "audit" / "scores.csv").query("metric == 'svm_accuracy'")
    means = scores.groupby(["dataset", "method", "alternative"])["value"].mean().reset_index()
    paper = paper_numbers().query("table == 2")[["dataset", "method", "value"]]
    both = means.merge(paper, on=["dataset", "method"], suffixes=("", "_paper"))
    tolerance = PRINTED_TOLERANCES["svm_accuracy"].amount
    both["distance"] = (both["value"] - both["value_paper"]).abs() / tolerance
    both["constant"] = (0.9 - both["value_paper"]).abs() / tolerance
    return both.groupby(["alternative", "dataset"])[["distance", "constant"]].mean()


def test_finding_3_says_how_far_protocols_move_numbers(found):
    away = _table2_distances()
    judged, machines = away.loc["judged", "distance"], away.loc["one-vs-rest", "distance"]
    assert f"differ from them by {judged['cifar10']:.0f} tolerances; as the mean of ten one-vs-rest" in found
    assert f"machines, by {machines['cifar10']:.1f}. A constant answer" in found
    assert abs(away.loc[("one-vs-rest", "cifar10"), "constant"] - machines["cifar10"]) < 0.05
    assert f"may have used either ({judged['mnist']:.1f} and {machines['mnist']:.1f};" in found
    spread = pd.read_csv(LAPTOP / "audit" / "spread.csv").query("dataset == 'mnist' and metric == 'silhouette'")
    sizes, gap = spread.set_index("source")["size"], spread["paper_gap"].iloc[0]
    assert f"varies by {sizes['training']:.3f} between trainings" in found
    assert f"by {sizes['choice of images, not shared']:.3f} with the half" in found and f"differ by {gap:.3f}" in found
    assert f"means of ten, each of which varies by {sizes['training'] / 10**0.5:.3f}" in found


def test_finding_4_says_what_the_calibration_reached(found):
    lower, pairs = _hgmvae_below_others()
    assert f"in only {lower} of {pairs} pairs" in found
    page = (REFERENCE / "calibration" / "calibration.md").read_text(encoding="utf-8")
    of_ranks = page[page.index("## ranks") : page.index("## label_free")]
    at_an_end = {line.split(" | ")[0][2:] for line in of_ranks.splitlines() if "at an end of its grid" in line}
    assert {"HGMVAE-G", "HGMVAE-U"} <= at_an_end and "each at the end of its grid" in found


def test_finding_4_says_what_the_controls_answered(found):
    answers = pd.read_csv(CONTROLS / "answers.csv").query("dataset == 'all' and measure == 'svm_accuracy'")
    of = answers.set_index(["question", "a", "b"]).sort_index()
    of_vae, at_rate = of.loc[("h", "hgmvae_g", "vae")], of.loc["a"].iloc[0]
    assert f"{of_vae['seeds']:.0f}" == "5" and "five seeds" in found
    said = f"by {-of_vae['advantage']:.3f} (95 % interval {_interval(of_vae, -1)}; at the same rate by "
    said += f"{-at_rate['advantage']:.3f}, {_interval(at_rate, -1)})"
    assert f"an SVM classifies a VAE's codes better than HGMVAE-G's {said}" in found
    helped = answers[answers["question"].isin(["b", "c", "e"])]
    assert "A better" not in set(helped["answer"])


def test_finding_4_says_where_cross_entropy_differs(found, page):
    answers = pd.read_csv(CONTROLS / "answers.csv").query("a == 'hgmvae_g_bce' and b == 'vae_bce' and dataset != 'all'")
    of_place = answers.query("measure == 'svm_accuracy'").set_index(["dataset", "latent_dim"])
    assert (
        of_place.index[of_place["answer"] != "no difference shown"].tolist() == [("mnist", 32)] and len(of_place) == 6
    )
    at_32 = of_place.loc[("mnist", 32)]
    assert f"HGMVAE-G is ahead by {at_32['advantage']:.3f} on MNIST at d = 32" in found
    units = [one["health"]["active_units"] for one in _records("vae_bce", "mnist", 32)]
    assert f"up to {32 - min(units)} of 32 units unused" in found and len(units) == 5
    assert f"leaves {32 - max(units)} to {32 - min(units)} of its 32 units unused" in page
    error = answers.query("measure == 'reconstruction_error'").set_index(["dataset", "latent_dim"])
    assert (
        f"{at_32['advantage']:.3f} in accuracy ({_interval(at_32)}) and {error.loc[('mnist', 32)]['advantage']:.3f}"
        in page
    )
    shown = error[error["answer"] != "no difference shown"]
    assert shown.index.tolist() == [("mnist", 32), ("fashion_mnist", 32)]
    assert f"a difference in error, of {shown['advantage'].iloc[1]:.3f}, on Fashion-MNIST at d = 32" in page
    for method in ("vae_bce", "hgmvae_g_bce"):
        rates = [sum(one["health"]["rate_bounds"]) / 2 for one in _records(method, "mnist", 32)]
        assert f"carries {min(rates):.1f} to {max(rates):.1f}" in page


def _records(method: str, dataset: str, latent_dim: int) -> list[dict]:
    """The records of the controls, a seed each."""
    records = packed_records(CONTROLS.parent).values()
    wanted = (method, dataset, latent_dim)
    return [
        one
        for one in records
        if (one["identity"]["method"], one["identity"]["data"]["name"], one["identity"]["latent_dim"]) == wanted
    ]


def test_the_docs_say_where_z_is_used(found, page):
    means = pd.read_csv(CONTROLS / "means.csv").set_index(["method", "dataset", "latent_dim"])["z_rate"].dropna()
    used = means[means > 0.5]
    both = ("mnist", "fashion_mnist")
    of_k1 = {("hgmvae_g_k1", dataset, d) for dataset in both for d in (8, 32)}
    of_k2 = {("hgmvae_g_k2", *place) for place in (("mnist", 32), ("fashion_mnist", 8), ("fashion_mnist", 32))}
    of_sum = [("hgmvae_g_matched", dataset, 32) for dataset in both]
    assert set(used.index) == of_k1 | of_k2 | set(of_sum)
    for places in (of_k1, of_k2):
        values = used[list(places)]
        assert f"({values.min():.1f} to {values.max():.1f})" in page
    said = " and ".join(f"{used[place]:.1f}" for place in of_sum)
    assert f"at d = 32 of both ({said})" in page and f"at d = 32 ({said}), without a gain" in found
    idle = means[means <= 0.5].groupby("method").max()
    heavier = idle[[name for name in idle.index if name.startswith("hgmvae_g_tc")]].max()
    many = idle[["hgmvae_g", "hgmvae_g_k5", "hgmvae_g_k20"]].max()
    assert (
        f"with K = 5 or more ({many:.2f} at most), nor with heavier weights of the total correlation "
        f"({heavier:.2f} at most)" in page
    )
    assert f"not elsewhere ({idle['hgmvae_g_matched']:.1f} at most)" in page
    answers = pd.read_csv(CONTROLS / "answers.csv").query("question == 'i' and measure == 'svm_accuracy'")
    at_32 = answers.query("latent_dim == 32").set_index("dataset")
    assert f"lower on MNIST, by {-at_32.loc['mnist', 'advantage']:.3f} ({_interval(at_32.loc['mnist'], -1)})" in page
    assert at_32.loc["fashion_mnist", "answer"] == "no difference shown"
    assert answers.set_index("dataset").loc["all", "answer"] == "no difference shown"


def test_the_docs_have_the_sizes_of_what_the_controls_show(page):
    answers = pd.read_csv(CONTROLS / "answers.csv").query("dataset == 'all'")
    of = answers.drop_duplicates(["a", "b", "measure"]).set_index(["a", "b", "measure"])["advantage"]
    accuracy, error = "svm_accuracy", "reconstruction_error"
    for sentence in (
        f"K = 2 is better than K = 10 by {-of['hgmvae_g', 'hgmvae_g_k2', accuracy]:.3f} in accuracy",
        f"K = 1 by {-of['hgmvae_g', 'hgmvae_g_k1', error]:.3f} in error",
        f"uninformative weights by {-of['hgmvae_g', 'hgmvae_g_equal_w', accuracy]:.3f} in accuracy",
        f"accuracy by {of['hgmvae_g', 'hgmvae_g_one_component', accuracy]:.3f}, error by "
        f"{of['hgmvae_g', 'hgmvae_g_one_component', error]:.3f}",
        f"better than HGMVAE-G by {-of['hgmvae_g', 'vae_larger', accuracy]:.3f} in accuracy",
        f"The means over combinations, {of['hgmvae_g_bce', 'vae_bce', accuracy]:.3f} and "
        f"{of['hgmvae_g_bce', 'vae_bce', error]:.3f}, depend on MNIST at d = 32",
    ):
        assert sentence in page
    rates = pd.read_csv(CONTROLS / "means.csv").set_index(["dataset", "latent_dim"])
    middle = {name: (rows["rate_low"] + rows["rate_high"]) / 2 for name, rows in rates.groupby("method")}
    more = pd.concat([middle[f"hgmvae_g_{name}"] - middle["hgmvae_g"] for name in ("k1", "k2", "equal_w")])
    assert f"a higher rate than at K = 10, by {more.min():.1f} to {more.max():.1f} nats in every combination" in page
    less = middle["hgmvae_g"] - middle["hgmvae_g_matched"]
    assert f"carry less, by {less['mnist', 32]:.1f} and {less['fashion_mnist', 32]:.1f} nats" in page


def test_finding_5_says_what_the_claims_came_to(found):
    runs = ("laptop-cpu", "laptop-ten-seeds")
    of_laptop, of_ten = (pd.read_csv(REFERENCE / run / "verdicts" / "claims.csv").set_index("claim") for run in runs)
    assert pd.concat([of_laptop, of_ten])["reduced"].str.startswith("reduced: ").all()
    decided = of_laptop["ours"][of_laptop["ours"] != "open"].to_dict()
    assert decided == {"C4": "refuted", "C9": "supported"} and "C4 is refuted and C9 supported" in found
    assert of_laptop["why_ours"][of_laptop["ours"] == "open"].str.contains("comparisons were run").all()
    assert set(of_ten["ours"]) == {"open"}
    assert of_ten.index[of_ten["on_run"] == "refuted"].tolist() == ["C2", "C4", "C8"]
    assert "ten seeds of the calibrated weights C2, C4 and C8 are refuted" in found
    times = pd.read_csv(REFERENCE / "throughput" / "cpu-laptop" / "methods.csv")
    spans = [times.loc[times["method"] == name, "times_vae"] for name in ("hgmvae_g", "hgmvae_u")]
    said = " and of -U ".join(f"{of.min():.2f} to {of.max():.2f} times" for of in spans)
    assert f"a step of HGMVAE-G takes {said} as long as a VAE's" in found


VERDICTS = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
COMPARING = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")


def test_the_page_on_verdicts_has_the_committed_error_rates():
    folder = REFERENCE / "operating-characteristics"
    rates = pd.read_csv(folder / "error_rates.csv")
    page = (folder / "error_rates.md").read_text(encoding="utf-8")
    for in_short in IN_SHORT:
        where = COMPARING if in_short is comparison_in_short else VERDICTS
        assert in_short(rates) in where and in_short(rates) in page
    of = rates.set_index(["judgement", "subject", "truth", "outcome", "seeds"])["rate"].sort_index()
    words = " ".join(VERDICTS.split())
    missed, missed_by_20 = (of["numbers", ALL_NUMBERS, SAME, EXACT, n] for n in (10, 20))
    distinct = len(paper_numbers().drop_duplicates(["dataset", "metric", "method", "latent_dim", "value"]))
    of_all = f"{distinct * missed:.0f} of the {distinct} numbers"
    assert f"in {100 * missed:.1f} % of cases and not in 5 %, {of_all}" in words
    assert f"of twenty seeds in {100 * missed_by_20:.1f} %" in words
    any_supported = of["claims", FAMILY, NONE, "supported", 10]
    assert f"C1 to C8 are supported in {100 * any_supported:.1f} % of studies of ten seeds" in words
    at_margin = [f"{100 * of['claims', 'C1', G_AHEAD, 'refuted', n]:.1f} %" for n in (3, 10, 20)]
    sentence = "C1 is refuted in {} of studies of three seeds, in {} of ten and in {} of twenty"
    assert sentence.format(*at_margin) in words
    wider = [of["claims", claim.name, NONE_WIDER, "supported", 10] for claim in JUDGED]
    of_family = of["claims", FAMILY, NONE_WIDER, "supported", 10]
    assert f"in {100 * of_family:.1f} %, each claim still in no more than {100 * max(wider):.1f} %" in words
    least = min(of["claims", claim.name, NONE_WIDER, "refuted", 10] for claim in JUDGED)
    assert f"each is refuted in {100 * least:.1f} % or more: wider spreads leave claims open" in words
    refuted = min(of["claims", claim.name, NONE, "refuted", 10] for claim in JUDGED)
    supported = min(of["claims", claim.name, PRINTED, "supported", 10] for claim in JUDGED)
    assert f"refuted in {100 * refuted:.1f} % or more of studies" in words
    assert f"supported in {100 * supported:.1f} % or more if the paper is right" in words
    by_means = {name: of["claims", name, NONE, "refuted by means alone", 10] for name in ("C1", "C4")}
    assert f"against C1 in {100 * by_means['C1']:.1f} % of studies, against C4 in {100 * by_means['C4']:.1f} %" in words


def test_the_examples_of_the_page_on_verdicts_come_out_as_it_says():
    words = " ".join(VERDICTS.split())
    ours = Estimate(10, 0.410, 0.0135, None)
    interval = difference_from_printed(ours, 0.404, 0.0005, 10, confidence=0.9)
    ends = (interval.low + 0.0005, interval.high - 0.0005)
    assert f"{ends[0]:.3f} to {ends[1]:.3f} and half a unit of the last digit (0.0005) wider" in words
    assert verdict_on(ours, 0.404, 0.03, 10)[0] == "reproduced"
    assert verdict_on(Estimate(10, 0.410, 0.135, None), 0.404, 0.03, 10)[0] == "out of reach"
    pattern = np.linspace(-1, 1, 10) / np.linspace(-1, 1, 10).std(ddof=1)
    for mean, std, supported, refuted in ((1.2, 0.7, True, False), (0.3, 0.7, False, True), (0.6, 2.0, False, False)):
        decision = decide(Effects.of_one_side((mean + std * pattern)[np.newaxis]), [0.0])
        assert (bool(decision.supported), bool(decision.refuted)) == (supported, refuted)
        assert f"{decision.low[0]:.1f} and {decision.high[0]:.1f}" in words


def test_the_page_on_verdicts_says_what_tables_3_and_5_do_to_the_claims():
    numbers, place = paper_numbers(), ["dataset", "metric", "method", "latent_dim"]
    words = " ".join(VERDICTS.split())
    effects = {}
    for table, other in ((5, 3), (3, 5)):
        values = numbers[numbers["table"] == other].set_index(place)["value"].rename("by_other")
        joined = numbers.join(values, on=place)
        there = (joined["table"] == table) & joined["by_other"].notna()
        moved = numbers.assign(value=joined["value"].where(~there, joined["by_other"]))
        assert f"for {(moved['value'] != numbers['value']).sum()} of the cells" in words
        for one in judge_numbers(moved):
            if one.claim.contests[0].table == table or (one.claim.name == "C8" and table == 5):
                effects[one.claim.name] = one.deciding.effect
    assert (
        f"C7 would be {effects['C7']:+.1f} and C8 {effects['C8']:+.1f}, by Table 5 alone C5 {effects['C5']:+.1f}"
        in words
    )


def test_the_page_on_verdicts_has_the_weights_of_contests():
    words = " ".join(VERDICTS.split())
    [c6] = [claim for claim in CLAIMS if claim.name == "C6"]
    weights = {(one.metric, one.rival.latent_dim, one.rival.method): contest_weight(one) for one in c6.contests}
    of_metric = {metric: sum(weight for key, weight in weights.items() if key[0] == metric) for metric, *_ in weights}
    sc, ch, db = (weight / sum(of_metric.values()) for weight in of_metric.values())
    assert f"SC weighs {sc:.2f} of all, CH {ch:.2f} and DB {db:.2f}" in words
    assert f"= {1.5 * sc + 0.3 * ch + 1.0 * db:.1f} margins" in words
    at_two, at_eight = (
        [weights[metric, dim, "hgmvae_g_no_fisher"] for metric in ("calinski_harabasz", "silhouette")] for dim in (2, 8)
    )
    shares = [two / eight for two, eight in zip(at_two, at_eight, strict=True)]
    assert f"weighs {shares[0]:.2f} (CH) to {shares[1]:.2f} (SC) of what one at d = 8 does" in words


def test_the_page_on_comparing_shows_what_the_command_says_of_the_committed_studies():
    comparison = compare(read_side(LAPTOP), read_side(REFERENCE / "laptop-calibrated"))
    words = " ".join(COMPARING.split())
    text = render_comparison(comparison)
    assert conclusion(comparison) in COMPARING
    rows = [
        line for line in COMPARING.splitlines() if line.startswith(("| beta_vae", "| swae", "| hgmvae_g_no_fisher"))
    ]
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert len(rows) == 3 and all(
        [cell.strip() for cell in row.split("|")[1:8]] in [r[:7] for r in shown] for row in rows
    )
    of = {method.method: method for method in comparison.methods}
    assert f"better by {of['hgmvae_g_no_fisher'].shift:.1f} tolerances over its 15 cells" in words
    assert of["hgmvae_g_no_fisher"].tested == 15 and of["swae"].result == "within tolerance"
    beta = of["beta_vae"]
    assert (
        f"better by {beta.shift:.1f} tolerances over its eight cells, narrowly missing significance "
        f"(p = {beta.p_holm:.3f}" in words
    )
    assert beta.tested == 8 and beta.p_holm > METHODS_ALPHA and beta.result == "not shown either way"
    [apart] = [result for result in comparison.results if result.result == "different"]
    assert (apart.cell.metric, apart.cell.method) == ("svm_accuracy", "beta_vae")


def _amount(tolerance: Tolerance) -> str:
    return f"{100 * tolerance.amount:g} %" if tolerance.relative else f"{tolerance.amount:g}"


def test_the_page_on_comparing_has_the_tolerances_and_the_level_of_the_methods():
    words = " ".join(COMPARING.split())
    listed = ", ".join(f"{METRICS[metric].label} {_amount(of)}" for metric, of in RESULT_TOLERANCES.items())
    assert f"sets another): {listed}. Differences" in words
    assert pytest.approx(4 / 5 * ALPHA) == METHODS_ALPHA
    assert f"at four fifths of the {ALPHA:.0%}".replace("%", " %") in words


def test_the_page_on_verdicts_has_the_chance_below_which_a_number_is_out_of_reach():
    words = " ".join(VERDICTS.split())
    assert words.count(f"with a probability below {100 * LEAST_CHANCE:g} %") == 1
    assert f"Below {100 * LEAST_CHANCE:g} % a number that was not reproduced is no evidence" in words


def test_the_page_on_verdicts_has_the_tolerances_margins_and_the_papers_own_effects():
    for metric, tolerance in PRINTED_TOLERANCES.items():
        row = next(line for line in VERDICTS.splitlines() if line.startswith(f"| {METRICS[metric].label} | "))
        first, *_, last = row.strip("| ").split(" | ")[1:]
        for shown, of in ((first, tolerance), (last, MARGINS[metric])):
            assert shown == _amount(of), metric
    for judgement in judge_printed():
        claim, least = judgement.claim, judgement.deciding
        effect = "–" if least is None else f"{least.effect:+.1f} (bar {least.part.bar:+.0f})"
        won = re.search(r"(\d+ of \d+) won", judgement.reason)[1]
        sizes = f"{len(claim.contests)} | {len(claim.parts)}"
        assert f"| {claim.name} | {sizes} | {effect} | {won} |" in VERDICTS


def test_beside_numbers_of_flips_stands_how_many_the_seeds_alone_would_make():
    of_audit = flips_text(pd.read_csv(LAPTOP / "audit" / "flips.csv"))
    assert " ".join(of_audit) in " ".join((ROOT / "docs" / "audit.md").read_text(encoding="utf-8").split())
    folders = (REFERENCE / "README.md").read_text(encoding="utf-8")
    for folder in ("robust", "robust-laptop"):
        states = pd.read_csv(REFERENCE / folder / "robust.csv").query("judged > 0 and run != 'default'")
        [row] = [line for line in folders.splitlines() if line.startswith(f"| `{folder}/` |")]
        assert " ".join(flips_text(states)) in row


def test_the_readings_of_ssim_in_the_docs_are_those_measured():
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    words = " ".join(page.split())
    folder = REFERENCE / "similarity"
    scores = pd.read_csv(folder / "audit" / "scores.csv").pivot(index="alternative", columns="metric", values="value")
    rows = page[page.index("| reading | SSIM") :].split("\n\n")[0].splitlines()[2:]
    named = [line.strip("| ").split(" | ")[0] for line in rows]
    assert set(named) >= {name for name, scoring in SCORINGS.items() if set(scoring.metrics) & {"ssim", "ms_ssim"}}
    for name, row in zip(named, rows, strict=True):
        cells = ["–" if pd.isna(scores.loc[name, of]) else f"{scores.loc[name, of]:.3f}" for of in ("ssim", "ms_ssim")]
        assert row == f"| {name} | {' | '.join(cells)} |"
    ssim = scores.loc[named, "ssim"]
    assert f"an SSIM from {ssim.min():.2f} to {ssim.max():.2f}" in words
    border = ssim["SSIM valid window"] - ssim["judged"]
    assert f"The border accounts for {border:.2f}" in words and ssim["pixels in [-1, 1]"] - ssim["judged"] > border
    printed = (
        paper_numbers().query("table == 3 and dataset == 'mnist' and method == 'vae'").set_index("metric")["value"]
    )
    assert f"the paper prints {printed['ssim']:.3f} and {printed['ms_ssim']:.3f}" in words


README = (ROOT / "README.md").read_text(encoding="utf-8")


BEST_CASE = " ".join((ROOT / "docs" / "best-case.md").read_text(encoding="utf-8").split())


def test_the_page_of_the_best_case_has_its_rule_its_methods_and_its_questions():
    study = STUDIES["best-case"]
    for measure, margin in study.questions[0].margins.items():
        assert re.search(rf"\| {MEASURES[measure].label}[^|]* \| {margin:g} \|", BEST_CASE)
    for method in {cell.method for cell in study.cells()}:
        assert f"`{method}`" in BEST_CASE and f"method={method}" in BEST_CASE
    assert re.findall(r"- \((\w)\)", BEST_CASE) == [question.letter for question in study.questions]
    for only in re.findall(r"--study best-case --only (\S+)", BEST_CASE):
        assert Selection.parse(only).cells_of(study)
    assert (study.seeds, study.training.epochs, study.weight_set) == (5, 10, "default")
    assert not list(REFERENCE.glob("best-case*")) and not list(REFERENCE.glob("weight-sweep*"))
    assert "no study of this page has been run at the paper's size" in BEST_CASE
    of_sweeps = {f"{value:g}" for sweep in SWEEPS for value in sweep.values}
    assert of_sweeps <= set(re.findall(r"[\d.]+(?=[,* ])", BEST_CASE))


def test_the_readme_is_short_and_leads_to_every_page_of_the_docs():
    assert len(README.splitlines()) < 120
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert {name for name in pages if f"(docs/{name}" not in README} == set()
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_readme_has_the_claims_with_what_the_papers_numbers_say():
    for judgement in judge_printed():
        claim, least = judgement.claim, judgement.deciding
        effect = "–" if least is None else f"{least.effect - least.part.bar:+.1f}"
        assert f"| {claim.name} | {claim.text} | {len(claim.contests)} | {effect} | {judgement.state} |" in README
    of_ours = [pd.read_csv(path) for path in REFERENCE.glob("*/verdicts/claims.csv")]
    assert len(of_ours) > 3 and all(claims["reduced"].str.startswith("reduced: ").all() for claims in of_ours)
    assert "Our own runs decide none of the nine yet" in README


def test_the_readmes_findings_are_those_of_the_page(found):
    for words in ("38 places", "under 3 of 3 seeds", "by 0.014"):
        assert words in " ".join(README.split()) and words in found


GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"- \*\*(.+?)\*\*: .+\. \(\[`(.+?)`\]\((.+?)\)\)")


@pytest.mark.parametrize("line", [line for line in GLOSSARY.splitlines() if line.startswith("- ")])
def test_every_term_of_the_glossary_is_defined_where_it_says(line):
    match = ENTRY.fullmatch(line)
    assert match, "an entry is '- **term**: sentences. ([`name`](file))'"
    _, name, target = match.groups()
    path = (ROOT / "docs" / target).resolve()
    assert path.is_file() and path.is_relative_to(ROOT)
    defined = rf"(?m)^ *(class|def) {name}\b|^ *{name}\b *[:=(]"
    assert name == path.name or re.search(defined, path.read_text(encoding="utf-8"))


def test_the_glossary_has_each_term_once_and_the_readme_leads_to_it():
    terms = [ENTRY.fullmatch(line)[1].lower() for line in GLOSSARY.splitlines() if line.startswith("- ")]
    assert len(terms) > 50 and len(set(terms)) == len(terms)
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
