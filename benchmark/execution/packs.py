"""Packs, trials that differ only in their seed and are trained together, and the division of a study into packs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.studies.trials import Trial


@dataclass(frozen=True)
class Pack:
    """Trials that differ only in their seed, in ascending order of seed.

    A pack contains finished trials too, so that a resumed run recognises the job that has it.

    Attributes:
        trials: All trials of the pack.
        wanted: Keys of the trials whose record is still to be made; the others are not trained again.
    """

    trials: tuple[Trial, ...]
    wanted: frozenset[str]

    @property
    def wanted_trials(self) -> list[Trial]:
        """The trials whose record is still to be made."""
        return [trial for trial in self.trials if trial.key in self.wanted]

    def __str__(self) -> str:
        first, last = self.trials[0], self.trials[-1]
        return str(first) if first is last else f"{first}..{last.seed}"


def even_parts(trials: Sequence[Trial], most: int | None) -> list[tuple[Trial, ...]]:
    """Divide trials into as few parts as a limit allows, with sizes that differ by at most one.

    Args:
        trials: At least one trial.
        most: Largest number of trials per part; None for a single part.
    """
    n = len(trials)
    parts = -(-n // (most or n))
    return [tuple(trials[part * n // parts : (part + 1) * n // parts]) for part in range(parts)]


def packs_of(trials: list[Trial], wanted: list[Trial], most: int | None) -> list[Pack]:
    """Divide a study's trials into packs.

    Args:
        trials: All trials of the study, done or not.
        wanted: The trials whose record is still to be made.
        most: Largest number of trials per pack; None puts all seeds of a kind into one pack.

    Returns:
        The packs with at least one wanted trial, ordered by the position of their first trial in `trials`.
    """
    kinds: dict[str, list[Trial]] = {}
    for trial in trials:
        kinds.setdefault(dataclasses.replace(trial, seed=0).key, []).append(trial)
    keys = frozenset(trial.key for trial in wanted)
    by_seed = (sorted(kind, key=lambda trial: trial.seed) for kind in kinds.values())
    parts = (part for kind in by_seed for part in even_parts(kind, most))
    packs = [Pack(part, of_part) for part in parts if (of_part := keys & {trial.key for trial in part})]
    order = {trial.key: place for place, trial in enumerate(trials)}
    return sorted(packs, key=lambda pack: order[pack.trials[0].key])
