"""What an audit concludes, from made-up scores: rows, distances from the paper, flipped claims, spreads, drift."""

import csv
import hashlib
import json
import math
import statistics
from functools import partial

import numpy as np
import pandas as pd
import pytest
from audit_samples import audit_of, audit_results, frame_of, scored, trials
from study_samples import cell, manifest, parsed, study_results
from test_verdict_claims import PAPER, as_printed, made_study
from verdict_samples import judge_numbers

from benchmark.audit import audit_files
from benchmark.audit import flips as flips_module
from benchmark.audit.audit_files import AuditResult, audit_frame
from benchmark.audit.distances import COLUMNS, distances
from benchmark.audit.findings import drifted, findings
from benchmark.audit.flip_rates import flip_rates
from benchmark.audit.flips import flips
from benchmark.audit.outputs import JUDGED
from benchmark.audit.reconstruction_protocols import SCORINGS
from benchmark.audit.spread import spread
from benchmark.files import sha256_of
from benchmark.metrics import METRICS
from benchmark.paper.tables import PAPER_FOLDER, paper_numbers
from benchmark.results.store import Store
from benchmark.table_specs import TABLES
from benchmark.verdict.claim_judging import judge_runs

CLUSTERING = ("silhouette", "calinski_harabasz", "davies_bouldin")
PLACES = [("mnist", method, dim) for method in ("gmvae", "hgmvae_g") for dim in (8, 16)]
EMPTY = audit_frame({}, {})


@pytest.fixture
def few_repeats(monkeypatch):
    """Rates of flips, whose numbers are tested in test_audit_flip_rates.py, from ten repeats rather than a hundred."""
    monkeypatch.setattr(flips_module, "flip_rates", partial(flip_rates, repeats=10))


def tolerance(metric, paper):
    """As docs/verdicts.md prints them."""
    return {"silhouette": 0.03, "svm_accuracy": 0.007}.get(metric) or paper * {
        "calinski_harabasz": 0.1,
        "davies_bouldin": 0.15,
        "fid": 0.1,
    }[metric]


def printed(number):
    return paper_numbers().query("table == @number").set_index(["dataset", "metric", "method", "latent_dim"])["value"]


def off_by(tolerances):
    """Scores that lie so many tolerances above the paper's Table 1; a metric's own number, or one for all."""

    def score(dataset, metric, method, dim, *seed_and_judged):
        paper = printed(1)[dataset, metric, method, dim]
        return paper + tolerances[metric] * tolerance(metric, paper)

    return score


def row(frame, table, metric, alternative):
    [found] = frame.query("table == @table and metric == @metric and alternative == @alternative").itertuples()
    return found


def test_a_row_for_each_value_and_each_reason():
    records = trials("clustering", ["silhouette"], [("mnist", "gmvae", 8)], [3], lambda *place: 0.25)
    [key] = records
    found = {
        key: {
            "key": key,
            "scores": {
                "clustering": {
                    JUDGED: scored({"silhouette": 0.25, "davies_bouldin": 1.5}),
                    "latents": scored({"silhouette": 0.0}, {"davies_bouldin": "one cluster"}),
                },
                "recovery": {JUDGED: scored({}, {"kmeans_accuracy": "no labels"})},
            },
        },
        "of no record": {"key": "of no record", "scores": {"clustering": {JUDGED: scored({"silhouette": 1.0})}}},
    }
    frame = audit_frame(parsed(records), audit_results(found))
    place = (key, "mnist", "gmvae", 8, 3)
    assert [tuple(None if pd.isna(value) else value for value in one) for one in frame.itertuples(index=False)] == [
        (*place, "clustering", JUDGED, "silhouette", 0.25, None),
        (*place, "clustering", JUDGED, "davies_bouldin", 1.5, None),
        (*place, "clustering", "latents", "silhouette", 0.0, None),
        (*place, "clustering", "latents", "davies_bouldin", None, "one cluster"),
        (*place, "recovery", JUDGED, "kmeans_accuracy", None, "no labels"),
    ]
    assert dict(frame.dtypes.astype(str)) == dict(EMPTY.dtypes.astype(str)) == audit_files.COLUMN_TYPES
    assert EMPTY.empty


def test_results_are_read_back_unless_of_another_version_or_unreadable(tmp_path):
    store = Store(tmp_path)
    found = {"scores": {"clustering": {JUDGED: scored({"silhouette": 0.25})}}, "seconds": {"clustering": 1.0}}
    for key in ("good", "old", "moved", "torn", "listed"):
        audit_files.write_result(store, key, "ab12", ["inception"], found)
    read = json.loads(store.audit_path("good").read_text())
    assert read == {"revision": 1, "key": "good", "checkpoint": "ab12", "weights": ["inception"]} | found
    store.audit_path("old").write_text(json.dumps(read | {"key": "old", "revision": 0}))
    store.audit_path("moved").write_text(json.dumps(read))
    store.audit_path("torn").write_bytes(b'{"key": "torn", \xff')
    store.audit_path("listed").write_text(json.dumps(read | {"key": "listed", "scores": []}))
    assert audit_files.read_results(store, ["good", "old", "moved", "torn", "listed", "absent"]) == {
        "good": AuditResult.parse(read)
    }
    read = AuditResult.parse(read)
    assert audit_files.is_current(read, "ab12", ["inception"]) and audit_files.is_current(read, "ab12", [])
    assert not audit_files.is_current(read, "cd34", [])
    assert not audit_files.is_current(read, "ab12", ["alexnet", "inception"])
    assert not audit_files.is_current(None, "ab12", [])
    of_images = {"reconstruction": {JUDGED: scored({"ssim": 0.5}), "MS-SSIM at 176": scored({"ms_ssim": 0.5})}}
    audit_files.write_result(store, "images", "ab12", [], {"scores": of_images, "seconds": {"reconstruction": 1.0}})
    [images] = audit_files.read_results(store, ["images"]).values()
    assert audit_files.lacking(images) == [name for name in SCORINGS if name != "MS-SSIM at 176"]
    assert not audit_files.is_current(images, "ab12", [])  # it is of before the others were added, and still read
    machines = dict.fromkeys((JUDGED, "one-vs-rest", "linear", "same latents"), scored({"svm_accuracy": 0.5}))
    audit_files.write_result(store, "codes", "ab12", [], {"scores": {"classification": machines}, "seconds": {}})
    [codes] = audit_files.read_results(store, ["codes"]).values()
    assert audit_files.lacking(codes) == ["unstandardised", "one-vs-rest, same latents"]
    assert not audit_files.is_current(codes, "ab12", [])
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


def test_distances_are_means_over_numbers_of_tolerances_between_our_mean_and_the_papers():
    as_judged = {"silhouette": 1.5, "calinski_harabasz": -2.0, "davies_bouldin": 0.5}
    records = trials(
        "clustering",
        CLUSTERING,
        PLACES,
        (0, 1),
        # The seeds lie on both sides of their mean, and the dims on both sides of the tolerances above.
        lambda d, metric, method, dim, seed: (
            off_by(
                {
                    name: size + (0.25 if dim == 8 else -0.25) * (1 if size > 0 else -1)
                    for name, size in as_judged.items()
                }
            )(d, metric, method, dim)
            + (0.01 if seed else -0.01)
        ),
    )
    frame = frame_of(
        records,
        {
            "clustering": {
                "the paper's": lambda *place: off_by(dict.fromkeys(CLUSTERING, 0.0))(*place),
                "SC alone": lambda *place: off_by({"silhouette": -0.5})(*place) if place[1] == "silhouette" else None,
                "a number short": lambda *place: (
                    "constant" if place[2:4] == ("gmvae", 16) else off_by(dict.fromkeys(CLUSTERING, 0.0))(*place)
                ),
                "nowhere": lambda *place: "no weights",
            }
        },
    )
    found = distances(frame)
    assert list(found.columns) == COLUMNS
    for table in (1, 4):  # Table 4 prints these numbers again
        for metric, size in as_judged.items():
            one = row(found, table, metric, JUDGED)
            assert one.distance == pytest.approx(abs(size), abs=1e-9)
            assert (one.cells, one.of, one.nearest) == (4, 4, False)
            short = row(found, table, metric, "a number short")
            assert (short.cells, short.of, short.nearest) == (3, 4, False)
            assert short.distance == pytest.approx(0, abs=1e-9)
            exact = row(found, table, metric, "the paper's")
            assert (exact.cells, exact.of, exact.nearest) == (4, 4, True)
        assert row(found, table, "all", JUDGED).distance == pytest.approx((1.5 + 2 + 0.5) / 3)
        assert row(found, table, "all", "the paper's").distance == pytest.approx(0, abs=1e-9)
        # For all metrics it has its own SC and the judged protocol's CH and DB.
        alone = row(found, table, "all", "SC alone")
        assert (alone.cells, alone.of) == (12, 12)
        assert alone.distance == pytest.approx((0.5 + 2 + 0.5) / 3)
        assert row(found, table, "silhouette", "SC alone").distance == pytest.approx(0.5)
        assert set(found.query("table == @table and alternative == 'SC alone'")["metric"]) == {"silhouette", "all"}
        short = row(found, table, "all", "a number short")
        assert (short.cells, short.of, short.nearest) == (9, 12, False)
        assert found.query("table == @table and nearest")["alternative"].unique().tolist() == ["the paper's"]
    assert set(found["table"]) == {1, 4}
    assert "nowhere" not in set(found["alternative"])
    for _, part in found.groupby(["table", "metric"]):
        assert part["distance"].dropna().is_monotonic_increasing


def test_the_distance_of_every_table_is_from_that_tables_own_numbers():
    _, records = made_study(as_printed, 1)
    found = distances(frame_of(records, {}))
    whole = found[found["metric"] == "all"].set_index("table")
    assert whole["of"].to_dict() == whole["cells"].to_dict() == {1: 63, 2: 16, 3: 128, 4: 105, 5: 80}
    assert found["nearest"].all()
    for table in (1, 2, 4, 5):
        assert whole.loc[table, "distance"] == pytest.approx(0, abs=1e-4)
    # The made-up runs have Table 5's numbers; seven of Table 3's are others. Mean over 32 numbers.
    gaps = {("chairs", "hgmvae_g"), ("chairs", "hgmvae_u"), ("celeba", "hgmvae_g"), ("celeba", "hgmvae_u")}
    fid = [abs(PAPER[d, "fid", m, 128] / printed(3)[d, "fid", m, 128] - 1) / 0.1 for d, m in gaps]
    assert sorted(round(gap, 2) for gap in fid) == [4.29, 4.84, 5.55, 5.74]
    assert row(found, 3, "fid", JUDGED).distance == pytest.approx(sum(fid) / 32, rel=1e-3)
    assert row(found, 3, "ssim", JUDGED).distance == pytest.approx((0.966 - 0.717) / 0.02 / 32, rel=1e-3)


def test_numbers_that_the_paper_does_not_print_have_no_distance():
    for places in ([("mnist", "gmvae", 3)], [("fashion_mnist", "gmvae", 8)], [("mnist", "vae", 8)]):
        records = trials("clustering", CLUSTERING, places, [0], lambda *place: 1.0)
        found = distances(frame_of(records, {"clustering": {"latents": lambda *place: 2.0}}))
        assert found.empty and list(found.columns) == COLUMNS
    assert distances(EMPTY).empty


def reconstructed(without_fid=False):
    """Trials of VAE at d = 128 on three data sets, with Table 3's numbers 1 tolerance off in SSIM (and FID)."""

    def score(dataset, metric, method, dim, seed):
        paper = printed(3)[dataset, metric, method, dim]
        return paper + 0.02 if metric == "ssim" else paper * 1.1

    places = [(dataset, "vae", 128) for dataset in ("mnist", "fashion_mnist", "celeba")]
    return trials("reconstruction", ["ssim"] if without_fid else ["ssim", "fid"], places, [0], score)


def test_an_alternative_that_a_data_set_has_no_use_for_has_the_judged_scores_there():
    """As "cropped to 28", which only padded images have."""

    def papers(dataset, metric, *place):
        return float(printed(3)[dataset, metric, "vae", 128])

    frame = frame_of(
        reconstructed(),
        {
            "reconstruction": {
                "cropped": lambda dataset, *place: None if dataset == "celeba" else papers(dataset, *place),
                "no CelebA": lambda dataset, *place: "failed" if dataset == "celeba" else papers(dataset, *place),
            }
        },
    )
    found = distances(frame)
    for metric in ("ssim", "fid"):
        one = row(found, 3, metric, "cropped")
        assert (one.cells, one.of, one.nearest) == (3, 3, True)
        assert one.distance == pytest.approx(1 / 3)
        failed = row(found, 3, metric, "no CelebA")  # nearer, but of fewer numbers
        assert (failed.cells, failed.nearest, failed.distance) == (2, False, pytest.approx(0, abs=1e-9))
    assert row(found, 3, "all", "cropped").nearest


def test_what_touches_no_number_at_hand_is_no_nearest_of_all():
    """FID cannot be computed here, so its alternatives differ from the judged protocol in nothing."""
    records = reconstructed(without_fid=True)
    audit = audit_of(records, {})
    for result in audit.values():
        scores = result["scores"]["reconstruction"]
        scores[JUDGED]["unavailable"] = {"fid": "weights unavailable"}
        scores["FID antialiased"] = scored({}, {"fid": "weights unavailable"})
        scores["prior samples"] = scored({"fid": 100.0})
    found = distances(audit_frame(parsed(records), audit_results(audit)))
    assert found[found["nearest"]]["alternative"].unique().tolist() == [JUDGED]
    assert set(found["alternative"]) == {JUDGED}


def accuracy(gain):
    """SVM accuracies in which HGMVAE-G is ahead by `gain`, each seed a little otherwise."""
    return lambda dataset, metric, method, dim, seed, *judged: (
        0.8 + gain * (method == "hgmvae_g") + 0.001 * math.sin(seed + len(method))
    )


def states(found, alternative, by):
    rows = found[(found["alternative"] == alternative) & (found["by"] == by)]
    return {one.claim: (one.judged, one.state, one.flips) for one in rows.itertuples()}


@pytest.mark.parametrize(("seeds", "by_tests"), [(10, ("supported", "refuted")), (1, ("open", "open"))])
def test_a_protocol_that_reverses_the_order_flips_the_claim_and_one_that_keeps_it_does_not(seeds, by_tests):
    _, records = made_study(accuracy(0.1), seeds, tables=(2,))
    alternatives = {"reversed": lambda *place: 1 - place[-1], "scaled": lambda *place: 0.5 * place[-1] + 0.2}
    found = flips(frame_of(records, {"classification": alternatives}))
    assert states(found, "reversed", "tests") == {"C4": (*by_tests, seeds == 10)}
    assert states(found, "reversed", "means") == {"C4": ("supported", "refuted", True)}
    assert states(found, "scaled", "tests") == {"C4": (by_tests[0], by_tests[0], False)}
    assert states(found, "scaled", "means") == {"C4": ("supported", "supported", False)}
    assert set(found["claim"]) == {"C4"}  # no other claim is about accuracy, and none about training time


def test_under_every_table_the_judged_states_are_those_of_the_verdicts(few_repeats):
    study, records = made_study(as_printed, 10, seconds=lambda dataset, method, dim, seed: 1.0 + 0.01 * seed)
    same = {protocol: {"same": lambda *place: place[-1]} for protocol in {table.protocol for table in TABLES.values()}}
    found = flips(frame_of(records, same))
    assert not found["flips"].any()
    rows = pd.DataFrame(
        [
            (one["identity"]["dataset"], metric, one["identity"]["method"], one["identity"]["latent_dim"], value)
            for one in records.values()
            for values in one["metrics"].values()
            for metric, value in values.items()
        ],
        columns=["dataset", "metric", "method", "latent_dim", "value"],
    )
    means = rows.groupby(["dataset", "metric", "method", "latent_dim"], as_index=False)["value"].mean()
    means = paper_numbers().drop(columns="value").merge(means)
    for by, judgements in (("tests", judge_runs(study_results(study, records))), ("means", judge_numbers(means))):
        expected = {one.claim.name: (str(one.on_run), str(one.on_run), False) for one in judgements}
        del expected["C9"]
        assert states(found, "same", by) == expected
    assert {protocol: set(rows["claim"]) for protocol, rows in found.groupby("protocol")} == {
        "clustering": {"C1", "C2", "C3", "C6", "C8"},
        "classification": {"C4"},
        "reconstruction": {"C5", "C7", "C8"},
    }
    assert set(found["judged"]) == {"supported"}


def test_a_metric_that_the_alternative_leaves_alone_keeps_its_judged_scores(few_repeats):
    def score(dataset, metric, method, dim, seed):
        """Scores of which d = 8 has the best, in all three metrics."""
        sign = 1 if METRICS[metric].higher_is_better else -1
        return 5 + sign * (dim == 8) + 0.001 * math.sin(seed + dim + len(method))

    _, records = made_study(score, 10, tables=(1,))
    reversed_sc = {"SC reversed": lambda d, metric, *place: 10 - place[-1] if metric == "silhouette" else None}
    found = flips(frame_of(records, {"clustering": reversed_sc}))
    c3 = states(found, "SC reversed", "tests")["C3"]
    assert c3 == ("supported", "refuted", True)  # 50 margins of SC outweigh CH and DB
    won = {"SC same": lambda d, metric, *place: place[-1] if metric == "silhouette" else None}
    found = flips(frame_of(records, {"clustering": won}))
    assert states(found, "SC same", "tests")["C3"] == ("supported", "supported", False)


def reconstructs_best(dataset, metric, method, dim, seed):
    sign = 1 if METRICS[metric].higher_is_better else -1
    return 1 + sign * 0.1 * (method == "hgmvae_u") + 0.001 * math.sin(seed + len(method))


@pytest.mark.parametrize(
    "alternative",
    [
        lambda d, metric, *place: "weights unavailable",
        lambda dataset, *place: place[-1] if dataset == "mnist" else None,
        lambda d, metric, method, *place: "no component weights" if method == "swae" else place[-1],
        lambda d, metric, method, dim, seed, judged: judged if seed < 4 else "constant",
    ],
    ids=["unscored", "one data set", "a method short", "six seeds short"],
)
def test_scores_that_are_missing_flip_nothing(few_repeats, alternative):
    """Where the alternative has a score it is the judged one: no conclusion depends on the protocol."""
    _, records = made_study(reconstructs_best, 10, tables=(3,))
    found = flips(frame_of(records, {"reconstruction": {"other": alternative}}))
    assert not found["flips"].any()


def test_no_alternative_flips_nothing():
    _, records = made_study(accuracy(0.1), 2, tables=(2,))
    assert flips(frame_of(records, {})).empty


BASES = {("mnist", "gmvae", 8): (0.1, 0.2, 0.4), ("mnist", "hgmvae_g", 8): (0.5, 0.7), ("mnist", "gmvae", 2): (0.9,)}


def spreads(alternative_values, bases=BASES, dataset="mnist"):
    """Size and trials by source, of silhouettes `bases` (a value per seed) plus what `alternative_values` add."""
    records = {}
    for (_, method, dim), values in bases.items():
        made = trials(
            "clustering", ["silhouette"], [(dataset, method, dim)], range(len(values)), lambda *p, v=values: v[p[-1]]
        )
        records |= made
    alternatives = {
        name: lambda d, metric, method, dim, seed, judged, add=add: judged + float(add(method, dim, seed))
        for name, add in alternative_values.items()
    }
    found = spread(frame_of(records, {"clustering": alternatives}))
    assert set(found["dataset"]) <= {dataset} and set(found["metric"]) <= {"silhouette"}
    return {one.source: (pytest.approx(one.size, abs=1e-9), one.trials) for one in found.itertuples()}


def shifts(name, values):
    return {f"{name} {draw}": lambda *trial, by=by: by for draw, by in enumerate(values, start=1)}


def test_training_is_the_pooled_spread_over_seeds():
    # Sample variances 7/300 and 1/50; one seed alone has none.
    assert spreads({}) == {"training": (math.sqrt((7 / 300 + 1 / 50) / 2), 5)}
    assert spreads({}, {("mnist", "gmvae", 8): (0.5,)}) == {}


def test_the_start_is_the_spread_over_starts_of_one_trial():
    found = spreads(shifts("random start", (0.03, 0.0, -0.03)))
    assert found["t-SNE's start"] == (0.03, 6)  # whatever the judged start gives
    assert set(found) == {"training", "t-SNE's start"}


def test_images_that_move_all_trials_alike_are_no_spread_between_trials():
    found = spreads(shifts("random half", (0.05, -0.05, 0.0)))
    assert found["choice of images"] == (0.05, 6)
    assert found["choice of images, not shared"] == (0.0, 6)


@pytest.mark.parametrize("n_trials", [2, 3, 6])
def test_the_part_not_shared_is_the_interaction_of_trial_and_images(n_trials):
    """Against the residual mean square of a two-way layout, whose degrees of freedom are (T - 1) (3 - 1)."""
    values = np.random.default_rng(n_trials).normal((0.5, -1.0, 0.25), size=(n_trials, 3))
    halves = {f"random half {draw + 1}": lambda m, d, seed, at=draw: values[seed, at] for draw in range(3)}
    found = spreads(halves, {("mnist", "gmvae", 8): (0.3,) * n_trials})
    residual = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    assert found["choice of images"] == (math.sqrt(values.var(1, ddof=1).mean()), n_trials)
    assert found["choice of images, not shared"] == (
        math.sqrt((residual**2).sum() / (2 * (n_trials - 1))),
        n_trials,
    )


def test_one_trial_has_nothing_to_share():
    found = spreads(shifts("random half", (0.05, -0.05, 0.0)), {("mnist", "gmvae", 8): (0.5,)})
    assert found == {"choice of images": (0.05, 1)}


def test_a_trial_without_all_draws_is_left_out_and_the_halves_keep_their_sign():
    records = trials("clustering", ["silhouette"], [("mnist", "gmvae", 8)], (0, 1), lambda *place: 0.5)
    halves = {
        "first half": lambda *p: 0.2 + 0.1 * p[4],
        "last half": lambda *p: 0.5,
        **{f"random half {draw}": lambda *p, by=draw: "one cluster" if p[4] == by else 0.1 * by for draw in (1, 2, 3)},
    }
    found = spread(frame_of(records, {"clustering": halves})).set_index("source")
    assert found.loc["first - last half", "size"] == pytest.approx((-0.3 - 0.2) / 2)
    assert found.loc["first - last half", "trials"] == 2
    assert (found.loc["choice of images", "size"], found.loc["choice of images", "trials"]) == (pytest.approx(0.1), 1)


def test_the_papers_gap_is_the_median_of_its_table_1():
    with (PAPER_FOLDER / "tables.csv").open() as file:
        rows = [one for one in csv.DictReader(file) if one["table"] == "1"]
    for metric, known in (("silhouette", 0.0365), ("calinski_harabasz", None), ("davies_bouldin", None)):
        by = {(one["method"], one["latent_dim"]): float(one["value"]) for one in rows if one["metric"] == metric}
        gaps = [
            abs(by[method, dim] - by["gmvae", dim]) for method in ("hgmvae_g", "hgmvae_u") for _, dim in list(by)[:7]
        ]
        assert len(gaps) == 14
        expected = statistics.median(gaps)
        assert known is None or expected == pytest.approx(known)
        records = trials("clustering", [metric], [("mnist", "gmvae", 8)], (0, 1), lambda *place: float(place[-1]))
        assert spread(frame_of(records, {}))["paper_gap"].tolist() == [pytest.approx(expected)]
    records = trials("clustering", ["silhouette"], [("fashion_mnist", "gmvae", 8)], (0, 1), lambda *p: float(p[-1]))
    assert spread(frame_of(records, {}))["paper_gap"].isna().all()


def test_without_clustering_there_is_no_spread():
    assert spread(frame_of(reconstructed(), {})).empty
    assert spread(EMPTY).empty


def test_a_score_has_drifted_beyond_two_ten_thousandths_relative_or_absolute():
    recorded = {"silhouette": 0.5, "davies_bouldin": 2.0, "calinski_harabasz": 1000.0}
    records = trials("clustering", recorded, [("mnist", "gmvae", 8)], [0], lambda d, metric, *place: recorded[metric])
    [key] = records

    def found(**again):
        audit = audit_of(records, {"clustering": {"latents": lambda *place: 99.0}})
        audit[key]["scores"]["clustering"][JUDGED] = scored(again)
        audit[key]["scores"]["recovery"] = {JUDGED: scored({"kmeans_accuracy": 0.5})}  # which no record has
        return drifted(parsed(records), audit_frame(parsed(records), audit_results(audit)))

    assert found(silhouette=0.50019, davies_bouldin=1.99961, calinski_harabasz=1000.19).empty
    rows = found(silhouette=0.49979, davies_bouldin=2.00041, calinski_harabasz=999.79)
    assert rows["metric"].tolist() == ["silhouette", "davies_bouldin", "calinski_harabasz"]
    assert rows["recorded"].tolist() == [0.5, 2.0, 1000.0]
    assert rows["value"].tolist() == [0.49979, 2.00041, 999.79]
    assert set(rows["alternative"]) == {JUDGED}
    # A metric that the record lacks, its weights not being at hand then, and one lacking now contradict nothing.
    del records[key]["metrics"]["clustering"]["silhouette"]
    assert found(silhouette=0.9, davies_bouldin=2.0).empty


def test_findings_of_a_partly_audited_study():
    study, records = made_study(accuracy(0.1), 2, tables=(2,))
    assert findings(study_results(study, records), {}) is None
    audit = audit_of(records, {"classification": {"linear": accuracy(0.0)}})
    some = {key: audit[key] for key in list(audit)[:3]}
    found = findings(study_results(study, records), audit_results(some))
    assert (found.audited, found.trials) == (3, 32)
    assert len(found.scores) == 6 and found.drifted.empty and found.spread.empty
    assert not found.flips["flips"].any()
    assert row(found.distances, 2, "all", JUDGED).of == 2  # both seeds of VAE, one of beta-VAE, on CIFAR-10
    only_gone = {"gone": {"key": "gone", "scores": {"clustering": {JUDGED: scored({"silhouette": 1.0})}}}}
    assert findings(study_results(manifest([cell(1, "mnist", "gmvae", 8)]), records), audit_results(only_gone)) is None
