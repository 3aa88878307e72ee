"""What the documentation repeats from the code is what the code says."""

import json
import math
import re
from pathlib import Path

import pandas as pd

from benchmark.cards import render_all_cards
from benchmark.errata.checks import paper_errata
from benchmark.errata.printed import Kind
from benchmark.studies import STUDIES

ROOT = Path(__file__).resolve().parent.parent


def test_the_cards_in_the_docs_are_those_of_the_registry():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert page == render_all_cards(), "write it anew: python -m benchmark methods --all > docs/methods.md"


def test_the_readme_counts_each_studys_trials_rightly():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for study in STUDIES.values():
        trials = len({(cell.dataset, cell.method, cell.latent_dim) for cell in study.cells()}) * study.seeds
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{study.name}` |"))
        assert f"| {trials:,} |" in row


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
    means = pd.read_csv(readings / "controls" / "means.csv").set_index("method")
    assert of_print == ["diverged"] * 3 and "diverges under 3 of 3 seeds" in found
    minimised = means.loc["hgmvae_g_minimised"]
    assert f"collapses under {minimised['collapsed']:.0f} of {minimised['seeds']:.0f};" in found
    assert f"at {means.loc[means['collapsed'] == 0, 'z_rate'].max():.3f} nats" in found

    distances = pd.read_csv(laptop / "audit" / "distances.csv").query("table == 2 and metric == 'svm_accuracy'")
    distances = distances.set_index("alternative")["distance"]
    assert f"{distances['judged']:.0f} tolerances" in found and f"machines, {distances['one-vs-rest']:.1f}:" in found

    spread = pd.read_csv(laptop / "audit" / "spread.csv").query("dataset == 'mnist' and metric == 'silhouette'")
    halves = spread.set_index("source").loc["first - last half"]
    assert f"by {abs(halves['size']):.3f} in Table 1's silhouette" in found and f"by {halves['paper_gap']:.3f}" in found

    claims = pd.read_csv(laptop / "verdicts" / "claims.csv").set_index("claim")["ours"]
    assert claims.to_dict() == dict.fromkeys(claims.index, "undecided") | {"C9": "supported"}
    robust = pd.read_csv(ROOT / "results" / "reference" / "robust" / "robust.csv")
    by_means = robust[(robust["by"] == "means") & robust["claim"].isin(["C1", "C2", "C3", "C4"])]
    assert set(by_means["state"]) == {"contradicted"} and set(by_means["run"]) == {"default", "calibrated"}
    contests = pd.read_csv(laptop / "verdicts" / "contests.csv").query("claim == 'C9'")
    ratios = " and ".join(f"{math.exp(difference):.1f}" for difference in contests["difference"])
    assert re.search(rf"\({re.escape(ratios)} times\)", found)
