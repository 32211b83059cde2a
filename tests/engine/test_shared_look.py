"""A running tradebot shows its snapshot to another process that watches, as long as that one asks."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.messages import EngineSnapshot, HealthView, JobView, QueueView, QuoteView
from tradebot.engine.shared_look import LookSharer, LookWatcher

SNAPSHOT = EngineSnapshot(
    time_ms=5,
    ready=True,
    quotes=(QuoteView("BTCUSDT", "63120.50", 0.012, 1e9, 0.0001, 250),),
    jobs=(JobView(1, "collect", "collect BTCUSDT", "running", 1.0, 2.0, "bars", 3.0, 4.0, "", 5, None),),
    health=HealthView(1.5, 20.0, 10**8, (), (QueueView("jobs", 2, "jobs"),)),
    message_rates=(1.0,) * 60,
)


class Pair:
    """One that shows, one that watches, and the clock of both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.sharer = LookSharer(folder, self.clock)
        self.watcher = LookWatcher(folder, self.clock)

    def later(self, seconds: float) -> None:
        asyncio.run(self.clock.advance(seconds))

    def files(self) -> set[str]:
        return {each.name for each in self.folder.iterdir()}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_nothing_is_written_while_nobody_asks(pair: Pair) -> None:
    assert not pair.sharer.share(SNAPSHOT)
    assert pair.files() == set()
    assert pair.watcher.read() is None


def test_who_asks_sees_what_the_other_one_does_without_its_long_lists(pair: Pair) -> None:
    pair.watcher.ask()
    assert pair.sharer.share(SNAPSHOT)
    seen = pair.watcher.read()
    assert seen is not None
    assert (seen.quotes, seen.jobs, seen.health) == (SNAPSHOT.quotes, SNAPSHOT.jobs, SNAPSHOT.health)
    assert seen.message_rates == ()


def test_asking_counts_for_seconds_and_then_the_file_goes(pair: Pair) -> None:
    pair.watcher.ask()
    pair.later(4)
    assert pair.sharer.share(SNAPSHOT)
    pair.later(4)
    assert not pair.sharer.share(SNAPSHOT)
    assert pair.files() == {".look.wanted"}
    pair.watcher.close()
    assert pair.files() == set()


def test_an_old_look_of_one_that_died_is_none(pair: Pair) -> None:
    pair.watcher.ask()
    pair.sharer.share(SNAPSHOT)
    pair.later(6)
    assert pair.watcher.read() is None


@pytest.mark.parametrize(
    "text", ["", "{", '{"type": "Collect", "value": {}}', '{"type": "Old", "value": 1}', "[]"]
)
def test_a_file_of_another_version_is_none(pair: Pair, text: str) -> None:
    pair.watcher.ask()
    pair.sharer.share(SNAPSHOT)
    path = pair.folder / ".look.json"
    status = path.stat()
    path.write_text(text, encoding="utf-8")
    os.utime(path, (status.st_mtime, status.st_mtime))
    assert pair.watcher.read() is None


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "none")
    pair.watcher.ask()
    assert pair.watcher.read() is None
    assert not pair.sharer.share(SNAPSHOT)
    pair.watcher.close()
    pair.sharer.close()
