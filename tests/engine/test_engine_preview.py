"""Previews through the engine's handle, in this process and in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.test_preview_answers import DAY, TOML, edited, walk
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.market import DatasetKey
from tradebot.engine.messages import Preview, PreviewProgress, PreviewView, from_json, to_json
from tradebot.engine.store import Store

REPOSITORY = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"  # nothing listens there: previews need no exchange
PATIENCE = 60.0


def fill(folder: Path) -> None:
    Store(folder).merge(DatasetKey("linear", "BTCUSDT", "1m"), walk(2 * DAY))


def answer_of(engine: Engine, command: Preview) -> PreviewView:
    """The answer, once the kernels of this version are compiled."""
    deadline = time.monotonic() + PATIENCE
    while True:
        view = engine.execute(command).result(PATIENCE)
        assert isinstance(view, PreviewView)
        if view.state != "compiling" or time.monotonic() > deadline:
            return view
        time.sleep(0.05)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    fill(tmp_path)
    folders = find_folders(REPOSITORY).for_demo(tmp_path)
    made = Engine(EngineOptions(load_settings(None, {"exchange.url": NOWHERE}, {}), folders))
    made.start()
    made.wait_until_ready()
    yield made
    made.stop()


def test_the_newest_of_a_burst_is_answered_and_only_counted(engine: Engine, tmp_path: Path) -> None:
    assert answer_of(engine, Preview(TOML, generation=1)).state == "done"
    replies = [engine.execute(Preview(edited(fast=number), generation=number)) for number in range(11, 31)]
    views = [reply.result(PATIENCE) for reply in replies]
    assert [view.generation for view in views] == list(range(11, 31))
    assert {view.state for view in views[:-1]} <= {"superseded", "done"}
    assert views[-1].state == "done"
    deadline = time.monotonic() + PATIENCE
    while (
        engine.snapshot().preview != PreviewProgress()
    ):  # the look at everything is a quarter of a second old
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert engine.snapshot().results == ()
    assert engine.snapshot().jobs == ()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["trials.jsonl"]


def test_stopping_the_engine_answers_what_is_under_way(engine: Engine) -> None:
    reply = engine.execute(Preview(TOML, generation=5))
    engine.stop()
    assert reply.cancelled() or reply.result(PATIENCE).state in {"done", "superseded", "compiling"}


def test_an_engine_in_a_process_of_its_own_answers_the_same(engine: Engine, tmp_path: Path) -> None:
    here = answer_of(engine, Preview(edited(fast=12), TOML, generation=3))
    other = tmp_path / "other"
    fill(other)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.engine_child", str(other), NOWHERE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=REPOSITORY,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while True:
            child.stdin.write(to_json(Preview(edited(fast=12), TOML, generation=3)) + "\n")
            child.stdin.flush()
            there = from_json(child.stdout.readline())
            if there.state != "compiling" or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        child.stdin.close()
        child.wait(PATIENCE)
    shown = [json.loads(to_json(view))["value"] for view in (here, there)]
    for view in shown:
        del view["took_ms"]
    assert shown[0] == shown[1]
