"""Forecast of a study's remaining time from the time that its packs have taken so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from benchmark.execution.packs import Pack
from benchmark.execution.worker_processes import Event

# Share of training in a trial's time, until the first trial has ended; the rest is its evaluation.
_SHARE_OF_TRAINING = 0.7
# Least remaining share of a running pack's time, relative to its expected time or the time it has already taken.
_LEAST_LEFT = 0.1

_Kind = tuple[str, tuple[str, ...]]  # data set, protocols


@dataclass
class _Followed:
    """The progress of a pack.

    Attributes:
        pack: The pack.
        metric_seconds: Seconds, known in advance, of the metrics that need pretrained networks.
        unfinished: Keys of the wanted trials without a record.
        started: When its training began; like the other times, None until then.
        trained: When its training ended.
        ended: When its last record was written.
        epochs: Number of completed epochs.
        epoch_ended: When the last of these was completed; 0 before.
    """

    pack: Pack
    metric_seconds: float
    unfinished: set[str]
    started: float | None = None
    trained: float | None = None
    ended: float | None = None
    epochs: int = 0
    epoch_ended: float = 0.0

    @property
    def kind(self) -> _Kind:
        first = self.pack.trials[0]
        return first.data.name, tuple(first.protocols)

    @property
    def pixels(self) -> int:
        """Number of pixels that training sees, over all wanted trials of the pack."""
        first = self.pack.trials[0]
        height, width = first.data.image_shape[1:]
        return len(self.pack.wanted) * first.epochs * first.data.n_train * height * width

    def spent(self, now: float) -> float:
        """Return the seconds that the pack has taken until now."""
        return 0.0 if self.started is None else (self.ended or now) - self.started

    def by_epochs(self) -> float:
        """Forecast the pack's total seconds from its epochs (at least one) and the known seconds of its metrics."""
        training = self.spent(self.epoch_ended)
        unknown = training * self.pack.trials[0].epochs / self.epochs / _SHARE_OF_TRAINING
        return unknown + self.metric_seconds


class TimeLeft:
    """The state of a study's packs, and a forecast of the remaining time.

    Per pixel seen in training, a pack is expected to take the mean time of started packs with the same images and
    protocols or, if there are none, of all started packs. The known seconds of its metrics are added, because FID may
    take longer than all else. The sum over unfinished packs is divided by the mean number of packs that ran at once.
    All times are seconds on one scale.

    Args:
        packs: All packs to be run.
        metric_seconds: Trial key -> seconds, if known, of its metrics that need pretrained networks.
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
        """Number of packs in training."""
        return sum(pack.trained is None for pack in self._at_work())

    @property
    def evaluating(self) -> int:
        """Number of packs that are trained but not fully evaluated."""
        return sum(pack.trained is not None for pack in self._at_work())

    def see(self, event: Event, now: float) -> None:
        """Record an event that occurred at time `now`."""
        if isinstance(event.what, Pack):
            pack = self._packs[_name(event.what)]
            if event.kind == "started":
                pack.started = now
            elif event.kind == "epoch":
                pack.epochs, pack.epoch_ended = int(event.value), now
            if event.kind == "trained" or pack.epochs == pack.pack.trials[0].epochs:
                pack.trained = pack.trained or now
        elif event.kind == "finished":
            self.done += 1
            pack = self._of_trial[event.what.key]
            pack.unfinished.discard(event.what.key)
            if not pack.unfinished:
                pack.ended = now

    def seconds(self, now: float) -> float | None:
        """Forecast the remaining seconds; None as long as nothing is known."""
        packs = list(self._packs.values())
        begun = [pack for pack in packs if pack.started is not None]
        ended = [pack for pack in begun if pack.ended is not None]
        seen = [(pack, pack.spent(now)) for pack in ended]
        seen = seen or [(pack, pack.by_epochs()) for pack in begun if pack.epochs]
        # These packs were trained earlier and only get metrics added, whose known seconds dominate their time.
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
    """Return the mean seconds per pixel of each kind of pack, and of all under None, without known metrics' seconds."""
    found: dict[_Kind | None, list[float]] = {}
    for pack, seconds in seen:
        for kind in (pack.kind, None):
            found.setdefault(kind, []).append(max(0.0, seconds - pack.metric_seconds) / pack.pixels)
    return {kind: float(np.mean(rates)) for kind, rates in found.items()}


def _name(pack: Pack) -> str:
    return pack.trials[0].key
