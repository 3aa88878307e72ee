"""Every note that a study can make is told for what it is, also when read back from a manifest."""

import dataclasses

import pytest

from benchmark.evaluation.protocol_settings import PROTOCOL_SETTINGS
from benchmark.studies.changes import with_settings, with_training
from benchmark.studies.named_studies import STUDIES
from benchmark.studies.notes import is_on_extent, is_on_protocol, option_of
from benchmark.training.training_settings import TrainingSettings

PAPER = STUDIES["paper"]


def kinds(note: str) -> list[str | None]:
    found = ["extent"] if is_on_extent(note) else []
    found += [name for name in PROTOCOL_SETTINGS if is_on_protocol(note, [name])]
    return found + ([option_of(note)] if option_of(note) else [])


@pytest.mark.parametrize(
    ("note", "kind"),
    [  # as committed manifests have them
        ("3 of 10 seeds", ["extent"]),
        ("Table 1 without d = 4, 16, 64, 128", ["extent"]),
        ("clustering: n_images = 2,000", ["clustering"]),
        ("--epochs 3 (paper: 10)", ["--epochs"]),
        ("--set vae.beta=0.1", ["--set"]),
        ("6 of 10 epochs", []),
        ("at most 8,000 training images", []),
        ("trained in bfloat16", []),
        ("weights: published", []),
    ],
)
def test_what_a_manifest_says_is_told(note, kind):
    assert kinds(note) == kind


def test_every_note_that_a_study_can_make_is_of_its_kind():
    trainings = [
        {"epochs": 2}, {"width": 0.5}, {"precision": "tf32"}, {"batch_size": 32}, {"learning_rate": 0.1},
        {"weight_decay": 0.5}, {"optimiser": "sgd"}, {"momentum": 0.9},
    ]  # fmt: skip
    fields = {field.name for field in dataclasses.fields(TrainingSettings)}
    assert {name for changed in trainings for name in changed} == fields - {"revision"}
    others = [
        {"images": "drawn"},
        {"images": "installed"},
        {"split": "validation"},
        {"n_train": 10},
        {"n_test": 10},
        {"settings": {"vae": {"beta": 0.1}}},
        *({"training": TrainingSettings(**changed)} for changed in trainings),
    ]
    for changes in others:
        [note] = dataclasses.replace(PAPER, **changes).notes()
        assert kinds(note) == [], note
    for seeds in (1, 9):
        [note] = dataclasses.replace(PAPER, seeds=seeds).notes()
        assert kinds(note) == ["extent"], note
    for table in PAPER.tables:
        if len(table.latent_dims) > 1:
            [note] = dataclasses.replace(PAPER, tables=(dataclasses.replace(table, latent_dims=(8,)),)).notes()
            assert kinds(note) == ["extent"], note
    for protocol, settings in PROTOCOL_SETTINGS.items():
        for field in dataclasses.fields(settings):
            if field.name != "revision":
                [note] = dataclasses.replace(PAPER, protocol_settings={protocol: {field.name: field.default}}).notes()
                assert kinds(note) == [protocol], note
    changed = with_settings(with_training(PAPER, 3, 64, 0.1), ["vae.beta=0.1"])
    assert [kinds(note) for note in changed.notes()] == [["--epochs"], ["--batch-size"], ["--learning-rate"], ["--set"]]


def test_a_study_notes_its_own_settings_and_those_of_an_option_once():
    study = dataclasses.replace(
        PAPER,
        training=TrainingSettings(optimiser="sgd", momentum=0.9),
        settings={"gmvae": {"beta_x": 3.0}, "vae": {"beta": 0.1}},
    )
    own = ["optimiser sgd", "momentum 0.9", "gmvae.beta_x = 3.0", "vae.beta = 0.1"]
    assert study.notes() == own
    assert with_settings(study, ["gmvae.beta_x=2"]).notes() == ["--set gmvae.beta_x=2", *own[:2], own[3]]


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_the_named_studies_have_a_note_of_extent_for_seeds_and_for_every_table_that_lacks_dims(study):
    lacking = {
        table.number
        for table in PAPER.tables
        if (here := [one for one in study.tables if one.number == table.number])
        and {*table.latent_dims} - {dim for one in here for dim in one.latent_dims}
    }
    assert sum(is_on_extent(note) for note in study.notes()) == len(lacking) + (study.seeds < 10)
