"""What is shown while a study runs: on a terminal, in a pipe, and how long it says that it still takes."""

import io
import re
from argparse import Namespace

import pytest
from rich.console import Console

from benchmark.execution.heartbeat import SECONDS_BETWEEN_LINES, Heartbeat
from benchmark.execution.packs import Pack
from benchmark.execution.progress import BarProgress, LineProgress, progress_view
from benchmark.execution.time_left import TimeLeft
from benchmark.execution.worker_processes import Event
from benchmark.output import OutputLost


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class NamedPack(Pack):
    """A pack as progress sees it."""

    def __str__(self) -> str:
        return "fashion_mnist hgmvae_g_no_fisher d=128 seeds 0..9"


def pack(name: str, *, side: int = 32, epochs: int = 10, seeds: int = 1, dataset: str = "mnist") -> Pack:
    data = Namespace(name=dataset, n_train=100, image_shape=(1, side, side))
    trials = tuple(
        Namespace(key=f"{name}{seed}", epochs=epochs, data=data, protocols={"clustering": {}}) for seed in range(seeds)
    )
    return NamedPack(trials, frozenset(trial.key for trial in trials))


def printed(**how) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, soft_wrap=True, color_system=None, **how), file


# A sign of life ----------------------------------------------------------------------------------------------


def test_a_line_comes_after_every_silence_and_tells_of_the_work_and_its_seconds():
    clock, (console, file) = Clock(), printed()
    heartbeat = Heartbeat(console, clock)
    with heartbeat.during("looking for the images"):
        for _ in range(30):
            clock.now += 1
            heartbeat.beat()
    assert file.getvalue().splitlines() == [f"looking for the images, {seconds} s" for seconds in (9, 18, 27)]
    clock.now += 100
    heartbeat.beat()  # nothing is going on
    assert len(file.getvalue().splitlines()) == 3


def test_what_is_said_meanwhile_puts_the_next_line_off():
    clock, (console, file) = Clock(), printed()
    heartbeat = Heartbeat(console, clock)
    heartbeat.says = lambda: "still here"
    clock.now += SECONDS_BETWEEN_LINES - 1
    heartbeat.say("mnist vae d=2 seed=0: diverged")
    clock.now += SECONDS_BETWEEN_LINES - 1
    heartbeat.beat()
    assert file.getvalue() == "mnist vae d=2 seed=0: diverged\n"
    clock.now += 1
    heartbeat.beat()
    assert file.getvalue().endswith("\nstill here\n")


def test_two_works_in_a_row_leave_no_longer_silence_than_one():
    clock, (console, file) = Clock(), printed()
    heartbeat, silent = Heartbeat(console, clock), []
    for work in ("tables", "verdicts", "report"):
        with heartbeat.during(work):
            for _ in range(7):
                clock.now += 1
                before = len(file.getvalue())
                heartbeat.beat()
                silent.append(before == len(file.getvalue()))
    assert file.getvalue().splitlines() == ["verdicts, 2 s", "report, 4 s"]
    assert silent.index(False) == 8


def test_an_output_that_is_lost_ends_the_work_that_the_line_told_of(monkeypatch):
    lost = OutputLost(BrokenPipeError(32, "Broken pipe"))

    def fails(*_: object) -> None:
        raise lost

    clock, (console, _) = Clock(), printed()
    heartbeat = Heartbeat(console, clock)
    view = LineProgress(heartbeat, TimeLeft([pack("a")]), clock)
    monkeypatch.setattr(console, "print", fails)
    monkeypatch.setattr(heartbeat._ended, "wait", lambda seconds: False)  # the thread's next second has come
    clock.now += SECONDS_BETWEEN_LINES
    with pytest.raises(OutputLost), heartbeat:
        heartbeat.says = view.line
        heartbeat._thread.join()
        view.show(Event("started", pack("a")))


# How far a study is ------------------------------------------------------------------------------------------


def test_lines_count_trials_and_what_is_at_work():
    clock, (console, file) = Clock(), printed()
    packs = [pack(name) for name in "abcd"]
    heartbeat = Heartbeat(console, clock)
    view = LineProgress(heartbeat, TimeLeft(packs), clock)
    assert view.line() == "0:00 0/4 trials, processes start"
    for one in packs[:2]:
        view.show(Event("started", one))
    clock.now += 40
    view.show(Event("epoch", packs[0], 10))
    view.show(Event("epoch", packs[1], 5))
    # By epochs 40 / 0.7 and 80 / 0.7 s each, 86 s on average; two at once.
    assert view.line() == "0:40 0/4 trials, 1 training, 1 evaluating, about 2 min left"
    clock.now += 60
    view.show(Event("finished", packs[0].trials[0], "ok"))
    assert file.getvalue() == ""
    view.show(Event("finished", packs[1].trials[0], "diverged"))
    assert file.getvalue() == f"{packs[1].trials[0]}: diverged\n"
    assert view.line() == "1:40 2/4 trials, about 2 min left"
    for one in packs[2:]:
        view.show(Event("started", one))
        view.show(Event("finished", one.trials[0], "ok"))
    assert file.getvalue().splitlines()[-1] == "1:40 4/4 trials"
    assert all(len(line) <= 80 for line in file.getvalue().splitlines()[1:])


def test_a_long_study_s_line_fits_80_columns():
    clock, (console, _) = Clock(), printed()
    packs = [pack(f"{number}-") for number in range(3500)]
    view = LineProgress(Heartbeat(console, clock), TimeLeft(packs), clock)
    for one in packs[:31]:
        view.show(Event("started", one))
    for one in packs[:16]:
        view.show(Event("trained", one))
    clock.now += 40_000
    view.show(Event("finished", packs[0].trials[0], "ok"))
    assert view.line() == "11:06:40 1/3500 trials, 15 training, 15 evaluating, about 1244.4 h left"


def test_time_left_counts_processes_beside_each_other_and_evaluation():
    """Six packs of 30 s, of which 20 are training, two at once: 90 s in all."""
    packs = [pack(name) for name in "abcdef"]
    left = TimeLeft(packs)
    assert left.seconds(0.0) is None
    for turn in range(3):
        pair, start = packs[2 * turn : 2 * turn + 2], 30.0 * turn
        for one in pair:
            left.see(Event("started", one), start)
        for one in pair:
            left.see(Event("epoch", one, 10), start + 20)
        assert (left.training, left.evaluating) == (0, 2)
        assert left.seconds(start + 20) == pytest.approx(90 - start - 20, rel=0.1)
        for one in pair:
            left.see(Event("finished", one.trials[0], "ok"), start + 30)
        assert left.seconds(start + 30) == pytest.approx(90 - start - 30)


def test_time_left_does_not_rise_within_an_epoch():
    """Ten epochs of 100 s and an evaluation of 3/7 of that: 1429 s, also late in the third epoch."""
    left, slow = TimeLeft([pack("a")]), pack("a")
    left.see(Event("started", slow), 0.0)
    left.see(Event("epoch", slow, 2), 200.0)
    for now in (200.0, 250.0, 299.0):
        assert left.seconds(now) == pytest.approx(1000 / 0.7 - now)


def test_time_left_goes_by_kind_of_trial_and_size_of_images():
    small, unseen, large = pack("a"), pack("b", dataset="fashion_mnist"), pack("c", dataset="celeba", side=64)
    other = pack("d")
    left = TimeLeft([small, other, unseen, large])
    left.see(Event("started", small), 0.0)
    left.see(Event("finished", small.trials[0], "ok"), 10.0)
    # One at once: its like 10 s, one unseen of its size 10 s, one of four times the pixels 40 s.
    assert left.seconds(10.0) == pytest.approx(60.0)
    left.see(Event("started", other), 10.0)
    left.see(Event("finished", other.trials[0], "ok"), 40.0)
    assert left.seconds(40.0) == pytest.approx(20 + 80)  # by the pixel the mean of both, 20 s


def test_a_pack_of_several_seeds_ends_with_its_last_record_and_a_late_one_is_never_done():
    seeds = pack("a", seeds=3)
    left = TimeLeft([seeds, pack("b", seeds=3)])
    left.see(Event("started", seeds), 0.0)
    for number, trial in enumerate(seeds.trials, start=1):
        left.see(Event("finished", trial, "ok"), 10.0 * number)
    assert (left.done, left.total, left.seconds(30.0)) == (3, 6, pytest.approx(30.0))
    left.see(Event("started", pack("b", seeds=3)), 30.0)
    assert left.seconds(500.0) == pytest.approx(47.0)  # a tenth of what it has taken


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_numbers_of_the_progress_bars_are_whole(width):
    console, file = printed(width=width, force_terminal=True)
    packs = [pack(f"{number}-") for number in range(1260)]
    with progress_view(Heartbeat(console), packs) as view:
        assert isinstance(view, BarProgress)
        for kind, what, value in (
            ("started", packs[0], 0),
            ("epoch", packs[0], 3),
            ("finished", packs[1].trials[0], "ok"),
        ):
            view.show(Event(kind, what, value))
    words = re.sub(r"\x1b\[[0-9;?]*\w", " ", file.getvalue()).split()
    assert {"1/1260", "3/10", "d=128", "0..9:"} <= set(words) and "…" not in file.getvalue()


def test_a_trained_pack_has_no_bar_of_epochs_any_more():
    console, _ = printed(width=80, force_terminal=True)
    packs = [pack("a"), pack("b")]
    with progress_view(Heartbeat(console), packs) as view:
        for kind in ("started", "trained"):  # what comes of a pack whose checkpoints are there
            view.show(Event(kind, packs[0]))
        view.show(Event("started", packs[1]))
        view.show(Event("finished", packs[0].trials[0], "ok"))
        assert [task.description for task in view._progress.tasks] == ["trials", f"  {packs[1]}: epochs"]


def test_a_terminal_too_narrow_or_too_simple_for_bars_gets_lines():
    for how in ({"width": 40}, {"width": 100, "_environ": {"TERM": "dumb"}}):
        console, _ = printed(force_terminal=True, **how)
        assert isinstance(progress_view(Heartbeat(console), [pack("a")]), LineProgress)


def test_the_seconds_of_fid_are_counted_from_the_start():
    """Two packs end without FID; the third, whose FID is known to take 600 s, has been at it for 100."""
    clock, packs = 0.0, [pack(name) for name in "abc"]
    state, blind = TimeLeft(packs, {"c0": 600.0}), TimeLeft(packs)
    for one in packs:
        for which in (state, blind):
            which.see(Event("started", one), clock)
            if one is not packs[2]:
                which.see(Event("finished", one.trials[0], "ok"), clock + 10)
        clock += 10
    now = 20.0 + 110.0
    # 10 s of its own and 600 of FID, less the 110 that have passed; one was at work at a time.
    assert state.seconds(now) == pytest.approx(500.0)
    assert blind.seconds(now) == pytest.approx(11.0)  # a tenth of what it has taken


def test_time_left_counts_the_seeds_that_are_still_wanted_alone():
    """A pack of ten seeds of which one is wanted takes 10 s: a whole one, then, 100 s."""
    most_done, whole = pack("a", seeds=10), pack("b", seeds=10)
    most_done = NamedPack(most_done.trials, frozenset(["a9"]))
    left = TimeLeft([most_done, whole])
    left.see(Event("started", most_done), 0.0)
    left.see(Event("finished", most_done.trials[9], "ok"), 10.0)
    assert left.seconds(10.0) == pytest.approx(100.0)


def test_metrics_that_are_added_to_trained_packs_are_forecast_before_the_first_has_ended():
    """Of three packs two are at work, trained before, for 20 s; FID takes 100 s each."""
    packs = [pack(name) for name in "abc"]
    state, blind = TimeLeft(packs, {f"{name}0": 100.0 for name in "abc"}), TimeLeft(packs)
    for which in (state, blind):
        for one in packs[:2]:
            which.see(Event("started", one), 0.0)
            which.see(Event("trained", one), 0.0)
    assert (state.training, state.evaluating) == (0, 2)
    assert state.seconds(20.0) == pytest.approx((80 + 80 + 100) / 2)
    assert blind.seconds(20.0) is None
