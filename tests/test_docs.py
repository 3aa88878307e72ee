"""What the documentation repeats from the code is what the code says."""

from pathlib import Path

from benchmark.cards import render_all_cards
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
