"""What the documentation repeats from the code is what the code says."""

import json
import math
from pathlib import Path

import pandas as pd
from scipy import stats

from benchmark.cards import render_all_cards
from benchmark.errata.checks import paper_errata
from benchmark.errata.printed import Kind
from benchmark.studies import STUDIES

ROOT = Path(__file__).resolve().parent.parent
CONTROLS_PAGE = ROOT / "results" / "reference" / "laptop-controls" / "controls" / "controls.md"


def test_the_cards_in_the_docs_are_those_of_the_registry():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert page == render_all_cards(), "write it anew: python -m benchmark methods --all > docs/methods.md"


def test_the_readme_counts_each_studys_trials_rightly():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for study in STUDIES.values():
        trials = len({(cell.dataset, cell.method, cell.latent_dim) for cell in study.cells()}) * study.seeds
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{study.name}` |"))
        assert f"| {trials:,} |" in row


def test_the_docs_have_the_controls_verdicts():
    page = CONTROLS_PAGE.read_text(encoding="utf-8")
    in_short = page[page.index("## In short") : page.index("## (a)")]
    assert in_short in (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")


def test_the_docs_have_the_rates_of_the_controls():
    page = " ".join((ROOT / "docs" / "controls.md").read_text(encoding="utf-8").split())
    answers = pd.read_csv(CONTROLS_PAGE.parent / "answers.csv").query("question == 'a' and measure == 'svm_accuracy'")
    whole = answers.set_index("dataset").loc["all"]
    assert f"behind by {-whole['advantage']:.3f} ({-whole['high']:.3f} to {-whole['low']:.3f})" in page
    most_behind = answers[answers["dataset"] != "all"].nsmallest(2, "advantage")
    assert set(zip(most_behind["dataset"], most_behind["latent_dim"], strict=True)) == {
        ("fashion_mnist", 8),
        ("fashion_mnist", 32),
    }
    means = pd.read_csv(CONTROLS_PAGE.parent / "means.csv").set_index("method")
    ours = means.loc["hgmvae_g"]
    of_w = ours["rate"] - (ours["rate_low"] + ours["rate_high"]) / 2
    assert f"what the code tells of w: {of_w.min():.1f} to {of_w.max():.1f} nats" in page
    records = (json.loads(path.read_text()) for path in (CONTROLS_PAGE.parents[1] / "records").glob("*.json"))
    bounds = [one["health"]["rate_bounds"] for one in records if one["identity"]["method"] == "hgmvae_g"]
    assert len(bounds) == 18 and 0.5 < max(high - low for low, high in bounds) < 0.6
    for method, low, high in (("hgmvae_g_bce", 10.3, 11.1), ("vae_bce", 7.1, 9.7)):
        of_bce = means.loc[method].query("latent_dim > 2")
        middle = (of_bce["rate_low"] + of_bce["rate_high"]) / 2
        assert (round(middle.min(), 1), round(middle.max(), 1)) == (low, high)
        assert f"{low} to {high}" in page


def _hgmvae_below_others() -> tuple[int, int]:
    """In how many of the pairs of HGMVAE-G or -U with a baseline, by the chosen settings, its accuracy is lower."""
    scores = pd.read_csv(ROOT / "results" / "reference" / "calibration" / "calibration.csv")
    chosen = json.loads((ROOT / "results" / "reference" / "calibration" / "chosen.json").read_text())["ranks"]
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


def test_what_the_readme_found_is_what_the_reference_results_say():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = readme[readme.index("## What it found so far") : readme.index("## Two commands")]
    found = " ".join(found.split())
    laptop = ROOT / "results" / "reference" / "laptop-cpu"

    contradictions = sum(finding.kind == Kind.CONTRADICTION for finding in paper_errata())
    assert f"in {contradictions} places" in found

    readings = ROOT / "results" / "reference" / "readings"
    records = [json.loads(path.read_text()) for path in (readings / "records").glob("*.json")]
    of_print = [record["status"] for record in records if record["identity"]["method"] == "hgmvae_g_as_printed"]
    assert of_print == ["diverged"] * 3 and "diverges under 3 of 3 seeds" in found
    trained = [record["curves"] for record in records if record["status"] == "ok"]
    z_rates = [sum(curve[-1] for name, curve in curves.items() if name.startswith("z_")) for curves in trained]
    assert f"at most at {max(z_rates):.3f} nats" in found
    answers = pd.read_csv(readings / "controls" / "answers.csv").query("question == 'e' and dataset == 'all'")
    of_fisher = answers.set_index("measure").loc["svm_accuracy"]
    interval = f"{of_fisher['advantage']:+.3f}, 95 % interval {of_fisher['low']:.3f} to {of_fisher['high']:.3f}"
    assert f"SVM accuracy {interval})" in found

    distances = pd.read_csv(laptop / "audit" / "distances.csv").query("table == 2 and metric == 'svm_accuracy'")
    distances = distances.set_index("alternative")["distance"]
    assert f"{distances['judged']:.0f} tolerances" in found and f"machines, {distances['one-vs-rest']:.1f}:" in found

    spread = pd.read_csv(laptop / "audit" / "spread.csv").query("dataset == 'mnist' and metric == 'silhouette'")
    halves = spread.set_index("source").loc["first - last half"]
    assert f"by {abs(halves['size']):.3f} in Table 1's silhouette" in found and f"by {halves['paper_gap']:.3f}" in found

    lower, pairs = _hgmvae_below_others()
    assert f"in only {lower} of {pairs} pairs" in found

    of_controls = pd.read_csv(CONTROLS_PAGE.parent / "answers.csv").query(
        "dataset == 'all' and measure == 'svm_accuracy'"
    )
    of_vae = of_controls.set_index(["question", "a", "b"]).loc[("h", "hgmvae_g", "vae")]
    interval = f"by {-of_vae['advantage']:.3f} (95 % interval {-of_vae['high']:.3f} to {-of_vae['low']:.3f}"
    [at_rate] = of_controls[of_controls["question"] == "a"].itertuples()
    interval += f"; at the same rate by {-at_rate.advantage:.3f}, {-at_rate.high:.3f} to {-at_rate.low:.3f})"
    assert f"an SVM reads a VAE's codes better than HGMVAE-G's {interval}" in found
    assert set(of_controls.loc[of_controls["question"] == "a", "answer"]) == {"no difference shown"}
    helped = of_controls[of_controls["question"].isin(["b", "c", "e"])]
    assert "A better" not in set(helped["answer"])
    z_rates = pd.read_csv(CONTROLS_PAGE.parent / "means.csv").groupby("method")["z_rate"].max()
    few = ["hgmvae_g_k1", "hgmvae_g_k2"]
    assert z_rates[few].min() > 6 > 0.13 > z_rates.drop(few).max()

    said_of_times = []
    for run in ("laptop-cpu", "laptop-calibrated"):
        verdicts = ROOT / "results" / "reference" / run / "verdicts"
        claims = pd.read_csv(verdicts / "claims.csv").set_index("claim")["ours"]
        assert claims.to_dict() == dict.fromkeys(claims.index, "undecided") | {"C9": "supported"}
        contests = pd.read_csv(verdicts / "contests.csv").query("claim == 'C9'")
        said_of_times.append(" and ".join(f"{math.exp(difference):.1f}" for difference in contests["difference"]))
    assert "({} times with default weights, {} times with calibrated ones)".format(*said_of_times) in found
    robust = pd.read_csv(ROOT / "results" / "reference" / "robust" / "robust.csv")
    by_means = robust[(robust["by"] == "means") & robust["claim"].isin(["C1", "C2", "C3", "C4"])]
    assert set(by_means["state"]) == {"contradicted"} and set(by_means["run"]) == {"default", "calibrated", "bce"}
