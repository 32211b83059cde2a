"""A process that writes is killed at random moments; another one writes at the same time: nothing lost or doubled."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.engine.store.helpers import KEY, bar, bars, text_of
from tradebot.engine.store import Store

CHILD = Path(__file__).with_name("appending_child.py")


def start(folder: Path, first: int, step: int, *how: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(folder), str(first), str(step), *how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def csv(folder: Path) -> Path:
    return folder / "linear" / "BTCUSDT_1m.csv"


@pytest.mark.parametrize(("how", "step"), [("append", 300), ("append", 1), ("merge", 40), ("stage", 40)])
def test_a_killed_writer_loses_no_bar_it_reported_and_doubles_none(
    tmp_path: Path, how: str, step: int
) -> None:
    chance = random.Random(step)
    first = 0
    for _ in range(4):
        child = start(tmp_path, first, step, how)
        assert child.stdout is not None
        for _ in range(chance.randint(1, 25)):
            reported = int(child.stdout.readline())
        threading.Event().wait(chance.random() * 0.003)
        child.kill()
        rest = child.stdout.read().split("\n")
        child.wait()
        reported = max([reported, *(int(line) for line in rest[:-1] if line)])
        held = Store(tmp_path, read_only=True).load(KEY).time.tolist()
        indexes = [(time - bar(0).time_ms) // 60_000 for time in held]
        assert indexes[:reported] == list(range(reported))
        Store(tmp_path).merge(KEY, bars(0))  # repairs a torn end
        Store(tmp_path).settle(KEY)
        lost = Store(tmp_path).append(KEY, bars(indexes[-1]))
        assert lost == 0
        assert csv(tmp_path).read_text() == text_of(bars(*indexes))
        first = reported


@pytest.mark.parametrize("cut", range(1, 400, 37))
def test_an_append_cut_at_any_byte_leaves_whole_bars(tmp_path: Path, cut: int) -> None:
    """What a kill or a power cut inside the one write of a batch may leave."""
    store = Store(tmp_path)
    store.append(KEY, bars(0, 1))
    before = csv(tmp_path).read_bytes()
    store.append(KEY, bars(*range(2, 12)))
    csv(tmp_path).write_bytes(csv(tmp_path).read_bytes()[: len(before) + cut])
    reopened = Store(tmp_path)
    whole = len(reopened.load(KEY))
    assert 2 <= whole <= 12
    reopened.append(KEY, bars(*range(12)))
    assert csv(tmp_path).read_text() == text_of(bars(*range(12)))


def test_two_processes_and_two_threads_write_one_file(tmp_path: Path) -> None:
    children = [start(tmp_path, 0, 7), start(tmp_path, 0, 5, "merge")]
    stores = [Store(tmp_path), Store(tmp_path)]

    def write(store: Store, chance: random.Random) -> None:
        for index in range(40):
            store.append(KEY, bars(*range(index * 3, index * 3 + chance.randint(1, 9))))
            store.merge(KEY, bars(chance.randrange(200)))
            store.load(KEY)

    threads = [
        threading.Thread(target=write, args=(store, random.Random(number)))
        for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for child in children:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 150:
            pass
        child.kill()
        child.stdout.close()
        child.wait()
    store = Store(tmp_path)
    store.merge(KEY, bars(0))
    lines = csv(tmp_path).read_text().splitlines(keepends=True)[1:]
    times = [int(line.split(",")[0]) for line in lines]
    assert times == sorted(set(times))
    assert times[0] == bar(0).time_ms
    indexes = [(time - bar(0).time_ms) // 60_000 for time in times]
    assert set(range(120)) <= set(indexes)
    assert "".join(lines) == text_of(bars(*indexes)).partition("\n")[2]
    assert store.load(KEY).time.tolist() == times
