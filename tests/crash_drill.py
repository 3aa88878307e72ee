"""The crash drill: commands are killed at random moments until they have come to their end, and must have lost nothing.

    ./run_all.sh python tests/crash_drill.py --kills 50

kills the whole smoke study 50 times, and `audit` and the preparation of a data set a fifth as often. Whatever a
command has written is held against what it writes when nobody interrupts it. Needs /proc, so Linux.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from crash_faults import FAULTS, Contents, Fault, contents, faults_after, faults_at, fits
from crash_subjects import Event, Subject, audit_subject, fetch_subject, run_subject

REPOSITORY = Path(__file__).resolve().parent.parent
POLL = 0.005  # seconds between looks
POLL_FOR_PARTS = 0.0005  # a record is written in less than a millisecond
PATIENCE = 60.0  # seconds that orphans may take to go: one that is still importing notices only afterwards


@dataclass(frozen=True)
class Moment:
    """When a kill comes, and whether it meets all processes or the parent alone."""

    event: Event
    count: int = 1
    delay: float = 0.0
    all_at_once: bool = True


@dataclass(frozen=True)
class Kill:
    """One that has been done: what was going on, and how many files had to be kept."""

    phase: str
    all_at_once: bool
    kept: int


# One attempt -------------------------------------------------------------------------------------------------


def start(subject: Subject, root: Path) -> subprocess.Popen:
    """The command in a session of its own; what it says goes to the root's said.log."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with (root / "said.log").open("w") as said:
        return subprocess.Popen(
            subject.command, cwd=root, env=environment, stdout=said, stderr=said, start_new_session=True
        )


def finish(process: subprocess.Popen, root: Path) -> None:
    """Wait for an end that has to be a good one. Raises RuntimeError with the last that was said."""
    if process.wait() != 0:
        raise RuntimeError(f"exit status {process.returncode}: {(root / 'said.log').read_text()[-2000:]}")


def killed(process: subprocess.Popen, root: Path, moment: Moment | None) -> bool:
    """Kill the command at the moment; False where it came to its end before. Raises RuntimeError for a bad end."""
    if moment is None:
        finish(process, root)
        return False
    pause = POLL_FOR_PARTS if moment.event.pattern.endswith(".part") else POLL
    seen = before = names(root, moment.event.pattern)
    while moment.event.pattern and len(seen - before) < moment.count:
        if process.poll() is not None:
            finish(process, root)
            return False
        time.sleep(pause)
        seen = seen | names(root, moment.event.pattern)
    time.sleep(moment.delay)
    if process.poll() is not None:
        finish(process, root)
        return False
    (os.killpg if moment.all_at_once else os.kill)(process.pid, signal.SIGKILL)
    process.wait()
    return True


def left_running(session: int) -> list[str]:
    """The processes of a session that are still there after PATIENCE, which are then killed."""
    until = time.monotonic() + PATIENCE
    while (left := list(_members(session))) and time.monotonic() < until:
        time.sleep(0.01)
    for number in left:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return [f"process {number} of session {session}" for number in left]


def _members(session: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):  # it ended as we looked
            continue
        if int(of) == session and state != "Z":
            yield int(folder.name)


def names(root: Path, pattern: str) -> frozenset[str]:
    """The names in the pattern's folder that fit its last part."""
    folder, _, name = pattern.rpartition("/")
    try:
        return frozenset(found for found in os.listdir(root / folder) if fnmatch(found, name))
    except FileNotFoundError:
        return frozenset()


# Many --------------------------------------------------------------------------------------------------------


def moments(subject: Subject, generator: random.Random) -> Iterator[Moment]:
    """Random moments without end: every event equally often, one kill in five of the parent alone."""
    while True:
        event = generator.choice(subject.events)
        count, delay = generator.randint(1, event.most), generator.uniform(0, event.delay)
        yield Moment(event, count, delay, generator.random() < 0.8)


def uninterrupted(subject: Subject, root: Path) -> Path:
    """The root, new, after a run to the end: what `drill` compares with."""
    root.mkdir(parents=True)
    subject.begin(root)
    finish(start(subject, root), root)
    return root


def drill(
    subject: Subject, reference: Path, folder: Path, kills: int, plan: Iterator[Moment]
) -> Iterator[Kill | Fault]:
    """Kill the command `kills` times, in a new root below `folder` whenever it has come to its end.

    `plan` says when. After the last kill, or where the plan is at its end, the last round goes on to its own. Raises
    RuntimeError where the command ends badly; its root is kept.
    """
    done, ended, last = 0, True, False
    while not (ended and last):
        if ended:
            root = Path(tempfile.mkdtemp(dir=folder))
            subject.begin(root)
            kept: Contents = {}
        before, process = contents(root), start(subject, root)
        moment = next(plan, None) if done < kills else None
        last = moment is None
        try:
            ended = not killed(process, root, moment)
        finally:
            left = left_running(process.pid)
        yield from (Fault("process left", what) for what in left)
        now = contents(root)
        yield from faults_at(subject, root, reference, before, now, kept)
        kept = {name: when for name, when in now.items() if fits(name, subject.once)}
        if ended:
            yield from faults_after(root, reference)
            shutil.rmtree(root)
        else:
            done += 1
            yield Kill(phase_of(subject, before, now), moment.all_at_once, len(kept))


def phase_of(subject: Subject, before: Contents, now: Contents) -> str:
    """What the command was doing when it was killed, by what it had written."""
    changed = [name for name, when in now.items() if before.get(name) != when]
    fitting = (phase for phase, pattern in subject.phases if any(fnmatch(name, pattern) for name in changed))
    return next(fitting, "start")


def summary(name: str, found: Sequence[Kill | Fault], seconds: float) -> list[str]:
    """Rows of a table in Markdown: kills by phase, and how many faults of each kind."""
    kills = [happened for happened in found if isinstance(happened, Kill)]
    faults = Counter(happened.kind for happened in found if isinstance(happened, Fault))
    phases = Counter(kill.phase for kill in kills).most_common()
    rows = [("kills", len(kills)), *((f"kills: {phase}", times) for phase, times in phases)]
    rows += [("kills of the parent alone", sum(not kill.all_at_once for kill in kills))]
    rows += [(f"faults: {kind}", faults[kind]) for kind in FAULTS]
    return [f"| {name} | {what} | {number} |" for what, number in (*rows, ("seconds", round(seconds)))]


def main() -> int:
    """Drill the three commands; 0 where there is no fault. The last lines are a table in Markdown."""
    parser = argparse.ArgumentParser(description="Kill commands at random moments and see what is lost.")
    parser.add_argument("--kills", type=int, default=50, help="of the smoke study; of the others a fifth")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="to work in (default: a temporary one)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    subjects = {"run": run_subject(), "audit": audit_subject(folder / "run"), "fetch": fetch_subject()}
    generator, rows, faulty = random.Random(options.seed), [], False
    for name, subject in subjects.items():
        kills = options.kills if name == "run" else -(-options.kills // 5)
        started, found = time.monotonic(), []
        reference = uninterrupted(subject, folder / name)
        print(f"{name}: {time.monotonic() - started:.0f} s without a kill", flush=True)
        for happened in drill(subject, reference, folder, kills, moments(subject, generator)):
            print(f"{name}: {happened}", flush=True)
            found.append(happened)
        rows += summary(name, found, time.monotonic() - started)
        faulty |= any(isinstance(happened, Fault) for happened in found)
    print("\n".join(["| command | what | number |", "|---|---|---|", *rows]))
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main())
