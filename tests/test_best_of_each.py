"""Which candidates the study `best-case-choice` chooses, by the rule of docs/best-case.md."""

from types import SimpleNamespace as Namespace

import pandas as pd
import pytest
from study_samples import cell, manifest, study_results

from benchmark.cli import main
from benchmark.controls.best_of_each import best_of_each, render_best_of_each
from benchmark.errors import UserError
from benchmark.studies.named_studies import CHOICE, STUDIES

METHODS = tuple(dict.fromkeys(cell.method for cell in STUDIES[CHOICE].cells()))
NOTES = STUDIES[CHOICE].notes()
FIRST_HGMVAE = next(name for name in METHODS if name.startswith("hgmvae"))


def made(scores, diverged=(), missing=(), notes=NOTES):
    """A study in which candidates have (accuracy, SSIM) under their seeds by `scores`, others 0.5 and 0.4."""
    cells = [cell(table, "mnist", method, 8, (0, 1)) for table in (2, 3) for method in METHODS]
    records = {}
    for method in METHODS:
        for seed in (0, 1):
            accuracy, ssim = scores.get(method, ((0.5, 0.4), (0.5, 0.4)))[seed]
            failed = (method, seed) in diverged
            key = f"mnist-{method}-8-{seed}"
            metrics = {
                "classification": {"svm_accuracy": accuracy},
                "reconstruction": {"ssim": ssim, "ms_ssim": 0.9},
            }
            records[key] = {
                "key": key,
                "identity": {"dataset": "mnist", "method": method, "latent_dim": 8, "seed": seed},
                "status": "diverged" if failed else "ok",
                "reason": "loss not finite" if failed else None,
                "metrics": {} if failed else metrics,
                "unavailable": {},
                "health": {},
            }
            if (method, seed) in missing:
                del records[key]
    return study_results(manifest(cells, study=CHOICE, seeds=2, notes=[*notes]), records)


def chosen(study):
    best = best_of_each(study).query("chosen")
    return {(row.measure, row.side): (row.method, row.mean, row.diverged) for row in best.itertuples()}


def test_the_highest_mean_is_chosen_on_each_side_and_by_each_score():
    scores = {
        "vae": ((0.8, 0.4), (0.6, 0.4)),
        "swae": ((0.69, 0.4), (0.69, 0.6)),
        "hgmvae_g_summed": ((0.9, 0.4), (0.5, 0.4)),
        "hgmvae_g_traces": ((0.5, 0.4), (0.5, 0.5)),
    }
    assert chosen(made(scores)) == {
        ("svm_accuracy", "HGMVAE"): ("hgmvae_g_summed", pytest.approx(0.7), 0),
        ("svm_accuracy", "rival"): ("vae", pytest.approx(0.7), 0),
        ("ssim", "HGMVAE"): ("hgmvae_g_traces", pytest.approx(0.45), 0),
        ("ssim", "rival"): ("swae", pytest.approx(0.5), 0),
    }


def test_a_diverged_seed_counts_as_zero():
    """0.9 and a diverged seed are 0.45, less than 0.5 twice; 0.98 and a diverged one would be 0.98 without the rule."""
    scores = {"vae": ((0.9, 0.9), (0.9, 0.9)), "hgmvae_u": ((0.98, 0.9), (0.98, 0.9))}
    found = best_of_each(made(scores, diverged=[("vae", 1), ("hgmvae_u", 0)]))
    means = found.set_index(["measure", "method"])[["mean", "diverged"]]
    assert means.loc[("svm_accuracy", "vae")].tolist() == pytest.approx([0.45, 1])
    assert means.loc[("svm_accuracy", "hgmvae_u")].tolist() == pytest.approx([0.49, 1])
    assert not {"vae", "hgmvae_u"} & {*found.query("chosen and measure == 'svm_accuracy'")["method"]}


def test_of_equal_means_the_first_of_the_study_is_chosen():
    assert {method for method, *_ in chosen(made({})).values()} == {METHODS[0], FIRST_HGMVAE}


def test_nothing_is_chosen_while_a_trial_is_missing():
    with pytest.raises(UserError, match=rf"2 of {4 * len(METHODS)} scores are missing"):
        best_of_each(made({}, missing=[("vae", 1)]))


def test_a_study_that_was_changed_chooses_nothing_and_another_set_beside_it_counts_for_nothing():
    for note in ("--epochs 1 (paper: 10)", "--set vae.beta=2"):
        with pytest.raises(UserError, match="nothing is chosen: the study was not run as declared"):
            best_of_each(made({}, notes=[*NOTES, note]))
    study = made({"vae": ((0.8, 0.4), (0.6, 0.4))})
    other = study.frame.assign(dataset="fashion_mnist", value=1.0)
    frame = pd.concat([study.frame, other], ignore_index=True)
    both = Namespace(manifest=study.manifest, frame=frame)
    pd.testing.assert_frame_equal(best_of_each(both), best_of_each(study))


def test_the_page_names_both_choices_and_every_candidate(tmp_path, monkeypatch, capsys):
    study = made({"vae": ((0.8, 0.9), (0.6, 0.7))}, diverged=[("hgmvae_u", 1)])
    text = render_best_of_each(best_of_each(study))
    assert "rival: VAE (`vae`), 0.7000." in text and "rival: VAE (`vae`), 0.8000." in text
    assert text.count("1 of 2") == 2 and text.count("\n| ") == 2 * (len(METHODS) + 2)
    monkeypatch.setattr("benchmark.results.store.Store.read_study", lambda self: study)
    assert main(["controls", str(tmp_path)]) == 0
    assert text in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "controls" / "choice.csv")
    assert (len(table), table["chosen"].sum()) == (2 * len(METHODS), 4)
