"""Settings as plain data: an addition renames no earlier record."""

from dataclasses import dataclass

from benchmark.settings import added_later, plain_settings


@dataclass(frozen=True)
class Settings:
    epochs: int = 10
    precision: str = added_later("float32")


def test_a_later_field_counts_only_where_it_departs_from_its_default():
    assert plain_settings(Settings(epochs=3)) == {"epochs": 3}
    assert plain_settings(Settings(precision="tf32")) == {"epochs": 10, "precision": "tf32"}
    assert Settings(**plain_settings(Settings(precision="tf32"))) == Settings(precision="tf32")
