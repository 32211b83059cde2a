"""The preview's worker: the newest request wins, what hangs is interrupted and named, nothing ends the preview."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.messages import Preview, PreviewProgress, PreviewView
from tradebot.engine.previewing import GRACE_S, IDLE_S, PATIENCE_S, Previewing

PATIENCE = 20.0  # of the test, in real seconds; a sound one never waits for it
Tell = Callable[[float, str], None]


class Bench:
    """A worker whose answers the test writes: by the text of the request, called with (cancel, tell)."""

    def __init__(self, plugins: Path | None = None) -> None:
        self.clock = ManualClock()
        self.does: dict[str, Callable[[CancelToken, Tell], None]] = {}
        self.ran: list[str] = []
        self.forgotten = 0
        self.previewing = Previewing(self.answer, self.clock, plugins, self.forget)
        self.generation = 0

    def answer(self, command: Preview, cancel: CancelToken, tell: Tell) -> PreviewView:
        self.ran.append(command.toml)
        self.does.get(command.toml, lambda cancel, tell: None)(cancel, tell)
        return PreviewView(command.generation, "done", command.toml)

    def forget(self) -> None:
        self.forgotten += 1

    def ask(self, toml: str) -> Future[PreviewView]:
        self.generation += 1
        return self.previewing.submit(Preview(toml, generation=self.generation))

    def settled(self) -> None:
        """Wait until the worker waits for the next request."""
        while self.previewing.look() != PreviewProgress():
            threading.Event().wait(0.001)

    def later(self, seconds: float) -> PreviewProgress:
        self.clock._elapsed += seconds
        return self.previewing.look()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.previewing.close()


class Held:
    """Work that waits until the test lets it go on; `started` tells that it runs."""

    def __init__(self, check: bool = True) -> None:
        self.check = check
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, cancel: CancelToken, tell: Tell) -> None:
        self.started.set()
        assert self.go_on.wait(PATIENCE)
        if self.check:
            cancel.check()


def test_a_request_is_answered_with_its_generation(bench: Bench) -> None:
    assert bench.ask("a").result(PATIENCE) == PreviewView(1, "done", "a")
    assert bench.ask("b").result(PATIENCE) == PreviewView(2, "done", "b")


def test_a_newer_request_ends_the_running_one_and_all_that_waited(bench: Bench) -> None:
    first = bench.does["first"] = Held()
    running = bench.ask("first")
    assert first.started.wait(PATIENCE)
    waiting, newest = bench.ask("second"), bench.ask("third")
    assert running.result(PATIENCE) == PreviewView(1, "superseded")
    assert waiting.result(PATIENCE) == PreviewView(2, "superseded")
    assert not newest.done()
    first.go_on.set()
    assert newest.result(PATIENCE) == PreviewView(3, "done", "third")
    assert bench.ran == ["first", "third"]


def test_progress_is_seen_while_it_runs_and_gone_after(bench: Bench) -> None:
    held = Held()

    def work(cancel: CancelToken, tell: Tell) -> None:
        tell(0.25, "3 of 12 indicators and signals")
        held(cancel, tell)

    bench.does["slow"] = work
    reply = bench.ask("slow")
    assert held.started.wait(PATIENCE)
    assert bench.later(1) == PreviewProgress(1, 0.25, "3 of 12 indicators and signals")
    held.go_on.set()
    reply.result(PATIENCE)
    assert bench.later(1) == PreviewProgress()


def test_a_refusal_and_a_defect_are_sentences_and_the_next_request_is_answered(bench: Bench) -> None:
    def refused(cancel: CancelToken, tell: Tell) -> None:
        raise InputError("There are no bars.")

    def broken(cancel: CancelToken, tell: Tell) -> None:
        raise ZeroDivisionError("division by zero")

    bench.does.update(refused=refused, broken=broken)
    assert bench.ask("refused").result(PATIENCE) == PreviewView(1, "failed", "There are no bars.")
    view = bench.ask("broken").result(PATIENCE)
    assert view.state == "failed"
    assert view.sentence == (
        "A defect of tradebot stopped the preview (ZeroDivisionError: division by zero); the backtest may say more."
    )
    assert bench.ask("sound").result(PATIENCE).state == "done"


def plugin(folder: Path, text: str) -> SimpleNamespace:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    names: dict[str, object] = {}
    exec(compile(text, str(path), "exec"), names)  # noqa: S102 - a plug-in is code to be run
    return SimpleNamespace(**names)


def test_what_a_plug_in_raises_is_told_with_its_line(bench: Bench, tmp_path: Path) -> None:
    mine = plugin(tmp_path, "def compute(values):\n    return values[0] / 0\n")
    bench.does["broken"] = lambda cancel, tell: mine.compute([1.0])
    assert bench.ask("broken").result(PATIENCE).sentence == (
        "The plug-in mine.py, line 2, failed with ZeroDivisionError: float division by zero."
    )


ENDLESS = """\
def compute(started):
    number = 0
    while True:
        try:
            number += 1
            started.set()
        except Exception:
            pass
"""


def test_an_endless_plug_in_is_stopped_and_named_and_the_preview_lives_on(
    bench: Bench, tmp_path: Path
) -> None:
    mine, started = plugin(tmp_path, ENDLESS), threading.Event()
    bench.does["endless"] = lambda cancel, tell: mine.compute(started)
    reply = bench.ask("endless")
    assert started.wait(PATIENCE)
    bench.later(PATIENCE_S - 1)
    assert not reply.done()
    bench.later(2)
    view = reply.result(PATIENCE)
    assert view.state == "failed"
    assert view.sentence.startswith("The plug-in mine.py, line ")
    assert "without an end and was stopped" in view.sentence
    assert bench.ask("sound").result(PATIENCE).state == "done"


def test_an_endless_run_that_is_not_wanted_any_more_is_interrupted(bench: Bench, tmp_path: Path) -> None:
    mine, started = plugin(tmp_path, ENDLESS), threading.Event()
    bench.does["endless"] = lambda cancel, tell: mine.compute(started)
    old = bench.ask("endless")
    assert started.wait(PATIENCE)
    newest = bench.ask("sound")
    assert old.result(PATIENCE).state == "superseded"
    bench.later(GRACE_S / 2)
    assert not newest.done()
    bench.later(GRACE_S)
    assert newest.result(PATIENCE).state == "done"


def test_a_run_that_cannot_be_interrupted_is_left_behind(bench: Bench) -> None:
    stuck = bench.does["stuck"] = Held(check=False)  # waits inside a lock, where no exception arrives
    old = bench.ask("stuck")
    assert stuck.started.wait(PATIENCE)
    newest = bench.ask("sound")
    bench.later(GRACE_S + 1)
    bench.later(6)
    assert newest.result(PATIENCE).state == "done"
    stuck.go_on.set()
    assert old.result(PATIENCE).state == "superseded"
    assert bench.ask("another").result(PATIENCE).state == "done"
    assert bench.ran == ["stuck", "sound", "another"]


def test_work_that_goes_on_is_never_interrupted_however_long_it_takes(bench: Bench) -> None:
    steps = [threading.Event() for _ in range(5)]
    at = [threading.Event() for _ in range(5)]

    def long(cancel: CancelToken, tell: Tell) -> None:
        for number, step in enumerate(steps):
            tell(number / 5, "")
            at[number].set()
            assert step.wait(PATIENCE)

    bench.does["long"] = long
    reply = bench.ask("long")
    for step, reached in zip(steps, at, strict=True):
        assert reached.wait(PATIENCE)
        bench.later(PATIENCE_S - 1)
        step.set()
    assert reply.result(PATIENCE).state == "done"


def test_what_is_kept_in_memory_is_let_go_a_while_after_the_last_request(bench: Bench) -> None:
    bench.later(IDLE_S + 1)
    assert bench.forgotten == 0  # nothing was kept yet
    bench.ask("a").result(PATIENCE)
    bench.settled()
    bench.later(IDLE_S - 1)
    assert bench.forgotten == 0
    bench.later(2)
    bench.later(IDLE_S + 1)
    assert bench.forgotten == 1
    bench.ask("b").result(PATIENCE)
    bench.settled()
    bench.later(IDLE_S + 1)
    assert bench.forgotten == 2


def test_closing_answers_what_is_under_way_and_takes_nothing_more(bench: Bench) -> None:
    held = bench.does["held"] = Held()
    reply = bench.ask("held")
    assert held.started.wait(PATIENCE)
    bench.previewing.close()
    held.go_on.set()
    assert reply.result(PATIENCE).state == "superseded"
    assert bench.ask("late").result(PATIENCE).state == "superseded"
    assert bench.ran == ["held"]
