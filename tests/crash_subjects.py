"""What the crash drill kills: commands, the moments that are worth a kill, and what may never come to harm."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Event:
    """A file that appears in one folder: by a pattern of its name, for the n-th time with n of 1..`most`."""

    pattern: str  # relative to the root; "" is the start of the command itself
    most: int = 1
    delay: float = 0.0  # the kill comes up to so many seconds after


@dataclass(frozen=True)
class Subject:
    """A command to kill. It runs in its root, a folder of its own, which `begin` fills.

    A new file that fits `whole` must be complete, one that fits `once` also never written again. `phases`: a name and
    the pattern of files that are new or changed when the kill comes; the first that fits counts.
    """

    command: tuple[str, ...]
    begin: Callable[[Path], object]
    events: tuple[Event, ...]
    whole: tuple[str, ...]
    once: tuple[str, ...]
    phases: tuple[tuple[str, str], ...]


def benchmark(*arguments: str) -> tuple[str, ...]:
    """A command as `run_all.sh` hands it over."""
    return (sys.executable, "-P", "-m", "benchmark", *arguments)


def run_subject(only: str = "", jobs: int = 2) -> Subject:
    """Two seeds of the smoke study, or what `only` keeps of it."""
    asked = ("--study", "smoke", "--seeds", "2", "--device", "cpu", "--jobs", str(jobs), "--out", "out")
    return Subject(
        benchmark("run", *asked, "--data-dir", "data", "--offline", "--no-report", *(("--only", only) if only else ())),
        lambda root: (root / "data").mkdir(),
        (
            Event("", delay=10.0),
            Event("out/.manifest.json.*.part"),
            Event("out/checkpoints/.*.part", most=3),
            Event("out/checkpoints/*.safetensors", most=4, delay=0.3),
            Event("out/records/.*.part", most=3),
            Event("out/records/*.json", most=8, delay=0.3),
            Event("out/tables/.*.part", delay=0.02),
        ),
        ("out/tables/[!.]*",),
        ("out/records/[!.]*", "out/checkpoints/[!.]*"),
        (
            ("writing a record", "out/records/.*.part"),
            ("writing a checkpoint", "out/checkpoints/.*.part"),
            ("writing the manifest", "out/.manifest.json.*.part"),
            ("writing a table", "out/tables/.*.part"),
            ("between two tables", "out/tables/*"),
            ("training and evaluation", "out/manifest.json"),
        ),
    )


def audit_subject(trained: Path, only: str = "dataset=mnist,table=2,method=vae") -> Subject:
    """The audit of some trials of a run's root."""
    return Subject(
        benchmark("audit", "out", "--device", "cpu", "--jobs", "2", "--data-dir", "data", "--offline", "--only", only),
        lambda root: shutil.copytree(trained, root, dirs_exist_ok=True),
        (
            Event("", delay=15.0),
            Event("out/audit/.*.json.*.part"),
            Event("out/audit/*.json", delay=0.1),
            Event("out/audit/.*.csv.*.part"),
            Event("out/tables/.*.part", delay=0.02),
        ),
        ("out/tables/[!.]*", "out/audit/[!.]*.csv"),
        ("out/audit/[!.]*.json", "out/records/[!.]*", "out/checkpoints/[!.]*"),
        (
            ("writing a result", "out/audit/.*.json.*.part"),
            ("writing the findings", "out/audit/.*.csv.*.part"),
            ("writing a table", "out/tables/.*.part"),
            ("between two files", "out/tables/*"),
            ("evaluation", "out/audit/*.json"),
        ),
    )


def fetch_subject(images: int = 60_000) -> Subject:
    """The preparation of a data set from a file of drawn images (28 x 28). The studies' own are drawn in memory."""

    def begin(root: Path) -> None:
        (root / "data").mkdir()
        ramp = np.arange(28, dtype=np.uint8)
        drawn = {"x": (np.arange(images) % 199)[:, None, None] + ramp[:, None] + ramp, "y": np.arange(images) % 10}
        parts = {f"{key}_{part}": drawn[key].astype(np.uint8) for key in drawn for part in ("train", "test")}
        np.savez(root / "data" / "mnist.npz", **parts)
        os.utime(root / "data" / "mnist.npz", ns=(0, 0))  # the copy's fingerprint has the time

    return Subject(
        benchmark("fetch", "mnist", "--data-dir", "data", "--offline"),
        begin,
        (Event("data/prepared/.mnist-*", delay=0.05), Event("data/prepared/mnist", delay=0.01), Event("", delay=8.0)),
        (),
        ("data/prepared/mnist/*", "data/mnist.npz"),
        (("writing the copy", "data/prepared/.mnist-*"), ("reading it back", "data/prepared/mnist/*")),
    )
