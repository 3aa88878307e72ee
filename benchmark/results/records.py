"""A trial's record: parsed and checked once, read by attribute, and written back as it was read.

Every type keeps the JSON it was parsed from, including fields that this version does not know, as `plain`; only `plain`
is written back to a file, and it is never changed.
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

SETUP = ("device", "platform", "versions", "numerics")  # of a provenance: the machine and its software
Json = Mapping[str, Any]  # an object of a JSON text

RECORD_SCHEMA = 1
OK = "ok"
RECORD_STATUSES = (OK, "diverged", "failed")
DONE = (OK, "diverged")  # a failed trial is tried again by the next run

# Objects that every record has, empty or not.
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
# Needed beside the seconds of a training, which mean nothing without them.
_OF_A_TRAINING: Mapping[str, Check] = {"parameters": whole(1), "provenance": fields(_MADE)}
_OPTIONAL: Mapping[str, Check] = {
    "reason": or_none(is_text),
    "training": fields(NONE, {"way": is_text, "pack_seeds": list_of(whole()), "hardware": fields(_MADE)}),
    "parameters": whole(1),
    "provenance": fields(NONE, _MADE),
}


class UnfitRecord(Exception):
    """The content cannot be used as a record; the message says why, as the end of a sentence that names the record."""


@dataclass(frozen=True)
class Identity:
    """Everything that changes a trial's result; its hash is the trial's key (`benchmark.results.identity`).

    The fields from `method_revision` to `protocols` say how the trial was made, as in `benchmark.studies.trials.Trial`;
    one that the JSON lacks is None or empty.

    Attributes:
        method_revision: The revision of the method's code.
        method_source: The SHA-256 of the method file that the method is from; "" for the suite's own methods.
        settings: The method's settings, loss weights among them.
        training: The settings of training.
        data: Which images it is trained and scored on.
        protocols: By protocol, its settings.
        warm_start: What was trained before, where the trial's own training began with its parameters; None: nothing.
        plain: The JSON it was parsed from.
    """

    dataset: str
    method: str
    latent_dim: int
    seed: int
    method_revision: int | None
    method_source: str
    settings: Json
    training: Json
    data: Json
    protocols: Json
    warm_start: Json | None
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "Identity":
        """Make an identity from plain JSON that was checked as part of its record, or comes from a trial.

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
            plain.get("warm_start"),
            plain,
        )

    def __str__(self) -> str:
        precision = f" {self.training['precision']}" if "precision" in self.training else ""  # float32 has none
        return f"{self.dataset} {self.method} d={self.latent_dim}{precision} seed={self.seed}"


@dataclass(frozen=True)
class Health:
    """Diagnostics of how a trained model uses its latent space (`benchmark.evaluation.health`); None: not recorded.

    Attributes:
        active_units: How many latent units carry information on the image.
        explained_variance: 1 minus the squared error of the reconstructions over that of the mean image; at most 1.
        collapsed: Whether the model has collapsed.
        rate: An upper bound of the information that the code carries about its image, in nats.
        rate_bounds: Lower and upper bound, in nats, of the rate less the code's information about the random draws that
            its distribution was given besides the image.
        distortion: The summed squared error of the reconstruction of a sampled code.
        weight_entropy: The entropy of an image's weights over components, in nats.
        components_leading: How many components have the largest weight for at least a hundredth of the images.
        plain: The JSON it was parsed from.
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
        """Make the diagnostics from the JSON of a record that was checked."""
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
    """The hardware and numerics of a computation; None or empty where they are not recorded.

    Attributes:
        device: The processor or accelerator.
        platform: The operating system and machine type.
        numerics: Threads, precision and other settings of the arithmetic.
        plain: The JSON it was parsed from.
    """

    device: str | None
    platform: str | None
    numerics: Json
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "Provenance":
        """Make the provenance from the JSON of a record that was checked."""
        return cls(plain.get("device"), plain.get("platform"), plain.get("numerics", {}), plain)


@dataclass(frozen=True)
class TrainingRun:
    """How a trial was trained; None where it is not recorded.

    Attributes:
        way: How the steps of its pack were executed, such as "eager" or "graphs".
        pack_seeds: The seeds that were trained together.
        hardware: What it was trained on, where the record has this apart from its provenance.
    """

    way: str | None
    pack_seeds: tuple[int, ...] | None
    hardware: Provenance | None

    @classmethod
    def parse(cls, plain: Json) -> "TrainingRun":
        """Make the training from the JSON of a record that was checked."""
        seeds, hardware = plain.get("pack_seeds"), plain.get("hardware")
        return cls(
            plain.get("way"),
            None if seeds is None else tuple(seeds),
            None if hardware is None else Provenance.parse(hardware),
        )


@dataclass(frozen=True)
class TrainingCost:
    """What a training took.

    Attributes:
        seconds: Of training; in a pack the trial's share of the pack's time.
        parameters: How many the model has.
    """

    seconds: float
    parameters: int


@dataclass(frozen=True)
class Record:
    """The outcome of one trial.

    Attributes:
        key: The hash of the identity, in hex.
        identity: Everything that changes the result.
        status: One of RECORD_STATUSES.
        reason: Why a trial that did not end well has no result.
        metrics: Protocol -> metric -> finite score.
        unavailable: Protocol -> metric -> why there is no score.
        health: How the trained model uses its latent space.
        curves: Term of the loss -> its mean over the batches of each epoch; None where that was not finite.
        timings: In seconds, by stage.
        training: How it was trained.
        parameters: How many the model has.
        provenance: What it was computed on.
        plain: The JSON it was parsed from.
    """

    key: str
    identity: Identity
    status: str
    reason: str | None
    metrics: Mapping[str, Mapping[str, float]]
    unavailable: Mapping[str, Mapping[str, str]]
    health: Health
    curves: Mapping[str, list[float | None]]
    timings: Mapping[str, float]
    training: TrainingRun
    parameters: int | None
    provenance: Provenance
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, content: Any) -> "Record":
        """Check the content of a JSON text and make the record that it holds.

        Raises:
            UnfitRecord: It is no record of this schema, or has a field that no run writes.
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
        """Return a record in which some fields have other contents, given as plain JSON.

        Raises:
            UnfitRecord: A record cannot have these contents.
        """
        return Record.parse({**self.plain, **changes})

    @property
    def ok(self) -> bool:
        """Whether the trial ended well, so that its scores count."""
        return self.status == OK

    @property
    def done(self) -> bool:
        """Whether the trial ended, well or by diverging; a failed one is run again."""
        return self.status in DONE

    @property
    def failure(self) -> str:
        """Why a trial that did not end well has no result, on one line."""
        return one_line(self.reason or "") or "no reason recorded"

    @property
    def training_cost(self) -> TrainingCost | None:
        """The cost of training; None for a trial that was not timed."""
        seconds = self.timings.get("training_seconds")
        return TrainingCost(seconds, self.parameters) if seconds and self.parameters is not None else None

    def score(self, protocol: str, metric: str) -> float | None:
        """Return a finite score; None where there is none."""
        return self.metrics.get(protocol, {}).get(metric)

    def why_unavailable(self, protocol: str, metric: str) -> str | None:
        """Return why there is no score; None where the record does not say."""
        return self.unavailable.get(protocol, {}).get(metric)
