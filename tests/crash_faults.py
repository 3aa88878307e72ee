"""How the crash drill judges a folder: what there is, what may not have changed, and what two files have to share."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from crash_subjects import Subject
from safetensors import SafetensorError
from safetensors.numpy import load_file

FAULTS = ("not whole", "lost", "redone", "differing", "left over", "process left")
# What JSON says of the run and not of the result.
VARYING = {"timings", "seconds", "provenance", "peak_memory_mb", "date", "git_commit", "git_dirty", "runs"}

Contents = dict[str, int]  # every file and folder below a root -> its time of change (ns; 0 of a folder)


@dataclass(frozen=True)
class Fault:
    """One of FAULTS, and the file or process."""

    kind: str
    what: str


def contents(root: Path) -> Contents:
    """What there is below the root, but for the log."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.name != "said.log"}
    return {name: 0 if path.is_dir() else path.stat().st_mtime_ns for name, path in found.items()}


def faults_at(
    subject: Subject, root: Path, reference: Path, before: Contents, now: Contents, kept: Contents
) -> Iterator[Fault]:
    """What a kill has done to files: `before` is what there was when the command began, `kept` what may not change."""
    for name, when in kept.items():
        if now.get(name) != when:
            yield Fault("redone" if name in now else "lost", name)
    written = (name for name, when in now.items() if before.get(name) != when)
    for name in written:
        if fits(name, subject.whole + subject.once) and not same(root / name, reference / name):
            yield Fault("not whole", name)


def faults_after(root: Path, reference: Path) -> Iterator[Fault]:
    """How a folder whose command has come to its end differs from one where nobody interrupted it."""
    there, wanted = contents(root).keys(), contents(reference).keys()
    yield from (Fault("left over", name) for name in sorted(there - wanted))
    yield from (Fault("lost", name) for name in sorted(wanted - there))
    for name in sorted(there & wanted):
        if not same(root / name, reference / name):
            yield Fault("differing", name)


def same(a: Path, b: Path) -> bool:
    """Whether two files say the same: JSON but for what VARYING names, weights number for number, others in bytes."""
    if a.is_dir() or not b.exists():
        return a.is_dir() and b.is_dir()
    try:
        if a.suffix == ".json":
            return _lasting(json.loads(a.read_bytes())) == _lasting(json.loads(b.read_bytes()))
        if a.suffix == ".safetensors":
            ours, theirs = load_file(a), load_file(b)
            return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    except (ValueError, SafetensorError):  # half a file
        return False
    return a.read_bytes() == b.read_bytes()


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name fits one of the patterns."""
    return any(fnmatch(name, pattern) for pattern in patterns)


def _lasting(content: object) -> object:
    if isinstance(content, dict):
        return {name: _lasting(value) for name, value in content.items() if name not in VARYING}
    return [_lasting(value) for value in content] if isinstance(content, list) else content
