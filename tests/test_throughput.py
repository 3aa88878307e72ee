"""The measuring of speed: paired turns, ratios and what is written, and the forecasts made from it."""

import dataclasses
import json
import math
import sys
from contextlib import nullcontext

import pandas as pd
import pytest
import torch
from tiny_study import TINY, tiny_grid

from benchmark.cli import main
from benchmark.commands import measure_throughput, plan_study
from benchmark.errors import UserError
from benchmark.execution.packs import packs_of
from benchmark.execution.process_plan import ProcessPlan
from benchmark.execution.provenance import provenance
from benchmark.files import REPOSITORY
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import TABLES
from benchmark.throughput import costs as costs_module
from benchmark.throughput import measurement as throughput
from benchmark.throughput import start_times, step_lower_bound
from benchmark.throughput.costs import (
    Costs,
    Forecast,
    forecast,
    kind,
    longest_first,
    measured_costs,
    metric_seconds,
    protocol_seconds,
    read_costs,
    step_seconds,
    with_metric_costs,
)
from benchmark.throughput.measurement import (
    PYTHAE,
    Side,
    Throughput,
    TimedTrainer,
    measure,
    sides_on,
    trainings_per_hour,
)
from benchmark.throughput.metric_times import MetricTime
from benchmark.throughput.start_times import start_seconds
from benchmark.throughput.throughput_files import MEASUREMENTS, sides_table, studies_table, write_throughput


@pytest.fixture
def trial(tmp_path):
    return tiny_grid(tmp_path).trials()[0]


@pytest.fixture
def no_rate(monkeypatch):
    """A device's rate that is not measured, which takes seconds."""
    monkeypatch.setattr(throughput, "device_rate", lambda device: 1e9)


@pytest.fixture
def no_processes(monkeypatch):
    """Sides without processes: starting them takes seconds."""
    idle = throughput._Trainers(lambda: None, 64.0, "eager")
    monkeypatch.setattr(throughput, "_trainers", lambda side, trial, images, device: nullcontext(idle))


def test_every_side_is_measured_in_turn_and_pythae_is_the_unit(trial, monkeypatch):
    monkeypatch.setattr(throughput, "_TURN_SECONDS", 0.01)
    monkeypatch.setattr(step_lower_bound, "_RATE_RUNS", 1)
    found = measure(trial, "cpu", threads=1, processes=2, seconds=0.1)
    assert [(one.side.name, one.side.processes, one.side.threads) for one in found.sides] == [
        ("pythae", 1, 1), ("loop", 1, 1), ("processes", 2, 1), ("loop, bfloat16", 1, 1), ("processes, bfloat16", 2, 1),
    ]  # fmt: skip
    assert found.rounds >= 3 and found.sides[0].times_pythae == 1
    assert (found.trial, found.steps_per_trial) == ("mnist gmvae d=2, width 0.25, batches of 32", 2 * 3)
    floor = found.operations_per_image * TINY.training.batch_size / found.rate
    for one in found.sides:
        if one.side.precision == "bfloat16":
            assert one.floor_share is None
        else:
            assert 0 < one.floor_share < 1 and one.floor_share == pytest.approx(floor / one.step_seconds)
    assert [one.steps for one in found.sides] == ["its own loop", *["eager"] * 4]
    assert all(one.memory_mb is None or 1 < one.memory_mb < 1000 for one in found.sides)


def test_the_sides_of_a_device_have_its_precisions_and_ways():
    def named(device, precision):
        return {(one.name, one.precision, one.seeds) for one in sides_on(device, precision, threads=8, processes=8)}

    assert named("cpu", "bfloat16") == {
        ("pythae", "float32", 1), ("loop", "bfloat16", 1), ("processes", "bfloat16", 8),
    }  # fmt: skip
    packs = {("graphs", "tf32", seeds) for seeds in (1, 2, 5, 10)}
    others = {("loop", "tf32", 1), ("loop, bfloat16", "bfloat16", 1)}
    assert named("cuda:1", "tf32") == {("pythae", "float32", 1)} | packs | others


def test_ratios_are_medians_of_paired_turns_and_seconds_are_per_step_and_seed(
    trial, monkeypatch, no_processes, no_rate
):
    # Turns of pythae, the loop, two processes, and both in bfloat16, three steps each; the first turn warms up.
    turns = [(99,) * 5, (6, 3, 3, 9, 9), (12, 6, 6, 9, 9), (6, 6, 12, 9, 9)]
    # To and fro: every other turn is timed from its end.
    timed = [turn if i % 2 == 0 else turn[::-1] for i, turn in enumerate(turns)]
    clock = iter([3 * 0.1, *(seconds for turn in timed for seconds in turn)])
    monkeypatch.setattr(throughput, "timed", lambda *_: next(clock))
    monkeypatch.setattr(throughput, "_MOST_STEPS", 3)
    found = measure(trial, "cpu", threads=1, processes=2, seconds=0)
    by_name = {one.side.name: one for one in found.sides}
    assert [by_name[n].step_seconds for n in ("pythae", "loop", "processes")] == [2.0, 2.0, 1.0]
    assert [by_name[n].times_pythae for n in ("loop", "processes")] == [2.0, 4.0]
    assert trainings_per_hour(by_name["processes"], found) == 3600 / 6


# Forecasts -------------------------------------------------------------------------------------------------


def test_a_forecast_scales_each_part_by_what_it_grows_with(trial):
    data = dataclasses.replace(trial.data, n_train=320, n_test=100, image_shape=(3, 64, 64))
    protocols = {"clustering": {"n_images": 50}, "classification": {}, "reconstruction": {}}
    trial = dataclasses.replace(trial, data=data, protocols=protocols)
    measured = {"clustering": (100, 8.0), "classification": (160, 1.0), "reconstruction": (600, 2.0)}
    found = forecast([trial] * 2, Costs({kind(trial): 0.3}, pack_gain=3.0, protocols=measured))
    assert found.training == pytest.approx(2 * 2 * 10 * 0.3 / 3)  # trials, epochs, steps, seconds, gain
    assert found.evaluation == {
        "outputs": pytest.approx(2 * 0.1 * (2 * 100 + 320) / 32),
        "clustering": pytest.approx(2 * 8 * 50 / 100),
        "classification": pytest.approx(2 * 1 * (320 / 160) ** 2),
        "reconstruction": pytest.approx(2 * 2 * 100 * 12 / 600),
    }
    cost = Forecast(100, {"outputs": 10, "reconstruction": 10, "clustering": 500, "classification": 100})
    assert cost.wall(ProcessPlan(2, 0, 1)) == 720 / 2
    assert cost.wall(ProcessPlan(1, 15, 1)) == 120 and cost.wall(ProcessPlan(1, 2, 1)) == 300


def test_only_what_is_lacking_is_measured_and_kinds_differ_by_what_changes_a_step(trial, monkeypatch):
    monkeypatch.setattr(costs_module, "step_seconds", lambda trial, device: 1.0)
    monkeypatch.setattr(costs_module, "protocol_seconds", lambda name, n, device: 2.0)
    known = Costs({kind(trial): 9.0}, 5.0, {"classification": (1, 9.0)})
    wide = dataclasses.replace(trial, training=dataclasses.replace(trial.training, width=1.0))
    found = measured_costs([trial, wide, dataclasses.replace(wide, seed=5)], known, "cpu")
    assert found.steps == {kind(trial): 9.0, kind(wide): 1.0} and found.pack_gain == 5.0
    assert found.protocols == {"classification": (1, 9.0), "clustering": (500, 2.0)}


def test_steps_and_protocols_take_time(trial):
    assert 0 < step_seconds(trial, "cpu") < 10
    assert all(0 < protocol_seconds(name, 64, "cpu") < 20 for name in ("classification", "reconstruction"))


def test_what_a_pack_gains_is_of_the_ways_a_device_gets():
    def side(name, seeds, seconds):
        return TimedTrainer(Side(name, "graphs", "float32", pack=seeds), seconds, 1.0, 0.1, None, "captured")

    sides = [side("loop", 1, 6.0), side("graphs", 1, 5.0), side("graphs", 10, 2.0), side("graphs", 5, 1.0)]
    measured = dataclasses.replace(MEASURED, sides=sides)
    assert measure_throughput._pack_gain(measured, "cuda") == 3.0
    assert measure_throughput._pack_gain(measured, "cpu") == 1.0


def test_a_forked_worker_makes_its_first_step_before_a_new_interpreter_has_loaded_torch(trial, monkeypatch):
    monkeypatch.setattr(start_times, "_STARTS", 1)
    found = start_seconds(trial, "cpu")
    assert found["worker"] > 0 and found["worker"] * (2 if sys.platform == "linux" else 0) < found["interpreter"]


# What is written -------------------------------------------------------------------------------------------

SIDES = [
    TimedTrainer(Side("pythae", PYTHAE, "float32", threads=2), 0.02, 1.0, 0.1, 700.0, "its own loop"),
    TimedTrainer(Side("graphs", "graphs", "float32", pack=10), 0.001, 20.0, 0.5, None, "eager"),
]
PYTHAE_ALONE = SIDES[0].side
OTHER = Side("processes, other checkout", "eager", "float32")
METRIC_TIMES = [
    MetricTime("fid", "torch-fidelity", 2, 0.08, 1.0, 1.0, 1.0, 5),
    MetricTime("fid", "ours", 2, 0.04, 2.0, 1.9, 2.1, 5),
]
MEASURED = Throughput("mnist vae d=8 seed=0", 4680, 1e8, 1e12, 7, SIDES)


def test_the_tables_have_a_row_a_side_and_a_row_a_study():
    table = sides_table(MEASURED)
    assert list(table["trainings_per_hour"]) == pytest.approx([3600 / (0.02 * 4680), 3600 / (0.001 * 4680)])
    assert list(table["milliseconds_per_step_and_seed"]) == [20.0, 1.0]
    [row] = studies_table({"paper": Forecast(7200, {"clustering": 3600})}, ProcessPlan(1, 4, 1)).to_dict("records")
    assert (row["training_hours"], row["clustering_hours"], row["wall_hours"]) == (2.0, 1.0, 2.0)


def test_what_is_written_is_read_back_here_and_on_no_other_machine(tmp_path):
    costs = Costs({"a kind": 0.5}, 4.0, {"clustering": (500, 2.0)}, {"fid": 0.04})
    here = provenance("cpu")
    starts = {"worker": 0.5, "interpreter": 3.0}
    plan = ProcessPlan(1, 0, 1)
    written = write_throughput(
        tmp_path, MEASURED, costs, {"paper": Forecast(1, {})}, plan, starts, METRIC_TIMES, here | {"command": "c"}
    )
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert sorted(path.name for path in written) == [
        "evaluation.csv", "protocols.csv", "studies.csv", "throughput.json", "throughput.png", "training.csv",
    ]  # fmt: skip
    path = tmp_path / MEASUREMENTS
    assert read_costs(path, "cpu") == costs
    evaluation = pd.read_csv(tmp_path / "evaluation.csv").set_index(["metric", "side"])
    assert list(evaluation["milliseconds_per_image"]) == [80, 40]
    assert evaluation.loc[("fid", "ours"), "times_library"] == 2
    assert list(pd.read_csv(tmp_path / "training.csv")["side"]) == ["pythae", "graphs"]
    assert pd.read_csv(tmp_path / "protocols.csv").to_dict("records") == [
        {"protocol": "clustering", "images": 500, "seconds": 2.0}
    ]
    content = json.loads(path.read_text())
    assert content["training"]["sides"][1]["times_pythae"] == 20.0 and content["command"] == "c"
    assert content["start_seconds"] == starts
    path.write_text(json.dumps(content | {"device": "cuda (another)"}))
    assert read_costs(path, "cpu") == Costs()
    assert read_costs(tmp_path / "absent.json", "cpu") == Costs()
    edits = ({"speed": 3}, 3, *(content["costs"] | edit for edit in BAD_COSTS))
    for text in ("[]", "{", "{}", "NaN", *(json.dumps(content | {"costs": costs}) for costs in edits)):
        path.write_text(text)
        with pytest.raises(UserError, match="not written by `throughput`"):
            read_costs(path, "cpu")


BAD_COSTS = (
    {"pack_gain": 0},
    {"pack_gain": "4"},
    {"steps": {"a kind": -0.5}},
    {"steps": {"a kind": None}},
    {"protocols": {"clustering": [500]}},
    {"protocols": {"clustering": [0, 2.0]}},
    {"protocols": {"clustering": 2.0}},
    {"metrics": {"fid": 1e300}},
)


def test_the_command_prints_every_side_and_every_study_and_plan_uses_its_numbers(
    tmp_path, capfd, monkeypatch, no_processes, no_rate
):
    monkeypatch.setattr(measure_throughput, "start_seconds", lambda trial, device: {"worker": 0.5, "interpreter": 3})
    monkeypatch.setattr(throughput, "PACKS", (2,))
    monkeypatch.setattr(throughput, "_TURN_SECONDS", 0.01)
    monkeypatch.setattr(measure_throughput, "metric_times", lambda device, threads, seconds: METRIC_TIMES)
    monkeypatch.setattr(measure_throughput, "measured_costs", lambda trials, costs, device, probes: costs)
    for module in (measure_throughput, plan_study):
        monkeypatch.setattr(module, "with_metric_costs", lambda trials, costs, device: costs)
        monkeypatch.setattr(module, "metric_seconds", lambda trials, costs, left_out: {})
    weight_sets = []

    def a_minute_a_trial(trials, costs):
        weight_sets.append({trial.weight_set for trial in trials})
        return Forecast(60.0 * len(trials), {})

    monkeypatch.setattr(measure_throughput, "forecast", a_minute_a_trial)
    threads = torch.get_num_threads()
    arguments = ("--study", "smoke", "--seconds", "1", "--device", "cpu")
    assert main(["throughput", *arguments, "--out", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert "mnist hgmvae_g d=8, width 0.25, batches of 16: " in out and "paired turns" in out
    assert [line.split()[0] for line in out.splitlines() if " ms a step and seed" in line] == [
        "pythae", "loop", "processes", "loop,", "processes,",
    ]  # fmt: skip
    assert "  FID, ours, 2 threads: 40 ms an image, 2.00 times as fast as the library" in out
    assert weight_sets == [{study.weight_set} for study in STUDIES.values()]
    assert "paper: about" in out and "830 trials" in out and "full: about" in out and "3,500 trials" in out
    monkeypatch.setattr(plan_study, "THROUGHPUT", tmp_path)
    monkeypatch.setattr(plan_study, "forecast", lambda trials, costs: Forecast(60.0, {}))
    monkeypatch.setattr(plan_study, "measured_costs", lambda trials, known, device: known)
    content = json.loads((tmp_path / MEASUREMENTS).read_text())
    content["costs"]["steps"] = {"a kind": 1.0}
    (tmp_path / MEASUREMENTS).write_text(json.dumps(content))
    assert main(["plan", "--study", "smoke", "--device", "cpu", "--out", str(tmp_path / "run")]) == 0
    assert "measured by `throughput`" in capfd.readouterr().out
    torch.set_num_threads(threads)


def test_the_longest_packs_come_first_by_the_costs_of_this_machine_or_where_it_has_none_by_nominal_ones(tmp_path):
    def packs(*numbers):
        study = dataclasses.replace(TINY, tables=tuple(TABLES[number] for number in numbers))
        trials = tiny_grid(tmp_path, study, "method=gmvae,method=hgmvae_g").trials()
        return packs_of(trials, trials, 1)

    def ordered(packs, costs, left_out=("fid", "lpips")):
        return [pack.trials[0] for pack in longest_first(packs, costs, left_out)]

    nominal = ordered(packs(3), Costs())
    in_study_order = [pack.trials[0] for pack in packs(3)]
    assert nominal == sorted(in_study_order, key=lambda trial: math.prod(trial.data.image_shape), reverse=True)
    assert nominal != in_study_order
    # With FID, which is most of a trial's cost, those that have it come first.
    image = Costs(metrics={"fid": 0.1, "lpips": 0.001})
    with_fid = [metric_seconds([trial], image, ()).get("fid", 0) for trial in ordered(packs(1, 3), Costs(), ())]
    assert with_fid == sorted(with_fid, reverse=True) and with_fid[0] > with_fid[-1] == 0
    steps = {kind(trial): 1.0 if trial.method == "gmvae" else 0.1 for trial in nominal}
    known = Costs(steps, protocols={"reconstruction": (100, 0.01)})
    methods = [trial.method for trial in ordered(packs(3), known)]
    assert methods == sorted(methods) and {*methods} == {"gmvae", "hgmvae_g"}


def test_metrics_of_pretrained_networks_cost_by_the_image_and_only_where_they_are_asked_for(tmp_path, monkeypatch):
    grid = tiny_grid(tmp_path, dataclasses.replace(TINY, tables=(TABLES[3],)), "dataset=mnist,method=vae")
    trials = grid.trials()
    assert [trial.data.n_test for trial in trials] == [60, 60]
    monkeypatch.setattr(costs_module, "image_seconds", lambda metric, device: {"fid": 0.1, "lpips": 0.001}[metric])
    costs = with_metric_costs(trials, Costs(metrics={"lpips": 0.01}), "cpu")
    assert costs == Costs(metrics={"fid": 0.1, "lpips": 0.01})
    # The originals once for both trials.
    assert metric_seconds(trials, costs, ()) == {"fid": pytest.approx(180 * 0.1), "lpips": pytest.approx(180 * 0.01)}
    assert list(metric_seconds(trials, costs, ("fid",))) == ["lpips"]
    limited = dataclasses.replace(trials[0], protocols={"reconstruction": {"n_images": None, "fid_images": 15}})
    assert metric_seconds([limited], costs, ("lpips",)) == {"fid": pytest.approx(30 * 0.1)}
    others = tiny_grid(tmp_path).trials()
    assert with_metric_costs(others, Costs(), "cpu") == Costs() and metric_seconds(others, Costs(), ()) == {}


def test_a_forecast_computes_no_metric_of_a_pretrained_network(monkeypatch):
    left_out = []

    def score(self, outputs, context):
        left_out.append(context.left_out)

    monkeypatch.setattr(costs_module.PROTOCOLS["reconstruction"], "score", score)
    protocol_seconds("reconstruction", 4, "cpu")
    assert left_out == [{"fid", "lpips"}]


# Beside another checkout -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_checkout_is_a_side_of_the_same_turns(trial, monkeypatch, no_rate):
    monkeypatch.setattr(throughput, "_TURN_SECONDS", 0.01)
    monkeypatch.setattr(throughput, "sides_on", lambda *_: [PYTHAE_ALONE, dataclasses.replace(OTHER, commit="abc")])
    found = measure(trial, "cpu", threads=1, processes=1, seconds=0.1, beside=REPOSITORY)
    [theirs, other] = found.sides
    assert other.side.commit == "abc" and other.step_seconds > 0 and theirs.times_pythae == 1


def test_a_checkout_that_cannot_train_is_said_to_be_none(trial, monkeypatch, tmp_path, no_rate):
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "__init__.py").write_text("raise ImportError('an old one')\n")
    monkeypatch.setattr(throughput, "sides_on", lambda *_: [dataclasses.replace(OTHER, commit="abc")])
    with pytest.raises(UserError, match=r"--beside .*: its code cannot train this trial"):
        measure(trial, "cpu", threads=1, processes=1, seconds=0.1, beside=tmp_path)


def test_what_is_no_checkout_is_refused_before_anything_is_measured(tmp_path, capsys):
    assert main(["throughput", "--beside", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert f"--beside {tmp_path}: is not a checkout of this suite" in capsys.readouterr().err


def test_a_protocol_of_ones_own_is_not_forecast(trial):
    own = dataclasses.replace(trial, protocols={**trial.protocols, "psnr": {}})
    costs = Costs({kind(trial): 0.3}, protocols=dict.fromkeys(trial.protocols, (100, 1.0)))
    assert forecast([own], costs) == forecast([trial], costs)
    assert measured_costs([own], costs, "cpu") == costs
