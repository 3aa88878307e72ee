"""The studies as grids: the paper's own is exactly its five tables, the others say what they leave out."""

import dataclasses
import re
import subprocess
import sys

import pytest

from benchmark.data.specs import DATASETS
from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import PROTOCOL_SETTINGS
from benchmark.evaluation.protocols import PROTOCOLS
from benchmark.files import REPOSITORY
from benchmark.methods.registry import METHODS
from benchmark.paper.tables import paper_numbers
from benchmark.studies.grid import expected_data
from benchmark.studies.named_studies import STUDIES
from benchmark.training.training_settings import TrainingSettings


def test_the_paper_study_has_a_cell_for_every_printed_number_and_no_other():
    study = STUDIES["paper"]
    metrics = {table.number: table.metrics for table in study.tables}
    ours = [(c.table, c.dataset, m, c.method, c.latent_dim) for c in study.cells() for m in metrics[c.table]]
    printed = paper_numbers()[["table", "dataset", "metric", "method", "latent_dim"]].itertuples(index=False)
    assert len(ours) == len(set(ours)) == 392
    assert set(ours) == {tuple(row) for row in printed}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("smoke", 16),
        ("digits", 40),
        ("laptop", 204),
        ("paper", 830),
        ("full", 3500),
        ("validation", 10),
        ("admission", 80),
    ],
)
def test_how_many_trainings_each_study_needs(name, count):
    # paper, by hand: 5 methods x 7 dims on MNIST; 8 x 2 sets at d = 8 less 3 shared with Table 1; 10 x 4 sets at
    # d = 128 less MNIST's 5 shared with Table 4: (35 + 13 + 35) x 10 seeds.
    assert STUDIES[name].n_trials == count


def test_a_table_of_ones_own_leaves_the_paper_study_as_it_is():
    code = (
        "import dataclasses\n"
        "from benchmark.table_specs import ALL_TABLES, TABLES\n"
        "TABLES[8] = ALL_TABLES[8] = dataclasses.replace(TABLES[2], number=8, latent_dims=(3,))\n"
        "from benchmark.studies.named_studies import STUDIES\n"
        "print(STUDIES['paper'].n_trials, {table.number for table in STUDIES['laptop'].tables})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["830", "{1, 2, 3, 4, 5, 8}\n"]


def test_a_study_that_is_refused_on_import_is_one_line():
    code = (
        "from benchmark.data import specs\n"
        "specs.IMAGES = ('drawn', 'installed')\n"
        "from benchmark.cli import main\n"
        "raise SystemExit(main(['studies']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.endswith("study best-case, images: there is no 'real'; there are drawn, installed")


def test_the_best_is_chosen_on_held_out_images_among_readings_and_weights_alone():
    study = STUDIES["best-case-choice"]
    assert (study.split, study.weight_set, study.training) == ("validation", "default", TrainingSettings())
    candidates = {cell.method for cell in study.cells()}
    swept = {cell.method for cell in STUDIES["frontier"].cells()}
    others = {cell.method for cell in STUDIES["best-case"].cells() if cell.method.startswith("hgmvae")}
    longer = {name for name in others if name.endswith(("_warm", "_twice"))}
    assert candidates == swept | (others - longer) and len(longer) == 4
    assert {cell.latent_dim for cell in study.cells()} == {8}


def test_smoke_and_full_span_everything():
    printed = paper_numbers()
    for name, methods, datasets in (
        ("smoke", set(printed["method"]), set(printed["dataset"])),
        ("full", set(METHODS), set(DATASETS)),
    ):
        cells = list(STUDIES[name].cells())
        assert {cell.method for cell in cells} == methods and len(methods) >= 10
        assert {cell.dataset for cell in cells} == datasets and len(datasets) >= 5
        assert {cell.table for cell in cells} == {1, 2, 3, 4, 5}
    assert (STUDIES["smoke"].images, STUDIES["full"].images) == ("drawn", "real")


def test_a_table_in_two_parts_lacks_what_neither_has():
    assert [note for note in STUDIES["best-case"].notes() if "without" in note] == ["Table 3 without d = 128"]


def test_only_the_papers_own_setting_has_nothing_to_confess():
    assert STUDIES["paper"].notes() == STUDIES["full"].notes() == []
    laptop = STUDIES["laptop"]
    notes = "; ".join(laptop.notes())
    for fact in (
        f"{laptop.n_train:,} training images",
        f"{laptop.n_test:,} test images",
        f"{laptop.training.epochs} of 10 epochs",
        f"{laptop.training.width:g} times the width",
        f"batches of {laptop.training.batch_size}",
        f"{laptop.seeds} of 10 seeds",
        "Table 1 without d = 4, 16, 64, 128",
    ):
        assert fact in notes
    assert STUDIES["smoke"].notes()[0] == "procedural images, not the real data sets"
    assert "held out" in STUDIES["validation"].notes()[0]


def test_a_trial_is_scored_by_the_protocols_of_all_its_tables():
    study = STUDIES["paper"]
    assert list(study.protocols("mnist", "gmvae", 8)) == ["classification", "clustering"]
    assert list(study.protocols("mnist", "hgmvae_g", 128)) == ["clustering", "reconstruction"]
    assert list(study.protocols("cifar10", "gmvae", 8)) == ["classification"]
    assert STUDIES["laptop"].protocols("mnist", "gmvae", 8)["clustering"]["n_images"] == 2_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "validaton"}, "split: there is no 'validaton'; did you mean 'validation'?"),
        (
            {"protocol_settings": {"clusterin": {}}},
            "protocol_settings: there is no 'clusterin'; did you mean 'clustering'?",
        ),
        (
            {"protocol_settings": {"clustering": {"perplexty": 10.0}}},
            "protocol_settings clustering: there is no 'perplexty'; did you mean 'perplexity'?",
        ),
        (
            {"protocol_settings": {"classification": {"n_train": "10"}}},
            "protocol_settings classification: n_train = '10': input should be a valid integer",
        ),
    ],
)
def test_a_study_is_not_made_of_what_there_is_not(change, said):
    with pytest.raises(UserError, match=re.escape(f"study smoke, {said}")):
        dataclasses.replace(STUDIES["smoke"], **change)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"epochs": 2.0},
        {"batch_size": True},
        {"learning_rate": "1e-3"},
        {"learning_rate": float("nan")},
        {"weight_decay": -0.01},
        {"width": 0.0},
    ],
)
def test_no_training_has_settings_that_make_no_sense(change):
    [(name, value)] = change.items()
    with pytest.raises(UserError, match=re.escape(f"training: {name} = {value!r}: input should be ")):
        TrainingSettings(**change)


def test_a_studys_protocols_are_those_that_score():
    assert PROTOCOLS.keys() == PROTOCOL_SETTINGS.keys()
    for name, settings in PROTOCOL_SETTINGS.items():
        assert vars(PROTOCOLS[name]()) == vars(settings())
        assert PROTOCOLS[name].REVISION == settings.REVISION


def test_the_digits_of_the_installation_are_expected_in_their_own_number():
    expected = expected_data(STUDIES["digits"], DATASETS["mnist"])
    assert (expected.n_train, expected.n_test) == (4_000, 1_000)
