"""A trial's record: parsed and checked once, read by attribute, and written again as it was read.

Every type keeps the JSON it was parsed from, fields that this version does not know included, as `plain`: that is its
one way back to a file, and it is never changed.
"""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.fields import (
    NONE,
    Check,
    fields,
    invalid_field,
    is_boolean,
    is_nonnegative,
    is_number,
    is_text,
    list_of,
    object_of,
    or_none,
    whole,
)
from benchmark.text import one_line

Json = Mapping[str, Any]  # an object of a JSON text

RECORD_SCHEMA = 1
OK = "ok"
RECORD_STATUSES = (OK, "diverged", "failed")
DONE = (OK, "diverged")  # a failed trial is tried again by the next run

# The objects that a record has even where nothing is in them.
RECORD_OBJECTS: Mapping[str, Check] = {
    "metrics": object_of(object_of(is_number)),
    "unavailable": object_of(object_of(is_text)),
    "health": fields(
        NONE,
        {
            "active_units": whole(),
            "explained_variance": or_none(is_number),
            "collapsed": is_boolean,
            "rate": or_none(is_number),
            "rate_bounds": or_none(lambda bounds: list_of(is_number)(bounds) and len(bounds) == 2),
            "distortion": or_none(is_number),
            "gap_to_prior": or_none(list_of(is_number)),
            "weight_entropy": is_number,
            "components_leading": whole(),
        },
    ),
    "curves": object_of(list_of(or_none(is_number))),
    "timings": object_of(is_nonnegative),
}
_REQUIRED: Mapping[str, Check] = {
    "identity": fields({"dataset": is_text, "method": is_text, "latent_dim": whole(), "seed": whole()}),
    **RECORD_OBJECTS,
}
_MADE: Mapping[str, Check] = {
    "device": is_text,
    "platform": is_text,
    "numerics": fields({"threads": whole()}),
}
# What stands beside the seconds of a training, which are nothing without it.
_OF_A_TRAINING: Mapping[str, Check] = {"parameters": whole(1), "provenance": fields(_MADE)}
_OPTIONAL: Mapping[str, Check] = {
    "reason": or_none(is_text),
    "training": fields(NONE, {"way": is_text, "pack_seeds": list_of(whole()), "hardware": fields(_MADE)}),
    "parameters": whole(1),
    "provenance": fields(NONE, _MADE),
}


class UnfitRecord(Exception):
    """What is wrong with what should be a record, as the end of a sentence that names it."""


@dataclass(frozen=True)
class Identity:
    """Everything that changes a trial's result; its hash is the trial's key (`benchmark.results.identity`).

    The last six say how the trial was made, as its `benchmark.studies.trials.Trial` has them; empty where an identity
    lacks them.
    """

    dataset: str
    method: str
    latent_dim: int
    seed: int
    method_revision: int | None
    method_source: str  # SHA-256 of the method file that the method is from; "" for the suite's own
    settings: Json
    training: Json
    data: Json
    protocols: Json
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "Identity":
        """An identity that was checked as part of its record, or comes from a trial.

        Raises:
            KeyError: It lacks the data set, method, latent dim or seed.
        """
        return cls(
            plain["dataset"],
            plain["method"],
            plain["latent_dim"],
            plain["seed"],
            plain.get("method_revision"),
            plain.get("method_source", ""),
            plain.get("settings", {}),
            plain.get("training", {}),
            plain.get("data", {}),
            plain.get("protocols", {}),
            plain,
        )

    def __str__(self) -> str:
        return f"{self.dataset} {self.method} d={self.latent_dim} seed={self.seed}"


@dataclass(frozen=True)
class Health:
    """Whether a trained model's representation held (`benchmark.evaluation.health`); None for what is not on record.

    Rate and entropy are in nats, `rate_bounds` (low, high) of the rate less what the code tells of its draws.
    """

    active_units: int | None
    explained_variance: float | None
    collapsed: bool | None
    rate: float | None
    rate_bounds: tuple[float, float] | None
    distortion: float | None
    weight_entropy: float | None
    components_leading: int | None
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "Health":
        """The health of a record that was checked."""
        bounds = plain.get("rate_bounds")
        return cls(
            plain.get("active_units"),
            plain.get("explained_variance"),
            plain.get("collapsed"),
            plain.get("rate"),
            None if bounds is None else (bounds[0], bounds[1]),
            plain.get("distortion"),
            plain.get("weight_entropy"),
            plain.get("components_leading"),
            plain,
        )


@dataclass(frozen=True)
class Provenance:
    """On what something was computed; None or empty for what is not on record."""

    device: str | None
    platform: str | None
    numerics: Json
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "Provenance":
        """The provenance of a record that was checked."""
        return cls(plain.get("device"), plain.get("platform"), plain.get("numerics", {}), plain)


@dataclass(frozen=True)
class TrainingRun:
    """How a trial was trained: the way of its pack, the seeds in it, and on what, where that is on record apart."""

    way: str | None
    pack_seeds: tuple[int, ...] | None
    hardware: Provenance | None

    @classmethod
    def parse(cls, plain: Json) -> "TrainingRun":
        """The training of a record that was checked."""
        seeds, hardware = plain.get("pack_seeds"), plain.get("hardware")
        return cls(
            plain.get("way"),
            None if seeds is None else tuple(seeds),
            None if hardware is None else Provenance.parse(hardware),
        )


@dataclass(frozen=True)
class TrainingCost:
    """What a training took: seconds (in a pack the trial's share of the pack's), and the model's parameters."""

    seconds: float
    parameters: int


@dataclass(frozen=True)
class Record:
    """What became of one trial.

    `metrics` and `unavailable`: protocol -> metric -> finite score, or why there is none. `curves`: term -> its mean
    over every epoch's batches, None where that was not finite.
    """

    key: str
    identity: Identity
    status: str  # one of RECORD_STATUSES
    reason: str | None
    metrics: Mapping[str, Mapping[str, float]]
    unavailable: Mapping[str, Mapping[str, str]]
    health: Health
    curves: Mapping[str, list[float | None]]
    timings: Mapping[str, float]  # seconds
    training: TrainingRun
    parameters: int | None
    provenance: Provenance
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, content: Any) -> "Record":
        """The record that a JSON text holds.

        Raises:
            UnfitRecord: It is none of this schema, or has a field that no run has written.
        """
        if not isinstance(content, Mapping) or not isinstance(content.get("identity"), Mapping):
            raise UnfitRecord("is not a record")
        if content.get("schema") != RECORD_SCHEMA:
            raise UnfitRecord(f"has schema {reprlib.repr(content.get('schema'))}, not {RECORD_SCHEMA}")
        if content.get("status") not in RECORD_STATUSES:
            raise UnfitRecord(f"has the unknown status {reprlib.repr(content.get('status'))}")
        unfit = invalid_field(content, _REQUIRED, _OPTIONAL)
        if unfit is None and "training_seconds" in content["timings"]:
            unfit = invalid_field(content, _OF_A_TRAINING)
        if unfit is not None:
            raise UnfitRecord(f"has no usable field {unfit!r}")
        if not isinstance(content.get("key"), str):
            raise UnfitRecord("does not hash to its name")
        return cls(
            content["key"],
            Identity.parse(content["identity"]),
            content["status"],
            content.get("reason"),
            content["metrics"],
            content["unavailable"],
            Health.parse(content["health"]),
            content["curves"],
            content["timings"],
            TrainingRun.parse(content.get("training", {})),
            content.get("parameters"),
            Provenance.parse(content.get("provenance", {})),
            content,
        )

    def updated(self, **changes: Any) -> "Record":
        """The record with other contents, plain JSON, in some of its fields.

        Raises:
            UnfitRecord: A record cannot have them.
        """
        return Record.parse({**self.plain, **changes})

    @property
    def ok(self) -> bool:
        """Whether the trial ended well, so that its scores count."""
        return self.status == OK

    @property
    def done(self) -> bool:
        """Whether the trial came to its end, if not a good one; a failed one is tried again."""
        return self.status in DONE

    @property
    def failure(self) -> str:
        """Why a trial that did not end well has no result, on one line."""
        return one_line(self.reason or "") or "no reason recorded"

    @property
    def training_cost(self) -> TrainingCost | None:
        """None for a trial that was not timed."""
        seconds = self.timings.get("training_seconds")
        return TrainingCost(seconds, self.parameters) if seconds and self.parameters is not None else None

    def score(self, protocol: str, metric: str) -> float | None:
        """The finite score; None where there is none."""
        return self.metrics.get(protocol, {}).get(metric)

    def why_unavailable(self, protocol: str, metric: str) -> str | None:
        """Why a score could not be had; None where nothing is said of it."""
        return self.unavailable.get(protocol, {}).get(metric)
