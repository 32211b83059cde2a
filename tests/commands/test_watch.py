"""`tradebot watch`: the dashboard as text, of the tradebot that runs on the folder or of the exchange alone."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradebot.cli import run
from tradebot.commands import watch as command
from tradebot.commands.watch import WATCHING_STOPPED
from tradebot.commands.watch_text import Look, look_document, look_lines
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.messages import (
    AlertView,
    ConnectionView,
    EngineSnapshot,
    HealthView,
    JobView,
    QueueView,
    QuoteView,
    ServiceView,
    StreamView,
)
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

REPOSITORY = Path(__file__).resolve().parents[2]
NOON_MS = 1_789_344_000_000 + 43_200_000  # 2026-09-14 12:00:00
JOBS = (
    JobView(
        4, "collect", "collect ETHUSDT", "running", 250.0, 1000.0, "bars", 90.0, 75.0, "Asks.", NOON_MS, None
    ),
    JobView(
        3, "backtest", "backtest ema", "done", 9.0, 9.0, "bars", 0.0, None, "+1.2%.", NOON_MS, NOON_MS + 5
    ),
    JobView(2, "check", "check old", "done", 9.0, 9.0, "checks", 0.0, None, "", NOON_MS, NOON_MS + 1),
)
SNAPSHOT = EngineSnapshot(
    time_ms=NOON_MS,
    source="mainnet",
    ready=True,
    connection=ConnectionView("https://api", "ok", 38.4, "lost", None, 12.0, 3, "The stream is gone.", 2),
    streams=(StreamView("tickers", 2, 12.5), StreamView("kline", 4, 1.0)),
    quotes=(
        QuoteView("BTCUSDT", "63120.50", 0.0123, 1e9, 0.0001, 400),
        QuoteView("ETHUSDT", "2500.1", None, None, None, 185_000),
    ),
    jobs=JOBS,
    alerts=(
        AlertView(
            "btc", "BTCUSDT above 60000", "price", last_ms=NOON_MS, last_sentence="BTCUSDT is at 60,001."
        ),
        AlertView("disk", "disk below 5 GB", "disk", state="snoozed"),
    ),
    health=HealthView(
        2.4,
        37.6,
        123_456_789,
        (
            ServiceView("kernels", "ended"),
            ServiceView("datasets", "running"),
            ServiceView("feed", "waiting", 2, 4.0, "The line is dead."),
        ),
        (QueueView("jobs", 2, "jobs"), QueueView("files", 0, "rows")),
    ),
)
LOOK = Look(SNAPSHOT, ("BTCUSDT", "ETHUSDT", "XRPUSDT"), "The tradebot that runs on data.")


def test_a_look_tells_prices_exchange_jobs_alerts_and_engine() -> None:
    assert look_lines(LOOK, 100) == [
        "tradebot watch  2026-09-14 12:00:00 UTC  mainnet",
        "The tradebot that runs on data.",
        "",
        "SYMBOL        LAST    24 H    AGE",
        "BTCUSDT  63,120.50  +1.23%  0.4 s",
        "ETHUSDT    2,500.1     n/a  3 min",
        "XRPUSDT          -       -      -",
        "",
        "Exchange  REST ok 38 ms · stream lost · 2 connections · 13.5 messages/s · 3 reconnects · silent 12 s",
        "          The stream is gone.",
        "Jobs      collect ETHUSDT running 25%, 1 min left: Asks.",
        "          backtest ema done: +1.2%.",
        "Alerts    1 of 2 alerts armed",
        "          2026-09-14 12:00:00  btc: BTCUSDT is at 60,001.",
        "Engine    loop lag 2 ms · processor 38% of a core · memory 123 MB · waiting: 2 jobs",
        "          services: 1 running, 1 waiting, 1 done",
        "          feed starts again in 4.0 s: The line is dead.",
    ]


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 60, 79):
        assert max(map(len, look_lines(LOOK, width))) <= width


def test_before_anything_is_known_it_says_so() -> None:
    text = "\n".join(look_lines(Look(EngineSnapshot(), (), "Alone."), 100))
    assert "No symbol is followed; name some: tradebot watch BTCUSDT ETHUSDT" in text
    assert "loop lag n/a · processor n/a · memory n/a · waiting: nothing" in text
    assert "Jobs      none" in text
    assert "Alerts    none" in text


def test_the_document_has_the_same_in_plain_values() -> None:
    document = json.loads(json.dumps(look_document(LOOK), allow_nan=False))
    assert document["time"] == "2026-09-14T12:00:00.000Z"
    assert document["prices"][0] == {
        "symbol": "BTCUSDT", "last": "63120.50", "change_24h": 0.0123, "age_ms": 400,
    }  # fmt: skip
    assert document["prices"][2]["last"] is None
    assert document["exchange"]["messages_per_second"] == 13.5
    assert [job["id"] for job in document["jobs"]] == [4, 3]
    assert document["alerts"][0]["last_told"] == "2026-09-14T12:00:00.000Z"
    assert document["engine"]["queues"] == {"jobs": 2, "files": 0}
    assert document["engine"]["services"][2]["wait_seconds"] == 4.0


# ---------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=3)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def looked(capsys: pytest.CaptureFixture[str], folder: Path, url: str, *options: str) -> str:
    assert run(["watch", "--once", "--data", str(folder), "--url", url, *options]) == 0
    return capsys.readouterr().out


@pytest.mark.sockets
def test_where_no_tradebot_runs_prices_come_from_the_exchange_and_nothing_is_stored(
    capsys: pytest.CaptureFixture[str], folder: Path, simulator: SimulatorThread
) -> None:
    document = json.loads(looked(capsys, folder, simulator.url, "ethusdt", "BTCUSDT", "--json"))
    assert [(each["symbol"], each["last"] is None) for each in document["prices"]] == [
        ("ETHUSDT", False),
        ("BTCUSDT", False),
    ]
    assert document["exchange"]["rest"] == document["exchange"]["stream"] == "ok"
    assert document["who"].startswith(f"No tradebot runs on {folder}")
    assert document["engine"]["memory_bytes"] > 1e6
    assert {each["name"] for each in document["engine"]["services"]}.isdisjoint({"kernels", "alerts"})
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.sockets
def test_it_joins_the_tradebot_that_writes_to_the_folder(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    simulator: SimulatorThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = find_folders(REPOSITORY).for_demo(folder)
    settings = load_settings(None, {"exchange.url": simulator.url}, {})
    engine = Engine(EngineOptions(settings, folders, watched=("BTCUSDT",)))
    engine.start()
    try:
        engine.wait_until_ready()
        wait_until(lambda: bool(engine.snapshot().quotes))
        joined = json.loads(looked(capsys, folder, simulator.url, "--json"))
        assert joined["who"] == f"The tradebot that runs on {folder}."
        assert [each["symbol"] for each in joined["prices"]] == ["BTCUSDT"]
        assert "kernels" in {each["name"] for each in joined["engine"]["services"]}
        more = json.loads(looked(capsys, folder, simulator.url, "BTCUSDT", "ETHUSDT", "--json"))
        assert more["who"] == f"The tradebot that runs on {folder}."
        assert all(each["last"] for each in more["prices"]), "what it does not follow is asked for beside it"
    finally:
        engine.stop()


def wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_without_the_exchange_it_says_why_there_are_no_prices(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    text = looked(capsys, folder, "http://127.0.0.1:9", "BTCUSDT")
    assert "REST lost" in text
    assert "http://127.0.0.1:9" in text
    assert "BTCUSDT     -" in text


class FakeWatcher:
    """Looks that are there at once; the third is interrupted by Ctrl+C."""

    looks = 0
    closed = False

    def __init__(self, *_: object) -> None:
        pass

    def begin(self) -> None:
        FakeWatcher.looks = 0

    def look(self) -> Look:
        FakeWatcher.looks += 1
        if FakeWatcher.looks == 3:
            raise KeyboardInterrupt
        symbols = LOOK.symbols[: 3 if FakeWatcher.looks == 1 else 1]
        return Look(SNAPSHOT, symbols, LOOK.who)

    def close(self) -> None:
        FakeWatcher.closed = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(command, "Watcher", FakeWatcher)
    monkeypatch.setattr(command, "_LOOK_SECONDS", 0.0)


@pytest.mark.usefixtures("fake")
def test_ctrl_c_ends_it_cleanly_and_each_look_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["watch", "--json"]) == 130
    captured = capsys.readouterr()
    assert [len(json.loads(line)["prices"]) for line in captured.out.splitlines()] == [3, 1]
    assert captured.err.strip() == WATCHING_STOPPED
    assert FakeWatcher.closed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("fake")
def test_on_a_terminal_each_look_takes_the_place_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr(command, "_takes_sequences", lambda: True)
    assert run(["watch"]) == 130
    first, second = terminal.getvalue().split("\x1b[J")[:2]
    assert "\x1b[" not in first.replace("\x1b[K", ""), "the first one is only written"
    lines = first.count("\n")
    assert second.startswith(f"\x1b[{lines}A"), "up over all of it"
    assert "XRPUSDT" in first
    assert "XRPUSDT" not in second
    assert capsys.readouterr().err.strip() == WATCHING_STOPPED


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["BTC/USDT"], "'BTC/USDT' cannot be a symbol; write names such as BTCUSDT."),
        (["BTCUSDT", "--category", "future"], "'future' is not a category"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], sentence: str
) -> None:
    assert run(["watch", "--data", str(folder), *arguments]) == 2
    assert sentence in capsys.readouterr().err
