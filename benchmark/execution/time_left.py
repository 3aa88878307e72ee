"""How long a study still takes, from what its packs have taken so far, whatever runs beside each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from benchmark.execution.packs import Pack
from benchmark.execution.worker_processes import Event

# Of a trial's time, until one has ended; the rest is its evaluation.
_SHARE_OF_TRAINING = 0.7
# What a pack at work still takes at least, as a share of what one like it takes or it has taken already.
_LEAST_LEFT = 0.1

_Kind = tuple[str, tuple[str, ...]]  # data set, protocols


@dataclass
class _Followed:
    """A pack and how far it is.

    Attributes:
        pack: The pack.
        metric_seconds: Seconds that are known beforehand, of the metrics that need pretrained networks.
        unfinished: Keys of the wanted trials without a record.
        started: When its training began; None before, as of the other times.
        trained: When its training ended.
        ended: When its last record was written.
        epochs: How many are done.
    """

    pack: Pack
    metric_seconds: float
    unfinished: set[str]
    started: float | None = None
    trained: float | None = None
    ended: float | None = None
    epochs: int = 0

    @property
    def kind(self) -> _Kind:
        first = self.pack.trials[0]
        return first.data.name, tuple(first.protocols)

    @property
    def pixels(self) -> int:
        """How many training sees, of all wanted trials of the pack."""
        first = self.pack.trials[0]
        height, width = first.data.image_shape[1:]
        return len(self.pack.wanted) * first.epochs * first.data.n_train * height * width

    def spent(self, now: float) -> float:
        """Seconds that it has taken by now."""
        return 0.0 if self.started is None else (self.ended or now) - self.started

    def by_epochs(self, now: float) -> float:
        """Seconds that it will have taken in the end, from its epochs, of which one must be done, and known metrics."""
        training = self.spent(self.trained or now)
        unknown = training * self.pack.trials[0].epochs / self.epochs / _SHARE_OF_TRAINING
        return unknown + self.metric_seconds


class TimeLeft:
    """The state of a study's packs, and a forecast of the time that they still take.

    By the pixel that training sees, a pack is taken to last as long as the mean of those that had the same images and
    protocols, or without any such as the mean of all; the known seconds of its metrics come on top, since FID may take
    longer than all else. The sum over all unfinished packs is divided by how many were at
    work at once on average. Times are in seconds on one scale.

    Args:
        packs: All that are to be run.
        metric_seconds: Trial's key -> seconds, where they are known, of its metrics that need pretrained networks.
    """

    def __init__(self, packs: Sequence[Pack], metric_seconds: Mapping[str, float] = MappingProxyType({})):
        self.total = sum(len(pack.wanted) for pack in packs)
        self.done = 0
        self._packs = {
            _name(pack): _Followed(pack, sum(metric_seconds.get(key, 0.0) for key in pack.wanted), set(pack.wanted))
            for pack in packs
        }
        self._of_trial = {key: self._packs[_name(pack)] for pack in packs for key in pack.wanted}

    @property
    def training(self) -> int:
        """How many packs are being trained."""
        return sum(pack.trained is None for pack in self._at_work())

    @property
    def evaluating(self) -> int:
        """How many packs are trained and not wholly evaluated."""
        return sum(pack.trained is not None for pack in self._at_work())

    def see(self, event: Event, now: float) -> None:
        """Take note of an event that came now."""
        if isinstance(event.what, Pack):
            pack = self._packs[_name(event.what)]
            if event.kind == "started":
                pack.started = now
            elif event.kind == "epoch":
                pack.epochs = int(event.value)
            if event.kind == "trained" or pack.epochs == pack.pack.trials[0].epochs:
                pack.trained = pack.trained or now
        elif event.kind == "finished":
            self.done += 1
            pack = self._of_trial[event.what.key]
            pack.unfinished.discard(event.what.key)
            if not pack.unfinished:
                pack.ended = now

    def seconds(self, now: float) -> float | None:
        """Forecast the seconds left; None as long as nothing is known."""
        packs = list(self._packs.values())
        begun = [pack for pack in packs if pack.started is not None]
        ended = [pack for pack in begun if pack.ended is not None]
        seen = [(pack, pack.spent(now)) for pack in ended]
        seen = seen or [(pack, pack.by_epochs(now)) for pack in begun if pack.epochs]
        # Trained before, so that it is its metrics that are added: of what takes long, they are all there is.
        seen = seen or [(pack, pack.metric_seconds) for pack in begun if pack.trained is not None]
        passed = now - min((pack.started for pack in begun if pack.started is not None), default=now)
        if passed <= 0 or not any(seconds for _, seconds in seen):
            return None
        rates = _rates(seen)
        left = 0.0
        for pack in packs:
            if pack.ended is None:
                expected = rates.get(pack.kind, rates[None]) * pack.pixels + pack.metric_seconds
                left += max(expected - pack.spent(now), _LEAST_LEFT * max(expected, pack.spent(now)))
        return left / max(1.0, sum(pack.spent(now) for pack in begun) / passed)

    def _at_work(self) -> list[_Followed]:
        return [pack for pack in self._packs.values() if pack.started is not None and pack.ended is None]


def _rates(seen: Iterable[tuple[_Followed, float]]) -> Mapping[_Kind | None, float]:
    """Mean seconds by the pixel of each kind of pack, and under None of all; without those of known metrics."""
    found: dict[_Kind | None, list[float]] = {}
    for pack, seconds in seen:
        for kind in (pack.kind, None):
            found.setdefault(kind, []).append(max(0.0, seconds - pack.metric_seconds) / pack.pixels)
    return {kind: float(np.mean(rates)) for kind, rates in found.items()}


def _name(pack: Pack) -> str:
    return pack.trials[0].key
