"""A step of every method beside VAE's: ratios of paired turns, and the command that writes them."""

import dataclasses
import json

import pandas as pd
import pytest
from tiny_study import tiny_grid

from benchmark.cli import main
from benchmark.methods.registry import METHODS
from benchmark.throughput import measurement as throughput
from benchmark.throughput.method_times import method_times


@pytest.fixture
def trials(tmp_path):
    [first, *_] = tiny_grid(tmp_path).trials()
    methods = ("hgmvae_g", "vae")
    return [
        dataclasses.replace(first, method=name, settings=METHODS[name].settings("default"), seed=0) for name in methods
    ]


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(throughput, "_MOST_STEPS", 3)


def test_ratios_are_of_the_same_turn_and_seconds_of_a_step(trials, few_steps, monkeypatch):
    # HGMVAE-G and VAE, three steps each; the first turn warms up, and every other one is timed from its end.
    turns = [(99, 99), (6, 3), (30, 10), (12, 12)]
    clock = iter([0.1, *(seconds for i, turn in enumerate(turns) for seconds in (turn[::-1] if i % 2 else turn))])
    monkeypatch.setattr(throughput, "timed", lambda work, device: next(clock))
    hgmvae, vae = method_times(trials, "cpu", threads=1, seconds=0)
    assert (hgmvae.method, hgmvae.step_seconds, hgmvae.turns) == ("hgmvae_g", 12 / 3, 3)
    assert (hgmvae.low, hgmvae.times_vae, hgmvae.high) == (1.5, 2.0, 2.5)  # of 1, 2 and 3
    assert (vae.step_seconds, vae.low, vae.times_vae, vae.high) == (pytest.approx(10 / 3), 1, 1, 1)


def test_the_command_measures_every_place_that_has_a_vae(tmp_path, few_steps, capsys):
    only = ("--only", "table=2,dataset=mnist,method=vae,method=hgmvae_u")
    assert main(["throughput", "--methods", "--study", "smoke", *only, "--seconds", "1", "--out", str(tmp_path)]) == 0
    frame = pd.read_csv(tmp_path / "methods.csv")
    assert set(frame["method"]) == {"vae", "hgmvae_u"} and frame.loc[frame["method"] == "vae", "times_vae"].eq(1).all()
    assert (frame["milliseconds_per_step"] > 0).all() and (frame["turns"] >= 3).all()
    made = json.loads((tmp_path / "methods.json").read_text())
    assert made["study"] == "smoke" and made["command"].startswith("python -m benchmark") and "git_commit" in made
    assert "paired turns" in capsys.readouterr().out


def test_without_a_vae_there_is_nothing_to_compare_with(tmp_path, capsys):
    command = ["throughput", "--methods", "--study", "smoke", "--only", "method=swae", "--out", str(tmp_path)]
    assert main(command) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--only method=swae: no data set and latent dimension of study smoke with vae and another method" in line
