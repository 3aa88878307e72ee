"""Packs: the trials that differ in their seed alone, trained together, and how a study's trials fall into them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.studies.trials import Trial


@dataclass(frozen=True)
class Pack:
    """Trials of one kind, by ascending seed.

    A pack is the same however much of it is done, so that a run that goes on knows the job that has it.

    Attributes:
        trials: All of the pack.
        wanted: Keys of those whose record is still to be made; the others are not trained again.
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
    """Divide trials into as few parts as a limit allows, of sizes that differ by at most one.

    Args:
        trials: One or more.
        most: Most trials of a part; None for one part.
    """
    n = len(trials)
    parts = -(-n // (most or n))
    return [tuple(trials[part * n // parts : (part + 1) * n // parts]) for part in range(parts)]


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
    by_seed = (sorted(kind, key=lambda trial: trial.seed) for kind in kinds.values())
    parts = (part for kind in by_seed for part in even_parts(kind, most))
    packs = [Pack(part, of_part) for part in parts if (of_part := keys & {trial.key for trial in part})]
    order = {trial.key: place for place, trial in enumerate(trials)}
    return sorted(packs, key=lambda pack: order[pack.trials[0].key])
