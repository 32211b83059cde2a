"""Collecting on a plain console: what is chosen, what is shown while it runs, and who else may write."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradebot.cli import INTERRUPTED, run
from tradebot.commands.collect_console import CollectConsole, LiveLine
from tradebot.engine.collect import CollectProgress, DatasetProgress, DatasetState
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.events import Level
from tradebot.engine.market import BarRow, Category, DatasetKey
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.store import Store, claim_writer

pytestmark = pytest.mark.sockets
BTC = DatasetKey("linear", "BTCUSDT", "1m")
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=6)) as running:
        yield running


@pytest.fixture
def ask(
    tmp_path: Path,
    simulator: SimulatorThread,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """Collect into a data folder of its own with --json; (exit code, document or what was said)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, Any]:
        code = run(["collect", *arguments, "--url", simulator.url, "--data", str(tmp_path / "d"), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err

    return call


def test_the_top_symbols_newest_first_with_mark_prices(ask: Ask, tmp_path: Path) -> None:
    code, document = ask(
        *("--top", "2", "--timeframes", "1h", "--mark", "1h,1d", "--since", "9d", "--order", "newest")
    )
    assert (code, document["complete"]) == (0, True)
    names = [each["dataset"].partition("_")[2] for each in document["datasets"]]
    assert names == ["1h", "1h_mark", "1d_mark"] * 2
    assert all(each["rows"] and each["last"] for each in document["datasets"])
    header = (tmp_path / "d" / "linear" / "BTCUSDT_1h_mark.csv").read_text("utf-8").splitlines()[0]
    assert header == "timestamp,open,high,low,close"


def test_holes_of_the_exchange_are_information_in_the_next_run(ask: Ask, tmp_path: Path) -> None:
    arguments = ("--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "9d")
    ask(*arguments)
    store = Store(tmp_path / "d")
    key = DatasetKey("linear", "BTCUSDT", "1h")
    path = tmp_path / "d" / "linear" / key.file_name
    lines = path.read_text("utf-8").splitlines(keepends=True)
    gone = int(lines[50].partition(",")[0])
    path.write_text("".join(lines[:50] + lines[51:]), "utf-8", newline="")
    store.remember_holes(key, [(gone, gone + 3_600_000)], gone + 30 * 86_400_000)
    code, document = ask(*arguments)
    assert (code, document["known_hole_bars"], document["bars_added"]) == (0, 1, 0)
    assert "not asked for again" in document["information"][0]
    code, document = ask(*arguments, "--ask-holes-again")
    assert (code, document["known_hole_bars"], document["bars_added"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--order", "newst"), "'newst' is not an order; choose oldest or newest. Did you mean \"newest\"?"),
        (("--top", "0"), "--top must be at least 1, was '0'."),
        (("--mark", ","), "--mark names nothing: write them with commas, such as 1h,1d, or leave it out."),
        (("--since", "0d"), "The span '0d' holds no time; give a longer one such as 30d, or a date."),
        (("--bogus",), "tradebot collect has no option --bogus. See tradebot collect --help."),
        (("--simbols", "all"), 'tradebot collect has no option --simbols. Did you mean "--symbols"?'),
        (("--mark", "7m"), "'7m' is not a timeframe; choose from 1m,"),
        (("--mark", "1h", "--category", "spot"), "Spot has no mark price: leave out the mark-price bars"),
    ],
)
def test_what_cannot_be_collected_is_refused(ask: Ask, arguments: tuple[str, ...], sentence: str) -> None:
    code, said = ask(*arguments)
    assert code == 2
    assert said.startswith(sentence)


def test_damaged_small_files_do_not_stop_a_collection(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "d" / "linear"
    folder.mkdir(parents=True)
    names = ("holes.json", "instruments.json", "risk_limits.json")
    for name in names:
        (folder / name).write_text("{torn", encoding="utf-8", newline="")
    code, document = ask("--top", "1", "--timeframes", "1h", "--since", "1d")
    assert (code, document["complete"]) == (0, True)
    for name in names:
        assert (folder / f"{name}.damaged").read_text() == "{torn"
    held = Store(tmp_path / "d")
    assert held.instruments()
    assert held.risk_limits(Category.LINEAR)
    assert held.notices() == []


def test_a_second_writer_is_told_who_writes_and_that_nothing_was_done(ask: Ask, tmp_path: Path) -> None:
    with claim_writer(tmp_path / "d", "tradebot collect", SystemClock()):
        code, said = ask("--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "2d")
    assert code == 1
    assert str(os.getpid()) in said
    assert not (tmp_path / "d" / "linear").exists()
    assert ask("--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "2d")[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a console there sends its interrupt to this process too")
def test_an_interrupt_in_the_middle_ends_soon_and_the_next_run_asks_for_the_rest(
    ask: Ask, simulator: SimulatorThread, tmp_path: Path
) -> None:
    arguments = ("--symbols", "all", "--timeframes", "1m", "--since", "60d")
    whole = [sys.executable, "-m", "tradebot", "collect", *arguments, "--url", simulator.url]
    with subprocess.Popen(
        [*whole, "--data", str(tmp_path / "d")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stderr is not None
        while not re.search(r"\d,000 of", process.stderr.readline()):
            assert process.poll() is None
        asked_at = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1] == INTERRUPTED
    assert time.monotonic() - asked_at < 5  # two seconds on a machine that has nothing else to do
    held = sum(info.rows for info in Store(tmp_path / "d", read_only=True).datasets() if info.key)
    assert held >= 1_000


# ------------------------------------------------------------------------------------------------ what is shown


def look(done: int, sentence: str = "", note: str = "", retry_at_ms: int | None = None) -> CollectProgress:
    dataset = DatasetProgress(BTC, DatasetState.WAITING, done, 100, sentence, retry_at_ms=retry_at_ms)
    return CollectProgress(done, 100, 10.0, 5.0, 1, (dataset,), note)


def test_each_failure_is_said_once_and_with_the_time_of_the_next_try(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = CollectConsole("collect")
    console.show(look(10))
    console.show(look(10, "linear/BTCUSDT_1m: it timed out.", retry_at_ms=1_700_000_000_000))
    console.show(look(10, "linear/BTCUSDT_1m: it timed out.", retry_at_ms=1_700_000_000_000))
    console.notice(Level.WARNING, "Something else.")
    console.close()
    assert capsys.readouterr().err.splitlines() == [
        "collect   10%  10 of 100 bars  10/s  ETA 0:05",
        "linear/BTCUSDT_1m: it timed out. It is asked again at 22:13:20 UTC.",
        "Something else.",
    ]


class Feed:
    """What the live line reads of a feed."""

    class Status:
        datasets, bars_stored, behind = 3, 12, 1

        class _Stream:
            connected, last_message_age_s, reconnects = True, 0.44, 2

        streams = (_Stream(), _Stream())

    def status(self) -> Status:
        return self.Status()


def test_the_live_line_says_what_closed_last_how_old_the_data_is_and_how_often_it_reconnected() -> None:
    line = LiveLine(Feed(), SystemClock())  # type: ignore[arg-type]
    line.heard(BTC, BarRow(1_700_000_040_000, "1", "2", "0.5", "1.5", "3", "4"))
    assert line.text() == (
        "live  3 datasets  12 bars stored  BTCUSDT 1m 22:14 close 1.5  1 dataset behind  age 0.4 s  4 reconnects"
    )
