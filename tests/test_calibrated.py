"""The weight set `calibrated` is what the calibration of record chose, and nothing else."""

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmark.calibration.candidates import GRIDS, at_an_end
from benchmark.calibration.selection import outcome
from benchmark.errors import UserError
from benchmark.methods import registry as methods
from benchmark.methods.calibrated_weights import CRITERION, RESULT, chosen_settings
from benchmark.methods.control_methods import CONTROLS
from benchmark.methods.registry import METHODS

ROOT = Path(__file__).resolve().parent.parent


def test_the_choice_follows_from_the_scores_beside_it():
    folder = (ROOT / RESULT).parent
    scores = pd.read_csv(folder / "calibration.csv")
    found = outcome(scores)
    written = json.loads((folder / "chosen.json").read_text())
    for criterion, of_method in found.choices.items():
        assert written[criterion] == {method: GRIDS[method][number] for method, number in of_method.items()}
    assert written["made"]["git_dirty"] is False
    assert len(scores) == 128 and set(written[CRITERION]) == set(GRIDS)


@pytest.mark.parametrize("name", list(GRIDS))
def test_calibrated_is_the_default_but_for_what_was_chosen(name):
    method = METHODS[name]
    assert method.settings("calibrated") == method.settings("default") | chosen_settings()[name]


def test_ablations_and_controls_take_the_weights_of_their_method():
    whole = METHODS["hgmvae_u"].settings("calibrated")
    assert METHODS["hgmvae_u_no_fisher"].settings("calibrated") == whole | {"fisher_weight": 0.0}
    whole = METHODS["hgmvae_g"].settings("calibrated")
    assert CONTROLS["hgmvae_g_k2"].settings("calibrated") == whole | {"n_components": 2}


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"ranks": 3}', '{"ranks": {"vae": 3}}'])
def test_a_choice_that_is_not_there_or_is_none_is_one_line(content, tmp_path):
    file = tmp_path / "chosen.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=r"^weights calibrated: .*; make it with calibrate, or add") as error:
        chosen_settings(file)
    assert "\n" not in str(error.value)


def test_a_misspelt_field_of_the_choice_names_the_file_and_the_field(monkeypatch):
    monkeypatch.setattr(methods, "chosen_settings", lambda: {"vae": {"betta": 0.1}, "gmvae": {"beta_k": "0.1"}})
    with pytest.raises(UserError, match=f"^{RESULT}: vae: there is no 'betta'; did you mean 'beta'"):
        METHODS["vae"].settings("calibrated")
    with pytest.raises(UserError, match=f"^{RESULT}: gmvae: beta_k = '0.1': input should be a valid number"):
        METHODS["gmvae"].settings("calibrated")
    with pytest.raises(UserError, match=f"--weights calibrated: {RESULT}: there is no 'beta_vae'; "):
        METHODS["beta_vae"].settings("calibrated")


def test_the_docs_say_what_was_reached():
    scores = pd.read_csv((ROOT / RESULT).parent / "calibration.csv")
    settings = outcome(scores).settings
    chosen = dict(outcome(scores).choices[CRITERION])
    reached = {name: settings.loc[(name, number), "svm_accuracy"] for name, number in chosen.items()}
    texts = [
        " ".join((ROOT / "docs" / name).read_text(encoding="utf-8").split())
        for name in ("calibration.md", "findings.md")
    ]
    span = f"accuracies of {min(reached.values()):.3f} to {max(reached.values()):.3f}"
    assert all(span in text for text in texts)
    assert set(sorted(reached, key=reached.get)[:2]) == {"hgmvae_g", "hgmvae_u"}
    ends = {name for name in reached if at_an_end(GRIDS[name], chosen[name], METHODS[name].settings("default"))}
    assert ends == {"hgmvae_g", "hgmvae_u"}
