"""What a study's tables name is looked up before anything is trained."""

import dataclasses
from typing import ClassVar

import pytest
from tiny_study import TINY

from benchmark.cli import main
from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import PROTOCOL_SETTINGS, ClassificationSettings
from benchmark.evaluation.protocols import PROTOCOLS
from benchmark.evaluation.reconstruction import IMAGE_MEASURES
from benchmark.studies import registered_names
from benchmark.studies.named_studies import STUDIES
from benchmark.studies.registered_names import check_registered
from benchmark.table_specs import TABLES


def own_table(**changes):
    return dataclasses.replace(TINY, tables=(dataclasses.replace(TABLES[2], number=8, **changes),))


class Own(ClassificationSettings):
    metrics: ClassVar = ("psnr",)


class Needy(ClassificationSettings):
    needs: ClassVar = ("component_weigths_test",)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_names_only_what_is_registered(name):
    check_registered(STUDIES[name])


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        ({"methods": ("vae", "gmvea")}, None, "table 8, methods: there is no 'gmvea'; did you mean 'gmvae'?"),
        ({"metrics": ("svm_acuracy",)}, None, "table 8, metrics: there is no 'svm_acuracy'; did you mean"),
        ({"protocol": "own"}, None, "table 8, protocol, in PROTOCOL_SETTINGS: there is no 'own'"),
        ({"protocol": "own"}, ClassificationSettings, "table 8, protocol, in PROTOCOLS: there is no 'own'"),
        (
            {"metrics": ("psnr",)},
            Own,
            "metrics of the protocol classification, in METRICS: there is no 'psnr'; there",
        ),
        ({}, Needy, "needs of the protocol classification: there is no 'component_weigths_test'; did you mean"),
    ],
)
def test_a_name_that_is_registered_nowhere_is_a_user_error(changes, settings, said, monkeypatch):
    if settings:
        monkeypatch.setitem(PROTOCOL_SETTINGS, changes.get("protocol", "classification"), settings)
    with pytest.raises(UserError) as raised:
        check_registered(own_table(**changes))
    assert said in str(raised.value)


def test_an_image_metric_without_a_function_is_a_user_error(monkeypatch):
    others = {name: function for name, function in IMAGE_MEASURES.items() if name != "ms_ssim"}
    monkeypatch.setattr(registered_names, "IMAGE_MEASURES", others)
    with pytest.raises(UserError, match="in IMAGE_MEASURES: there is no 'ms_ssim'; did you mean 'ssim'"):
        check_registered(TINY)


def test_a_run_says_so_before_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(PROTOCOL_SETTINGS, "own", ClassificationSettings)
    monkeypatch.setitem(STUDIES, "smoke", dataclasses.replace(own_table(protocol="own"), name="smoke"))
    assert "own" not in PROTOCOLS
    assert main(["run", "--study", "smoke", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "table 8, protocol, in PROTOCOLS: there is no 'own'" in line
    assert not (tmp_path / "out").exists()
