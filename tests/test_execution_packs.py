"""How a study's trials fall into packs, and how many seeds fit into a memory."""

import dataclasses

import pytest
import torch
from tiny_study import TINY, tiny_grid

from benchmark.errors import UserError
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.memory import fitting, memory_taken, seeds_that_fit
from benchmark.execution.pack_run import run_pack
from benchmark.execution.packs import Pack, packs_of


@pytest.fixture
def trials(tmp_path):
    return tiny_grid(tmp_path, dataclasses.replace(TINY, seeds=7)).trials()


def seeds_of(packs):
    return [(pack.trials[0].method, [trial.seed for trial in pack.trials]) for pack in packs]


def test_a_pack_is_all_seeds_of_a_kind_in_the_order_of_the_tables(trials):
    packs = packs_of(trials, trials, None)
    assert seeds_of(packs) == [("gmvae", list(range(7))), ("vae", list(range(7)))]
    assert str(packs[0]) == "mnist gmvae d=2 seed=0..6"
    assert seeds_of(packs_of(trials[::-1], trials, None)) == [("vae", list(range(7))), ("gmvae", list(range(7)))]


def test_large_packs_are_split_evenly(trials):
    packs = packs_of(trials[:7], trials, 3)
    assert seeds_of(packs) == [("gmvae", [0, 1]), ("gmvae", [2, 3]), ("gmvae", [4, 5, 6])]
    singles = packs_of(trials, trials, 1)
    assert len(singles) == 14 and str(singles[0]) == "mnist gmvae d=2 seed=0"


def test_what_is_wanted_changes_no_composition_and_packs_without_any_are_left_out(trials):
    [pack] = packs_of(trials, [trials[2], trials[4]], None)
    assert [trial.seed for trial in pack.trials] == list(range(7))
    assert pack.wanted_trials == [trials[2], trials[4]]
    assert seeds_of(packs_of(trials, [trials[6]], 3)) == [("gmvae", [4, 5, 6])]
    assert packs_of(trials, [], None) == []


def test_as_many_seeds_as_fit_with_a_margin_and_never_none():
    assert fitting(one=100, budget=1_600) == 10
    assert fitting(one=100, budget=149) == 1
    assert fitting(one=100, budget=-5) == 1


def test_a_cpu_states_no_limit(trials):
    assert seeds_that_fit(trials[0], torch.zeros(64, 1, 32, 32, dtype=torch.uint8)) is None


def test_the_memory_that_work_takes_is_its_highest_use_beyond_what_was_there():
    kept = torch.ones(50 * 2**20, dtype=torch.uint8)

    def work():
        block = torch.ones(100 * 2**20, dtype=torch.uint8)
        del block
        return torch.ones(20 * 2**20, dtype=torch.uint8)

    result, taken = memory_taken(work, "cpu")
    if taken is None:
        pytest.skip("this system does not tell")
    assert len(result) + len(kept) == 70 * 2**20
    assert 90 < taken / 2**20 < 130


@pytest.mark.parametrize("changed", ["method", "training", "protocol", "images"])
def test_a_pack_is_not_trained_on_code_or_images_other_than_it_was_laid_out_for(tmp_path, changed):
    grid = tiny_grid(tmp_path, TINY)
    trial, dataset = grid.trials()[0], grid.datasets["mnist"]
    if changed == "method":
        trial = dataclasses.replace(trial, method_revision=99)
    elif changed == "training":
        trial = dataclasses.replace(trial, training=dataclasses.replace(trial.training, revision=99))
    elif changed == "protocol":
        [(name, settings)] = list(trial.protocols.items())[:1]
        trial = dataclasses.replace(trial, protocols=trial.protocols | {name: settings | {"revision": 99}})
    else:
        dataset = dataclasses.replace(dataset, digest="of others")
    said = "its images changed" if changed == "images" else "the code was updated"
    context = TrialContext(tmp_path / "out", "cpu", None)
    with pytest.raises(UserError, match=f"{said} during this run; start the same command again"):
        next(run_pack(Pack((trial,), frozenset([trial.key])), dataset, torch.from_numpy(dataset.x_train), context))
    assert not (tmp_path / "out").exists()
