"""Settings as plain data: an addition renames no earlier record, and a name or a value that is wrong is no setting."""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest
from pydantic import NonNegativeFloat

from benchmark.errors import UserError
from benchmark.settings import added_later, check_settings, plain_settings, unknown_name


@dataclass(frozen=True)
class Settings:
    epochs: int = 10
    precision: str = added_later("float32")


def test_a_later_field_counts_only_where_it_departs_from_its_default():
    assert plain_settings(Settings(epochs=3)) == {"epochs": 3}
    assert plain_settings(Settings(precision="tf32")) == {"epochs": 10, "precision": "tf32"}
    assert Settings(**plain_settings(Settings(precision="tf32"))) == Settings(precision="tf32")


@dataclass
class Weights:
    seeds: ClassVar[int] = 3

    fisher_weight: float = 1.0
    beta: NonNegativeFloat = 1.0
    components: int = 10
    fisher: Literal["ratio", "total"] = "total"
    centre: bool = False
    scales: list[float] | None = None
    latent_dim: int = 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fisher_wieght": 0.0}, "there is no 'fisher_wieght'; did you mean 'fisher_weight'?"),
        ({"Centre": True}, "there is no 'Centre'; did you mean 'centre'?"),
        ({"gamma": 1.0}, "there is no 'gamma'; there are fisher_weight, beta, components, fisher, centre, scales"),
        ({"latent_dim": 3}, "there is no 'latent_dim'; there are "),
        ({"seeds": 3}, "there is no 'seeds'; there are "),
        ({"beta": 1.0, "betta": 1.0}, "there is no 'betta'; did you mean 'beta'?"),
        ({"fisher_weight": "0.05"}, "fisher_weight = '0.05': input should be a valid number"),
        ({"fisher_weight": True}, "fisher_weight = True: input should be a valid number"),
        ({"fisher_weight": None}, "fisher_weight = None: input should be a valid number"),
        ({"fisher_weight": float("nan")}, "fisher_weight = nan: input should be a finite number"),
        ({"fisher_weight": float("-inf")}, "fisher_weight = -inf: input should be a finite number"),
        ({"beta": -0.1}, "beta = -0.1: input should be greater than or equal to 0"),
        ({"components": 2.0}, "components = 2.0: input should be a valid integer"),
        ({"components": "10"}, "components = '10': input should be a valid integer"),
        ({"components": True}, "components = True: input should be a valid integer"),
        ({"fisher": "totl"}, "fisher = 'totl': input should be 'ratio' or 'total'"),
        ({"centre": 1}, "centre = 1: input should be a valid boolean"),
        ({"centre": "no"}, "centre = 'no': input should be a valid boolean"),
        ({"scales": [1.0, float("nan")]}, "scales = [1.0, nan]: input should be a finite number"),
        ({"scales": 1.0}, "scales = 1.0: input should be a valid list"),
    ],
)
def test_a_name_or_a_value_that_a_field_does_not_take_is_refused_in_one_line(settings, said):
    with pytest.raises(UserError, match=re.escape(f"method mine: {said}")) as error:
        check_settings(Weights, settings, "method mine", apart=("latent_dim",))
    assert "\n" not in str(error.value)


def test_a_configuration_that_is_no_dataclass_of_its_own_is_named():
    @dataclass
    class Base:
        pass

    class Undeclared(Base):
        beta: float = 1.0

    with pytest.raises(
        UserError, match=r"^method mine: Undeclared has no settings, so no 'beta' either; is it a @dataclass"
    ):
        check_settings(Undeclared, {"beta": 1.0}, "method mine")


def test_what_the_fields_take_is_taken():
    everything = {
        "fisher_weight": -1,
        "beta": 0,
        "components": 1,
        "fisher": "ratio",
        "centre": True,
        "scales": [5, 0.1],
    }
    check_settings(Weights, everything, "method mine")
    check_settings(Weights, {"scales": None, "latent_dim": 8}, "method mine")


def test_a_name_near_none_is_answered_with_all():
    assert unknown_name("x", ("vae", "gmvae")) == "there is no 'x'; there are vae, gmvae"
    assert unknown_name("vea", ("vae", "gmvae")) == "there is no 'vea'; did you mean 'vae'?"
