"""Packs: the trials that differ in their seed alone, trained together, and how a study's trials fall into them."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.studies.trials import Trial


@dataclass(frozen=True)
class Pack:
    """Trials of one kind, by ascending seed. `wanted`: keys of those whose record is still to be made.

    The others are trained along, because a packed result depends, in its last digits, on what is in the pack: a study
    that was interrupted then ends with the very numbers of one that was not.
    """

    trials: tuple[Trial, ...]
    wanted: frozenset[str]

    @property
    def wanted_trials(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.key in self.wanted]

    def split(self, most: int | None) -> Iterator["Pack"]:
        """This pack in as few parts as `most` trials each allow (None: one), of sizes that differ by at most one.

        A part in which nothing is wanted is left out.
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
    """The packs in which something is wanted, in the order of `trials`: a study's whole list, done or not.

    At most `most` trials each; None for all seeds of a kind in one.
    """
    kinds: dict[str, list[Trial]] = {}
    for trial in trials:
        kinds.setdefault(dataclasses.replace(trial, seed=0).key, []).append(trial)
    keys = frozenset(trial.key for trial in wanted)
    whole = (Pack(tuple(sorted(kind, key=lambda trial: trial.seed)), keys) for kind in kinds.values())
    return [part for pack in whole for part in pack.split(most)]
