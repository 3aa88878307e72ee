"""Trial records: parsed and checked once, read by attribute, and written back unchanged.

Every type keeps the JSON from which it was parsed as `plain`, including fields that this version does not know. Only
`plain` is written back to a file, and it is never changed.
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
from benchmark.metrics import METRICS
from benchmark.text import one_line

SETUP = ("device", "platform", "versions", "numerics")  # fields of a provenance about the machine and its software
Json = Mapping[str, Any]  # a JSON object

RECORD_SCHEMA = 1
OK = "ok"
RECORD_STATUSES = (OK, "diverged", "failed")
DONE = (OK, "diverged")  # the next run retries a failed trial

# Objects that every record has, possibly empty.
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
# Required if the record states the seconds of a training, which are meaningless without these fields.
_OF_A_TRAINING: Mapping[str, Check] = {"parameters": whole(1), "provenance": fields(_MADE)}
_OPTIONAL: Mapping[str, Check] = {
    "reason": or_none(is_text),
    "training": fields(NONE, {"way": is_text, "pack_seeds": list_of(whole()), "hardware": fields(_MADE)}),
    "parameters": whole(1),
    "provenance": fields(NONE, _MADE),
    "added": list_of(fields({"metrics": list_of(is_text)})),
}


class UnfitRecord(Exception):
    """Content that cannot be used as a record; the message completes a sentence that begins with the record's name."""


@dataclass(frozen=True)
class Identity:
    """Everything that changes a trial's result; its hash is the trial's key (`benchmark.results.identity`).

    The fields from `method_revision` to `protocols` describe how the trial was made, as in
    `benchmark.studies.trials.Trial`; they are None or empty if the JSON lacks them.

    Attributes:
        method_revision: Revision of the method's code.
        method_source: SHA-256 of the file that defines the method; "" for the suite's own methods.
        settings: The method's settings, including loss weights.
        training: Training settings.
        data: Description of the images used for training and scoring.
        protocols: Protocol -> its settings.
        warm_start: The training whose parameters initialised this one; None without a warm start.
        plain: The JSON from which it was parsed.
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
        """Make an identity from plain JSON that was checked as part of its record or comes from a trial.

        Raises:
            KeyError: The data set, method, latent dimension or seed is missing.
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
    """Measures of how a trained model uses its latent space (`benchmark.evaluation.health`); None if not recorded.

    Attributes:
        active_units: Number of latent dimensions that carry information about the image.
        explained_variance: 1 minus the reconstructions' squared error over that of the mean image; at most 1.
        collapsed: Whether the model has collapsed.
        rate: Upper bound on the information that the code carries about its image [nats].
        rate_bounds: Lower and upper bound [nats] on the rate minus the code's information about the random draws on
            which its distribution depends besides the image.
        distortion: Summed squared error of the reconstruction of a sampled code.
        weight_entropy: Entropy of an image's weights over components [nats].
        components_leading: Number of components that have the largest weight for at least a hundredth of the images.
        plain: The JSON from which it was parsed.
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
        """Make the measures from the JSON of a checked record."""
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
    """Hardware and numerics of a computation; None or empty if not recorded.

    Attributes:
        device: The processor or accelerator.
        platform: Operating system and machine type.
        numerics: Threads, precision and other settings of the arithmetic.
        plain: The JSON from which it was parsed.
    """

    device: str | None
    platform: str | None
    numerics: Json
    plain: Json = field(repr=False)

    @classmethod
    def parse(cls, plain: Json) -> "Provenance":
        """Make the provenance from the JSON of a checked record."""
        return cls(plain.get("device"), plain.get("platform"), plain.get("numerics", {}), plain)


@dataclass(frozen=True)
class TrainingRun:
    """How a trial was trained; fields are None if not recorded.

    Attributes:
        way: How the steps of its pack were executed, such as "eager" or "graphs".
        pack_seeds: The seeds that were trained together.
        hardware: The hardware used for training, if the record states it separately from its provenance.
    """

    way: str | None
    pack_seeds: tuple[int, ...] | None
    hardware: Provenance | None

    @classmethod
    def parse(cls, plain: Json) -> "TrainingRun":
        """Make the description of a training from the JSON of a checked record."""
        seeds, hardware = plain.get("pack_seeds"), plain.get("hardware")
        return cls(
            plain.get("way"),
            None if seeds is None else tuple(seeds),
            None if hardware is None else Provenance.parse(hardware),
        )


@dataclass(frozen=True)
class TrainingCost:
    """The cost of a training.

    Attributes:
        seconds: Training time; in a pack, the trial's share of the pack's time.
        parameters: Number of the model's parameters.
    """

    seconds: float
    parameters: int


@dataclass(frozen=True)
class Record:
    """The result of one trial.

    Attributes:
        key: SHA-256 of the identity, as hexadecimal text.
        identity: Everything that changes the result.
        status: One of RECORD_STATUSES.
        reason: Why a trial that did not end well has no result; None if it ended well.
        metrics: Protocol -> metric -> finite score.
        unavailable: Protocol -> metric -> why there is no score.
        health: How the trained model uses its latent space.
        curves: Loss term -> its mean over the batches of each epoch; None if the mean was not finite.
        timings: Stage -> seconds.
        training: How it was trained.
        parameters: Number of the model's parameters.
        provenance: Hardware and numerics of the computation.
        plain: The JSON from which it was parsed.
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
        """Check parsed JSON and make a record from it.

        Raises:
            UnfitRecord: The content is not a record of this schema, or has an invalid field.
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

    def check_scores(self) -> None:
        """Check that every score lies in its metric's range, which only a file that was edited can contradict.

        Raises:
            UnfitRecord: A score of a registered metric is outside its range.
        """
        for metric, value in (pair for scores in self.metrics.values() for pair in scores.items()):
            if metric in METRICS and not METRICS[metric].admits(value):
                raise UnfitRecord(f"has {value:g} for {metric}, which goes {METRICS[metric].range_text}")

    def updated(self, **changes: Any) -> "Record":
        """Return a copy of the record with other contents, given as plain JSON, in some fields.

        Raises:
            UnfitRecord: The contents are invalid in a record.
        """
        return Record.parse({**self.plain, **changes})

    @property
    def ok(self) -> bool:
        """Whether the trial ended well; only then do its scores count."""
        return self.status == OK

    @property
    def done(self) -> bool:
        """Whether the trial ended, well or by diverging; a failed trial is run again."""
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
        """Return a finite score; None if there is none."""
        return self.metrics.get(protocol, {}).get(metric)

    def why_unavailable(self, protocol: str, metric: str) -> str | None:
        """Return why there is no score; None if the record does not say."""
        return self.unavailable.get(protocol, {}).get(metric)
