"""`compare`: same, different or neither shown, from folders and CSVs; what is missing; what else differs."""

import io
import json
import os
import re
import shutil
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats
from study_samples import packed_records

from benchmark.commands.compare_results import CompareOptions, asked_tolerances
from benchmark.commands.compare_results import compare as compare_command
from benchmark.comparison.compare import Basis, Result, State, compare
from benchmark.comparison.comparison_page import comparison_frame
from benchmark.comparison.sides import ComparedSide, Fact, Kind, Score, Spread, read_side
from benchmark.comparison.tolerances import RESULT_TOLERANCES
from benchmark.errors import UserError
from benchmark.paper.tables import PAPER_FOLDER, ScorePlace
from benchmark.results.identity import identity_key
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.statistics import Tolerance
from benchmark.table_specs import TABLES

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
LAPTOP = REFERENCE / "laptop-cpu"
HEADER = "dataset,metric,method,latent_dim,seed,value"
CPU = {
    "git_commit": "c1",
    "git_dirty": False,
    "versions": {"python": "3.11", "torch": "2.14"},
    "device": "cpu (x86_64)",
    "platform": "Linux x86_64",
    "numerics": {"threads": 1, "deterministic": False},
}
GPU = CPU | {"device": "cuda (H100)"}


def asked(a, b, **options):
    return CompareOptions(a=Path(a), b=Path(b), **options)


def run(a, b, terminal=False, **options):
    """(exit status, what was printed) of the command."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, soft_wrap=True, markup=False, highlight=False, width=200)
    return compare_command(asked(a, b, **options), console), output.getvalue()


def side(values, name="A", status="ok", **score):
    """A side of SVM accuracies on MNIST at d = 8: {method: {seed: value, or None for `status`}}."""
    scores = {
        ScorePlace("mnist", "svm_accuracy", method, 8): {
            seed: Score(value, "ok" if value is not None else status, None, **score) for seed, value in seeds.items()
        }
        for method, seeds in values.items()
    }
    return ComparedSide(name, scores, facts=(), facts_complete=False)


def one(comparison):
    [result] = comparison.results
    return result


def numbered(values, start=0):
    return {start + position: float(value) for position, value in enumerate(values)}


def folder(path, accuracies, settings=None, provenance=CPU, training=None, **manifest):
    """A results folder of Table 2 on MNIST at d = 8: {method: {seed: accuracy, or a status without one}}."""
    (path / "records").mkdir(parents=True)
    cells = []
    for method, seeds in accuracies.items():
        keys = {}
        for seed, accuracy in seeds.items():
            identity = {
                "data": {"name": "mnist", "digest": "d1"},
                "dataset": "mnist",
                "method": method,
                "method_revision": 1,
                "latent_dim": 8,
                "seed": seed,
                "settings": (settings or {}).get(method, {"beta": 1.0}),
                "training": {"epochs": 10} | (training or {}),
                "protocols": {"classification": {"c": 1.0}},
            }
            keys[str(seed)] = key = identity_key(identity)
            scored = isinstance(accuracy, float)
            record = {
                "schema": 1,
                "key": key,
                "identity": identity,
                "status": "ok" if scored else accuracy,
                "reason": None if scored else "loss not finite",
                "metrics": {"classification": {"svm_accuracy": accuracy} if scored else {}},
                "provenance": provenance,
            }
            record |= {"unavailable": {}, "health": {}, "curves": {}, "timings": {}}
            (path / "records" / f"{key}.json").write_text(json.dumps(record))
        cells.append({"table": 2, "dataset": "mnist", "method": method, "latent_dim": 8, "keys": keys})
    content = {"schema": 1, "study": "s", "seeds": 0, "weight_set": "default", "notes": [], "marks": {}}
    content |= {"unavailable": {}, "data": {}, "runs": [], "cells": cells} | manifest
    (path / "manifest.json").write_text(json.dumps(content))
    return path


def nudged_copy(path, change, **provenance):
    """laptop-cpu with the silhouette of one trial changed; returns the trial's identity."""
    path.mkdir()
    for name in ("manifest.json", "records.jsonl"):
        shutil.copy(LAPTOP / name, path)
    nudged = next(record for record in packed_records(LAPTOP).values() if "clustering" in record["metrics"])
    nudged["metrics"]["clustering"]["silhouette"] += change
    nudged["provenance"] |= provenance
    Store(path).write_record(Record.parse(nudged))
    return nudged["identity"]


def test_a_result_is_equal_to_itself(laptop):
    comparison = compare(laptop, laptop)
    assert len(comparison.of(Result.EQUAL)) == 121
    assert len(comparison.of(Result.NO_VALUE)) == 100  # no weights, no chairs
    assert len(comparison.results) == 221
    assert comparison.around == ()
    status, printed = run(LAPTOP, LAPTOP)
    assert status == 0
    assert printed.startswith("### Comparison\n")
    assert printed.endswith("Same: all 121 cells are equal but for rounding.\n")
    assert "#### As read\n\n- A and B are the same folder\n" in printed


def test_a_file_compared_with_itself_is_told_also_through_a_link(tmp_path):
    file, link, copy = (tmp_path / name for name in ("a.csv", "link.csv", "copy.csv"))
    file.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,0.5\n")
    link.symlink_to(file)
    shutil.copy(file, copy)
    assert "- A and B are the same file\n" in run(file, link)[1]
    assert "A and B are the same" not in run(file, copy)[1]


@pytest.fixture(scope="module")
def laptop():
    return read_side(LAPTOP)


@pytest.mark.parametrize(
    ("change", "provenance", "result", "basis", "same_trials", "repeated"),
    [
        (0.05, {}, Result.DIFFERENT, Basis.SAME_TRIALS, 174, 173),
        (-0.05, {"git_commit": "other"}, Result.DIFFERENT, Basis.SAME_TRIALS, 174, 173),
        (0.015, {}, Result.WITHIN, Basis.SAME_TRIALS, 174, 173),
        (1e-9, {}, Result.EQUAL, Basis.ROUNDING, 174, 174),
        (0.05, {"platform": "Darwin arm64"}, Result.NOT_SHOWN, Basis.PAIRED, 173, 173),
    ],
)
def test_one_nudged_seed_of_a_repeated_trial(
    tmp_path, laptop, change, provenance, result, basis, same_trials, repeated
):
    where = nudged_copy(tmp_path / "b", change, **provenance)
    comparison = compare(laptop, read_side(tmp_path / "b"))
    cell = ScorePlace(where["dataset"], "silhouette", where["method"], where["latent_dim"])
    [found] = [r for r in comparison.results if r.cell == cell]
    assert (found.result, found.basis, found.pairs) == (result, basis, 3)
    assert found.difference == pytest.approx(change / 3, rel=1e-6)
    assert (comparison.same_trials, comparison.repeated) == (same_trials, repeated)
    others = {r.result for r in comparison.results if r.cell != cell}
    assert others == {Result.EQUAL, Result.NO_VALUE}


def test_only_setups_that_repeat_results_hold_every_seed_to_the_tolerance(tmp_path):
    repeats = GPU | {"numerics": {"threads": 1, "deterministic": True}}
    recorded_since = CPU | {"numerics": CPU["numerics"] | {"strict": False}}
    other_processor = [
        CPU | {"numerics": CPU["numerics"] | {"vector_instructions": width}} for width in ("AVX2", "AVX512")
    ]
    other_torch = CPU | {"versions": {"python": "3.11", "torch": "2.15"}}
    setups = (
        (CPU, CPU, Basis.SAME_TRIALS),
        (CPU, recorded_since, Basis.SAME_TRIALS),
        (recorded_since, CPU, Basis.SAME_TRIALS),
        (repeats, repeats, Basis.SAME_TRIALS),
        (GPU, GPU, Basis.PAIRED),
        (CPU, other_torch, Basis.PAIRED),
        (*other_processor, Basis.PAIRED),
        (CPU, {}, Basis.PAIRED),
    )
    for number, (one_setup, other_setup, basis) in enumerate(setups):
        a = folder(tmp_path / f"a{number}", {"vae": {0: 0.90, 1: 0.90, 2: 0.90}}, provenance=one_setup)
        b = folder(tmp_path / f"b{number}", {"vae": {0: 0.90, 1: 0.92, 2: 0.90}}, provenance=other_setup)
        assert one(compare(read_side(a), read_side(b))).basis is basis, number


def test_where_most_trials_do_not_repeat_their_seeds_are_samples(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.90, 1: 0.91}, "swae": {0: 0.90, 1: 0.91}})
    half = folder(tmp_path / "half", {"vae": {0: 0.92, 1: 0.90}, "swae": {0: 0.90, 1: 0.91}})
    fewer = folder(tmp_path / "fewer", {"vae": {0: 0.92, 1: 0.90}, "swae": {0: 0.92, 1: 0.91}})
    strict, lenient = (compare(read_side(a), read_side(b)) for b in (half, fewer))
    assert [(r.result, r.basis) for r in strict.results] == [
        (Result.DIFFERENT, Basis.SAME_TRIALS),
        (Result.EQUAL, Basis.ROUNDING),
    ]
    assert [(r.result, r.basis) for r in lenient.results] == 2 * [(Result.NOT_SHOWN, Basis.PAIRED)]
    assert (strict.repeated, strict.same_trials) == (2, 4)
    assert (lenient.repeated, lenient.same_trials) == (1, 4)
    assert "2 of 4 trials that both made on the same recorded setup agree to rounding\n" in run(a, half)[1]
    assert "1 of 4 trials that both made on the same recorded setup agree to rounding: another" in run(a, fewer)[1]


def test_another_setting_is_another_configuration_not_a_repeated_trial(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.90, 1: 0.91}})
    b = folder(tmp_path / "b", {"vae": {0: 0.90, 1: 0.92}}, settings={"vae": {"beta": 2.0}})
    assert one(compare(read_side(a), read_side(b))).basis is Basis.PAIRED


def test_a_changed_loss_weight_with_one_seed_shows_nothing_either_way():
    a, b = REFERENCE / "validation-mnist", REFERENCE / "validation-published"
    comparison = compare(read_side(a), read_side(b))
    assert comparison.state is State.NOT_SHOWN
    unshown = comparison.of(Result.NOT_SHOWN)
    assert len([r for r in unshown if r.basis is Basis.TOO_FEW]) == 18
    diverged = [r for r in unshown if r.basis is Basis.NO_SCORE]
    assert {r.cell.method for r in diverged} == {"hgmvae_g"}
    assert {r.note for r in diverged} == {"B diverged: seed 0"}
    assert len(diverged) == 6
    assert all(r.p is None and r.low is None for r in unshown)
    around = {(d.field, d.scopes): (d.a, d.b) for d in comparison.around}
    assert around["weight_set", ()] == ("default", "published")
    assert around["settings.decoder_variance", ("gmvae", "hgmvae_g")] == ("0.05", "1.0")
    assert "git_commit" not in {d.field for d in comparison.around}
    status, printed = run(a, b)
    assert status == 4
    assert printed.startswith(
        "**Not like with like:** weights default in A, published in B; other settings of vae, beta_vae, gmvae, "
        "hgmvae_g.\n"
    )
    assert "18 with only one value on a side show nothing; 36 on one side only and not compared.\n" in printed


def seeds_of(numbers, names=None):
    """A side of these seeds of laptop-ten-seeds, under these numbers, as if trained with seeds of its own."""
    scores = read_side(REFERENCE / "laptop-ten-seeds").scores
    names = names or range(len(numbers))
    return ComparedSide(
        str(numbers),
        {
            cell: {name: Score(seeds[seed].value, "ok", None) for name, seed in zip(names, numbers, strict=True)}
            for cell, seeds in scores.items()
            if seeds[0].value is not None
        },
        facts=(),
        facts_complete=False,
    )


def test_one_seed_of_a_set_up_against_another_is_never_called_different():
    """Ten seeds of one set-up, one at a time: all 45 pairs were once called different."""
    sides = [seeds_of([seed]) for seed in range(10)]
    states = [compare(a, b).state for at, a in enumerate(sides) for b in sides[:at]]
    assert states == 45 * [State.NOT_SHOWN]


@pytest.mark.parametrize(("a", "b"), [((0, 1, 2), (3, 4, 5)), ((0, 2, 4, 6, 8), (1, 3, 5, 7, 9))])
def test_seeds_of_one_set_up_are_not_called_different_and_a_method_that_is_worse_is(a, b):
    one, other = seeds_of(a), seeds_of(b, range(100, 100 + len(b)))
    assert compare(one, other).state is State.NOT_SHOWN
    worse = dict(other.scores)
    for cell, seeds in other.scores.items():
        if cell.method == "swae":
            worse[cell] = {seed: Score(score.value - 5 * 0.0065, "ok", None) for seed, score in seeds.items()}
    comparison = compare(one, ComparedSide("B", worse, facts=(), facts_complete=False))
    assert comparison.state is State.DIFFERENT
    assert [method.method for method in comparison.methods if method.result is Result.DIFFERENT] == ["swae"]


def test_a_shift_of_two_spreads_over_ten_seeds_is_a_difference(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.01, (4, 10))
    a = folder(tmp_path / "a", {"vae": numbered(0.9 + noise[0]), "swae": numbered(0.8 + noise[1])})
    b = folder(
        tmp_path / "b",
        {"vae": numbered(0.88 + noise[2]), "swae": numbered(0.8 + noise[3])},
        settings={"vae": {"beta": 4.0}, "swae": {"beta": 4.0}},
    )
    shifted, same = compare(read_side(a), read_side(b)).results
    assert (shifted.result, shifted.basis, same.result) == (Result.DIFFERENT, Basis.PAIRED, Result.NOT_SHOWN)
    assert shifted.low < shifted.difference < shifted.high < 0
    status, printed = run(a, b)
    assert status == 1
    assert "(worse)" in printed
    assert "settings.beta (vae, swae): 1.0 / 4.0" in printed
    assert printed.startswith("**Not like with like:** other settings of vae, swae.\n")
    assert "(better)" in run(b, a)[1]


def test_one_cell_alone_is_compared_by_students_test():
    """There is no other cell whose variance could be borrowed, and no other test to correct for."""
    noise = np.random.default_rng(1).normal(0, 0.01, (2, 10))
    paired = one(compare(side({"vae": numbered(0.9 + noise[0])}), side({"vae": numbered(0.89 + noise[1])})))
    expected = stats.ttest_rel(0.89 + noise[1], 0.9 + noise[0])
    interval = expected.confidence_interval(0.95)
    assert (paired.p, paired.p_holm) == pytest.approx((expected.pvalue, expected.pvalue), rel=1e-9)
    assert (paired.low, paired.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    apart = one(compare(side({"vae": numbered(0.9 + noise[0])}), side({"vae": numbered(0.89 + noise[1], start=50)})))
    expected = stats.ttest_ind(0.89 + noise[1], 0.9 + noise[0])
    assert (apart.p, apart.basis) == (pytest.approx(expected.pvalue, rel=1e-9), Basis.SAMPLES)


def test_a_changed_seed_set_is_no_difference_and_a_shift_beyond_it_is(tmp_path):
    noise = np.random.default_rng(1).normal(0, 0.01, (2, 10))
    a = folder(tmp_path / "a", {"vae": numbered(0.9 + noise[0])})
    b = folder(tmp_path / "b", {"vae": numbered(0.9 + noise[1], start=100)})
    result = one(compare(read_side(a), read_side(b)))
    assert (result.result, result.basis, result.pairs) == (Result.NOT_SHOWN, Basis.SAMPLES, 0)
    assert result.note == "only in A: seeds 0..9; only in B: seeds 100..109"
    assert run(a, b)[0] == 4
    shifted = folder(tmp_path / "c", {"vae": numbered(0.87 + noise[1], start=100)})
    assert one(compare(read_side(a), read_side(shifted))).result is Result.DIFFERENT
    assert run(a, shifted)[0] == 1


def test_twenty_alike_seeds_a_side_show_that_they_are_the_same(tmp_path):
    noise = np.random.default_rng(2).normal(0, 0.004, (2, 2, 20))
    a = folder(tmp_path / "a", {"vae": numbered(0.9 + noise[0, 0]), "swae": numbered(0.8 + noise[0, 1])})
    b = folder(tmp_path / "b", {"vae": numbered(0.9 + noise[1, 0]), "swae": numbered(0.8 + noise[1, 1])}, GPU)
    comparison = compare(read_side(a), read_side(b))
    assert {result.result for result in (*comparison.results, *comparison.methods)} == {Result.WITHIN}
    status, printed = run(a, b)
    assert status == 0
    assert "Same: every method is shown to be within tolerance; cells compared: 2; " in printed
    # The same seeds, held to less than what they can show.
    assert run(a, b, tolerance=["svm_accuracy=0.0005"])[0] == 4


def test_without_any_spread_a_difference_is_certain():
    a = side({"vae": {0: 0.25, 1: 0.5}})
    paired = one(compare(a, side({"vae": {0: 0.5, 1: 0.75}})))
    assert (paired.p, paired.low, paired.high) == pytest.approx((0.0, 0.25, 0.25), abs=1e-12)
    assert paired.result is Result.DIFFERENT
    within = one(compare(a, side({"vae": {0: 0.25 + 2**-10, 1: 0.5 + 2**-10}})))
    assert (within.p, within.result) == (pytest.approx(0.0, abs=1e-9), Result.WITHIN)


@pytest.mark.parametrize(
    ("seeds", "fails", "state"),
    [(10, 9, State.DIFFERENT), (10, 2, State.NOT_SHOWN), (3, 3, State.NOT_SHOWN), (10, 0, State.SAME)],
)
def test_a_method_that_diverges_more_often_on_one_side_is_different(seeds, fails, state):
    values = dict.fromkeys(range(seeds), 0.9)
    b = values | dict.fromkeys(range(fails))
    comparison = compare(side({"vae": values, "swae": values}), side({"vae": b, "swae": values}, status="diverged"))
    assert comparison.state is state
    [vae, swae] = comparison.methods
    assert (vae.failed.failed_a, vae.failed.failed_b, vae.failed.a, vae.failed.b) == (0, fails, seeds, seeds)
    assert swae.result is Result.EQUAL and swae.failed_p_holm is None
    if fails:
        table = [[seeds, 0], [seeds - fails, fails]]
        assert vae.failed_p_holm == pytest.approx(stats.fisher_exact(table).pvalue)


def test_the_same_trial_that_diverges_once_where_results_repeat_is_different(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.9, 1: 0.9}, "swae": {0: 0.8}})
    b = folder(tmp_path / "b", {"vae": {0: 0.9, 1: "diverged"}, "swae": {0: 0.8}})
    found = compare(read_side(a), read_side(b))
    assert [(r.result, r.basis) for r in found.results] == [
        (Result.DIFFERENT, Basis.SAME_TRIALS),
        (Result.EQUAL, Basis.ROUNDING),
    ]
    assert run(a, b)[0] == run(b, a)[0] == 1


def test_a_seed_that_diverged_once_is_no_difference_where_no_trial_shows_that_results_repeat(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.90, 1: 0.91}})
    b = folder(tmp_path / "b", {"vae": {0: "diverged", 2: 0.90}})
    found = compare(read_side(a), read_side(b))
    assert (found.state, found.same_trials) == (State.NOT_SHOWN, 0)
    assert (one(found).result, one(found).basis) == (Result.NOT_SHOWN, Basis.TOO_FEW)
    assert run(a, b)[0] == run(b, a)[0] == 4


def test_means_of_a_csv_are_compared_where_both_sides_state_their_spread(tmp_path):
    draw = np.random.default_rng(6)
    x, y = draw.normal(0.9, 0.01, 8), draw.normal(0.88, 0.01, 5)
    for name, values in (("a", x), ("b", y)):
        (tmp_path / f"{name}.csv").write_text(
            f"dataset,metric,method,latent_dim,value,std,n\n"
            f"mnist,svm_accuracy,vae,8,{float(values.mean())!r},{float(values.std(ddof=1))!r},{len(values)}\n"
        )
    cell = ScorePlace("mnist", "svm_accuracy", "vae", 8)
    assert read_side(tmp_path / "b.csv").scores[cell][None].spread == Spread(y.std(ddof=1), 5)
    found = one(compare(read_side(tmp_path / "a.csv"), read_side(tmp_path / "b.csv")))
    assert (found.n_a, found.n_b, found.basis) == (8, 5, Basis.SAMPLES)
    assert found.p == pytest.approx(stats.ttest_ind(x, y).pvalue, rel=1e-9)
    assert run(tmp_path / "a.csv", tmp_path / "b.csv")[0] == 1
    assert run(tmp_path / "a.csv", tmp_path / "a.csv")[0] == 0
    seeds = folder(tmp_path / "seeds", {"vae": numbered(x)})
    assert one(compare(read_side(seeds), read_side(tmp_path / "b.csv"))).p == pytest.approx(found.p, rel=1e-9)
    (tmp_path / "c.csv").write_text("dataset,metric,method,latent_dim,value\nmnist,svm_accuracy,vae,8,0.7\n")
    assert run(tmp_path / "a.csv", tmp_path / "c.csv")[0] == 4


def test_drawn_images_against_real_ones_are_said_in_line_one(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.9, 1: 0.9}}, marks={"mnist": ["procedural"]})
    b = folder(tmp_path / "b", {"vae": {0: 0.9, 1: 0.9}}, marks={"mnist": []})
    status, printed = run(a, b)
    assert (status, printed.splitlines()[0]) == (0, "**Not like with like:** mnist marked procedural in A, none in B.")


@pytest.mark.parametrize(
    ("seeds_b", "basis"),
    [
        (range(10), Basis.PAIRED),
        (range(5, 15), Basis.PAIRED),  # half of the seeds
        (range(6, 16), Basis.SAMPLES),
        (range(3), Basis.PAIRED),  # all of the smaller side's
        (range(9, 11), Basis.SAMPLES),  # one pair has no spread
        (range(9, 10), Basis.TOO_FEW),
        (range(10, 11), Basis.TOO_FEW),
    ],
)
def test_seeds_are_paired_where_at_least_half_are_common(seeds_b, basis):
    draw = np.random.default_rng(3)
    a = side({"vae": numbered(draw.normal(0.9, 0.01, 10))})
    result = one(compare(a, side({"vae": {seed: float(draw.normal(0.9, 0.01)) for seed in seeds_b}})))
    assert result.basis is basis
    assert result.pairs == len(set(range(10)) & set(seeds_b))


def test_one_seed_is_compared_with_its_own_pair_and_else_with_the_mean():
    a = side({"vae": {0: 0.5, 1: 0.9}})
    assert one(compare(a, side({"vae": {0: 0.5}}))).result is Result.EQUAL
    assert one(compare(side({"vae": {0: 0.5}}), side({"vae": {7: 0.5}}))).result is Result.EQUAL
    unpaired = one(compare(a, side({"vae": {7: 0.71}})))
    assert unpaired.difference == pytest.approx(0.01)
    assert (unpaired.result, unpaired.basis) == (Result.NOT_SHOWN, Basis.TOO_FEW)


def test_what_is_shown_to_lie_within_the_tolerance_is_so_however_certain():
    wobble = np.random.default_rng(4).normal(0, 1e-4, 10)
    a, b = side({"vae": numbered([0.9] * 10)}), side({"vae": numbered(0.904 + wobble)})
    result = one(compare(a, b))
    assert result.p_holm < 1e-9
    assert result.result is Result.WITHIN
    assert result.high < 0.006
    assert one(compare(a, b, {"svm_accuracy": Tolerance(0.003)})).result is Result.DIFFERENT
    assert one(compare(a, b, {"svm_accuracy": Tolerance(0.01, relative=True)})).result is Result.WITHIN
    # The interval decides, not its middle: here it reaches beyond.
    assert one(compare(a, b, {"svm_accuracy": Tolerance(result.low + 1e-6)})).result is Result.DIFFERENT


def test_partial_overlap_says_what_is_missing(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.9, 1: 0.9, 2: 0.9}, "swae": {0: 0.8}, "wae_rbf": {0: 0.7}})
    b = folder(tmp_path / "b", {"vae": {0: 0.9, 1: 0.9, 5: 0.9}, "gmvae": {0: 0.8}}, seeds=4)
    results = {r.cell.method: r for r in compare(read_side(a), read_side(b)).results}
    assert {name: str(r.result) for name, r in results.items()} == {
        "vae": "equal",
        "swae": "only in A",
        "wae_rbf": "only in A",
        "gmvae": "only in B",
    }
    assert results["vae"].note == "only in A: seed 2; only in B: seed 5; B not run: seed 2"
    status, printed = run(a, b)
    assert status == 0
    assert "- only in A: mnist; swae, wae_rbf; d = 8; svm_accuracy\n" in printed
    assert "- only in B: mnist; gmvae; d = 8; svm_accuracy (B not run: seeds 1..3)\n" in printed
    assert "- only in A: seed 2; only in B: seed 5; B not run: seed 2: 1 cell\n" in printed


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("diverged", Result.NOT_SHOWN),
        ("failed", Result.NOT_SHOWN),
        ("metric unavailable", Result.NOT_SHOWN),
        ("not run", Result.ONLY_A),
        ("no data", Result.ONLY_A),
        ("weights unavailable", Result.ONLY_A),
    ],
)
def test_one_trial_that_ended_without_a_score_shows_nothing_and_one_not_run_is_missing(status, result):
    a = side({"vae": {0: 0.9}, "swae": {0: 0.9}})
    b = side({"vae": {0: None}, "swae": {0: 0.9}}, name="B", status=status)
    assert [r.result for r in compare(a, b).results] == [result, Result.EQUAL]
    mirrored = {Result.ONLY_A: Result.ONLY_B}.get(result, result)
    assert [r.result for r in compare(b, a).results] == [mirrored, Result.EQUAL]


def test_nothing_in_common_is_bad_use(tmp_path):
    a, b = folder(tmp_path / "a", {"vae": {0: 0.9}}), folder(tmp_path / "b", {"swae": {0: 0.9}})
    with pytest.raises(UserError, match="no score in common"):
        run(a, b)


def test_what_differs_around_is_said_once(tmp_path):
    accuracies = {"vae": {0: 0.9, 1: 0.9}, "swae": {0: 0.9, 1: 0.9}}
    a = folder(tmp_path / "a", accuracies, notes=["6 of 10 epochs"])
    b = folder(
        tmp_path / "b",
        accuracies | {"gmvae": {0: 0.9}},  # its settings are its own, and no difference
        settings={"gmvae": {"beta": 7.0}},
        training={"precision": "bfloat16"},
        provenance=GPU | {"versions": {"python": "3.11", "torch": "2.15"}, "git_commit": "c2"},
    )
    around = compare(read_side(a), read_side(b)).around
    assert {(d.field, d.scopes, d.a, d.b) for d in around} == {
        ("notes", (), "6 of 10 epochs", "none"),
        ("training.precision", (), "not stated", "bfloat16"),
        ("versions.torch", (), "2.14", "2.15"),
        ("device", (), "cpu (x86_64)", "cuda (H100)"),
        ("git_commit", (), "c1", "c2"),
    }
    assert len(around) == 5


def test_settings_of_trials_that_one_side_lacks_are_no_difference():
    def facts(*betas):
        return tuple(Fact("settings.beta", "vae", beta, Kind("mnist", "vae", dim)) for dim, beta in betas)

    scores = {ScorePlace("mnist", "ssim", "vae", 8): {0: Score(0.5, "ok", None)}}
    more = scores | {ScorePlace("mnist", "ssim", "vae", 16): {0: Score(0.5, "ok", None)}}
    a = ComparedSide("A", scores, facts((8, "1.0")), facts_complete=True)
    b = ComparedSide("B", more, facts((8, "1.0"), (16, "2.0")), facts_complete=True)
    assert compare(a, b).around == ()
    assert compare(b, b).around == ()
    [difference] = compare(ComparedSide("A", more, facts((8, "1.0"), (16, "1.0")), facts_complete=True), b).around
    assert (difference.scopes, difference.a, difference.b) == (("vae",), "1.0", "1.0, 2.0")


def test_marks_of_a_data_set_that_has_no_common_score_are_no_difference():
    scores = {ScorePlace("mnist", "ssim", "vae", 8): {0: Score(0.5, "ok", None)}}
    a, b = (
        ComparedSide(marks, scores, tuple(Fact("marks", of, marks, None) for of in ("mnist", "celeba")), True)
        for marks in ("none", "subset")
    )
    [difference] = compare(a, b).around
    assert (difference.field, difference.scopes, difference.a, difference.b) == ("marks", ("mnist",), "none", "subset")


def test_the_seeds_csv_of_a_folder_is_equal_to_the_folder(tmp_path):
    csv_file = LAPTOP / "tables" / "table1_seeds.csv"
    comparison = compare(read_side(LAPTOP, table=1), read_side(csv_file))
    assert len(comparison.of(Result.EQUAL)) == len(comparison.results) == 27
    assert comparison.around == ()
    assert comparison.silent == (str(csv_file),)
    assert run(LAPTOP, csv_file)[0] == 0
    assert "table1_seeds.csv is a CSV, which states little" in run(LAPTOP, csv_file)[1]
    other = tmp_path / "other.csv"
    other.write_text(csv_file.read_text().replace(",default,", ",published,"))
    [difference] = compare(read_side(LAPTOP, table=1), read_side(other)).around
    assert (difference.field, difference.a, difference.b) == ("weight_set", "default", "published")


def test_a_csv_with_statuses_says_why_there_is_no_value():
    reconstruction = read_side(LAPTOP / "tables" / "table3_seeds.csv")
    score = reconstruction.scores[ScorePlace("mnist", "fid", "vae", 128)][0]
    assert (score.value, score.status) == (None, "weights unavailable")


def test_tables_that_contradict_each_other_need_a_choice():
    with pytest.raises(
        UserError, match=r"chairs fid hgmvae_g 128: table 3 says 92.201, table 5 says 40.986; .*--table"
    ):
        read_side(PAPER_FOLDER / "tables.csv")
    table3 = read_side(PAPER_FOLDER / "tables.csv", table=3)
    assert table3.scores[ScorePlace("chairs", "fid", "hgmvae_g", 128)][None].value == 92.201
    status, printed = run(LAPTOP, PAPER_FOLDER / "tables.csv", table=1)
    assert status == 4
    assert "27 with only one value on a side show nothing; 36 on one side only and not compared." in printed


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(f"{HEADER}\nmnist,ssim,vae,8,0,1.5e-1\n\n".replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_side(file).scores == {ScorePlace("mnist", "ssim", "vae", 8): {0: Score(0.15, "ok", None)}}


GOOD = "mnist,ssim,vae,8,0,0.5"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "line 1: the file is empty"),
        ("\ufeff", "line 1: the file is empty"),
        (HEADER + "\n", "line 2: no rows below the header"),
        ("dataset,method,latent_dim,seed\nmnist,vae,8,0", "line 1: no column metric, value"),
        (f"{HEADER}\n{GOOD}".replace(",", "|"), "line 1: no column dataset"),
        (f"{HEADER}\n{GOOD}".replace(",", ";").replace("0.5", "0,5"), "line 2, column value: '0,5' has a thousand sep"),
        (
            f"{HEADER}\n{GOOD}".replace(",", "\t").replace("0.5", "1,234"),
            "line 2, column value: '1,234' has a thousand",
        ),
        (
            f"{HEADER},Dataset\n{GOOD},cifar10",
            "line 1, column dataset: the header has it as 'dataset' and as 'Dataset'",
        ),
        (
            f"{HEADER.replace('method', 'mehtod')}\n{GOOD}",
            "line 1: no column method; 'mehtod' may be its method; needed",
        ),
        (f"{HEADER.replace('dataset', '')}\n{GOOD}", "line 1: no column dataset; needed are dataset, metric, method"),
        (f"{HEADER},value\n{GOOD},1", "line 1, column value: the header has it twice"),
        (f"{HEADER}\n{GOOD}\n{GOOD},7", "line 3, column value: 7 cells, but the header has 6"),
        (f"{HEADER}\n{GOOD}\nmnist,ssim,vae", "line 3, column latent_dim: 3 cells, but the header has 6"),
        (f"{HEADER}\n{GOOD}\n{GOOD}", "line 3, column seed: the same score as line 2; remove one"),
        (f"{HEADER}\nmnist,ssim,vae,8,,1\nmnist,ssim,vae,8,,2", "line 3, column seed: the same score as line 2; give"),
        (
            f"{HEADER},std,n\n{GOOD},,\nmnist,ssim,vae,8,1,0.4,,\nmnist,ssim,VAE,8,,0.45,0.07,2",
            "line 4, column seed: there is none where line 2 of the same metric, method and latent dim has one; give",
        ),
        (
            f"{HEADER}\nmnist,ssim,vae,8,,0.45\n{GOOD}",
            "line 3, column seed: there is one where line 2 of the same metric, method and latent dim has none; give",
        ),
        (f'{HEADER}\nmnist,fid,vae,8,0,"1,234.5"', "line 2, column value: '1,234.5' has a thousand separator"),
        (f"{HEADER}\nmnist,fid,vae,8,0,1'234.5", "thousand separator"),
        (f"{HEADER}\nmnist,fid,vae,8,0,1_234", "thousand separator"),
        (f'{HEADER}\nmnist,fid,vae,8,0,"0,5"', "decimal comma"),
        (f"{HEADER}\nmnist,fid,vae,8,0,high", "line 2, column value: 'high' is not a number"),
        (f"{HEADER}\nmnist,fid,vae,8,0,inf", "column value: 'inf' is not a number"),
        (f"{HEADER}\nmnist,fid,vae,8,0,1e200", "column value: '1e200' is too large"),
        (f"{HEADER}\nmnist,fid,vae,8,0,#DIV/0!", "column value: '#DIV/0!' is not a number"),
        (f"{HEADER}\nmnist,fid,vae,8,0,٣", "column value: '٣' is not a number"),
        (f"{HEADER}\nmnist,fid,vae,8,0,1e999", "column value: '1e999' is too large"),
        (f"{HEADER},status\nmnist,fid,vae,8,0,,ok", "column value: is missing although the status is 'ok'"),
        (f"{HEADER},status\nmnist,fid,vae,8,0,nan,OK", "column value: is missing although the status is 'ok'"),
        (f"{HEADER}\nmnist,fid,-,8,0,1", "column method: '-' stands for a missing value"),
        (f"{HEADER}\nmnist,fid,vae,n/a,0,1", "column latent_dim: 'n/a' stands for a missing value"),
        (
            f"{HEADER}\nmnist,fid,vae,0,0,1",
            "column latent_dim: '0' is not an integer of at most nine digits, 1 or more",
        ),
        (f"{HEADER}\nmnist,fid,vae,8,0, 0.5", "column value: ' 0.5' has spaces around it"),
        (f"{HEADER}\nmnist,fid,vae ,8,0,0.5", "column method: 'vae ' has spaces around it"),
        (f"{HEADER}\nmnist,,vae,8,0,0.5", "column metric: is empty"),
        (f"{HEADER}\nmnist,fid,vae,8.0,0,0.5", "column latent_dim: '8.0' is not an integer"),
        (f"{HEADER}\nmnist,fid,vae,8,-1,0.5", "column seed: '-1' is not an integer"),
        (f"{HEADER}\nmnist,fid,vae,8,{'9' * 5000},0.5", "column seed: '9999999999999999999999999999999999999999' is"),
        (f"{HEADER}\nmnist,fid,vae,8,0,=cmd|' /C calc'!A0", "column value: \"=cmd|' /C calc'!A0\" would be a formula"),
        (f"{HEADER}\nmnist,ssim,vae,8,0,=A1", "line 2, column value: '=A1' would be a formula"),
        (f"{HEADER}\n+mnist,fid,vae,8,0,0.5", "column dataset: '+mnist' would be a formula"),
        (f'{HEADER}\n"\t=A1",fid,vae,8,0,0.5', "column dataset: '\\t=A1' has spaces around it"),
        (f'{HEADER}\n"\r=A1",fid,vae,8,0,0.5', "column dataset: '\\r=A1' has spaces around it"),
        (f"{HEADER},hint\n{GOOD},-0.5\nmnist,ssim,-a,8,0,1,", "line 3, column method: '-a' would be a formula"),
        (
            f"{HEADER}\nMNIST,SSIM,HGMVAE_G,8,0,0.5\nmnist,SSIM,hgmvae_u,8,0,1\nMNIST,ssim,HGMVAE-G,8,0,0.5",
            "line 4, column metric: 'ssim' and 'SSIM' in line 2 are the same metric, so one score is given twice",
        ),
        (f"{HEADER}\n{GOOD}\nmnist,ssim,VAE,8,0,0.5", "column method: 'VAE' and 'vae' in line 2 are the same method"),
        (f"{HEADER},status\n{GOOD},lost", "column status: 'lost' is not one of ok"),
        (f"{HEADER},status\n{GOOD},diverged", "column value: is given although the status is 'diverged'"),
        (f'{HEADER}\n{GOOD}\nmnist,ssim,vae,8,1,"0.5', "line 3: not valid CSV"),
        (f'{HEADER},hint\n{GOOD},"two\nlines"\nmnist,ssim,vae,8,1,x,', "line 4, column value: 'x' is not a number"),
        (f'{HEADER},hint\nmnist,ssim,vae,8,1,x,"two\nlines"', "line 2, column value: 'x' is not a number"),
        (f"{HEADER}\n{GOOD}\nmnist,ssim,v\0ae,8,1,0.5", "line 3: not UTF-8 text"),
        (f"{HEADER}\n{GOOD}".encode("utf-16"), 'save it as UTF-8 (in a spreadsheet "CSV UTF-8"); it is UTF-16'),
        (b"PK\x03\x04\x14\0\6\0\xff", "line 1: not UTF-8 text; save it as UTF-8 (in a spreadsheet"),
        (f"{HEADER}\n{GOOD}\nmnisté,ssim,vae,8,0,1".encode("latin-1"), "line 3: not UTF-8 text"),
    ],
)
def test_a_hostile_csv_ends_in_one_line_that_names_file_line_and_column(tmp_path, content, fault):
    file = tmp_path / "theirs.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        run(file, LAPTOP)
    message = str(caught.value)
    assert message.startswith(f"{file}, line ")
    assert fault in message
    assert "\n" not in message
    assert len(message) < 400


MISSING_AS_WRITTEN = ("", "-", "--", "–", "—", "n/a", "N/A", "#N/A", "NA", "<NA>", "nan", "NaN", "-nan", "None", "NULL")


@pytest.mark.parametrize("written", MISSING_AS_WRITTEN)
def test_a_missing_value_is_no_score_however_it_is_written(tmp_path, written):
    file = tmp_path / "theirs.csv"
    file.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,0.5\nmnist,ssim,vae,8,1,{written}\nmnist,ssim,swae,8,0,{written}\n")
    scores = read_side(file).scores
    missing = Score(None, "missing", None)
    assert scores[ScorePlace("mnist", "ssim", "vae", 8)] == {0: Score(0.5, "ok", None), 1: missing}
    assert scores[ScorePlace("mnist", "ssim", "swae", 8)] == {0: missing}
    ours = tmp_path / "ours.csv"
    ours.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,0.5\nmnist,ssim,vae,8,1,0.5\nmnist,ssim,swae,8,0,0.5\n")
    status, printed = run(ours, file)
    assert status == 0
    assert "- only in A: mnist; swae; d = 8; ssim (B missing: seed 0)\n" in printed
    assert "- only in A: seed 1; B missing: seed 1: 1 cell\n" in printed


def test_a_row_without_a_seed_and_a_value_is_told(tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(f"{HEADER}\nmnist,ssim,vae,8,,\nmnist,ssim,swae,8,,0.5\n")
    theirs.write_text(f"{HEADER}\nmnist,ssim,vae,8,,0.5\nmnist,ssim,swae,8,,0.5\n")
    assert "- only in B: mnist; vae; d = 8; ssim (A missing: a row without a seed)\n" in run(ours, theirs)[1]


def test_missing_in_the_other_columns_is_as_if_the_column_were_not_there(tmp_path):
    file = tmp_path / "theirs.csv"
    file.write_text(
        "table,dataset,metric,method,latent_dim,seed,value,status,key,notes\n"
        "-,mnist,ssim,vae,8,-,0.5,n/a,-,-\nNA,mnist,ssim,swae,8,—,-,Diverged,,-\n"
    )
    side = read_side(file)
    assert side.scores[ScorePlace("mnist", "ssim", "vae", 8)] == {None: Score(0.5, "ok", None)}
    assert side.scores[ScorePlace("mnist", "ssim", "swae", 8)] == {None: Score(None, "diverged", None)}
    assert side.facts == (Fact("notes", "", "none", None),)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_only_the_columns_that_are_used_matter(tmp_path, separator):
    file = tmp_path / "theirs.csv"
    rows = [
        ["Method", "", "Data set", "METRIC", "", "Latent-Dim", "Seed", "Value", "x", "x", "model"],
        ["vae", "@a", "mnist", "ssim", "=1+1", "8", "0", "0.5", "+", " \x1b ", "-5"],
        [""] * 11,  # as a spreadsheet saves an empty line
        ["vae", "", "mnist", "ssim", "", "8", "1", "0.25", "", "", "", "", ""],
    ]
    file.write_text("\n".join(separator.join(row) for row in rows))
    side = read_side(file)
    cell = ScorePlace("mnist", "ssim", "vae", 8)
    assert side.scores == {cell: {0: Score(0.5, "ok", None), 1: Score(0.25, "ok", None)}}
    assert side.remarks == ()


def test_a_table_as_printed_is_refused_with_the_file_to_give_instead(tmp_path):
    with pytest.raises(UserError, match=r"several numbers per row: .* such as table1_seeds\.csv beside it$"):
        read_side(LAPTOP / "tables" / "table1.csv")
    copy = tmp_path / "table2.csv"
    copy.write_bytes((LAPTOP / "tables" / "table2.csv").read_bytes())
    with pytest.raises(UserError, match=r"line 1: no column method, value; .* such as table2_seeds\.csv$"):
        read_side(copy)


def as_printed(path, factor=1.0):
    """table2_seeds.csv of laptop-cpu under the labels of the paper's Table 2."""
    labels = {"vae": "VAE", "beta_vae": "Beta-VAE", "gmvae": "GMVAE", "swae": "SWAE", "wae_imq": "WAE_MMD"}
    labels |= {"wae_rbf": "WAE_RBF", "hgmvae_g": "HGMVAE_G", "hgmvae_u": "HGMVAE_U"}
    rows = pd.read_csv(LAPTOP / "tables" / "table2_seeds.csv")[HEADER.split(",")]
    rows["dataset"] = rows["dataset"].map({"cifar10": "CIFAR10", "mnist": "MNIST"})
    rows["metric"], rows["method"] = "SVM accuracy", rows["method"].map(labels)
    rows["value"] *= factor
    rows.to_csv(path, index=False)
    return path


def test_the_papers_own_labels_are_the_suites_names(tmp_path):
    file = as_printed(tmp_path / "theirs.csv")
    comparison = compare(read_side(LAPTOP, table=2), read_side(file))
    assert len(comparison.of(Result.EQUAL)) == len(comparison.results) == 16
    [remark] = comparison.remarks
    assert remark.startswith(f"{file}: read CIFAR10 as cifar10, MNIST as mnist, SVM accuracy as svm_accuracy, ")
    assert "WAE_MMD as wae_imq" in remark
    status, printed = run(LAPTOP, file, table=None)
    assert status == 0 and "#### As read\n" in printed and "HGMVAE_G as hgmvae_g" in printed


def test_a_name_that_may_be_two_is_left_as_it_is_and_said(tmp_path):
    ours, file = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,0.5\nmnist,ssim,wae_imq,8,0,0.5\n")
    file.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,0.5\nmnist,ssim,WAE_MMD,8,0,0.5\n")
    side = read_side(file)
    assert [cell.method for cell in side.scores] == ["vae", "WAE_MMD"]
    assert side.remarks == (f"{file}: WAE_MMD may be wae_imq or wae_rbf: treated as a separate name",)
    assert {r.cell.method: str(r.result) for r in compare(read_side(ours), side).results} == {
        "vae": "equal",
        "wae_imq": "only in A",
        "WAE_MMD": "only in B",
    }


def test_accuracies_in_per_cent_are_said_and_not_compared(tmp_path):
    file = as_printed(tmp_path / "theirs.csv", factor=100)
    with pytest.raises(
        UserError, match=r"no score in common; of the cells of both, 16, A has 48 ok and B has 48 in per"
    ):
        run(LAPTOP, file, table=None)
    with open(file, "a", encoding="utf-8") as stream:
        stream.write("MNIST,SC,GMVAE,8,0,0.36\n")
    status, printed = run(LAPTOP, file)
    assert status == 4  # one silhouette is left, under one seed
    assert (
        "svm_accuracy goes from 0 to 1 and is 32.8 to 94.6 here, apparently in per cent: divide it by 100\n" in printed
    )
    assert re.search(r"\| not comparable +\| 16 ", printed) and "(B in per cent: seeds 0..2)" in printed
    assert printed.endswith(
        "; 16 not comparable: a value that its metric cannot have; 104 on one side only and not compared.\n"
    )
    assert run(file, LAPTOP)[0] == 4
    with pytest.raises(UserError, match=r"A has 1 in per cent \(divide by 100\) and B has 1 in per cent"):
        one_cell = tmp_path / "one.csv"
        one_cell.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,93.0\n")
        run(one_cell, one_cell)


@pytest.mark.parametrize(
    ("metric", "value", "possible"),
    [
        ("svm_accuracy", 1.2, False),
        ("svm_accuracy", -0.1, False),
        ("svm_accuracy", 1.0, True),
        ("ssim", -0.3, True),
        ("ssim", 1.00001, True),  # float32
        ("ms_ssim", -0.3, False),
        ("silhouette", -0.9, True),
        ("silhouette", -1.1, False),
        ("fid", -3.0, False),
        ("fid", 400.0, True),
        ("davies_bouldin", -0.5, False),
        ("their own", -7.0, True),
    ],
)
def test_a_value_that_its_metric_cannot_have_is_no_score(tmp_path, metric, value, possible):
    file = tmp_path / "theirs.csv"
    rows = [f"mnist,{metric},vae,8,{seed},{score}" for seed, score in enumerate((0.5, 0.5, value))]
    file.write_text("\n".join([HEADER, *rows]))
    side = read_side(file)
    score = side.scores[ScorePlace("mnist", metric, "vae", 8)][2]
    assert score == (Score(value, "ok", None) if possible else Score(None, "outside its range", None))
    said = [] if possible else [f"cannot be {value:g} (mnist, vae, d = 8, seed 2)"]
    assert [remark[remark.index("cannot") :] for remark in side.remarks] == said


def test_nothing_in_common_says_what_each_side_has_and_what_may_be_meant(tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(f"{HEADER}\nmnist,ssim,hgmvae_g,8,0,0.5\n")
    theirs.write_text(f"{HEADER}\nmnst,ssim,HGMVAE,16,0,0.5\n")
    with pytest.raises(UserError) as caught:
        run(ours, theirs)
    assert str(caught.value) == (
        f"{ours} and {theirs}: no score in common; dataset is mnist in A, mnst in B (mnst may be mnist); "
        "method is hgmvae_g in A, HGMVAE in B (HGMVAE may be hgmvae_g); latent_dim is 8 in A, 16 in B"
    )
    theirs.write_text(f"{HEADER}\nmnist,ssim,vae,8,0,0.5\ncifar10,ssim,hgmvae_g,8,0,0.5\n")
    with pytest.raises(
        UserError, match="no score in common; each has other combinations of dataset, metric, method and"
    ):
        run(ours, theirs)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"b": "nowhere"}, "nowhere: not found; give a results folder or a CSV"),
        ({"b": REFERENCE}, "has no manifest.json"),
        ({"table": 3, "b": LAPTOP / "tables" / "table1_seeds.csv"}, "has no cells of table 3"),
        ({"tolerance": ["silhouette"]}, "--tolerance silhouette: write METRIC=0.02"),
        ({"tolerance": ["fid=-1"]}, "--tolerance fid=-1: write"),
        ({"tolerance": [f"fid={'9' * 400}"]}, f"--tolerance fid={'9' * 36}...: is too large; give a smaller one"),
        ({"tolerance": [f"fid={'9' * 400}%"]}, f"--tolerance fid={'9' * 36}...: is too large; give a smaller one"),
        ({"tolerance": ["silhuette=0.1"]}, "--tolerance silhuette: on neither side; there are calinski_harabasz"),
        ({"tolerance": ["silhuette=0.1"]}, "svm_accuracy; did you mean silhouette?"),
        ({"out": LAPTOP}, "is a folder; name a CSV file"),
        ({"out": Path(__file__) / "x.csv"}, "could not be written"),
        ({"out": LAPTOP / "manifest.json"}, "is one of the two sides or inside it"),
    ],
)
def test_bad_use_is_one_clear_line(options, fault):
    with pytest.raises(UserError) as caught:
        run(**({"a": LAPTOP, "b": LAPTOP} | options))
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_output_is_never_one_of_the_inputs(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(f"{HEADER}\n{GOOD}\n")
    with pytest.raises(UserError, match="is one of the two sides"):
        run(file, LAPTOP, out=tmp_path / "." / "a.csv")
    assert file.read_text() == f"{HEADER}\n{GOOD}\n"


def test_an_output_that_is_a_link_is_written_where_it_leads(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "far" / "all.csv")
    run(LAPTOP, LAPTOP, out=link)
    assert link.is_symlink() and len(pd.read_csv(tmp_path / "far" / "all.csv")) > 100


def test_the_output_never_replaces_what_is_no_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match=r"pipe: could not be written \(is not a regular file\); move away the file"):
        run(LAPTOP, LAPTOP, out=pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_broken_manifest_names_its_folder(tmp_path):
    shutil.copytree(LAPTOP / "tables", tmp_path / "x")
    (tmp_path / "x" / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match=r"/x: manifest.json: schema is None"):
        read_side(tmp_path / "x")


def test_an_unreadable_record_is_told_and_left_where_it_is(tmp_path):
    b = folder(tmp_path / "b", {"vae": {0: 0.9, 1: 0.9}})
    record = sorted((b / "records").iterdir())[0]
    record.write_text("{")
    told = []
    found = read_side(b, report=told.append)
    assert len(told) == 1 and record.name in told[0]
    assert record.read_text() == "{"
    assert sorted(s.status for s in found.scores[ScorePlace("mnist", "svm_accuracy", "vae", 8)].values()) == [
        "not run",
        "ok",
    ]


def test_the_csv_of_cells_holds_every_cell_at_full_precision(tmp_path, laptop):
    nudged_copy(tmp_path / "b", 0.05)
    status, printed = run(LAPTOP, tmp_path / "b", out=tmp_path / "cells.csv")
    assert status == 1
    assert printed.endswith("cells.csv\n")
    cells = pd.read_csv(tmp_path / "cells.csv")
    expected = comparison_frame(compare(laptop, read_side(tmp_path / "b")))
    assert len(cells) == 221
    assert list(cells.columns[:6]) == ["dataset", "metric", "method", "latent_dim", "result", "basis"]
    assert dict(cells["result"].value_counts()) == {"equal": 120, "no value": 100, "different": 1}
    differing = cells[cells["result"] == "different"].iloc[0]
    assert differing["difference"] == expected["difference"].max() == pytest.approx(0.05 / 3)


def test_text_on_a_terminal_and_markdown_off_it(tmp_path):
    a, b = folder(tmp_path / "a", {"vae": {0: 0.9}}), folder(tmp_path / "b", {"vae": {0: 0.8}})
    plain = run(a, b, all=True)[1]
    assert "| mnist    | svm_accuracy | vae    | 8 | 0.9000 | 0.8000 | -0.1000 |" in plain
    on_terminal = run(a, b, terminal=True, all=True)[1]
    assert "|---" not in on_terminal and "\x1b[" in on_terminal
    status, printed = run(a, b, terminal=True, format="md", all=True, out=tmp_path / "cells.csv")
    assert (status, printed) == (4, plain)


def test_every_cell_is_shown_on_request(tmp_path):
    a = folder(tmp_path / "a", {"vae": {0: 0.9}, "swae": {0: 0.7}})
    assert "| swae " not in run(a, a)[1]
    assert "#### Every cell compared" in run(a, a, all=True)[1]
    assert "| swae " in run(a, a, all=True)[1]


def test_tolerances_can_be_asked_for():
    asked_for = asked_tolerances(["silhouette=0.1", "fid=5%"])
    assert asked_for == {"silhouette": Tolerance(0.1), "fid": Tolerance(0.05, relative=True)}
    assert asked_tolerances(["SC=0.1", "FID=5%"]) == asked_for
    assert asked_for["fid"].at(-40.0) == pytest.approx(2.0)
    assert asked_for["silhouette"].at(-40.0) == 0.1


def test_the_tolerances_are_the_measured_spreads_of_seeds():
    assert RESULT_TOLERANCES.keys() == {metric for table in TABLES.values() for metric in table.metrics}
    files = [LAPTOP / "tables" / f"table{number}_seeds.csv" for number in TABLES]
    seeds = pd.concat(pd.read_csv(file) for file in files).dropna(subset="value")
    seeds = seeds.drop_duplicates(["dataset", "metric", "method", "latent_dim", "seed"])
    spread = seeds.groupby(["metric", "dataset", "method", "latent_dim"])["value"].agg(["std", "mean"])
    for metric, cells in spread.groupby("metric"):
        relative = RESULT_TOLERANCES[metric].relative
        measured = (cells["std"] / cells["mean"].abs() if relative else cells["std"]).median()
        assert 0.9 < RESULT_TOLERANCES[metric].amount / measured < 1.25, metric
