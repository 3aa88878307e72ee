"""Packs: the trials that differ in their seed alone, trained together, and how a study's trials fall into them."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.studies.trials import Trial


@dataclass(frozen=True)
class Pack:
    """Trials of one kind, by ascending seed.

    The trials that are not wanted are trained along, because a packed result depends, in its last digits, on what is in
    the pack: a study that was interrupted then ends with the very numbers of one that was not.

    Attributes:
        trials: All of the pack.
        wanted: Keys of those whose record is still to be made.
    """

    trials: tuple[Trial, ...]
    wanted: frozenset[str]

    @property
    def wanted_trials(self) -> list[Trial]:
        """The trials whose record is still to be made."""
        return [trial for trial in self.trials if trial.key in self.wanted]

    def split(self, most: int | None) -> Iterator["Pack"]:
        """Divide the pack into as few parts as a limit allows, of sizes that differ by at most one.

        Args:
            most: Most trials of a part; None for one part.

        Yields:
            The parts in which something is wanted.
        """
        n = len(self.trials)
        parts = -(-n // (most or n))
        for part in range(parts):
            trials = self.trials[part * n // parts : (part + 1) * n // parts]
            if wanted := self.wanted & {trial.key for trial in trials}:
                yield Pack(trials, wanted)

    def __str__(self) -> str:
        first, last = self.trials[0], self.trials[-1]
        return str(first) if first is last else f"{first}..{last.seed}"


def packs_of(trials: list[Trial], wanted: list[Trial], most: int | None) -> list[Pack]:
    """Divide a study's trials into packs.

    Args:
        trials: The study's whole list, done or not.
        wanted: Those whose record is still to be made.
        most: Most trials of a pack; None for all seeds of a kind in one.

    Returns:
        The packs in which something is wanted, in the order in which `trials` has their first ones.
    """
    kinds: dict[str, list[Trial]] = {}
    for trial in trials:
        kinds.setdefault(dataclasses.replace(trial, seed=0).key, []).append(trial)
    keys = frozenset(trial.key for trial in wanted)
    whole = (Pack(tuple(sorted(kind, key=lambda trial: trial.seed)), keys) for kind in kinds.values())
    order = {trial.key: place for place, trial in enumerate(trials)}
    return sorted((part for pack in whole for part in pack.split(most)), key=lambda part: order[part.trials[0].key])
